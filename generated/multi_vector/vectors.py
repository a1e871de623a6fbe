"""Vectors of a model on disk, and the scorer that ranks by them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder

import encoder
from ranking import Queries, Scorer, mark, read_corpus, read_queries


def write_vectors(model: MultiVectorEncoder, work: Path, folder: Path) -> None:
    """Encode the corpus and the queries: `corpus`, `dev` and `test`, each as `.tokens.npy` and `.starts.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(work)
    mark(corpus, folder)
    texts = {"corpus": corpus.texts} | {split: read_queries(work, split).texts for split in ("dev", "test")}
    for name, part in texts.items():
        found = encoder.encode(model, part, "document" if name == "corpus" else "query")
        np.save(folder / f"{name}.tokens.npy", found.tokens)
        np.save(folder / f"{name}.starts.npy", found.starts)


def read_vectors(folder: Path, name: str) -> encoder.TokenVectors:
    """The vectors of the `corpus`, or of the queries of `dev` or `test`."""
    return encoder.TokenVectors(
        np.load(folder / f"{name}.tokens.npy", mmap_mode="r"), np.load(folder / f"{name}.starts.npy")
    )


def by_vectors(work: Path, folder: Path) -> Scorer:
    """MaxSim of query and document."""
    corpus = read_vectors(folder, "corpus")
    asked = {split: read_vectors(folder, split) for split in ("dev", "test")}
    places = {query: (split, row) for split in asked for row, query in enumerate(read_queries(work, split).ids)}

    def score(queries: Queries) -> NDArray[np.float32]:
        split = places[queries.ids[0]][0]
        scores = encoder.compare(asked[split][[places[query][1] for query in queries.ids]], corpus)
        return scores

    return score
