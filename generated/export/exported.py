"""What was exported, read in blocks and held to what was written; and whether a store that was loaded answers by it."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

KEY = "doc_id"
"""The column that tells rows apart."""
SIMILARITY = "cosine"
K = 10
LEAST_RECALL = 0.5
"""A store that finds less of what exact search finds answers by something else than these vectors."""
MOST_OFF = 0.01
"""So far a similarity of a store may be from the exact one, as a part of it, or as it is where it is below 1."""


@dataclass(frozen=True)
class Export:
    """The folder, and what was written there."""

    folder: Path
    model: str
    rows: int
    dimension: int


def digest(file: Path) -> str:
    """The sha256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def opened(work: Path) -> Export:
    """What `export/` holds.

    Raises:
        ValueError: a file is not what was written, or vectors and contract are of different models [SF507].
    """
    folder = work / "export"
    try:
        written = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        sealed = json.loads((folder / "contract/contract.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f'"{folder}" is no whole export ({error}); export again') from error
    if sealed["fingerprint"] != written["model"]:
        raise ValueError(f'the vectors in "{folder}" are of another model than its contract; export again [SF507]')
    if sealed["terms"]["similarity"] != SIMILARITY:
        raise ValueError(f'"{folder}" compares by {sealed["terms"]["similarity"]}, and not by {SIMILARITY} [SF507]')
    for name, told in written["files"].items():
        if not (folder / name).is_file() or digest(folder / name) != told:
            raise ValueError(f'"{folder / name}" is not what was exported: damaged or changed; export again')
    return Export(folder, written["model"], written["rows"], written["dimension"])


def blocks(export: Export, size: int) -> Iterator[pa.RecordBatch]:
    """The rows, so many at once."""
    yield from pq.ParquetFile(export.folder / "vectors.parquet").iter_batches(size)


def progress(export: Export, size: int) -> Iterator[pa.RecordBatch]:
    """The same with a bar of the rows that are done."""
    with tqdm(total=export.rows, unit=" rows", unit_scale=True) as bar:
        for block in blocks(export, size):
            yield block
            bar.update(len(block))


def matrix(block: pa.RecordBatch) -> NDArray[np.float32]:
    """The vectors of a block, a row each."""
    found: NDArray[np.float32] = block["vector"].flatten().to_numpy().reshape(len(block), -1)
    return found


def exact(export: Export, asked: NDArray[np.float32]) -> list[dict[str, float]]:
    """For each query the K nearest by comparing all: key -> similarity, best first."""
    keys = np.empty((len(asked), 0), dtype=object)
    scores = np.empty((len(asked), 0), dtype=np.float32)
    for block in blocks(export, 16_384):
        found = asked @ matrix(block).T
        own = np.broadcast_to(np.array(block[KEY].to_pylist(), dtype=object), found.shape)
        scores, keys = np.hstack([scores, found]), np.hstack([keys, own])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        scores, keys = np.take_along_axis(scores, best, axis=1), np.take_along_axis(keys, best, axis=1)
    return [dict(zip(*one, strict=True)) for one in zip(keys.tolist(), scores.tolist(), strict=True)]


def verify(export: Export, rows: int, ask: Callable[[NDArray[np.float32]], dict[str, float]]) -> float:
    """The share of the K nearest that the store finds for test queries; `ask` gives key -> similarity for one.

    Raises:
        ValueError: it holds other rows than the export, or answers by something else than the export's vectors.
    """
    if rows != export.rows:
        raise ValueError(f"the store holds {rows:,} rows, and {export.rows:,} were exported; load into an empty one")
    asked, shares = np.load(export.folder / "queries.npy"), []
    for query, right in zip(asked, exact(export, asked), strict=True):
        found, least = ask(query), min(right.values())
        off = max(
            (abs(found[key] - right[key]) / max(1.0, abs(right[key])) for key in found.keys() & right), default=0.0
        )
        if off > MOST_OFF:
            raise ValueError(f"the store's similarities are off by {off:.3f}: it measures something else")
        ties = least - 1e-5 * max(1.0, abs(least))
        shares.append(sum(key in right or score >= ties for key, score in found.items()) / len(right))
    recall = float(np.mean(shares))
    if recall < LEAST_RECALL:
        raise ValueError(f"the store finds {recall:.1%} of the {K} nearest: it answers by something else")
    print(f"{rows:,} rows; for {len(asked)} test queries the store finds {recall:.1%} of the {K} nearest")
    return recall
