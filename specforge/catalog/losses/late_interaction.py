"""Losses of late interaction: what each takes, and its options. They compare by MaxSim, the sum of each query token's best match."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.catalog.losses.base import Loss, Sampler, Scale
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


AnyLateInteractionLoss = Annotated[
    Union[LateMultipleNegativesRanking, LateCachedMultipleNegativesRanking], Field(discriminator="kind")
]
