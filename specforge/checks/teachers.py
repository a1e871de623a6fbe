"""The rules about guides, teachers and filters: whether something learns from them, and whether they can say what is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from specforge import feeding, models, named, references, rerankers
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.distillation import OfDistributions
from specforge.catalog.negatives import Mined
from specforge.catalog.shapes import SHAPES
from specforge.checks import bases
from specforge.checks.dead import idle
from specforge.checks.heads import has_head, scores
from specforge.checks.losses import kind_of
from specforge.checks.words import clipped, listed
from specforge.named import Named
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec
from specforge.spec.models import BiEncoderTeacher, CrossEncoderTeacher, Filter, Guide, Judge, OtherModel, Prompts
from specforge.spec.retriever import BiEncoder

_LOSS: Keys = ("retriever", "loss", "kind")
_FLAT = 0.9
"""The share of a softmax that the best of two documents must be able to get."""


def _teachers(spec: Spec) -> Iterator[tuple[str, Judge, Loss | None, str | None, bool]]:
    """Section, its teacher, its loss where it trains, the shape that this is fed, and whether it trains at all."""
    if spec.encoder is not None and spec.encoder.teacher is not None:
        found = [feeding.path(spec, one) for one in spec.objectives.values()] if spec.loss is not None else []
        shape = next((one[0] for one in found if one is not None), None)
        yield "retriever", spec.encoder.teacher, spec.loss, shape, spec.train is not None
    section = spec.reranker
    if section is not None and section.teacher is not None:
        loss = section.loss if rerankers.trained(spec) is not None else None
        way = rerankers.way(spec, spec.primary) if loss is not None else None
        yield "reranker", section.teacher, loss, way[0] if way else None, rerankers.trained(spec) is not None


def unheard(spec: Spec, source: Source) -> Iterator[Problem]:
    """A teacher whose scores no loss reads."""
    for name, _, loss, shape, trains in _teachers(spec):
        keys: Keys = (name, "teacher")
        family = spec.retriever.family if name == "retriever" else "cross_encoder"
        if not trains:
            yield idle(source, keys, '"teacher" has no effect: nothing is trained')
        elif loss is not None and shape is not None and SHAPES[shape].untaught is None:
            learning = [kind_of(one) for one in LOSSES[family] if any(SHAPES[way].untaught for way in one.takes)]
            message = f'"teacher" has no effect: loss "{loss.kind}" is fed {shape}'
            yield idle(source, keys, message, f"leave it out, or take a loss that learns from it: {listed(learning)}")


def speaks(spec: Spec, source: Source) -> Iterator[Problem]:
    """A teacher gives what the loss learns: only a bi-encoder has vectors."""
    for name, teacher, loss, shape, _ in _teachers(spec):
        kind = str(teacher.kind)  # type: ignore[attr-defined]
        if loss is None or shape is None or SHAPES[shape].untaught is None or kind in SHAPES[shape].teachers:
            continue
        keys: Keys = (name, "teacher", "kind")
        message = f'loss "{loss.kind}" learns the vectors of a teacher, and a "{kind}" has none'
        hint = f'take a teacher "kind: {SHAPES[shape].teachers[0]}", or loss "margin_mse" or "distill_kl_div"'
        yield Problem("SF101", message, source.value_span(keys), keys, hint)


def itself(spec: Spec, source: Source) -> Iterator[Problem]:
    """A model that is its own teacher learns what it says already; another kind of model made of it does not."""
    for name, teacher, *_ in _teachers(spec):
        section = spec.encoder if name == "retriever" else spec.reranker
        same = section is not None and section.base == teacher.model and section.revision == teacher.revision
        alike = (
            isinstance(teacher, BiEncoderTeacher) if name == "retriever" else isinstance(teacher, CrossEncoderTeacher)
        )
        is_made_anew = name == "retriever" and (not isinstance(section, BiEncoder) or spec.static is not None)
        if same and alike and not is_made_anew:
            keys: Keys = (name, "teacher", "model")
            message = '"teacher" has no effect: it is the base model itself, which says the same before training'
            yield Problem("SF401", message, source.value_span(keys), keys, "take a better model, or leave it out")


def reach(spec: Spec, source: Source) -> Iterator[Problem]:
    """Cosines differ by 2 at most, and logits by much more."""
    loss, retriever = spec.loss, spec.encoder
    if loss is None or retriever is None or retriever.similarity != "cosine":
        return
    if loss.copies and isinstance(retriever.teacher, CrossEncoderTeacher):
        message = f'loss "{loss.kind}" copies differences of logits, and cosines differ by 2 at most'
        hint = 'set "similarity: dot", or take loss "distill_kl_div" with "student_temperature: 0.05"'
        yield Problem("SF112", message, source.value_span(_LOSS), _LOSS, hint)
    if isinstance(loss, OfDistributions):
        best = 1 / (1 + math.exp(-2 / loss.student_temperature))
        if best < _FLAT:
            keys: Keys = ("retriever", "loss", "student_temperature")
            keys = keys if keys in source.places else _LOSS
            message = f'with "student_temperature: {loss.student_temperature:g}" the better of two documents gets {best:.0%} at most'
            hint = 'cosines differ by 2 at most: set "student_temperature: 0.05", or "similarity: dot"'
            yield Problem("SF112", message, source.value_span(keys), keys, hint)


def whole(spec: Spec, source: Source) -> Iterator[Problem]:
    """Vectors that become a teacher's are not cut."""
    loss, keys = spec.loss, ("retriever", "matryoshka")
    if loss is not None and loss.of_vectors and getattr(spec.encoder, "matryoshka", None) is not None:
        message = f'loss "{loss.kind}" learns whole vectors, and "matryoshka" cuts them'
        hint = 'take loss "margin_mse" or "distill_kl_div", which learn scores'
        yield Problem("SF003", message, source.key_span(keys), keys, hint)


def retokenized(spec: Spec, source: Source) -> Iterator[Problem]:
    """The guide reads texts anew, which a static model's tokens do not give back."""
    loss = spec.loss
    if loss is not None and loss.retokenizes and spec.static is not None and not loss.cached:
        message = f'loss "{loss.kind}" needs a tokenizer of transformers, which a static model has not'
        hint = 'take loss "multiple_negatives_ranking"'
        yield Problem("SF003", message, source.value_span(_LOSS), _LOSS, hint)


def filters(spec: Spec, source: Source) -> Iterator[Problem]:
    """A filter's scores are held against something."""
    for place, one in feeding.places(spec) if spec.train is not None else ():
        if isinstance(one, Mined) and one.filter is not None and not one.limited:
            keys: Keys = (*place, "filter")
            message = '"filter" has no effect: neither a limit nor a margin is held against its scores'
            yield idle(source, keys, message, 'set "max_score", "absolute_margin" or "relative_margin"')


def revisions(spec: Spec, source: Source) -> Iterator[Problem]:
    """A commit is of a Hub model."""
    for section, role, one in named.others(spec):
        keys: Keys = (*section, "revision")
        known = references.parse(one.model, "", hub=True)
        if one.revision is not None and known is not None and known.kind != "hub":
            yield idle(source, keys, f'"revision" has no effect: the {role} is no Hub name')


RULES = (unheard, speaks, itself, reach, whole, retokenized, filters, revisions)


def check(
    spec: Spec, one: Named, section: OtherModel, source: Source, found: models.Model, base: Path
) -> Iterator[Problem]:
    """What a model's own files say of it, where they are at hand; `base` is the folder of the spec."""
    if found.base.code:
        message = f"the {one.role} runs only with Python code of its own, which is trusted of a base alone"
        yield Problem("SF403", message, source.value_span(one.keys), one.keys, "take another model")
    if (
        isinstance(section, BiEncoderTeacher)
        and section.prompts == Prompts()
        and found.base.prompts not in (None, ("", ""))
    ):
        message = f"the {one.role} expects prompts, and the spec gives none"
        hint = "its card says which; without them it compares other vectors than it was trained to"
        yield Problem("SF201", message, source.value_span(one.keys), (*one.section, "prompts"), hint)
    if isinstance(section, Judge):
        yield from bases.past_positions(source, one.section, section.max_length, found.base.positions)
    if found.folder is not None and one.role == "masked model":
        yield from _fills_masks(one, source, found)
    elif found.folder is not None:
        reads_pairs = isinstance(section, Filter | CrossEncoderTeacher)
        yield from (_pairs if reads_pairs else _vectors)(one, section, source, found)
        if section is feeding.teacher(spec):
            yield from _lengths(spec, one, source, found, base)


def _fills_masks(one: Named, source: Source, found: models.Model) -> Iterator[Problem]:
    """A masked language model has a head that guesses words."""
    said = found.config.get("architectures")
    if not (isinstance(said, list) and any(str(name).endswith("ForMaskedLM") for name in said)):
        message = f'"{clipped(one.model)}" is no masked language model, and would guess words at random'
        hint = 'take one, such as "distilbert/distilroberta-base"'
        yield Problem("SF003", message, source.value_span(one.keys), one.keys, hint)


def _pairs(one: Named, section: OtherModel, source: Source, found: models.Model) -> Iterator[Problem]:
    """A cross encoder has a head that was trained, and gives one score."""
    message, hint = "", 'take a cross encoder, such as "cross-encoder/ms-marco-MiniLM-L6-v2"'
    if not has_head(found):
        message = f'"{clipped(one.model)}" has no trained head, and would score at random'
        hint += ', or a teacher "kind: bi_encoder"' if one.role == "teacher" else ""
    elif scores(found) != 1:
        message = f'"{clipped(one.model)}" tells {scores(found)} classes apart, and a {one.role} gives one score'
    if message:
        yield Problem("SF003", message, source.value_span(one.keys), one.keys, hint)


def _vectors(one: Named, section: OtherModel, source: Source, found: models.Model) -> Iterator[Problem]:
    """A bi-encoder has no head, and layers."""
    message, hint = "", ""
    if has_head(found):
        message = f'"{clipped(one.model)}" is a cross encoder, and makes no vector of a text'
        hint = "take a bi-encoder" if isinstance(section, Guide) else 'set "kind: cross_encoder", or take a bi-encoder'
    elif found.base.static:
        message = f'"{clipped(one.model)}" is a static model, and a {one.role} needs layers'
        hint = "take an encoder: it says more of a text than the mean of its words"
    if message:
        yield Problem("SF003", message, source.value_span(one.keys), one.keys, hint)


def _lengths(spec: Spec, one: Named, source: Source, found: models.Model, base: Path) -> Iterator[Problem]:
    """Vectors that become a teacher's are as long as these."""
    if spec.loss is None or not spec.loss.of_vectors:
        return
    own = (spec.static.dimension if spec.static else None) or models.model(spec.encoded, base).base.dimension
    if own is not None and found.base.dimension is not None and own != found.base.dimension:
        message = f"the teacher's vectors have {found.base.dimension} numbers, and the model's {own}"
        hint = 'take a base with vectors of that length, or loss "margin_mse" or "distill_kl_div", which learn scores'
        yield Problem("SF101", message, source.value_span(one.keys), one.keys, hint)
