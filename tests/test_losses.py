"""What losses take, and that each of them trains: a tiny model, a few steps, another model than before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
import stages
from tiny import make_cross_encoder, make_masked_model, make_model

from specforge.catalog.families import FAMILIES
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.distillation import OfTeacher
from specforge.catalog.shapes import COERCIONS, SHAPES, path
from specforge.checks.losses import kind_of

if TYPE_CHECKING:
    import torch

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
  it: {objective}
split: {{by: item, test: 30%, dev: 10%}}
retriever:
  family: {family}
  base: ./{base}
  max_length: 16
  loss: {loss}
{more}
  train: {{epochs: 1, batch_size: 8, learning_rate: 1e-3}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: []}}
"""
GIVEN = "{kind: scored_pairs, rows: rows, first: a, second: b, score: score, relevant_from: 3, of: docs}"
LABELLED = "{kind: labelled, attribute: label, of: docs}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of three labels, and scored pairs of them; a model with random weights."""
    folder = tmp_path_factory.mktemp("losses")
    docs = [
        (f"d{row}", f"{one} {two}", row % 3)
        for row, (one, two) in enumerate(zip(WORDS * 4, WORDS[7:] * 8, strict=False))
    ]
    lines = [f"{ident},{title},{label}" for ident, title, label in docs]
    (folder / "docs.csv").write_text("id,title,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    pairs = [
        (f"d{row}", f"d{(row + step) % len(docs)}", 5 if step % 3 == 0 else 1)
        for row in range(len(docs))
        for step in (2, 3, 4, 6)
    ]
    rows = [f"{a},{b},{score}" for a, b, score in pairs]
    (folder / "rows.csv").write_text("a,b,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    make_model(folder / "model", set(WORDS))
    make_masked_model(folder / "masked", set(WORDS))
    make_cross_encoder(folder / "cross", set(WORDS))
    return folder


def needed(family: str, loss: type[Loss]) -> str:
    """What a loss needs besides its kind and its rows, as YAML."""
    lines = ["negatives: [{kind: random, per_positive: 2}]"] if kind_of(loss) == "cached_gist" else []
    if issubclass(loss, OfTeacher):
        lines = ["teacher: {kind: cross_encoder, model: ./cross, max_length: 32}"]
        lines += ["similarity: dot"] if family == "bi_encoder" else []
    if loss.of_vectors:
        lines = ["teacher: {kind: bi_encoder, model: ./model, max_length: 16}", "prompts: {document: bread}"]
    return "\n".join(f"  {line}" for line in lines)


BASES = {"bi_encoder": "model", "sparse_encoder": "masked", "late_interaction": "model"}
ALL = [(family, loss) for family in BASES for loss in LOSSES[family]]
"""Those of retrievers; test_rerankers.py has the others."""


@pytest.mark.parametrize(("family", "loss"), ALL, ids=[f"{family}-{kind_of(loss)}" for family, loss in ALL])
def test_it_trains(family: str, loss: type[Loss], root: Path) -> None:
    (root / "small.yaml").write_text(
        SPEC.format(
            family=family,
            base=BASES[family],
            loss=f"{{kind: {kind_of(loss)}{', guide: {model: ./model}' if loss.retokenizes else ''}}}",
            more=needed(family, loss),
            objective=LABELLED if "classes" in loss.takes else GIVEN,
        ),
        encoding="utf-8",
    )
    code, work = stages.compiled(root / "small.yaml"), root / f"{family}_{kind_of(loss)}"
    scripts = [name for name in ("mine.py", "label.py") if (code / name).is_file()]
    stages.run(code, work, "prepare.py", *scripts, "train.py")
    before, after = weights(family, root / BASES[family]), weights(family, work / "model")
    shared = [name for name in before if before[name].shape == after[name].shape]
    assert shared and any(not before[name].equal(after[name]) for name in shared)
    assert all(bool(after[name].isfinite().all()) for name in after)
    history = json.loads((work / "model/history.json").read_text(encoding="utf-8"))
    assert isinstance(history, list)


def weights(family: str, folder: Path) -> dict[str, torch.Tensor]:
    """Every weight of a model, by name."""
    import sentence_transformers

    model = getattr(sentence_transformers, FAMILIES[family].model)(str(folder), device="cpu")
    return {name: value.detach() for name, value in model.named_parameters()}


def test_every_shape_is_known() -> None:
    named = {shape for losses in LOSSES.values() for loss in losses for shape in loss.takes}
    named |= {shape for one in COERCIONS for shape in (one.given, one.wanted)}
    assert named <= set(SHAPES)


def test_every_sampler_and_similarity_is_declared() -> None:
    for _, loss in ALL:
        assert loss.samplers and loss.similarities
        assert loss.in_batch == (loss.samplers == ("no_duplicates",))


def test_the_shortest_way_is_taken() -> None:
    found = path(["triplets", "pairs"], ["labelled_pairs"])
    assert found is not None
    shape, steps = found
    assert (shape, [step.does for step in steps]) == ("labelled_pairs", ["positives are labelled 1, negatives 0"])
    assert path(["pairs"], ["pairs"]) == ("pairs", ())
    assert path(["pairs"], ["classes"]) is None
    assert path(["triplets", "pairs"], ["triplets", "pairs"]) == ("triplets", ())


def test_kinds_are_told_apart() -> None:
    for losses in LOSSES.values():
        kinds = [kind for loss in losses for kind in get_args(loss.model_fields["kind"].annotation)]
        assert len(kinds) == len(set(kinds))
