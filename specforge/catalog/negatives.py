"""Where the negatives of training rows come from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section
from specforge.spec.models import Filter


class Negatives(Section):
    """What all kinds declare.

    Attributes:
        title: what they are, in words.
        encodes: whether a model embeds the documents to find them.
        libraries: the distributions that finding them takes, besides those of a model.
    """

    title: ClassVar[str]
    encodes: ClassVar[bool] = False
    libraries: ClassVar[tuple[str, ...]] = ()

    kind: str


class Given(Negatives):
    """The objective's own, as many as its `negatives_per_positive` says: what was shown and passed over, retrieved and not cited, graded 0."""

    title: ClassVar[str] = "the objective's own"
    kind: Literal["given"]


class Found(Negatives):
    """What kinds share that look for negatives among the documents that are not held out."""

    per_positive: Annotated[int, Field(ge=1, le=100)] = 1
    """Negatives of a training row; a row with fewer is counted (SF107)."""


Lot = Annotated[int, Field(ge=0, lt=2**32)]


class Random(Found):
    """Any document: easy, and never wrong in a large collection."""

    title: ClassVar[str] = "any document"
    kind: Literal["random"]

    seed: Lot = 0
    """Another seed draws others."""


class _Nearest(Found):
    range_min: Annotated[int, Field(ge=0)] = 0
    """How many of the nearest are passed over, as they may be relevant and nobody said so."""

    range_max: Count = 50
    """How many of the nearest are looked at."""


class Bm25Negatives(_Nearest):
    """Documents that have most words in common with the query, weighted by rarity: hard for a model that knows words alone (Karpukhin et al. 2020)."""

    title: ClassVar[str] = "the nearest by words"
    libraries: ClassVar[tuple[str, ...]] = ("bm25s", "numpy")
    kind: Literal["bm25"]


class Mined(_Nearest):
    """The nearest by a model that are not known to be relevant, as `mine_hard_negatives` of sentence-transformers finds them (Xiong et al. 2021; Moreira et al. 2024). Scores are those of the retriever's `similarity`, or of the `filter`; a margin is held against the lowest score of the query's positives that train."""

    title: ClassVar[str] = "the nearest by a model"
    encodes: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    kind: Literal["mined"]

    model: Literal["untuned", "tuned"] = "untuned"
    """Whose neighbours are taken: the base model's, or those of a model that is trained first, on the negatives of its batches alone and with the same settings. `tuned` doubles the training, and adds one more pass over the documents and queries that train; with several `seeds` all of them train on the negatives of the first."""

    max_score: float | None = None
    """Documents with a higher score are passed over."""

    min_score: float | None = None
    """Documents with a lower score are passed over."""

    absolute_margin: Annotated[float, Field(ge=0)] | None = None
    """A negative has at most the positive's score less this."""

    relative_margin: Annotated[float, Field(ge=0, le=1)] | None = None
    """A negative's score lies below the positive's by at least this share of it; 0.05 served best in NV-Retriever."""

    filter: Filter | None = None
    """A cross encoder that scores the `range_max` nearest anew; the limits and margins above are then of its scores."""

    sampling_strategy: Literal["top", "random"] = "top"
    """Which of those that are left: the nearest, or any of them by lot."""

    seed: Lot = 0
    """For the lot."""

    @property
    def limited(self) -> bool:
        """Whether scores decide which documents are passed over."""
        limits = (self.max_score, self.min_score, self.absolute_margin, self.relative_margin)
        return any(limit is not None for limit in limits)


class Clusters(Found):
    """Documents by lot from groups of documents that are near each other (k-means on the base model's vectors): the positive's own group for hard ones, the others for easy ones."""

    title: ClassVar[str] = "by clusters"
    encodes: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("faiss-cpu", "numpy")
    kind: Literal["clusters"]

    take: Literal["same", "others"]
    """From the cluster of the positive, or from all others."""

    number: Annotated[int, Field(ge=2, le=100_000)] = 100
    """Clusters."""

    seed: Lot = 0
    """For the first means, and the lot."""


AnyNegatives = Annotated[Union[Given, Random, Bm25Negatives, Mined, Clusters], Field(discriminator="kind")]
