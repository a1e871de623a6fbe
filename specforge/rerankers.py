"""What is asked of a spec's reranker, by checks and templates alike."""

from __future__ import annotations

from specforge.catalog import shapes
from specforge.catalog.asked import Sql
from specforge.catalog.evidence import Judged
from specforge.catalog.losses.cross_encoder import CrossEntropy
from specforge.spec.document import Spec
from specforge.spec.models import Judge
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


def grades(spec: Spec) -> int | None:
    """How many grades the reranker tells apart, where its loss makes classes of them."""
    section = spec.reranker
    loss = section.loss if section is not None and trained(spec) is not None else None
    return loss.grades if isinstance(loss, CrossEntropy) else None


def shape_of(spec: Spec, name: str) -> str:
    """The shape of the training rows that an objective is turned into for the reranker's loss."""
    found = way(spec, name)
    assert found is not None, "checked before: a loss that does not fit"
    return found[0]


def way(spec: Spec, name: str) -> tuple[str, tuple[shapes.Coercion, ...]] | None:
    """The shape that the reranker's loss is fed from an objective, and the coercions to it."""
    section = spec.reranker
    assert section is not None and section.loss is not None, "asked of what trains"
    given: dict[shapes.Need, object] = {
        "reranker": True,
        "found": section.negatives.per_positive,
        "teacher": section.teacher,
        "grades": graded(spec),
    }
    return shapes.path(spec.objectives[name].gives(), section.loss.takes, [need for need, has in given.items() if has])


def teacher(spec: Spec) -> Judge | None:
    """The reranker's teacher, where its loss is fed what it makes of the pairs."""
    section = spec.reranker
    if section is None or section.loss is None or trained(spec) is None:
        return None
    found = way(spec, spec.primary)
    return section.teacher if found is not None and shapes.SHAPES[found[0]].untaught is not None else None
