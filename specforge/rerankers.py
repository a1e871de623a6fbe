"""What is asked of a spec's reranker, by checks and templates alike."""

from __future__ import annotations

from specforge.catalog import shapes
from specforge.catalog.asked import Sql
from specforge.catalog.evidence import Judged
from specforge.spec.document import Spec
from specforge.spec.retriever import Train

UNTUNED = "untuned_reranker"
"""The baseline: the reranker's base as it comes."""


def trained(spec: Spec) -> Train | None:
    """How the reranker is trained; None where it is not, or where there is none."""
    return None if spec.reranker is None or spec.reranker.train == "none" else spec.reranker.train


def has_untuned(spec: Spec) -> bool:
    """Whether the base is measured beside the tuned reranker."""
    return trained(spec) is not None and UNTUNED in (spec.evaluate.baselines or ())


def graded(spec: Spec) -> bool:
    """Whether the objective tells more relevant from less relevant documents."""
    value = spec.objectives[spec.primary]
    return isinstance(value, Sql) or (isinstance(value, Judged) and value.grade is not None)


def shape_of(spec: Spec, name: str) -> str:
    """The shape of the training rows that an objective is turned into for the reranker's loss."""
    found = way(spec, name)
    assert found is not None, "checked before: a loss that does not fit"
    return found[0]


def way(spec: Spec, name: str) -> tuple[str, tuple[shapes.Coercion, ...]] | None:
    """The shape that the reranker's loss is fed from an objective, and the coercions to it."""
    section = spec.reranker
    assert section is not None and section.loss is not None, "asked of what trains"
    has: tuple[shapes.Need, ...] = ("reranker", "found") if section.negatives.per_positive else ("reranker",)
    return shapes.path(spec.objectives[name].gives(), section.loss.takes, has)
