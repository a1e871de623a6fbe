"""Weights of words on disk, and the scorer that ranks by them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz, save_npz
from sentence_transformers import SparseEncoder

import encoder
from ranking import Queries, Scorer, mark, read_corpus, read_queries


def write_vectors(model: SparseEncoder, work: Path, folder: Path) -> None:
    """Encode the corpus and the queries: `corpus.npz`, `dev.npz`, `test.npz`."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(work)
    mark(corpus, folder)
    texts = {"corpus": corpus.texts} | {split: read_queries(work, split).texts for split in ("dev", "test")}
    for name, part in texts.items():
        save_npz(folder / f"{name}.npz", encoder.encode(model, part, "document" if name == "corpus" else "query"))


def read_vectors(folder: Path, name: str) -> csr_matrix:
    """The weights of the `corpus`, or of the queries of `dev` or `test`."""
    return load_npz(folder / f"{name}.npz")


def by_vectors(work: Path, folder: Path) -> Scorer:
    """Inner products of query and document."""
    words = read_vectors(folder, "corpus").T.tocsr()
    asked = {split: read_vectors(folder, split) for split in ("dev", "test")}
    places = {query: (split, row) for split in asked for row, query in enumerate(read_queries(work, split).ids)}

    def score(queries: Queries) -> NDArray[np.float32]:
        split = places[queries.ids[0]][0]
        scores = encoder.matched(asked[split][[places[query][1] for query in queries.ids]], words)
        return scores

    return score
