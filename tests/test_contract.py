"""The encoding contract: what is made with a model says so, and every stage and the search refuse what does not fit."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import stages
from test_rerankers import FAMILIES_OF_MANY, TUNED, WORDS, module, spec
from tiny import make_cross_encoder, make_masked_model, make_model

from specforge import searching
from specforge.errors import StageError

RERANKER = "loss: {kind: binary_cross_entropy}\ntrain: {epochs: 1, batch_size: 8, learning_rate: 1e-3}"
RETRIEVERS = {
    "bi_encoder": TUNED.replace("max_length", 'prompts: {query: "jam ", document: "milk "}\n  max_length'),
    "late_interaction": FAMILIES_OF_MANY["late_interaction"],
    "sparse_encoder": FAMILIES_OF_MANY["sparse_encoder"],
    "untuned": "retriever: {family: bi_encoder, base: ./model, max_length: 16, train: none}\nindex: {kind: flat}",
}
SCRIPTS = {
    "untuned": ("prepare.py", "embed.py", "index.py", "candidates.py", "train_reranker.py", "rerank.py"),
    **dict.fromkeys(
        ("bi_encoder", "late_interaction", "sparse_encoder"),
        ("prepare.py", "train.py", "embed.py", "index.py", "candidates.py", "train_reranker.py", "rerank.py"),
    ),
}
READERS = ("index.py", "candidates.py", "evaluation.py", "search.py")
"""All that read what a model has made."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of two words each, queries of a word of each, and models with random weights."""
    root = tmp_path_factory.mktemp("contract")
    docs = [f"{one} {WORDS[(row + step) % 15]}" for row, one in enumerate(WORDS) for step in (4, 7)]
    _table(root / "docs.csv", ["id", "title"], [[f"d{row}", text] for row, text in enumerate(docs)])
    asked = [f"{one} {WORDS[(row + 4) % 15]}" for row, one in enumerate(WORDS)] * 2
    _table(root / "asked.csv", ["id", "words"], [[f"q{row}", f"{text} {row}"] for row, text in enumerate(asked)])
    judged = [[f"q{row}", f"d{2 * (row % 15)}", 1] for row in range(len(asked))]
    _table(root / "qrels.csv", ["query", "doc", "grade"], judged)
    make_model(root / "model", {*WORDS})
    make_masked_model(root / "masked", {*WORDS})
    make_cross_encoder(root / "cross", {*WORDS})
    return root


def _table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module", params=list(RETRIEVERS))
def run(request: pytest.FixtureRequest, project: Path) -> tuple[Path, Path]:
    """The generated code of a family, and the folder of a whole run."""
    name = request.param
    (project / f"{name}.yaml").write_text(
        spec(RERANKER, retriever=RETRIEVERS[name], base="./cross").replace("name: small", f"name: {name}"),
        encoding="utf-8",
    )
    code, work = stages.compiled(project / f"{name}.yaml"), project / f"work_{name}"
    stages.run(code, work, *SCRIPTS[name], "evaluation.py")
    return code, work


def read(code: Path, work: Path, script: str) -> None:
    """Run what reads."""
    if script == "search.py":
        module(code, "search").indexed(work)("jam bread", 3)
    else:
        stages.run(code, work, script)


def refused(code: Path, work: Path, script: str) -> str:
    with pytest.raises(ValueError) as told:
        read(code, work, script)
    return str(told.value)


@pytest.fixture
def copied(run: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Code and run, to be spoilt."""
    code, work = run
    base = tmp_path / "generated" / code.name
    shutil.copytree(code, base)
    for model in ("model", "cross", "masked"):
        (tmp_path / model).symlink_to(code.parents[1] / model)
    shutil.copytree(work, tmp_path / "work")
    return base, tmp_path / "work"


@pytest.mark.parametrize("script", READERS)
def test_a_sound_run_is_read(copied: tuple[Path, Path], script: str) -> None:
    read(*copied, script)


def test_golden_vectors_are_of_16_texts_in_both_roles(run: tuple[Path, Path]) -> None:
    code, work = run
    contract = module(code, "contract")
    sealed = contract.read(work / "index")
    encoder = contract.encoder.load(_model(code, work))
    longest = encoder.tokenizer(sealed["texts"][-1])["input_ids"]
    assert len(sealed["texts"]) == 16 and len(longest) > contract.encoder.MAX_LENGTH
    with np.load(work / "index/contract/golden.npz") as kept:
        assert set(kept) == {"query", "document"}
        for role, vectors in kept.items():
            again = contract.golden(encoder, sealed["texts"])[role]
            np.testing.assert_allclose(vectors, again, atol=1e-5)


def _model(code: Path, work: Path) -> str:
    return str(work / "model") if (work / "model").exists() else str(code.parents[1] / "model")


@pytest.mark.parametrize("script", READERS)
def test_another_prompt_is_refused(copied: tuple[Path, Path], script: str) -> None:
    code, work = copied
    text = (code / "encoder.py").read_text(encoding="utf-8")
    first = text.index('"document": "') + len('"document": "')
    (code / "encoder.py").write_text(f"{text[:first]}passage: {text[first:]}", encoding="utf-8")
    assert refused(code, work, script).endswith(
        "was made under another contract (prompts differ); make it again [SF507]"
    )


def _double(model: Path) -> None:
    """Other weights."""
    from safetensors.torch import load_file, save_file

    file = next(model.rglob("model.safetensors"))
    weights = {name: value * 2 if "layer" in name else value for name, value in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize("script", READERS)
def test_another_model_is_refused(copied: tuple[Path, Path], script: str) -> None:
    code, work = copied
    _double(_own_model(code, work))
    assert "was made by another model" in refused(code, work, script)


def _own_model(code: Path, work: Path) -> Path:
    """The model's folder, which may be spoilt."""
    if (work / "model").exists():
        return work / "model"
    base = code.parents[1] / "model"
    if base.is_symlink():
        place = base.resolve()
        base.unlink()
        shutil.copytree(place, base)
    return base


@pytest.mark.parametrize("script", READERS)
def test_a_model_that_encodes_otherwise_is_refused(copied: tuple[Path, Path], script: str) -> None:
    """The weights are the same; what encodes by them is not, as when a server pools in its own way."""
    code, work = copied
    text = (code / "encoder.py").read_text(encoding="utf-8")
    assert text.count("list(distinct),") == 1
    (code / "encoder.py").write_text(text.replace("list(distinct),", '[f"{one} honey" for one in distinct],'), "utf-8")
    told = refused(code, work, script)
    assert "does not give the vectors that it was kept with" in told and told.endswith("[SF203]")


@pytest.mark.parametrize("script", READERS)
def test_other_documents_are_refused(copied: tuple[Path, Path], script: str) -> None:
    import pyarrow.parquet as pq

    code, work = copied
    corpus = pq.read_table(work / "data/corpus.parquet")
    other = corpus.set_column(corpus.column_names.index("text"), "text", [corpus["text"].to_pylist()[::-1]])
    pq.write_table(other, work / "data/corpus.parquet")
    assert "the documents are not those" in refused(code, work, script)


@pytest.mark.parametrize("script", READERS[1:])
def test_a_damaged_index_is_refused(copied: tuple[Path, Path], script: str) -> None:
    code, work = copied
    file = next(path for path in (work / "index").iterdir() if path.suffix in (".faiss", ".npy", ".npz"))
    file.write_bytes(file.read_bytes()[:-20])
    assert "were written; make it again" in refused(code, work, script)


SPOILT: dict[str, Callable[[Path], object]] = {
    "no contract": lambda folder: shutil.rmtree(folder / "contract"),
    "half a contract": lambda folder: (folder / "contract/contract.json").write_text('{"fingerprint": "0', "utf-8"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_does_not_say_who_made_it_is_refused(copied: tuple[Path, Path], how: str) -> None:
    code, work = copied
    SPOILT[how](work / "index")
    assert "does not say which model made it" in refused(code, work, "search.py")


def test_vectors_and_index_of_different_models_are_not_measured_together(copied: tuple[Path, Path]) -> None:
    code, work = copied
    file = work / "vectors/contract/contract.json"
    sealed = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**sealed, "fingerprint": "0" * 64}), encoding="utf-8")
    assert "were made by different models" in refused(code, work, "evaluation.py")


def test_the_command_says_it_in_one_sentence(copied: tuple[Path, Path]) -> None:
    code, work = copied
    root = code.parents[1]
    (root / "runs").mkdir()
    (root / "runs" / code.name).symlink_to(work)
    with mock.patch.dict(sys.modules), mock.patch.object(sys, "path", list(sys.path)):
        found = json.loads(asked_by_name(root, code.name))["found"]
        assert [len(hits) for hits in found.values()] == [2]
        (work / "index/corpus.sha256").write_text("0", encoding="utf-8")
        with pytest.raises(StageError, match=f'cannot ask "{code.name}": the documents are not those') as told:
            asked_by_name(root, code.name)
    remedy = f"make it again [SF507] (specforge run {code.name}.yaml)"
    assert "\n" not in str(told.value) and str(told.value).endswith(remedy)


def asked_by_name(root: Path, name: str) -> str:
    options = searching.Options(2, system=None, compare=False, explain=False)
    return searching.search(searching.session(root, name), "jam", options, as_json=True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_vectors_that_are_not_finite_are_refused(copied: tuple[Path, Path], value: float) -> None:
    import torch

    code, work = copied
    encoder = module(code, "encoder")
    model = encoder.load(_model(code, work))
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "word_embeddings" in name:
                weights[model.tokenizer.convert_tokens_to_ids("jam")] = value
    told = "2 of 2 texts no finite vector, such as 'soil'"  # a sparse encoder weighs every word in every text
    if code.name != "sparse_encoder":
        told = "1 of 2 texts no finite vector, such as 'jam bread'"
        encoder.encode(model, ["bread"], "document")
    with pytest.raises(ValueError, match=told):
        encoder.encode(model, ["soil", "jam bread", "soil"], "document")


@pytest.mark.parametrize(
    ("kept", "found", "told"),
    [
        ([[1, 0], [0, 2]], [[1, 0], [0, 2]], ""),
        ([[0, 0]], [[0, 0]], ""),
        ([[1, 0]], [[1, 0.04]], ""),
        ([[1, 0]], [[1, 0.05]], "a cosine of 0.9988 in row 0"),
        ([[1, 0], [1, 0]], [[1, 0], [1.02, 0]], "a length that is off by 2.0% in row 1"),
        ([[1, 0]], [[0, 0]], "a cosine of 0.0000 in row 0"),
        ([[1, 0]], [[np.nan, 0]], "a cosine of nan in row 0"),
        ([[1, 0]], [[1, 0], [1, 0]], "shape (2, 2) instead of (1, 2)"),
    ],
)
def test_how_far_vectors_may_be_apart(
    run: tuple[Path, Path], kept: list[list[float]], found: list[list[float]], told: str
) -> None:
    contract = module(run[0], "contract")
    assert contract.difference(np.array(kept, dtype=np.float32), np.array(found, dtype=np.float32)) == told
