"""Vectors of a model on disk, and the scorer that ranks by them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import encoder
from ranking import Queries, Scorer, read_corpus, read_queries


def write_vectors(model: str, work: Path, folder: Path) -> None:
    """Encode the corpus and the queries: `corpus.npy`, `dev.npy`, `test.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded = encoder.load(model)
    corpus = encoder.encode(loaded, read_corpus(work).texts, "document")
    np.save(folder / "corpus.npy", corpus)
    for split in ("dev", "test"):
        np.save(folder / f"{split}.npy", encoder.encode(loaded, read_queries(work, split).texts, "query"))


def by_vectors(work: Path, folder: Path) -> Scorer:
    """Inner products of query and document vectors."""
    corpus = np.load(folder / "corpus.npy", mmap_mode="r")
    vectors: dict[str, NDArray[np.float32]] = {}
    for split in ("dev", "test"):
        vectors |= zip(read_queries(work, split).ids, np.load(folder / f"{split}.npy"), strict=True)

    def score(queries: Queries) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = np.stack([vectors[query] for query in queries.ids]) @ corpus.T
        return scores

    return score
