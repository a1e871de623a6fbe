"""Indexes that answer queries, each with the parameters that practitioners set, by faiss's names."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.stores import AnyStore
from specforge.spec.base import Section

Cells = Annotated[int, Field(ge=1, le=1_048_576)]


class Index(Section):
    """What all indexes share.

    Attributes:
        exact: whether it finds what comparing every document finds.
        swept: what trades what is found for time while it searches, by its name in faiss or in generated code.
        own: whether generated code holds it in a class of its own, and not in one of faiss.
    """

    exact: ClassVar[bool] = False
    own: ClassVar[bool] = False
    swept: ClassVar[str | None] = None

    similarity: Literal["cosine", "dot", "maxsim"] | None = None
    """What the index ranks by; without it, the retriever's own similarity."""

    export: tuple[AnyStore, ...] | None = None
    """Stores that a loader is written for; with it, and with an empty list too, a stage writes the vectors and the index in a form to hand over."""

    @property
    def learns(self) -> bool:
        """Whether it learns from some of the vectors before it holds them."""
        return False


class Flat(Index):
    """Every document is compared: exact, and fast up to some hundred thousand vectors."""

    exact: ClassVar[bool] = True
    kind: Literal["flat"]


class Hnsw(Index):
    """A graph of near neighbours (Malkov and Yashunin 2016): approximate, fast, for large collections."""

    swept: ClassVar[str | None] = "efSearch"
    kind: Literal["hnsw"]

    m: Annotated[int, Field(ge=2, le=512)] = 32
    """Links of a vector: more find better and need more memory."""

    ef_construction: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Candidates kept while building."""

    ef_search: Annotated[int, Field(ge=1, le=10_000)] = 128
    """Candidates kept while searching."""


class ScalarQuantizer(Index):
    """Every document is compared, by numbers of fewer bits: a half or a quarter of the memory, and nearly exact."""

    kind: Literal["scalar_quantizer"]

    codes: Literal["fp16", "int8"] = "int8"
    """What a number becomes: 2 bytes, or 1 byte between the least and the greatest of its dimension."""

    @property
    def learns(self) -> bool:
        """The least and the greatest number of each dimension."""
        return self.codes == "int8"


class Binary(Index):
    """Every document is compared by the signs of its numbers, one bit a dimension; the nearest are compared again by better vectors, which it keeps as well (Yamada et al. 2021)."""

    own: ClassVar[bool] = True
    swept: ClassVar[str | None] = "rescore"
    kind: Literal["binary"]

    rescore: Annotated[int, Field(ge=1, le=1000)] = 4
    """For each document that is asked for, how many candidates are compared again."""

    rescore_with: Literal["fp32", "fp16", "int8"] = "int8"
    """The vectors that candidates are compared by again: 4, 2 or 1 byte a dimension."""

    @property
    def learns(self) -> bool:
        """Of the vectors that are compared again the least and the greatest number of each dimension."""
        return self.rescore_with == "int8"


class InCells(Index):
    """An index whose vectors are sorted into cells, of which a query looks into the nearest (Sivic and Zisserman 2003)."""

    swept: ClassVar[str | None] = "nprobe"

    nlist: Cells | None = None
    """Cells; without it, four times the square root of the documents, and no more than one for 39 of them."""

    nprobe: Cells | None = None
    """Cells that a query looks into: more find better and take longer. Without it, a sixteenth of them, and 8 at least."""

    @property
    def learns(self) -> bool:
        """The middles of the cells."""
        return True


class Ivf(InCells):
    """Vectors are sorted into cells, and a query looks into the nearest: approximate, and quicker to build than a graph."""

    kind: Literal["ivf"]


class Quantised(InCells):
    """An index in cells whose vectors are cut into parts, each named by the nearest of learnt ones (product quantisation; Jégou et al. 2011)."""

    m: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Parts of a vector, whose length they divide; without it, one for 8 dimensions or a few more."""

    nbits: Annotated[int, Field(ge=4, le=12)] = 8
    """Bits of a part: it is named by one of two to the power of so many."""

    rescore: Annotated[int, Field(ge=1, le=1000)] | None = None
    """For each document that is asked for, how many candidates are compared again by better vectors, which the index then keeps as well; without it, none."""

    rescore_with: Literal["fp32", "fp16", "int8"] = "fp16"
    """The vectors that candidates are compared by again: 4, 2 or 1 byte a dimension."""


class IvfPq(Quantised):
    """In cells and by parts: a few bytes a document, for collections that memory does not hold; approximate."""

    kind: Literal["ivf_pq"]


class Opq(Quantised):
    """The same, with vectors turned first so that their parts say equally much (optimised product quantisation; Ge et al. 2013): better at the same size, slower to build."""

    kind: Literal["opq"]


class Auto(Index):
    """The index that answers soonest of those that find enough, chosen by building and asking each with the queries of dev; `flat` stands by. While it chooses, memory holds one of each."""

    kind: Literal["auto"]

    recall: Annotated[float, Field(gt=0, le=1)] = 0.99
    """The share of the ten nearest vectors that it must find."""

    among: Annotated[tuple[Literal["scalar_quantizer", "ivf", "hnsw"], ...], Field(min_length=1)] = (
        "scalar_quantizer",
        "ivf",
        "hnsw",
    )
    """The kinds that are tried beside `flat`, each with its defaults: one byte a number; cells, with `nprobe` from 1 upwards; a graph, with `ef_search` from 8 upwards."""


class MultiVector(InCells):
    """Of vectors of tokens: each token of the query finds the tokens that are nearest to it, in cells, and the documents of these are compared wholly (Khattab and Zaharia 2020; Santhanam et al. 2022). For late interaction over many documents; `pool_factor` of the retriever makes it smaller. Its cells are of tokens, not of documents."""

    own: ClassVar[bool] = True
    kind: Literal["multi_vector"]

    codes: Literal["fp32", "fp16", "int8"] = "int8"
    """What the cells keep of a number: 4, 2 or 1 byte. Documents are compared by 2 bytes a number, which the index keeps as well."""

    tokens: Annotated[int, Field(ge=1, le=10_000)] = 8
    """For each document that is asked for, how many tokens each token of the query finds."""

    candidates: Annotated[int, Field(ge=1, le=1000)] = 4
    """For each document that is asked for, how many are compared wholly."""


class Funnel(Index):
    """Every document is compared by its first dimensions, the best of them by more, and so on to all of them (adaptive retrieval; Kusupati et al. 2022). For vectors that may be cut: `matryoshka`."""

    own: ClassVar[bool] = True
    swept: ClassVar[str | None] = "keep"
    kind: Literal["funnel"]

    dimensions: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1, max_length=10)] = (64,)
    """The first dimensions that each step compares by, ascending; the last step, after them, compares by all."""

    keep: Annotated[int, Field(ge=2, le=1000)] = 4
    """For each document that is asked for, how many the step before the last hands on; each step before it hands on twice as many."""


INDEXES: tuple[type[Index], ...] = (Flat, Hnsw, Ivf, IvfPq, Opq, ScalarQuantizer, Binary, Funnel, Auto, MultiVector)

AnyIndex = Annotated[
    Union[Flat, Hnsw, Ivf, IvfPq, Opq, ScalarQuantizer, Binary, Funnel, Auto, MultiVector], Field(discriminator="kind")
]
