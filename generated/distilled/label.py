"""Show the training rows to the teacher, and keep what it says beside them."""

import argparse
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import teacher

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


PART = 4096


def in_parts(
    work: Path,
    what: str,
    items: Sequence[tuple[str, str]],
    ask: Callable[[Sequence[tuple[str, str]]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """What the teacher says of each item. Parts that are done stay: a killed run goes on after the last of them."""
    folder, found = work / "label_parts", [np.zeros(0, np.float32)]
    folder.mkdir(exist_ok=True)
    for start in range(0, len(items), PART):
        part = items[start : start + PART]
        digest = hashlib.sha256(json.dumps([teacher.model_name(), what, part]).encode()).hexdigest()
        file = folder / f"{digest[:32]}.npy"
        if not file.is_file():
            said = ask(part)
            if not np.isfinite(said).all():
                raise ValueError("the teacher says what is no number")
            np.save(folder / "new.npy", said)
            (folder / "new.npy").rename(file)
        found.append(np.load(file))
    return np.concatenate(found)


def scores_of(work: Path, rows: Mapping[str, Sequence[str]]) -> list[list[float]]:
    """The score of each document of a row for its anchor, in the order of columns; each distinct pair is read once."""
    columns = [list(zip(rows["anchor"], texts, strict=True)) for name, texts in rows.items() if name != "anchor"]
    distinct = sorted(set().union(*columns), key=lambda pair: (len(pair[0]) + len(pair[1]), pair), reverse=True)
    said = in_parts(work, "scores", distinct, partial(teacher.score, teacher.load()))
    scores = dict(zip(distinct, said.tolist(), strict=True))
    return [[scores[pair] for pair in row] for row in zip(*columns, strict=True)]


def labelled(work: Path, rows: pa.Table) -> pa.Table:
    """The rows with a score for each document: the positive's first."""
    scores = scores_of(
        work,
        rows.select(
            [
                "anchor",
                "positive",
                "negative_1",
                "negative_2",
                "negative_3",
                "negative_4",
                "negative_5",
                "negative_6",
                "negative_7",
                "negative_8",
                "negative_9",
                "negative_10",
            ]
        ).to_pydict(),
    )
    return rows.append_column("scores", pa.array(scores, pa.list_(pa.float32())))


def main(work: Path) -> None:
    """Make `labels/` in the work folder: the training rows, and what the teacher says."""
    scratch = work / "labels.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    rows = pq.read_table(work / "mined/tuples.parquet")
    pq.write_table(labelled(work, rows), scratch / "scored_tuples.parquet")
    shutil.rmtree(work / "labels", ignore_errors=True)
    scratch.rename(work / "labels")
    shutil.rmtree(work / "label_parts")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
