"""Losses of bi-encoders: what each takes, and its options."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.losses.base import Loss, Margin, Sampler, Scale
from specforge.catalog.losses.distillation import OfDistributions, OfMargins, Temperature
from specforge.spec.base import Count
from specforge.spec.models import Guide


class _InBatchRanking(Loss):
    takes: ClassVar[tuple[str, ...]] = ("tuples", "triplets", "pairs")
    samplers: ClassVar[tuple[Sampler, ...]] = ("no_duplicates",)
    in_batch: ClassVar[bool] = True

    scale: Scale = 20.0
    """Similarities are multiplied by this before the softmax (1 / temperature)."""


class _CachedInBatchRanking(_InBatchRanking):
    cached: ClassVar[bool] = True

    mini_batch_size: Count = 32
    """Texts that go through the model at once; memory depends on this and not on the batch size."""


class MultipleNegativesRanking(_InBatchRanking):
    """Find each anchor's own positive among all positives of the batch (InfoNCE; van den Oord et al. 2018)."""

    title: ClassVar[str] = "multiple negatives ranking"
    kind: Literal["multiple_negatives_ranking"]


class SymmetricMultipleNegativesRanking(_InBatchRanking):
    """The same in both directions: anchor to positive and positive to anchor, averaged. Fits relations that have no direction, such as "in the same cart"."""

    title: ClassVar[str] = "symmetric multiple negatives ranking"
    kind: Literal["symmetric_multiple_negatives_ranking"]


class CachedMultipleNegativesRanking(_CachedInBatchRanking):
    """Multiple negatives ranking with gradient caching (GradCache; Gao et al. 2021): large batches in little memory."""

    title: ClassVar[str] = "cached multiple negatives ranking"
    kind: Literal["cached_multiple_negatives_ranking"]


class CachedSymmetricMultipleNegativesRanking(_CachedInBatchRanking):
    """The symmetric form with gradient caching."""

    title: ClassVar[str] = "cached symmetric multiple negatives ranking"
    kind: Literal["cached_symmetric_multiple_negatives_ranking"]


class _Guided(Loss):
    similarities: ClassVar[tuple[str, ...]] = ("cosine",)
    samplers: ClassVar[tuple[Sampler, ...]] = ("no_duplicates",)
    in_batch: ClassVar[bool] = True
    retokenizes: ClassVar[bool] = True

    guide: Guide
    """The model that says which texts of a batch are no negatives."""

    temperature: Temperature = 0.01
    """Cosines are divided by this before the softmax."""

    margin_strategy: Literal["absolute", "relative"] = "absolute"
    """What a negative may not come near to, by the guide: the positive's cosine less `margin`, or less that share of it."""

    margin: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """How far below the positive's cosine a negative must lie."""

    contrast_anchors: bool = True
    """Whether the other anchors of the batch are negatives too."""

    contrast_positives: bool = True
    """Whether positives are told apart from each other as well."""


class Gist(_Guided):
    """Multiple negatives ranking without the texts of a batch that a guide finds nearer to the anchor than its positive: they may be relevant unsaid (GISTEmbed; Solatorio 2024)."""

    title: ClassVar[str] = "guided in-batch negatives"
    takes: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    kind: Literal["gist"]


class CachedGist(_Guided):
    """The same with gradient caching (GradCache; Gao et al. 2021): large batches in little memory."""

    title: ClassVar[str] = "cached guided in-batch negatives"
    takes: ClassVar[tuple[str, ...]] = ("tuples", "triplets", "pairs")
    cached: ClassVar[bool] = True
    kind: Literal["cached_gist"]

    mini_batch_size: Count = 32
    """Texts that go through the models at once; memory depends on this and not on the batch size."""


class _OfCosines(Loss):
    """Losses of cosine distances, of which no two differ by more than 2."""

    similarities: ClassVar[tuple[str, ...]] = ("cosine",)
    gap: ClassVar[float | None] = 2.0


class Triplet(_OfCosines):
    """The positive is nearer to the anchor than the negative, by a margin of cosine distance (Schroff et al. 2015)."""

    title: ClassVar[str] = "triplet"
    takes: ClassVar[tuple[str, ...]] = ("triplets",)
    kind: Literal["triplet"]

    margin: Margin = 0.5
    """How much nearer; more gives no further gain."""


class _OfBatchTriplets(_OfCosines):
    takes: ClassVar[tuple[str, ...]] = ("classes",)
    samplers: ClassVar[tuple[Sampler, ...]] = ("group_by_label",)


class _WithMargin(_OfBatchTriplets):
    margin: Margin = 0.5
    """How much nearer a text of the same class is than one of another, in cosine distance."""


class BatchAllTriplet(_WithMargin):
    """All triplets of a batch that its classes make (Hermans et al. 2017)."""

    title: ClassVar[str] = "batch all triplet"
    kind: Literal["batch_all_triplet"]


class BatchHardTriplet(_WithMargin):
    """For each text of a batch the farthest of its class and the nearest of another (Hermans et al. 2017)."""

    title: ClassVar[str] = "batch hard triplet"
    kind: Literal["batch_hard_triplet"]


class BatchSemiHardTriplet(_WithMargin):
    """For each text of a batch and one of its class, the nearest of another class that is farther than it (Schroff et al. 2015)."""

    title: ClassVar[str] = "batch semi-hard triplet"
    kind: Literal["batch_semi_hard_triplet"]


class BatchHardSoftMarginTriplet(_OfBatchTriplets):
    """Batch hard triplets with a soft margin, which has no size to choose (Hermans et al. 2017)."""

    title: ClassVar[str] = "batch hard triplet with a soft margin"
    kind: Literal["batch_hard_soft_margin_triplet"]


class _Contrastive(_OfCosines):
    takes: ClassVar[tuple[str, ...]] = ("labelled_pairs",)

    margin: Margin = 0.5
    """Irrelevant documents are pushed away up to this cosine distance."""


class Contrastive(_Contrastive):
    """Relevant documents are drawn near, irrelevant ones pushed away up to a margin (Hadsell et al. 2006)."""

    title: ClassVar[str] = "contrastive"
    kind: Literal["contrastive"]


class OnlineContrastive(_Contrastive):
    """Contrastive loss on the hard pairs of a batch alone: relevant ones farther than the nearest irrelevant one, and the other way round."""

    title: ClassVar[str] = "online contrastive"
    kind: Literal["online_contrastive"]


class CoSent(Loss):
    """Pairs with higher scores have higher similarities than pairs with lower ones (CoSENT; Su 2022)."""

    title: ClassVar[str] = "CoSENT"
    takes: ClassVar[tuple[str, ...]] = ("scored_pairs", "labelled_pairs")
    kind: Literal["cosent"]

    scale: Scale = 20.0
    """Differences of similarities are multiplied by this."""


class AnglE(Loss):
    """CoSENT on the angle of vectors in complex space, where the cosine is flat near its ends (AnglE; Li and Li 2023)."""

    title: ClassVar[str] = "AnglE"
    takes: ClassVar[tuple[str, ...]] = ("scored_pairs", "labelled_pairs")
    similarities: ClassVar[tuple[str, ...]] = ("cosine",)
    kind: Literal["angle"]

    scale: Scale = 20.0
    """Differences of angles are multiplied by this."""


class CosineSimilarity(Loss):
    """The cosine of a pair equals its score (mean squared error)."""

    title: ClassVar[str] = "cosine similarity"
    takes: ClassVar[tuple[str, ...]] = ("scored_pairs", "labelled_pairs")
    similarities: ClassVar[tuple[str, ...]] = ("cosine",)
    labels: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)
    kind: Literal["cosine_similarity"]


class MarginMse(OfMargins):
    """The difference between a positive's and a negative's score equals the teacher's (MarginMSE; Hofstätter et al. 2020)."""

    title: ClassVar[str] = "mean squared error of margins"
    kind: Literal["margin_mse"]


class DistillKlDiv(OfDistributions):
    """The scores of a row's documents as a distribution, near the teacher's (Kullback-Leibler; Lin et al. 2020)."""

    title: ClassVar[str] = "distillation by Kullback-Leibler divergence"
    kind: Literal["distill_kl_div"]


class Mse(Loss):
    """The vector of a text equals the teacher's (Reimers and Gurevych 2020): a small model in the place of a large one."""

    title: ClassVar[str] = "mean squared error of vectors"
    takes: ClassVar[tuple[str, ...]] = ("vector_targets",)
    of_vectors: ClassVar[bool] = True
    kind: Literal["mse"]


AnyBiEncoderLoss = Annotated[
    Union[
        MultipleNegativesRanking,
        SymmetricMultipleNegativesRanking,
        CachedMultipleNegativesRanking,
        CachedSymmetricMultipleNegativesRanking,
        Gist,
        CachedGist,
        Triplet,
        BatchAllTriplet,
        BatchHardTriplet,
        BatchSemiHardTriplet,
        BatchHardSoftMarginTriplet,
        Contrastive,
        OnlineContrastive,
        CoSent,
        AnglE,
        CosineSimilarity,
        MarginMse,
        DistillKlDiv,
        Mse,
    ],
    Field(discriminator="kind"),
]
