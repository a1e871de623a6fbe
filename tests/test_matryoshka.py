"""Vectors that may be cut: the loss is the library's own, what is measured is what was cut, and layers train alone."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import stages
from tiny import project

from specforge.checks import sources
from specforge.load import load
from specforge.source import read

TRAIN = "{epochs: 2, batch_size: 16, learning_rate: 1e-3, checkpoint_steps: 5"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec of carts, and a model of 32 dimensions with random weights."""
    return project(tmp_path_factory.mktemp("matryoshka") / "project")


def code(path: Path, matryoshka: str, loss: str = "multiple_negatives_ranking", **changes: str) -> Path:
    """The code of the spec with this section."""
    original = path.with_suffix(".before")
    if not original.exists():
        original.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    text = original.read_text(encoding="utf-8").replace("kind: multiple_negatives_ranking", f"kind: {loss}")
    text = text.replace(f"  train: {TRAIN}", f"  precision: fp32\n  matryoshka: {matryoshka}\n  train: {TRAIN}")
    for old, new in changes.items():
        text = text.replace(f"  {old}:", f"  {new}\n  {old}:")
    path.write_text(text, encoding="utf-8")
    return stages.compiled(path)


def loaded(folder: Path, name: str) -> Any:  # noqa: ANN401
    """A module of the generated code, and its siblings no longer than it takes."""
    known = set(sys.modules)
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        spec = importlib.util.spec_from_file_location(f"generated_{name}", folder / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    for one in set(sys.modules) - known:
        if (folder / f"{one}.py").is_file():
            del sys.modules[one]
    return module


@pytest.mark.parametrize("kind", ["multiple_negatives_ranking", "symmetric_multiple_negatives_ranking"])
@pytest.mark.parametrize("layers", ["false", "true"])
def test_the_loss_is_the_library_s(path: Path, kind: str, layers: str) -> None:
    """Texts are sorted by length and computed in parts, and nothing of it shows in the loss or its gradients."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import (
        Matryoshka2dLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    train = loaded(
        code(path, f"{{dimensions: [32, 16, 8], weights: [1.0, 0.5, 0.25], layers: {layers}}}", kind), "train"
    )
    words = "bread butter jam honey milk oats eggs bacon juice yoghurt steak sausage corn beer".split()  # noqa: SIM905
    columns = [[" ".join(words[row : row + 1 + (row + shift) % 5]) for row in range(9)] for shift in (0, 2)]
    found = []
    for plain in (False, True):
        model = SentenceTransformer(str(path.parent / "model"), device="cpu").eval()
        features = [model.preprocess(column) for column in columns]
        options = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
        inner = MultipleNegativesRankingLoss(model, scale=20.0, **(options if kind.startswith("sym") else {}))
        wrapper = Matryoshka2dLoss if layers == "true" else MatryoshkaLoss
        named = {"matryoshka_dims": [32, 16, 8], "matryoshka_weights": [1.0, 0.5, 0.25], "n_dims_per_step": -1}
        loss = wrapper(model, inner, **named) if plain else train.nested(model)
        random.seed(0)  # which layer is looked at, beside the last
        value = loss(features, None)
        value.backward()
        found.append((value.item(), [one.grad.clone() for one in model.parameters() if one.grad is not None]))
    (ours, our_gradients), (theirs, their_gradients) = found
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert len(our_gradients) == len(their_gradients)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_what_is_measured_is_cut(path: Path) -> None:
    folder = code(path, "{dimensions: [32, 8]}", primary="dimensions: [16, 8]")
    work = path.parent / "work"
    scripts = ("prepare.py", "untuned.py", "baselines.py", "train.py", "embed.py", "index.py", "evaluation.py")
    stages.run(folder, work, *scripts)
    metrics = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    names = set(metrics["systems"])
    assert {"tuned", "tuned@16", "tuned@8", "untuned@16", "untuned@8"} <= names
    assert not any(one["system"].startswith("untuned") for one in metrics["differences"])
    assert {(one["system"], one["over"]) for one in metrics["differences"]} >= {
        ("tuned@8", "untuned@8"),
        ("tuned@8", "tuned"),
    }
    corpus, test = (np.load(work / f"vectors/{name}.npy")[:, :8] for name in ("corpus", "test"))
    scores = (test / np.linalg.norm(test, axis=1, keepdims=True)) @ (
        corpus / np.linalg.norm(corpus, axis=1, keepdims=True)
    ).T
    lines = [line.split() for line in (work / "evaluation/tuned@8.trec").read_text(encoding="utf-8").splitlines()]
    first = next(float(line[4]) for line in lines if line[3] == "1")
    assert first == pytest.approx(np.sort(scores[0])[-2], abs=1e-4), "the best but the query itself"


@pytest.mark.parametrize(
    ("loss", "matryoshka"),
    [
        ("cached_multiple_negatives_ranking", "{dimensions: [32, 8], dimensions_per_step: 1}"),
        ("multiple_negatives_ranking", "{dimensions: [32, 8], layers: true}"),
    ],
)
def test_it_trains(path: Path, loss: str, matryoshka: str) -> None:
    work = path.parent / f"trained_{loss}"
    folder = code(path, matryoshka, loss)
    text = path.read_text(encoding="utf-8").replace(
        f"kind: {loss}", f"kind: {loss}, mini_batch_size: 8" if "cached" in loss else f"kind: {loss}"
    )
    path.write_text(text, encoding="utf-8")
    folder = stages.compiled(path)
    stages.run(folder, work, "prepare.py", "train.py")
    assert (work / "model/modules.json").is_file()


def test_no_more_dimensions_than_the_model_has(path: Path) -> None:
    code(path, "{dimensions: [64, 32]}")
    source, _ = read(path)
    spec, _ = load(source)
    assert spec is not None
    found = [problem.message for problem in sources.check(spec, source, path.parent, path.parent)]
    assert found == ['"dimensions" asks for 64, and the base model has 32']
