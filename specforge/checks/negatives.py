"""The rules about where negatives come from, as far as the spec alone shows it."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import feeding
from specforge.catalog.evidence import Evidence
from specforge.catalog.negatives import Bm25Negatives, Given, Mined, Negatives
from specforge.catalog.shapes import SHAPES
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec

_KEYS: Keys = ("retriever", "negatives")


def _each(spec: Spec) -> Iterator[tuple[Keys, Negatives]]:
    """Every way to find negatives, and its place, where something trains."""
    if spec.train is not None:
        yield from feeding.places(spec)


def any_kind(spec: Spec, source: Source) -> Iterator[Problem]:
    """An empty list says nothing."""
    if spec.encoder is not None and spec.encoder.negatives == ():
        hint = 'name a kind, as in "negatives: {kind: mined}", or leave it out'
        yield Problem("SF003", '"negatives" must have at least one entry', source.value_span(_KEYS), _KEYS, hint)


def given(spec: Spec, source: Source) -> Iterator[Problem]:
    """Only some objectives have negatives of their own."""
    has = any(isinstance(one, Evidence) and one.has_negatives for one in spec.objectives.values())
    for keys, one in _each(spec):
        if isinstance(one, Given) and not has:
            kinds = " and ".join(dict.fromkeys(value.kind for value in spec.objectives.values()))
            message = f'negatives "given" need an objective that has some, and {kinds} has none'
            place = (*keys, "kind")
            yield Problem("SF101", message, source.value_span(place), place, 'take "mined", "bm25" or "random"')


def window(spec: Spec, source: Source) -> Iterator[Problem]:
    """Between the first and the last that are looked at lie as many as are wanted."""
    for keys, one in _each(spec):
        if isinstance(one, Mined | Bm25Negatives) and one.range_max - one.range_min < one.per_positive:
            number = max(0, one.range_max - one.range_min)
            message = f'"range_min" and "range_max" leave {number} documents, and a row wants {one.per_positive}'
            hint = f'set "range_max" to {one.range_min + one.per_positive} or more; ten times as many leave a choice'
            yield Problem("SF107", message, source.value_span(keys), keys, hint)


def scores_apart(spec: Spec, source: Source) -> Iterator[Problem]:
    """Some score lies between the lowest and the highest."""
    for keys, one in _each(spec):
        if not isinstance(one, Mined) or one.min_score is None or one.max_score is None:
            continue
        if one.min_score > one.max_score:
            message = f'"min_score" is {one.min_score:g}, more than "max_score", {one.max_score:g}'
            place = (*keys, "min_score")
            yield Problem("SF003", message, source.value_span(place), place, "no document would be left")


def tuned(spec: Spec, source: Source) -> Iterator[Problem]:
    """A model that finds negatives is trained without them."""
    loss = spec.loss
    for keys, one in _each(spec):
        if not isinstance(one, Mined) or one.model != "tuned" or loss is None:
            continue
        span, hint = source.value_span((*keys, "model")), 'set "model: untuned"'
        if "pairs" not in loss.takes:
            message = f'no model can be tuned first to find negatives: loss "{loss.kind}" needs some itself'
            yield Problem("SF101", message, span, (*keys, "model"), f"{hint}, or take an in-batch loss")
        if len(spec.objectives) > 1:
            message = f"negatives of the tuned model are of one objective, and there are {len(spec.objectives)}"
            yield Problem("SF003", message, span, (*keys, "model"), hint)


def idle(spec: Spec, source: Source) -> Iterator[Problem]:
    """Negatives that the loss does not look at, and options that another makes idle."""
    loss = spec.loss
    if loss is not None and feeding.kinds(spec):
        shapes = [found[0] for one in spec.objectives.values() if (found := feeding.path(spec, one))]
        if shapes and not any(SHAPES[shape].contrasts for shape in shapes):
            yield _without_effect(source, _KEYS, f'loss "{loss.kind}" is fed {shapes[0]}')
    for keys, one in _each(spec):
        if isinstance(one, Mined) and one.sampling_strategy == "top" and (*keys, "seed") in source.places:
            yield _without_effect(source, (*keys, "seed"), "the nearest are taken, and none by lot")


def _without_effect(source: Source, keys: Keys, why: str) -> Problem:
    return Problem("SF401", f'"{keys[-1]}" has no effect: {why}', source.key_span(keys), keys, "leave it out")


RULES = (any_kind, given, window, scores_apart, tuned, idle)
