"""The rules about a loss: the rows that it takes, the similarity that it trains, and the batches that it needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

from specforge import feeding, rerankers
from specforge.catalog import shapes
from specforge.catalog.evidence import ScoredPairs
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.catalog.objectives import Objective
from specforge.catalog.shapes import Need
from specforge.checks.dead import trains
from specforge.checks.words import listed
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec
from specforge.spec.retriever import Train

_KEYS: Keys = ("retriever", "loss", "kind")
_FLOOR = 0.1
"""The share of its value at the start that an in-batch loss must be able to get rid of all but."""


def given(spec: Spec, source: Source) -> Iterator[Problem]:
    """Training minimises something."""
    if spec.train is not None and spec.loss is None:
        message, keys = '"retriever" needs "loss", because it is trained', ("retriever",)
        hint = 'add a loss, such as {kind: multiple_negatives_ranking}, or "train: none"'
        yield Problem("SF003", message, source.key_span(keys), keys, hint)


def rows(spec: Spec, source: Source) -> Iterator[Problem]:
    """A loss gets the rows that it takes: as the objective gives them, or by coercions."""
    loss = spec.loss
    if loss is None:
        return
    for name, objective in spec.objectives.items():
        if trains(spec, name) and feeding.path(spec, objective) is None:
            takes, gives = listed(loss.takes, " or "), listed(objective.gives(), " and ")
            message = f'loss "{loss.kind}" takes {takes}, and "{name}" gives {gives}'
            if _missing(spec, loss, objective) == [TEACHER]:
                message = f'loss "{loss.kind}" needs a "teacher": it learns what a model says of the rows of "{name}"'
            yield Problem("SF101", message, source.value_span(_KEYS), _KEYS, _way_out(spec, loss, objective))


def _way_out(spec: Spec, loss: Loss, objective: Objective) -> str:
    """What makes the rows fit the loss, and the losses that they fit as they are."""
    fitting = [one for one in LOSSES[spec.retriever.family] if feeding.path(spec, objective, one.takes)]
    losses = f"losses that fit are {listed(map(kind_of, fitting))}"
    if isinstance(objective, ScoredPairs) and objective.relevant_from is None:
        return f'add "relevant_from", the score from which on two documents are relevant, or take {listed(map(kind_of, fitting), " or ")}'
    missing = _missing(spec, loss, objective)
    return f"add {' and '.join(missing)}; {losses}" if missing else losses


def _missing(spec: Spec, loss: Loss, objective: Objective) -> list[str]:
    """The sections that would lead from the objective's rows to the loss, the fewest."""
    more: dict[Need, str] = {"negatives": '"negatives: {kind: mined}"', "teacher": TEACHER}
    ways: tuple[tuple[Need, ...], ...] = (("negatives",), ("teacher",), ("negatives", "teacher"))
    for needs in ways:
        has = feeding.has(spec) | frozenset(needs)
        if shapes.path(objective.gives(), loss.takes, has) is not None:
            return [more[need] for need in needs if need not in feeding.has(spec)]
    return []


TEACHER = '"teacher: {kind: cross_encoder, model: MODEL}"'
"""A teacher as YAML."""


def kind_of(loss: type[Loss]) -> str:
    """The word that a spec says for a loss."""
    return str(get_args(loss.model_fields["kind"].annotation)[0])


def similarity(spec: Spec, source: Source) -> Iterator[Problem]:
    """A loss trains the similarity that the index ranks by."""
    loss, retriever = spec.loss, spec.encoder
    if loss is not None and retriever is not None and retriever.similarity not in loss.similarities:
        message = f'loss "{loss.kind}" trains {listed(loss.similarities)}, and the retriever compares by "{retriever.similarity}"'
        hint = f'set "similarity: {loss.similarities[0]}", or take another loss'
        yield Problem("SF112", message, source.value_span(_KEYS), _KEYS, hint)


def margin(spec: Spec, source: Source) -> Iterator[Problem]:
    """A margin can be reached: no two cosine distances differ by more than 2."""
    loss, keys = spec.loss, ("retriever", "loss", "margin")
    size = getattr(loss, "margin", None)
    if loss is None or size is None or loss.gap is None or size < loss.gap:
        return
    message = f'"margin: {size:g}" cannot be reached: cosine distances differ by {loss.gap:g} at most'
    hint = "every triplet or pair would be pushed on for ever; 0.1 to 0.5 are usual"
    yield Problem("SF112", message, source.value_span(keys), keys, hint)


def scale(spec: Spec, source: Source) -> Iterator[Problem]:
    """A softmax over cosines can become sharp: with a small scale even the best model keeps most of the loss."""
    train, loss, keys = spec.train, spec.loss, ("retriever", "loss", "scale")
    cosine, temperature = (
        spec.encoder is not None and spec.encoder.similarity == "cosine",
        getattr(loss, "temperature", None),
    )
    size = 1 / temperature if temperature else getattr(loss, "scale", None)
    if train is None or loss is None or size is None or not loss.in_batch or not cosine:
        return
    floor = math.log1p((train.batch_size - 1) * math.exp(-2 * size))
    if floor > _FLOOR * math.log(train.batch_size):
        said = f"temperature: {temperature:g}" if temperature else f"scale: {size:g}"
        keys = ("retriever", "loss", "temperature" if temperature else "scale")
        message = f'with "{said}" the loss cannot fall below {floor:.2f}, because cosines differ by 2 at most'
        hint = f"it begins near {math.log(train.batch_size):.2f}; 20 is usual (a temperature of 0.05)"
        yield Problem("SF112", message, source.value_span(keys), keys, hint)


_WHY = {
    "no_duplicates": "the other texts of a batch are its negatives: a text that stands there twice is its own negative",
    "group_by_label": "its triplets are made within a batch, which needs several texts of each class",
}


def trained(spec: Spec) -> Iterator[tuple[str, Train, Loss]]:
    """The sections that are trained, and what each minimises."""
    if spec.train is not None and spec.loss is not None:
        yield "retriever", spec.train, spec.loss
    train, section = rerankers.trained(spec), spec.reranker
    if train is not None and section is not None and section.loss is not None:
        yield "reranker", train, section.loss


def sampler(spec: Spec, source: Source) -> Iterator[Problem]:
    """Batches are drawn as the loss needs them."""
    for section, train, loss in trained(spec):
        if train.sampler in (None, *loss.samplers):
            continue
        wanted, keys = loss.samplers[0], (section, "train", "sampler")
        message = f'loss "{loss.kind}" needs sampler "{wanted}", not "{train.sampler}"'
        hint = _WHY.get(wanted, f'its rows may share a batch as they come; leave "{keys[-1]}" out')
        yield Problem("SF103", message, source.value_span(keys), keys, hint)


def accumulation(spec: Spec, source: Source) -> Iterator[Problem]:
    """Accumulated batches do not see each other's texts."""
    for section, train, loss in trained(spec):
        if not loss.in_batch or train.gradient_accumulation == 1:
            continue
        keys = (section, "train", "gradient_accumulation")
        message = f"gradient accumulation adds no negatives: each of the {train.gradient_accumulation} batches is alone"
        whole = train.batch_size * train.gradient_accumulation
        hint = f'for more negatives set "batch_size: {whole}"'
        if not loss.cached:
            hint += f', with loss "cached_{loss.kind}" where memory is short'
        yield Problem("SF108", message, source.value_span(keys), keys, hint)


RULES = (given, rows, similarity, margin, scale, sampler, accumulation)
