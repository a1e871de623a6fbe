"""The texts and their classes, as prepare.py wrote them."""

import hashlib
from collections import Counter
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


def training_rows(work: Path, seed: int) -> Rows:
    """The texts that train: of each class as many as are drawn, by lot."""
    classes = pq.read_table(work / "data/classes.parquet").to_pydict()
    left = Counter(dict(zip(classes["label"], classes["drawn"], strict=True)))
    rows, taken = read_rows(work, "train"), list[int]()
    lots = [hashlib.md5(f"{seed}/{id}".encode()).digest() for id in rows.ids]
    for row in sorted(range(len(lots)), key=lambda row: lots[row]):
        if left[rows.labels[row]]:
            left[rows.labels[row]] -= 1
            taken.append(row)
    return Rows(*([column[row] for row in taken] for column in (rows.ids, rows.texts, rows.labels)))
