"""The documents that are held out, with their classes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Figure = Callable[[Floats], Floats]
"""Weights of the documents, of shape (resamples, documents) -> the figure on each resample."""


@dataclass(frozen=True)
class Documents:
    """The documents of one split, in the order of the table.

    Attributes:
        labels: the name of each document's class.
        classes: the number of it.
    """

    ids: list[str]
    texts: list[str]
    labels: list[str]
    classes: Numbers


def read_documents(work: Path, split: str) -> Documents:
    """The documents of `dev` or `test` that have a class."""
    rows = pq.read_table(work / "data/labelled.parquet", filters=[("split", "=", split)]).to_pydict()
    _, classes = np.unique(np.array(rows["label"]), return_inverse=True)
    return Documents(rows["doc_id"], rows["text"], rows["label"], classes)
