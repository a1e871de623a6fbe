"""Guides, teachers and filters: what a teacher says stands in the right columns, and a killed stage loses nothing."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
import pytest
import stages
from numpy.typing import NDArray
from tiny import make_cross_encoder, make_model

from specforge import named, pipeline, planning
from specforge.checks import sources
from specforge.problems import Problem

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

WORDS = [
    "bread",
    "butter",
    "jam",
    "honey",
    "milk",
    "soil",
    "seeds",
    "pots",
    "gloves",
    "trowel",
    "rusks",
    "lotion",
    "bib",
    "puree",
    "rattle",
]
SPEC = """\
specforge: 1
name: small
sources:
  docs: {{path: docs.csv, id: id, text: "{{title}}"}}
  rows: {{path: rows.csv}}
objectives:
  it: {{kind: scored_pairs, rows: rows, first: a, second: b, score: score, relevant_from: 3, of: docs}}
split: {{by: item, test: 30%, dev: 10%}}
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  precision: fp32
{retriever}
  train: {{epochs: 1, batch_size: 8, learning_rate: 1e-4}}
{reranker}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: []}}
"""
CROSS = "{kind: cross_encoder, model: ./cross, max_length: 24, precision: fp32, prompt: 'milk '}"
BI = "{kind: bi_encoder, model: ./large, max_length: 8, precision: fp32, prompts: {query: 'soil '}}"
MARGINS = "similarity: dot\nloss: {kind: margin_mse}\n"
VECTORS = "loss: {kind: mse}\n"
RANKING = "loss: {kind: multiple_negatives_ranking}\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of two words, scored pairs of them, and models with random weights."""
    folder = tmp_path_factory.mktemp("teachers")
    docs = [f"{one} {WORDS[(row + step) % 15]}" for step in (4, 7, 9, 11) for row, one in enumerate(WORDS)]
    lines = [f"d{row},{text}" for row, text in enumerate(docs)]
    (folder / "docs.csv").write_text("id,title\n" + "\n".join(lines) + "\n", encoding="utf-8")
    rows = [f"d{row},d{(row + step) % 60},{5 if step % 3 == 0 else 1}" for row in range(60) for step in (2, 3, 4, 6, 9)]
    (folder / "rows.csv").write_text("a,b,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    make_model(folder / "model", set(WORDS))
    make_model(folder / "large", set(WORDS), size=48)
    make_model(folder / "same", set(WORDS), seed=3)
    make_cross_encoder(folder / "cross", set(WORDS))
    return folder


def spec(retriever: str, reranker: str = "") -> str:
    lines = "\n".join(f"  {line}" for line in retriever.splitlines())
    more = "reranker:\n" + "\n".join(f"  {line}" for line in reranker.splitlines()) if reranker else ""
    return SPEC.format(retriever=lines, reranker=more)


def written(root: Path, text: str) -> Path:
    (root / "small.yaml").write_text(text, encoding="utf-8")
    return root / "small.yaml"


def ran(root: Path, work: Path, text: str, *scripts: str) -> Path:
    code = stages.compiled(written(root, text))
    stages.run(code, work, "prepare.py", *scripts)
    return code


def module(code: Path, name: str) -> ModuleType:
    """A generated module, and the siblings that it imports, apart from all others."""
    known = set(sys.modules)
    with mock.patch.object(sys, "path", [str(code), *sys.path]):
        found = importlib.util.spec_from_file_location(f"generated_{name}", code / f"{name}.py")
        assert found is not None and found.loader is not None
        made = importlib.util.module_from_spec(found)
        found.loader.exec_module(made)
    for other in set(sys.modules) - known:
        if (code / f"{other}.py").is_file():
            del sys.modules[other]
    return made


def logits(root: Path, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """The teacher's own scores, asked one by one."""
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(root / "cross"), max_length=24, activation_fn=torch.nn.Identity(), device="cpu")
    return np.array([_one(model, pair) for pair in pairs], dtype=np.float32)


def _one(model: CrossEncoder, pair: tuple[str, str]) -> float:
    return float(model.predict([pair], prompt="milk ")[0])


def test_scores_of_triplets_stand_in_their_columns(root: Path, tmp_path: Path) -> None:
    ran(root, tmp_path, spec(f"{MARGINS}teacher: {CROSS}"), "label.py")
    rows = pq.read_table(tmp_path / "labels/scored_triplets.parquet").to_pylist()
    assert len(rows) == pq.read_table(tmp_path / "data/triplets.parquet").num_rows > 20
    scores = np.array([row["scores"] for row in rows])
    for place, column in enumerate(("positive", "negative")):
        true = logits(root, [(row["anchor"], row[column]) for row in rows])
        assert np.allclose(scores[:, place], true, atol=1e-4)
    assert np.abs(scores[:, 0] - scores[:, 1]).max() > 1.0, "columns that were swapped would not be seen"
    assert np.abs(scores).max() > 1.0, "no sigmoid"


def test_scores_of_tuples_stand_in_their_columns(root: Path, tmp_path: Path) -> None:
    negatives = "negatives: [{kind: random, per_positive: 2}, {kind: bm25}]"
    ran(root, tmp_path, spec(f"{MARGINS}{negatives}\nteacher: {BI}"), "mine.py", "label.py")
    rows = pq.read_table(tmp_path / "labels/scored_tuples.parquet").to_pylist()
    columns = ["positive", "negative_1", "negative_2", "negative_3"]
    assert rows and all(len(row["scores"]) == len(columns) for row in rows)
    vectors = encoded(root, "soil ", [row["anchor"] for row in rows])
    for place, column in enumerate(columns):
        documents = encoded(root, "", [row[column] for row in rows])
        cosines = np.sum(vectors * documents, axis=1) / np.linalg.norm(vectors, axis=1)
        cosines /= np.linalg.norm(documents, axis=1)
        assert np.allclose([row["scores"][place] for row in rows], cosines, atol=1e-4)


def encoded(root: Path, prompt: str, texts: list[str]) -> NDArray[np.float32]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(root / "large"), device="cpu")
    model.max_seq_length = 8
    return np.stack([model.encode(text, prompt=prompt) for text in texts])


def test_vectors_are_those_of_anchor_and_positive(root: Path, tmp_path: Path) -> None:
    ran(root, tmp_path, spec(f"{VECTORS}teacher: {BI}"), "label.py")
    rows = pq.read_table(tmp_path / "labels/vector_targets.parquet").to_pylist()
    found = np.array([row["label"] for row in rows])
    assert found.shape == (len(rows), 2, 48)
    assert np.allclose(found[:, 0], encoded(root, "soil ", [row["anchor"] for row in rows]), atol=1e-4)
    assert np.allclose(found[:, 1], encoded(root, "", [row["positive"] for row in rows]), atol=1e-4)


class Killed(BaseException):
    """What ends a stage at once."""


def test_a_killed_stage_goes_on(root: Path, tmp_path: Path) -> None:
    code = ran(root, tmp_path, spec(f"{MARGINS}teacher: {CROSS}"), "label.py")
    whole = pq.read_table(tmp_path / "labels/scored_triplets.parquet")
    label, asked = module(code, "label"), list[int]()

    def dying(after: int) -> Callable[..., NDArray[np.float32]]:
        score = label.teacher.score

        def said(model: CrossEncoder, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:
            if len(asked) == after:
                raise Killed
            asked.append(len(pairs))
            found: NDArray[np.float32] = score(model, pairs)
            return found

        return said

    with mock.patch.object(label, "PART", 16):
        with mock.patch.object(label.teacher, "score", dying(2)), pytest.raises(Killed):
            label.main(tmp_path)
        assert len(list((tmp_path / "label_parts").glob("*.npy"))) == 2
        assert pq.read_table(tmp_path / "labels/scored_triplets.parquet").equals(whole), "half of it"
        with mock.patch.object(label.teacher, "score", dying(-1)):
            label.main(tmp_path)
    distinct = {(row["anchor"], row[name]) for row in whole.to_pylist() for name in ("positive", "negative")}
    assert sum(asked) == len(distinct), "each pair is asked once, the first parts not again"
    again = pq.read_table(tmp_path / "labels/scored_triplets.parquet")
    assert again.drop_columns("scores").equals(whole.drop_columns("scores"))
    assert np.allclose(again["scores"].to_pylist(), whole["scores"].to_pylist(), atol=1e-5)
    assert not (tmp_path / "label_parts").exists()


def test_what_is_no_number_is_told(root: Path, tmp_path: Path) -> None:
    code = ran(root, tmp_path, spec(f"{MARGINS}teacher: {CROSS}"))
    label = module(code, "label")
    nothing = mock.Mock(side_effect=lambda _, pairs: np.full(len(pairs), np.nan, dtype=np.float32))
    with mock.patch.object(label.teacher, "score", nothing), pytest.raises(ValueError, match="no number"):
        label.main(tmp_path)
    assert not (tmp_path / "labels").exists()


def test_a_filter_judges_what_was_found(root: Path, tmp_path: Path) -> None:
    judge = CROSS.replace("kind: cross_encoder, ", "")
    found = f"{{kind: mined, per_positive: 3, range_max: 20, absolute_margin: 0.05, filter: {judge}}}"
    ran(root, tmp_path, spec(f"{RANKING}negatives: {found}"), "mine.py")
    rows = pq.read_table(tmp_path / "mined/triplets.parquet").to_pylist()
    assert rows
    asked = sorted({row["anchor"] for row in rows})[:6]
    for anchor in asked:
        own = [row for row in rows if row["anchor"] == anchor]
        positives = sorted({row["positive"] for row in pairs_of(tmp_path) if row["anchor"] == anchor})
        lowest = logits(root, [(anchor, text) for text in positives]).min()
        taken = list(dict.fromkeys(row["negative"] for row in own))
        scores = logits(root, [(anchor, text) for text in taken])
        assert (scores <= lowest - 0.05 + 1e-4).all()
        assert (np.diff(scores) <= 1e-4).all(), "the highest first"


def pairs_of(work: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = pq.read_table(work / "data/pairs.parquet").to_pylist()
    return found


RERANKER = "family: cross_encoder\nbase: ./model\nmax_length: 24\nprecision: fp32\nover: 12\n"
FEW = "negatives: {per_positive: 2, ranks: [1, 20]}\ntrain: {epochs: 1, batch_size: 8, learning_rate: 1e-4}\n"


@pytest.mark.parametrize(("loss", "column"), [("margin_mse", "scores"), ("mse", "score")])
def test_a_rerankers_teacher_scores_its_pairs(loss: str, column: str, root: Path, tmp_path: Path) -> None:
    text = spec("loss: {kind: contrastive}\n", f"{RERANKER}{FEW}loss: {{kind: {loss}}}\nteacher: {CROSS}")
    scripts = ("train.py", "embed.py", "index.py", "candidates.py", "label_reranker.py")
    ran(root, tmp_path, text, *scripts)
    table = pq.read_table(tmp_path / "reranker_labels/rows.parquet")
    documents = [name for name in table.column_names if name not in ("anchor", column)]
    assert documents == (["positive", "negative_1", "negative_2"] if column == "scores" else ["document"])
    rows = table.slice(0, 20).to_pylist()
    for place, name in enumerate(documents):
        said = [row[column][place] if column == "scores" else row[column] for row in rows]
        assert np.allclose(said, logits(root, [(row["anchor"], row[name]) for row in rows]), atol=1e-4)
    counts = json.loads((tmp_path / "reranker_labels/rows.json").read_text(encoding="utf-8"))
    assert counts["rows"] == table.num_rows and counts["negatives"] > 0


def checked(root: Path, text: str) -> list[Problem]:
    """What the spec shows, and the models' files."""
    read = pipeline.read(written(root, text))
    found = list(read.problems)
    if read.spec is not None:
        found += sources.model(read.spec, read.source, root)
    return [
        problem for problem in found if "teacher" in problem.path or "filter" in problem.path or "guide" in problem.path
    ]


FILES = {
    "no head": (f"{MARGINS}teacher: {{kind: cross_encoder, model: ./model, max_length: 32}}", "SF003", "no trained head"),
    "no vectors": (f"{VECTORS}teacher: {{kind: bi_encoder, model: ./cross, max_length: 32}}", "SF003", "is a cross encoder"),
    "lengths": (f"{VECTORS}teacher: {{kind: bi_encoder, model: ./large, max_length: 32}}", "SF101", "48 numbers, and the model's 32"),
    "positions": (f"{VECTORS}teacher: {{kind: bi_encoder, model: ./same, max_length: 64}}", "SF003", "positions for 32"),
    "missing": (f"{MARGINS}teacher: {{kind: cross_encoder, model: ./nowhere}}", "SF004", 'no model "./nowhere"'),
    "unpinned": (f"{MARGINS}teacher: {{kind: cross_encoder, model: org/cross}}", "SF402", "teacher"),
    "guide": ("loss: {kind: gist, guide: {model: ./cross}}", "SF003", "is a cross encoder"),
    "prompts": (
        f"{MARGINS}teacher: {{kind: bi_encoder, model: intfloat/e5-small-v2, max_length: 32, revision: {'a' * 40}}}",
        "SF201", "the teacher expects prompts",
    ),
    "unpinned guide": ("loss: {kind: gist, guide: {model: org/guide}}", "SF402", "guide"),
    "filter": (f"{RANKING}negatives: {{kind: mined, max_score: 1.0, filter: {{model: ./model, max_length: 32}}}}", "SF003", "no trained head"),
    "in a list": (f"{RANKING}negatives: [{{kind: random}}, {{kind: mined, max_score: 1.0, filter: {{model: org/cross}}}}]", "SF402", "filter"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_what_the_files_say(name: str, root: Path) -> None:
    text, code, words = FILES[name]
    found = checked(root, spec(text))
    assert [problem.code for problem in found] == [code], found
    assert words in found[0].message
    assert found[0].span is not None


def test_models_that_fit_are_not_complained_of(root: Path) -> None:
    assert not checked(root, spec(f"{VECTORS}teacher: {{kind: bi_encoder, model: ./same, max_length: 32}}"))
    assert not checked(root, spec(f"{MARGINS}teacher: {CROSS}"))
    assert not checked(root, spec("loss: {kind: gist, guide: {model: ./large}}"))


def test_plan_names_every_model_and_coercion(root: Path) -> None:
    text = spec(f"{MARGINS}teacher: {{kind: cross_encoder, model: org/cross}}\nnegatives: {{kind: random}}")
    read = pipeline.read(written(root, text))
    assert read.plan is not None and read.spec is not None
    said = json.loads(planning.describe(read.plan, as_json=True))
    assert "triplets become scored_triplets: the teacher scores the documents" in said["shapes"]
    assert said["models"] == [
        "base model ./model: at hand",
        "teacher org/cross: to be downloaded from the Hub",
    ]
    label = next(stage for stage in read.plan.stages if stage.name == "label")
    assert label.reads == ("hub:org/cross@main",) and label.needs == ("prepare", "mine")
    assert [one.role for one in named.models(read.spec)] == ["base model", "teacher"]
