"""What the files of a base say of its last part: random parts are trained, and never measured as they come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from good_spec import good

from specforge.checks.sources import model
from specforge.problems import Problem

FAMILY = ("family: bi_encoder\n  base: sentence-transformers/all-MiniLM-L6-v2", "family: {}\n  base: ./model")
METRICS = ("metrics: [R@10, RR@10]", "baselines: [bm25, untuned]")
LOSS = "  loss: {kind: multiple_negatives_ranking}\n  train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}\n"

Files = dict[str, dict[str, object]]

ENCODER: Files = {"config.json": {"architectures": ["BertModel"]}}
MASKED: Files = {"config.json": {"architectures": ["BertForMaskedLM"]}}
SPLADE: Files = {**ENCODER, "config_sentence_transformers.json": {"model_type": "SparseEncoder"}}
LATE: Files = {
    **ENCODER,
    "config_sentence_transformers.json": {"model_type": "MultiVectorEncoder"},
    "1_Dense/config.json": {"out_features": 96},
}
COLBERT: Files = {"config.json": {"architectures": ["HF_ColBERT"]}}


def found(folder: Path, family: str, files: Files, *changes: tuple[str, str]) -> list[Problem]:
    for name, content in files.items():
        (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "model" / name).write_text(json.dumps(content), encoding="utf-8")
    spec, source = good((FAMILY[0], FAMILY[1].format(family)), *changes)
    return list(model(spec, source, folder))


@pytest.mark.parametrize(
    ("family", "files", "codes"),
    [
        ("late_interaction", ENCODER, ["SF407"]),
        ("late_interaction", LATE, []),
        ("late_interaction", COLBERT, ["SF201"]),  # its markers are prompts
        ("sparse_encoder", ENCODER, ["SF407", "SF408"]),
        ("sparse_encoder", LATE, ["SF407", "SF408", "SF202"]),
        ("sparse_encoder", MASKED, []),
        ("sparse_encoder", SPLADE, []),
        ("bi_encoder", ENCODER, ["SF202"]),  # a plain encoder has no pooling of its own
    ],
)
def test_an_untuned_system_needs_a_whole_model(tmp_path: Path, family: str, files: Files, codes: list[str]) -> None:
    problems = found(tmp_path, family, files, METRICS)
    assert [problem.code for problem in problems] == codes
    assert [problem.path for problem in problems if problem.code == "SF407"] == [("evaluate", "baselines", 1)] * (
        "SF407" in codes
    )


def test_without_it_a_projection_may_begin_at_random(tmp_path: Path) -> None:
    assert found(tmp_path, "late_interaction", ENCODER) == []
    assert [problem.code for problem in found(tmp_path, "sparse_encoder", ENCODER)] == ["SF408"]


def test_another_length_of_vectors_is_a_new_projection(tmp_path: Path) -> None:
    same, other = ((LOSS, f"{LOSS}  dimension: {size}\n") for size in (96, 64))
    assert found(tmp_path, "late_interaction", LATE, METRICS, same) == []
    assert [problem.code for problem in found(tmp_path, "late_interaction", LATE, METRICS, other)] == ["SF407"]


def test_an_untrained_one_is_refused(tmp_path: Path) -> None:
    problems = found(tmp_path, "late_interaction", ENCODER, (LOSS, "  train: none\n"))
    assert [(problem.code, problem.path) for problem in problems] == [("SF407", ("retriever", "train"))]
    assert found(tmp_path, "sparse_encoder", MASKED, (LOSS, "  train: none\n")) == []


def test_files_that_hold_no_object_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("[]", encoding="utf-8")
    (tmp_path / "model/config_sentence_transformers.json").write_text("{", encoding="utf-8")
    assert [problem.code for problem in found(tmp_path, "sparse_encoder", {}, METRICS)] == ["SF407", "SF408"]
