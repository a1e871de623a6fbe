"""The judged pairs that are held out, as they are measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]
"""Weights of the anchors, of shape (resamples, anchors) -> the figure on each resample."""


@dataclass(frozen=True)
class Pairs:
    """The judged pairs of one split, in the order of the table.

    Attributes:
        units: the number of each pair's anchor: the pairs of an anchor are drawn together.
        relevant: whether the two belong together.
    """

    ids: list[tuple[str, str]]
    anchors: list[str]
    documents: list[str]
    units: NDArray[np.int64]
    relevant: NDArray[np.bool_]


def read_pairs(work: Path, split: str) -> Pairs:
    """The pairs of `dev` or `test`."""
    rows = pq.read_table(work / "data/scored.parquet", filters=[("split", "=", split)]).to_pydict()
    _, units = np.unique(np.array(rows["anchor_id"]), return_inverse=True)
    return Pairs(
        list(zip(rows["anchor_id"], rows["document_id"], strict=True)),
        rows["anchor"],
        rows["document"],
        units,
        np.array(rows["grade"]) > 0,
    )
