"""Training losses by family: the losses that a model of the family may be trained with."""

from __future__ import annotations

from typing import get_args

from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.bi_encoder import AnyBiEncoderLoss
from specforge.catalog.losses.cross_encoder import AnyCrossEncoderLoss
from specforge.catalog.losses.late_interaction import AnyLateInteractionLoss
from specforge.catalog.losses.sparse_encoder import AnySparseEncoderLoss

LOSSES: dict[str, tuple[type[Loss], ...]] = {
    "bi_encoder": get_args(get_args(AnyBiEncoderLoss)[0]),
    "sparse_encoder": get_args(get_args(AnySparseEncoderLoss)[0]),
    "late_interaction": get_args(get_args(AnyLateInteractionLoss)[0]),
    "cross_encoder": get_args(get_args(AnyCrossEncoderLoss)[0]),
}
"""Family -> its losses."""
