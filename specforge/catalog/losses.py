"""Training losses: what each requires of the data and of the batch, and the options it takes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section


class Loss(Section):
    """What all losses declare. `requires` is the shape of the training rows; `in_batch` says that the other rows of a batch serve as negatives."""

    requires: ClassVar[str]
    families: ClassVar[tuple[str, ...]]
    in_batch: ClassVar[bool]
    cached: ClassVar[bool] = False
    title: ClassVar[str]


class _InBatchRanking(Loss):
    requires: ClassVar[str] = "pairs"
    families: ClassVar[tuple[str, ...]] = ("bi_encoder",)
    in_batch: ClassVar[bool] = True

    scale: Annotated[float, Field(gt=0, le=1000)] = 20.0
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


LOSSES: tuple[type[Loss], ...] = (
    MultipleNegativesRanking,
    SymmetricMultipleNegativesRanking,
    CachedMultipleNegativesRanking,
    CachedSymmetricMultipleNegativesRanking,
)

AnyLoss = Annotated[
    Union[
        MultipleNegativesRanking,
        SymmetricMultipleNegativesRanking,
        CachedMultipleNegativesRanking,
        CachedSymmetricMultipleNegativesRanking,
    ],
    Field(discriminator="kind"),
]
