"""Build the index that answers queries from the document vectors."""

import argparse
import json
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import contract
from encoder import QUERY_LENGTH, TokenVectors, compare
from ranking import Corpus, Queries, read_corpus, unchanged
from vectors import read_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


BLOCK = 65_536


TOKENS = 8
CANDIDATES = 4
CODES = "SQ8"


def cells(count: int) -> int:
    """How many cells so many vectors are sorted into: four times the root of their number, and 39 a cell at least."""
    return max(1, min(round(4 * math.sqrt(count)), count // 39))


@dataclass(frozen=True)
class Index:
    """Each token of a query finds the tokens that are nearest to it; the documents of these are compared wholly.

    Attributes:
        cells: the vectors of all documents' tokens, sorted into cells.
        documents: the same by document, on disk.
        nprobe: cells that each token of a query looks into.
    """

    cells: faiss.Index
    documents: TokenVectors
    nprobe: int

    def search(self, asked: TokenVectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores (MaxSim) and rows of the `k` best documents of each query, best first; -1 where there are fewer."""
        all_scores = np.full((len(asked), k), -np.inf, dtype=np.float32)
        all_rows = np.full((len(asked), k), -1, dtype=np.int64)
        probed = faiss.SearchParametersIVF()
        probed.nprobe = self.nprobe
        for place in range(len(asked)):
            query = asked[[place]]
            tokens = query.tokens.astype(np.float32)
            near = self.cells.search(tokens, min(TOKENS * k, self.cells.ntotal), params=probed)
            rows = self.candidates(*near, CANDIDATES * k)
            if len(rows):
                (scores,) = compare(query, self.documents[rows.tolist()])
                order = np.argsort(-scores, kind="stable")[:k]
                all_scores[place, : len(order)], all_rows[place, : len(order)] = scores[order], rows[order]
        return all_scores, all_rows

    def candidates(self, scores: NDArray[np.float32], tokens: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """So many documents of the tokens that were found, of shape (tokens of the query, found): those of the highest
        sums of what each token of the query found in them, or of the least that it found at all (Lee et al. 2023)."""
        found = tokens >= 0
        owners = np.searchsorted(self.documents.starts, tokens[found], side="right") - 1
        rows, column = np.unique(owners, return_inverse=True)
        least = np.where(found, scores, 1.0).min(axis=1)
        nearest = np.tile(least[:, None], len(rows))
        np.maximum.at(nearest, (np.nonzero(found)[0], column), scores[found])
        return rows[np.argsort(-nearest.sum(axis=0), kind="stable")[:count]]


@dataclass(frozen=True)
class Exact:
    """Every document is compared."""

    documents: TokenVectors

    def search(self, asked: TokenVectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and rows of the `k` best documents of each query, best first; in blocks of bounded size."""
        block = max(1, 2**26 // len(self.documents))
        rows = [range(start, min(start + block, len(asked))) for start in range(0, len(asked), block)]
        found = [best(compare(asked[part], self.documents), k) for part in rows]
        return np.concatenate([scores for scores, _ in found]), np.concatenate([places for _, places in found])


def best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` highest scores of each row, the highest first, and where they stand; -1 where nothing has a score."""
    places = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found: NDArray[np.float32] = np.take_along_axis(scores, places, axis=1)
    return found, np.where(np.isfinite(found), places, -1)


def made(dimension: int, nlist: int) -> faiss.Index:
    """Vectors are sorted into cells."""
    index = faiss.index_factory(dimension, f"IVF{nlist},{CODES}", faiss.METRIC_INNER_PRODUCT)
    probes = 4
    faiss.ParameterSpace().set_index_parameter(index, "nprobe", probes)
    return index


def build(vectors: TokenVectors) -> Index:
    """An index of the tokens of documents, which are read in blocks."""
    nlist = cells(len(vectors.tokens))
    index = made(vectors.tokens.shape[1], nlist)
    index.train(sample(vectors.tokens, 64 * nlist))
    for start in tqdm(range(0, len(vectors.tokens), BLOCK), unit_scale=BLOCK, disable=len(vectors.tokens) <= BLOCK):
        index.add(vectors.tokens[start : start + BLOCK].astype(np.float32))
    return Index(index, vectors, faiss.extract_index_ivf(index).nprobe)


def sample(vectors: NDArray[np.float16], wanted: int) -> NDArray[np.float32]:
    """The vectors that the index learns from, by lot: so many, and a block of them at least."""
    rows = np.random.default_rng(0).permutation(len(vectors))[: max(wanted, BLOCK)]
    return vectors[np.sort(rows)].astype(np.float32)


def write_index(index: Index, folder: Path) -> None:
    """The cells as a faiss index, the vectors of all tokens, and where each document begins."""
    faiss.write_index(index.cells, str(folder / "cells.faiss"))
    np.save(folder / "tokens.npy", index.documents.tokens)
    np.save(folder / "starts.npy", index.documents.starts)


def read_index(folder: Path) -> Index:
    """The index in a folder."""
    index = faiss.read_index(str(folder / "cells.faiss"))
    documents = TokenVectors(np.load(folder / "tokens.npy", mmap_mode="r"), np.load(folder / "starts.npy"))
    return Index(index, documents, faiss.extract_index_ivf(index).nprobe)


def figures(vectors: TokenVectors, asked: TokenVectors) -> dict[str, float]:
    """What the index is large by, and what a query costs."""
    return {
        "query_length": QUERY_LENGTH,
        "dimension": vectors.tokens.shape[1],
        "vectors_per_document": len(vectors.tokens) / max(1, len(vectors)),
        "vectors_per_query": len(asked.tokens) / max(1, len(asked)),
    }


def exact(vectors: TokenVectors) -> Exact:
    """An index that compares every vector."""
    return Exact(vectors)


def answers(
    index: Index | Exact, asked: TokenVectors, queries: Queries, corpus: Corpus, k: int
) -> list[dict[int, float]]:
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
