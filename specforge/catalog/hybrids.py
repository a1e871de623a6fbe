"""Ways to make one ranking of two: that of the retriever, and that of the words in common (bm25)."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from specforge.spec.base import Section


class Hybrid(Section):
    """What users get is one ranking of two: that of the retriever, and that of the words in common with the query (bm25s, Lucene's variant)."""

    depth: Annotated[int, Field(ge=10, le=10_000)] = 100
    """Documents of each ranking that take part."""


class ReciprocalRanks(Hybrid):
    """Each ranking gives a document one divided by its rank and `k`, added up (Cormack et al. 2009). Nothing is tuned."""

    kind: Literal["rrf"]

    k: Annotated[int, Field(ge=1, le=10_000)] = 60
    """What is added to a rank: with more, the first ranks count for less."""


class Weighted(Hybrid):
    """The scores of each ranking, scaled to lie between 0 and 1, and their weighted sum; the weight is the best of eleven by the primary metric on dev (Bruch et al. 2023)."""

    kind: Literal["weighted"]


HYBRIDS: tuple[type[Hybrid], ...] = (ReciprocalRanks, Weighted)

AnyHybrid = Annotated[Union[ReciprocalRanks, Weighted], Field(discriminator="kind")]
