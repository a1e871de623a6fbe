"""Training losses by family: the losses that a model of the family may be trained with."""

from __future__ import annotations

from typing import get_args

from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.bi_encoder import AnyBiEncoderLoss

LOSSES: dict[str, tuple[type[Loss], ...]] = {"bi_encoder": get_args(get_args(AnyBiEncoderLoss)[0])}
"""Family -> its losses."""
