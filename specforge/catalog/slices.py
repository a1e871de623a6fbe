"""How a source tells something of a query."""

from __future__ import annotations

from typing import Literal

from specforge.catalog.evidence import Judged
from specforge.catalog.objectives import Objective

Link = Literal["own", "found", "asked", "rows"]


def link(objective: Objective, source: str) -> Link | None:
    """Whether a source has the query as a document (`own`) or as a query (`asked`), what is relevant to it (`found`), or the rows that it stands in."""
    if source == objective.of:
        return "own" if objective.queries == "documents" else "found"
    if isinstance(objective, Judged) and source == objective.asked:
        return "asked"
    asks = getattr(objective, objective.asks) if objective.asks else None
    return "rows" if source == getattr(objective, objective.main) and asks is not None else None
