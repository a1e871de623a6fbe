"""Losses of sparse encoders: each is a loss of rankings or scores, and two regularisers that make vectors sparse (SPLADE)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.losses.base import Loss, Margin, Sampler, Scale
from specforge.catalog.losses.distillation import OfDistributions, OfMargins, Temperature
from specforge.spec.base import Count, Section

Weight = Annotated[float, Field(ge=0, le=100)]


class Regulariser(Section):
    """What makes vectors sparse (FLOPS; Paria et al. 2020): the squares of each word's mean weight over the batch, added up."""

    document: Weight = 3e-5
    """Its weight over documents: more gives fewer words a document, and a smaller index."""

    query: Weight = 5e-5
    """Its weight over queries: more gives fewer words a query, and faster answers."""

    document_threshold: Count | None = None
    """Documents with no more words than this are left as they are (Geng et al. 2025); without it, none are."""

    query_threshold: Count | None = None
    """The same of queries."""

    warmup: Annotated[float, Field(gt=0, le=1)] = 0.33
    """Share of the steps in which both weights rise from 0, by the square: a model that is made sparse too soon gives no words at all."""


class _Splade(Loss):
    similarities: ClassVar[tuple[str, ...]] = ("dot",)

    regulariser: Regulariser = Regulariser.model_construct()
    """What makes vectors sparse."""


class _InBatchSplade(_Splade):
    takes: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    samplers: ClassVar[tuple[Sampler, ...]] = ("no_duplicates",)
    in_batch: ClassVar[bool] = True

    scale: Scale = 1.0
    """Inner products are multiplied by this before the softmax. They have no upper bound, and are large already."""


class _CachedInBatchSplade(_InBatchSplade):
    cached: ClassVar[bool] = True

    mini_batch_size: Count = 32
    """Texts that go through the model at once; memory depends on this and not on the batch size."""


class SparseMultipleNegativesRanking(_InBatchSplade):
    """Find each anchor's own positive among all positives of the batch, by inner products (SPLADE; Formal et al. 2021)."""

    title: ClassVar[str] = "multiple negatives ranking with regularisers"
    kind: Literal["multiple_negatives_ranking"]


class SparseSymmetricMultipleNegativesRanking(_InBatchSplade):
    """The same in both directions: anchor to positive and positive to anchor, averaged."""

    title: ClassVar[str] = "symmetric multiple negatives ranking with regularisers"
    kind: Literal["symmetric_multiple_negatives_ranking"]


class SparseCachedMultipleNegativesRanking(_CachedInBatchSplade):
    """Multiple negatives ranking with gradient caching (GradCache; Gao et al. 2021): large batches in little memory."""

    title: ClassVar[str] = "cached multiple negatives ranking with regularisers"
    kind: Literal["cached_multiple_negatives_ranking"]


class SparseCachedSymmetricMultipleNegativesRanking(_CachedInBatchSplade):
    """The symmetric form with gradient caching."""

    title: ClassVar[str] = "cached symmetric multiple negatives ranking with regularisers"
    kind: Literal["cached_symmetric_multiple_negatives_ranking"]


class SparseTriplet(_Splade):
    """The inner product of anchor and positive is larger than that of anchor and negative, by a margin."""

    title: ClassVar[str] = "triplet with regularisers"
    takes: ClassVar[tuple[str, ...]] = ("triplets",)
    kind: Literal["triplet"]

    margin: Margin = 5.0
    """How much larger; inner products have no upper bound, so that no margin is out of reach."""


class SparseCoSent(_Splade):
    """Pairs with higher scores have larger inner products than pairs with lower ones (CoSENT; Su 2022)."""

    title: ClassVar[str] = "CoSENT with regularisers"
    takes: ClassVar[tuple[str, ...]] = ("scored_pairs", "labelled_pairs")
    kind: Literal["cosent"]

    scale: Scale = 1.0
    """Differences of inner products are multiplied by this."""


class SparseMarginMse(OfMargins, _Splade):
    """The difference between a positive's and a negative's inner product equals that of the teacher's scores (MarginMSE; Hofstätter et al. 2020), as SPLADE v2 was trained (Formal et al. 2021)."""

    title: ClassVar[str] = "mean squared error of margins with regularisers"
    kind: Literal["margin_mse"]


class SparseDistillKlDiv(OfDistributions, _Splade):
    """The inner products of a row's documents as a distribution, near the teacher's (Kullback-Leibler; Lin et al. 2020)."""

    title: ClassVar[str] = "distillation by Kullback-Leibler divergence with regularisers"
    kind: Literal["distill_kl_div"]

    student_temperature: Temperature = 2.0
    """Inner products are divided by this before the softmax; with less, a model may end with no words at all."""

    teacher_temperature: Temperature = 2.0
    """The teacher's scores are divided by this before the softmax: less tells its first choice apart more sharply."""


AnySparseEncoderLoss = Annotated[
    Union[
        SparseMultipleNegativesRanking,
        SparseSymmetricMultipleNegativesRanking,
        SparseCachedMultipleNegativesRanking,
        SparseCachedSymmetricMultipleNegativesRanking,
        SparseTriplet,
        SparseCoSent,
        SparseMarginMse,
        SparseDistillKlDiv,
    ],
    Field(discriminator="kind"),
]
