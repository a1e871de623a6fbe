"""Rules about the model that a run made: whether training changed it, and whether it was saved as it was chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from specforge.problems import Keys, Problem, in_order
from specforge.source import Source
from specforge.spec.document import Experiment, Spec

Figures = Mapping[str, float]

_BASE: Keys = ("retriever", "base")
_RATE: Keys = ("retriever", "train", "learning_rate")
_SELECT: Keys = ("retriever", "train", "select")
_STILL = 1e-6
"""1 - cosine of vectors that are the same but for rounding."""

_NEAR = 0.95
_FEW = 2.5
_ENOUGH = 20
"""Texts below which their spread says nothing."""

_ROUNDING = 0.01
"""Adapters that are merged in 16 bits turn vectors a little, and near neighbours change places."""


def check(spec: Experiment, source: Source, folder: Path) -> list[Problem]:
    """Every mistake that the models in a run's folder show."""
    if not isinstance(spec, Spec) or spec.encoder is None:
        return []
    proof, spreads = read(folder / "model/proof.json"), {name: read(folder / name / "spread.json") for name in _MODELS}
    found = [*unchanged(spec, source, proof), *not_restored(spec, source, proof)]
    found += read_otherwise(source, folder / "model/tokens.json")
    return in_order([*found, *collapsed(spec, source, spreads["vectors"], spreads["untuned"])])


_MODELS = ("vectors", "untuned")


_AROUND = 4
"""Tokens that are shown before the first that differs, and from it on."""


def read(file: Path) -> Figures:
    """Figures that a stage wrote; empty where it did not run."""
    found: Figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def unchanged(spec: Spec, source: Source, proof: Figures) -> Iterator[Problem]:
    """Training changed weights, and with them vectors, and both were saved."""
    train = spec.train
    if train is None or not proof or (proof["changed"] and proof["turned"] > _STILL):
        return
    message = "the tuned model gives the vectors of its base: training changed nothing that they depend on"
    hint = f'raise "learning_rate" ({train.learning_rate:g}), or the epochs'
    if spec.encoded.adaptation.kind != "full":
        hint += f', or see what adaptation "{spec.encoded.adaptation.kind}" leaves to be trained'
    evidence = (
        f"of {proof['parameters']:,} weights {proof['trainable']:,} could change; {proof['changed']:,} lie in parts that did",
        f"the vectors of the first documents turned by {proof['turned']:.1e} (1 - cosine, on average)",
    )
    yield Problem("SF501", message, source.value_span(_RATE), _RATE, hint, evidence)


def not_restored(spec: Spec, source: Source, proof: Figures) -> Iterator[Problem]:
    """The checkpoint that was chosen is the one that was saved."""
    train = spec.train
    if train is None or train.select is None or proof.get("best") is None:
        return
    if abs(proof["best"] - proof["restored"]) <= _ROUNDING:
        return
    metric = train.select.metric
    message = (
        f"the saved model has {metric} {proof['restored']:.4f} on dev, and the best checkpoint had {proof['best']:.4f}"
    )
    hint = 'the weights of the best checkpoint were not loaded, or not saved; see what the stage "train" printed'
    yield Problem("SF503", message, source.value_span(_SELECT), _SELECT, hint)


def read_otherwise(source: Source, file: Path) -> Iterator[Problem]:
    """Texts are the same tokens in training as where the saved model encodes them."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"otherwise": []}
    if not found["otherwise"]:
        return
    message = (
        f"of {found['read']} texts, {len(found['otherwise'])} are other tokens to the saved model than in training"
    )
    hint = "a prompt, a special token, or where texts are cut differs; see what was edited in train.py and encoder.py"
    first = found["otherwise"][0]
    place = next(
        (i for i, both in enumerate(zip(first["trained"], first["encoded"], strict=False)) if both[0] != both[1]), None
    )
    begin = max((min(len(first["trained"]), len(first["encoded"])) if place is None else place) - _AROUND, 0)
    evidence = tuple(
        f"{side}, token {begin + 1} on: {' '.join(map(str, first[side][begin : begin + 2 * _AROUND]))} (of {len(first[side])})"
        for side in ("trained", "encoded")
    )
    yield Problem("SF203", message, source.value_span(_BASE), _BASE, hint, evidence)


def collapsed(spec: Spec, source: Source, spread: Figures, of_base: Figures) -> Iterator[Problem]:
    """Different texts have different vectors."""
    if not spread or spread["texts"] < _ENOUGH or (spread["cosine"] < _NEAR and spread["directions"] >= _FEW):
        return
    message = f"all texts have nearly the same vector: two of them have a cosine of {spread['cosine']:.3f} on average"
    if spread["cosine"] < _NEAR:
        message = f"the vectors of all texts lie in {spread['directions']:.1f} directions"
    evidence = [
        f"{spread['texts']:,} documents: mean cosine {spread['cosine']:.3f}, {spread['directions']:.1f} directions"
    ]
    if of_base:
        evidence.append(f"with the base model: {of_base['cosine']:.3f}, {of_base['directions']:.1f} directions")
    hint = 'lower "learning_rate", or take a loss that pushes texts apart; see whether the texts differ at all'
    if spec.train is None:
        hint = "this base gives no vectors of texts as it comes: tune it, or take another"
    keys = _BASE if spec.train is None else _RATE
    yield Problem("SF502", message, source.value_span(keys), keys, hint, tuple(evidence))
