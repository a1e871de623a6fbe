"""Build the index that answers queries from the document vectors."""

import argparse
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz, save_npz

import contract
from encoder import matched
from ranking import Corpus, Queries, read_corpus, unchanged
from vectors import read_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Index:
    """Of each word the documents that have it, of shape (words, documents): every one of them is compared."""

    words: csr_matrix

    def search(self, asked: csr_matrix, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and rows of the `k` best documents of each query, best first; in blocks of bounded size."""
        block = max(1, 2**26 // self.words.shape[1])
        parts = [asked[start : start + block] for start in range(0, asked.shape[0], block)]
        found = [best(matched(part, self.words), k) for part in parts]
        return np.concatenate([scores for scores, _ in found]), np.concatenate([places for _, places in found])


def best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` highest scores of each row, the highest first, and where they stand; -1 where nothing has a score."""
    places = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found: NDArray[np.float32] = np.take_along_axis(scores, places, axis=1)
    return found, np.where(np.isfinite(found), places, -1)


def build(vectors: csr_matrix) -> Index:
    """The weights by word instead of by document."""
    return Index(vectors.T.tocsr())


def write_index(index: Index, folder: Path) -> None:
    """One file of all weights."""
    save_npz(folder / "words.npz", index.words)


def read_index(folder: Path) -> Index:
    """The index in a folder."""
    return Index(load_npz(folder / "words.npz"))


def figures(vectors: csr_matrix, asked: csr_matrix) -> dict[str, float]:
    """What the index is large by, and what a query costs."""
    return {
        "dimension": vectors.shape[1],
        "active_dims_per_document": vectors.nnz / max(1, vectors.shape[0]),
        "active_dims_per_query": asked.nnz / max(1, asked.shape[0]),
    }


def answers(index: Index, asked: csr_matrix, queries: Queries, corpus: Corpus, k: int) -> list[dict[int, float]]:
    """For each query the `k` best documents, best first: its row -> its score."""
    scores, rows = index.search(asked, min(k, len(corpus.ids)))
    return [
        {int(row): float(score) for row, score in zip(*one, strict=True) if row != -1}
        for one in zip(rows, scores, strict=True)
    ]


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
    vectors = read_vectors(work / "vectors", "corpus")
    began = time.perf_counter()
    index = build(vectors)
    seconds = time.perf_counter() - began
    write_index(index, scratch)
    costs = figures(vectors, read_vectors(work / "vectors", "test"))
    found = {"bytes": size(scratch), "build_seconds": seconds, **costs}
    (scratch / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.copy(work / "vectors/corpus.sha256", scratch)
    contract.hand_on(work / "vectors", scratch)
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
