"""Rules about the base of a reranker, by its own files: a new head is random, and ranks by chance."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import models, rerankers
from specforge.catalog.bases import Base
from specforge.checks import bases
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec
from specforge.spec.reranker import CrossEncoder

_HEADS = ("classifier", "score", "head", "classification_head")
"""What the weights of a sequence classifier call its head."""


def check(spec: Spec, section: CrossEncoder, source: Source, found: models.Model) -> Iterator[Problem]:
    """A base that ranks without training has a head that was trained, and it gives one score."""
    yield from bases.past_positions(source, ("reranker",), section.max_length, found.base.positions)
    keys: Keys = ("reranker", "base")
    if found.base.code:
        message = "the base model runs only with Python code of its own, which a reranker cannot be given"
        yield Problem("SF403", message, source.value_span(keys), keys, "take another base")
    if found == models.Model(Base()):
        return
    trained, wanted = has_head(found), rerankers.grades(spec) or 1
    if trained and scores(found) != wanted:
        gives = f"its loss wants {wanted}" if wanted > 1 else "a reranker gives one score"
        message = f'"{section.base}" tells {scores(found)} classes apart, and {gives}'
        hint = f"take an encoder, or a cross encoder with {'one output' if wanted == 1 else f'{wanted} outputs'}"
        yield Problem("SF003", message, source.value_span(keys), keys, hint)
    if trained:
        return
    if section.train == "none":
        message, hint = (
            f'"{section.base}" has no trained head',
            "a new head is random: train it, or take a cross encoder",
        )
        yield Problem("SF003", message, source.value_span(keys), keys, hint)
    for row, name in enumerate(spec.evaluate.baselines or ()):
        if name == rerankers.UNTUNED:
            keys = ("evaluate", "baselines", row)
            message = f'baseline "{name}" needs a base with a trained head, and "{section.base}" has none'
            yield Problem(
                "SF113", message, source.value_span(keys), keys, "a new head is random, and no rival; leave it out"
            )


def scores(found: models.Model) -> int:
    """How many numbers the head gives; one where the model does not say."""
    labels = found.config.get("id2label")
    return len(labels) if isinstance(labels, dict) else 1


def has_head(found: models.Model) -> bool:
    """Whether a model was saved as a sequence classifier, with the weights of its head; as its card says without files."""
    if found.folder is None:
        return found.base.family == "cross_encoder"
    said = found.config.get("architectures")
    classifies = isinstance(said, list) and any(str(name).endswith("ForSequenceClassification") for name in said)
    return classifies and (not found.shapes or any(name.split(".")[0] in _HEADS for name in found.shapes))
