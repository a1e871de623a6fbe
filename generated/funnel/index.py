"""Build the index that answers queries from the document vectors."""

import argparse
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import contract
from ranking import Corpus, Queries, read_corpus, unchanged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


BLOCK = 65_536
DIMENSIONS = [32, 128]
KEEP = 4


@dataclass(frozen=True)
class Index:
    """Compares all documents by their first dimensions, and ever fewer by ever more.

    Attributes:
        first: all documents by the fewest dimensions.
        vectors: of shape (documents, dimension), on disk.
    """

    first: faiss.Index
    vectors: NDArray[np.float32]
    keep: int = KEEP

    def search(self, asked: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and rows of the `k` best documents of each query, best first; -1 where there are fewer."""
        steps = [*DIMENSIONS[1:], self.vectors.shape[1]]
        wanted = [k, *(k * self.keep * 2**step for step in range(len(steps)))][::-1]
        _, rows = self.first.search(cut(asked, DIMENSIONS[0]), min(wanted[0], len(self.vectors)))
        scores = np.empty(rows.shape, dtype=np.float32)
        for dimension, count in zip(steps, wanted[1:], strict=True):
            shorter = cut(asked, dimension)
            found = [
                best(query, cut(self.vectors[row], dimension), row, count)
                for query, row in zip(shorter, rows, strict=True)
            ]
            scores, rows = (np.stack(part) for part in zip(*found, strict=True))
        return scores, rows


def cut(vectors: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """The first dimensions of vectors, scaled to length 1."""
    part = vectors[:, :dimension]
    shorter: NDArray[np.float32] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(shorter)


def best(
    query: NDArray[np.float32], documents: NDArray[np.float32], rows: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The so many documents that a query is nearest to: scores and rows."""
    scores = documents @ query
    order = np.argsort(-scores, kind="stable")[:count]
    return scores[order], rows[order]


def build(vectors: NDArray[np.float32]) -> Index:
    """An index of vectors, which are read in blocks."""
    first = faiss.IndexFlat(DIMENSIONS[0], faiss.METRIC_INNER_PRODUCT)
    for start in tqdm(range(0, len(vectors), BLOCK), unit_scale=BLOCK, disable=len(vectors) <= BLOCK):
        first.add(cut(vectors[start : start + BLOCK], DIMENSIONS[0]))
    return Index(first, vectors)


def write_index(index: Index, folder: Path) -> None:
    """The first dimensions as a faiss index, and the whole vectors."""
    faiss.write_index(index.first, str(folder / "first.faiss"))
    np.save(folder / "vectors.npy", index.vectors)


def read_index(folder: Path) -> Index:
    """The index in a folder."""
    return Index(faiss.read_index(str(folder / "first.faiss")), np.load(folder / "vectors.npy", mmap_mode="r"))


def exact(vectors: NDArray[np.float32]) -> faiss.Index:
    """An index that compares every vector."""
    index = faiss.IndexFlat(vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + BLOCK]))
    return index


def answers(
    index: Index | faiss.Index, asked: NDArray[np.float32], queries: Queries, corpus: Corpus, k: int
) -> list[dict[int, float]]:
    """For each query the `k` best documents, best first: its row -> its score; never the query itself."""
    scores, rows = index.search(asked, min(k + 1, len(corpus.ids)))
    found = [
        [(int(row), float(score)) for row, score in zip(*one, strict=True) if row not in (own, -1)]
        for own, one in zip(queries.rows, zip(rows, scores, strict=True), strict=True)
    ]
    return [dict(best[:k]) for best in found]


def size(folder: Path) -> int:
    """The bytes of what answers queries."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.suffix in (".faiss", ".npy", ".npz"))


def opened(work: Path, corpus: Corpus) -> Index:
    """The index in `index/`.

    Raises:
        ValueError: it holds other documents [SF507], or is damaged.
    """
    folder = work / "index"
    unchanged(corpus, folder)
    written = json.loads((folder / "figures.json").read_text(encoding="utf-8"))["bytes"]
    if size(folder) != written:
        raise ValueError(f'"{folder}" has {size(folder):,} bytes, and {written:,} were written; make it again')
    try:
        return read_index(folder)
    except Exception as error:  # of the right size, and damaged: it may fail in many ways
        raise ValueError(f'"{folder}" cannot be read ({error}); make it again') from error


def main(work: Path) -> None:
    """Make `index/` in the work folder: what answers queries, and the contract of the vectors that it holds."""
    contract.opened(str(work / "model"), work / "vectors")
    unchanged(read_corpus(work), work / "vectors")
    scratch = work / "index.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    vectors: NDArray[np.float32] = np.load(work / "vectors/corpus.npy", mmap_mode="r")
    began = time.perf_counter()
    index = build(vectors)
    seconds = time.perf_counter() - began
    write_index(index, scratch)
    found = {"bytes": size(scratch), "build_seconds": seconds}
    (scratch / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.copy(work / "vectors/corpus.sha256", scratch)
    contract.hand_on(work / "vectors", scratch)
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
