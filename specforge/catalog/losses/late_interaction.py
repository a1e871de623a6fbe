"""Losses of late interaction: what each takes, and its options. They compare by MaxSim, the sum of each query token's best match."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.losses.base import Loss, Sampler, Scale
from specforge.catalog.losses.distillation import OfDistributions, OfMargins
from specforge.spec.base import Count


class _InBatchMaxSim(Loss):
    takes: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    similarities: ClassVar[tuple[str, ...]] = ("maxsim",)
    samplers: ClassVar[tuple[Sampler, ...]] = ("no_duplicates",)
    in_batch: ClassVar[bool] = True

    scale: Scale = 1.0
    """Scores are multiplied by this before the softmax. MaxSim is a sum over the tokens of the query, and large already."""


class LateMultipleNegativesRanking(_InBatchMaxSim):
    """Find each anchor's own positive among all positives of the batch, by MaxSim (ColBERT; Khattab and Zaharia 2020)."""

    title: ClassVar[str] = "multiple negatives ranking by MaxSim"
    kind: Literal["multiple_negatives_ranking"]


class LateCachedMultipleNegativesRanking(_InBatchMaxSim):
    """The same with gradient caching (GradCache; Gao et al. 2021): large batches in little memory."""

    title: ClassVar[str] = "cached multiple negatives ranking by MaxSim"
    cached: ClassVar[bool] = True
    kind: Literal["cached_multiple_negatives_ranking"]

    mini_batch_size: Count = 32
    """Texts that go through the model at once; memory depends on this and not on the batch size."""


class _ByMaxSim(Loss):
    similarities: ClassVar[tuple[str, ...]] = ("maxsim",)


class LateMarginMse(OfMargins, _ByMaxSim):
    """The difference between a positive's and a negative's MaxSim equals that of the teacher's scores (MarginMSE; Hofstätter et al. 2020)."""

    title: ClassVar[str] = "mean squared error of margins by MaxSim"
    kind: Literal["margin_mse"]


class LateDistillKlDiv(OfDistributions, _ByMaxSim):
    """MaxSim of a row's documents as a distribution, near the teacher's: how ColBERTv2 was trained (Santhanam et al. 2022)."""

    title: ClassVar[str] = "distillation by Kullback-Leibler divergence by MaxSim"
    kind: Literal["distill_kl_div"]


AnyLateInteractionLoss = Annotated[
    Union[LateMultipleNegativesRanking, LateCachedMultipleNegativesRanking, LateMarginMse, LateDistillKlDiv],
    Field(discriminator="kind"),
]
