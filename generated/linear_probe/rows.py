"""The texts and their classes, as prepare.py wrote them."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq


@dataclass(frozen=True)
class Rows:
    """Texts of one side of the split, each with its class."""

    ids: list[str]
    texts: list[str]
    labels: list[str]


def read_rows(work: Path, split: str) -> Rows:
    """The texts of a side: `train`, `dev` or `test`."""
    found = pq.read_table(work / "data/rows.parquet", filters=[("split", "=", split)]).to_pydict()
    return Rows(found["id"], found["text"], found["label"])


def read_classes(work: Path) -> list[str]:
    """The classes that train, in the order that the model has them."""
    return pq.read_table(work / "data/classes.parquet", filters=[("drawn", ">", 0)])["label"].to_pylist()
