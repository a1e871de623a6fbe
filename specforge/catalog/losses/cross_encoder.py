"""Losses of cross encoders: what each takes, what it asks of scores, and its options."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.losses.base import Loss, Sampler, Scale
from specforge.spec.base import Count

Activation = Literal["identity", "sigmoid"]


class CrossEncoderLoss(Loss):
    """What losses of cross encoders declare besides.

    Attributes:
        activations: what may be done to a score before the loss sees it, the usual first.
        why: why nothing else may be done.
        graded: whether it tells more relevant from less relevant documents.
    """

    similarities: ClassVar[tuple[str, ...]] = ()
    activations: ClassVar[tuple[Activation, ...]] = ("identity",)
    why: ClassVar[str] = "it compares scores, and a sigmoid makes large ones alike"
    graded: ClassVar[bool] = False


class BinaryCrossEntropy(CrossEncoderLoss):
    """Each pair by itself: relevant or not."""

    title: ClassVar[str] = "binary cross entropy"
    takes: ClassVar[tuple[str, ...]] = ("labelled_pairs",)
    labels: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    why: ClassVar[str] = "it has a sigmoid of its own"
    kind: Literal["binary_cross_entropy"]

    positive_weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """How much a relevant pair counts beside one that is not; with many negatives to a positive, their number is usual."""


class _InBatchRanking(CrossEncoderLoss):
    takes: ClassVar[tuple[str, ...]] = ("tuples",)
    samplers: ClassVar[tuple[Sampler, ...]] = ("no_duplicates",)
    in_batch: ClassVar[bool] = True
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "identity")

    scale: Scale = 10.0
    """Scores are multiplied by this before the softmax."""

    in_batch_negatives: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Texts of other rows of the batch that each anchor is scored with besides its own negatives; every one costs a pass."""


class MultipleNegativesRanking(_InBatchRanking):
    """Find each anchor's positive among its negatives and some of the batch (InfoNCE; van den Oord et al. 2018)."""

    title: ClassVar[str] = "multiple negatives ranking"
    kind: Literal["multiple_negatives_ranking"]


class CachedMultipleNegativesRanking(_InBatchRanking):
    """The same with gradient caching (GradCache; Gao et al. 2021): large batches in little memory."""

    title: ClassVar[str] = "cached multiple negatives ranking"
    cached: ClassVar[bool] = True
    kind: Literal["cached_multiple_negatives_ranking"]

    mini_batch_size: Count = 32
    """Pairs that go through the model at once; memory depends on this and not on the batch size."""


class _Listwise(CrossEncoderLoss):
    takes: ClassVar[tuple[str, ...]] = ("lists",)
    samplers: ClassVar[tuple[Sampler, ...]] = ("random",)
    graded: ClassVar[bool] = True

    list_size: Annotated[int, Field(ge=2, le=1000)] = 32
    """Documents of a list at most: of the positives those with the highest grades, up to half of it, then negatives."""

    mini_batch_size: Count = 16
    """Pairs that go through the model at once."""


class ListNet(_Listwise):
    """The scores of a list as a distribution, near that of its grades (Cao et al. 2007)."""

    title: ClassVar[str] = "ListNet"
    kind: Literal["list_net"]


class ListMle(_Listwise):
    """The order of a list by grade, made likely (Xia et al. 2008)."""

    title: ClassVar[str] = "ListMLE"
    kind: Literal["list_mle"]


class PListMle(_Listwise):
    """ListMLE in which the first ranks count more (Lan et al. 2014)."""

    title: ClassVar[str] = "position-aware ListMLE"
    kind: Literal["p_list_mle"]


class AdrMse(_Listwise):
    """The ranks that scores give, near those of the grades, the first ranks counting more (Schlatt et al. 2025)."""

    title: ClassVar[str] = "approximate discounted rank MSE"
    kind: Literal["adr_mse"]

    alpha: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """How sharply a difference of scores becomes a rank."""


class _Pairwise(_Listwise):
    k: Count | None = None
    """Pairs count of which one stands among the model's first k; without it, all pairs."""

    sigma: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Differences of scores are multiplied by this."""


class RankNet(_Pairwise):
    """Of two documents with different grades, the better one scores higher (Burges et al. 2005)."""

    title: ClassVar[str] = "RankNet"
    kind: Literal["rank_net"]


class Lambda(_Pairwise):
    """RankNet in which a pair counts by what its order is worth in nDCG (LambdaLoss; Wang et al. 2018)."""

    title: ClassVar[str] = "LambdaLoss"
    kind: Literal["lambda"]

    weighting: Literal["ndcg_loss1", "ndcg_loss2", "ndcg_loss2pp", "lambda_rank"] = "ndcg_loss2pp"
    """How a pair's worth is bounded."""


class Mse(CrossEncoderLoss):
    """The score of a pair equals the teacher's; without a teacher its label: 1 where it is relevant, else 0; of grades, the share of the highest one."""

    title: ClassVar[str] = "mean squared error"
    takes: ClassVar[tuple[str, ...]] = ("taught_pairs", "labelled_pairs")
    labels: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    activations: ClassVar[tuple[Activation, ...]] = ("identity", "sigmoid")
    graded: ClassVar[bool] = True
    kind: Literal["mse"]


class MarginMse(CrossEncoderLoss):
    """The difference between a positive's and a negative's score equals the teacher's (MarginMSE; Hofstätter et al. 2020)."""

    title: ClassVar[str] = "mean squared error of margins"
    takes: ClassVar[tuple[str, ...]] = ("scored_tuples",)
    copies: ClassVar[bool] = True
    why: ClassVar[str] = "the teacher's scores are logits, and so are its own"
    kind: Literal["margin_mse"]


class CrossEntropy(CrossEncoderLoss):
    """Each grade is a class, and the model says how likely each is. Documents are ranked by the grade that it expects: each grade times its probability, added up (McRank; Li et al. 2007)."""

    title: ClassVar[str] = "cross entropy of grades"
    takes: ClassVar[tuple[str, ...]] = ("graded_pairs",)
    why: ClassVar[str] = "it has a softmax of its own"
    graded: ClassVar[bool] = True
    kind: Literal["cross_entropy"]

    grades: Annotated[int, Field(ge=3, le=1000)]
    """How many grades there are, with 0 for what is not relevant: 4 for grades from 0 to 3. Two are those of `binary_cross_entropy`."""


AnyCrossEncoderLoss = Annotated[
    Union[
        BinaryCrossEntropy,
        MultipleNegativesRanking,
        CachedMultipleNegativesRanking,
        ListNet,
        ListMle,
        PListMle,
        AdrMse,
        RankNet,
        Lambda,
        Mse,
        MarginMse,
        CrossEntropy,
    ],
    Field(discriminator="kind"),
]
