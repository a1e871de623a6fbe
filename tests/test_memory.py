"""What does not fit in memory: every model that a spec names, and the batches of those that are trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import stages
from good_spec import good
from test_bases import LOSS
from test_classes import SPEC as CLASSES
from tiny import SPEC, project

from specforge import models, named, pipeline
from specforge.catalog.bases import Base
from specforge.checks import memory, tables
from specforge.load import load
from specforge.models import Model
from specforge.problems import Keys, Problem
from specforge.run import machine
from specforge.source import parse
from specforge.spec.document import Classification, Spec

RERANKER = """\
reranker:
  family: cross_encoder
  base: ./model
  max_length: 24
  loss: {kind: KIND}
  train: {epochs: 1, batch_size: 16}
index: {kind: flat}"""


def test_a_reranker_and_a_guide_are_counted_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, source = good(
        (LOSS, "  loss: {kind: gist, guide: {model: ./guide}}"),
        ("index: {kind: flat}", RERANKER.replace("KIND", "binary_cross_entropy")),
    )
    monkeypatch.setattr(machine, "memory", lambda: 5 * 2**30)
    large, found = Model(Base(parameters=2**30)), {}
    for one in named.models(spec):
        found[one.keys] = [problem.message for problem in memory.memory(spec, source, one, large)]
    said = ["training keeps 8.0 GiB of weights and their states, and the machine has 5.0 GiB"]
    assert found == {
        ("retriever", "base"): said,
        ("reranker", "base"): said,
        ("retriever", "loss", "guide", "model"): [],
    }
    monkeypatch.setattr(machine, "memory", lambda: 2**30)
    *_, guide = named.models(spec)
    [problem] = memory.memory(spec, source, guide, large)
    assert problem.message == "the guide takes 2.0 GiB of weights, and the machine has 1.0 GiB"


@pytest.mark.parametrize(
    ("family", "trained"),
    [
        ("family: linear_probe", 0),
        ("family: set_fit", 120),
        ("family: fine_tune", 120),
        ("family: fine_tune, freeze: all_but_head", 0),
        ("family: fine_tune, freeze: {embeddings: true, layers: 1}", 40),
    ],
)
def test_what_a_classifier_trains_is_counted(family: str, trained: int) -> None:
    text = CLASSES.format(objective="", split="{by: item}", classifier=family)
    source, _ = parse(text.encode(), Path("small.yaml"), "small.yaml")
    spec, mistakes = load(source)
    assert isinstance(spec, Classification), mistakes
    base = Model(
        Base(parameters=120, layers=2), shapes={"embeddings.word": (10, 4), "layer.0": (40,), "layer.1": (40,)}
    )
    assert memory.trainable(spec, ("classifier",), base) == trained


@pytest.mark.parametrize(("loss", "pairs"), [("binary_cross_entropy", 16), ("list_net", 144)])
def test_batches_are_held_against_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str, pairs: int
) -> None:
    text = SPEC.replace("index: {kind: flat}", RERANKER.replace("KIND", loss))
    path = project(tmp_path / "root", text)
    stages.run(stages.compiled(path), tmp_path / "work", "prepare.py")
    found = pipeline.read(path)
    assert isinstance(found.spec, Spec)
    spec, base = found.spec, models.model(found.spec.encoded, path.parent)
    held = memory.kept(base, memory.trainable(spec, ("retriever",), base))

    def told(amount: int) -> dict[Keys | None, Problem]:
        monkeypatch.setattr(machine, "memory", lambda: amount)
        problems = tables.check(spec, found.source, tmp_path / "work/data", path.parent)
        return {problem.path: problem for problem in problems if problem.code == "SF405"}

    small = told(held + 1000)
    assert set(small) == {("retriever", "train", "batch_size"), ("reranker", "train", "batch_size")}
    reranker, retriever = small["reranker", "train", "batch_size"], small["retriever", "train", "batch_size"]
    assert f"for a batch of {pairs} pairs with " in reranker.evidence[1]
    assert "for a batch of 32 texts with " in retriever.evidence[1]
    assert "cached_multiple_negatives_ranking" in retriever.hint and "cached_" not in reranker.hint
    assert not told(2**33)
