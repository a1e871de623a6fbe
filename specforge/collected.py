"""What the user collects, such as carts: the source with its rows, and the columns that tell one from another."""

from __future__ import annotations

from specforge.catalog.evidence import CitedInAnswer, SameAttribute
from specforge.catalog.objectives import Objective
from specforge.spec.document import Spec


def source(spec: Spec, value: Objective) -> str:
    """The source with the rows of what is collected; of a query of the user's own, the first that it reads."""
    return value.logs()[0]


def columns(spec: Spec, value: Objective) -> list[str]:
    """The columns that name one of what is collected; none for a query of the user's own."""
    if isinstance(value, SameAttribute):
        return [spec.sources[value.of].id or ""]
    if isinstance(value, CitedInAnswer) and value.answer:
        return [value.answer]
    return [str(getattr(value, field)) for field in value.unit]
