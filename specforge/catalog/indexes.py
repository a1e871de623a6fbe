"""Indexes that answer queries, each with the parameters that practitioners set."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Section


class Index(Section):
    """What all indexes share."""

    exact: ClassVar[bool]

    similarity: Literal["cosine", "dot", "maxsim"] | None = None
    """What the index ranks by; without it, the retriever's own similarity."""


class Flat(Index):
    """Every document is compared: exact, and fast up to some hundred thousand vectors."""

    exact: ClassVar[bool] = True
    kind: Literal["flat"]


class Hnsw(Index):
    """A graph of near neighbours (Malkov and Yashunin 2016): approximate, fast, for large collections."""

    exact: ClassVar[bool] = False
    kind: Literal["hnsw"]

    m: Annotated[int, Field(ge=2, le=512)] = 32
    """Links of a vector: more find better and need more memory."""

    ef_construction: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Candidates kept while building."""

    ef_search: Annotated[int, Field(ge=1, le=10_000)] = 128
    """Candidates kept while searching."""


INDEXES: tuple[type[Index], ...] = (Flat, Hnsw)

AnyIndex = Annotated[Union[Flat, Hnsw], Field(discriminator="kind")]
