"""Vectors of a model on disk, and the scorer that ranks by them."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

import encoder
from ranking import Queries, Scorer, mark, read_corpus, read_queries


def write_vectors(model: SentenceTransformer, work: Path, folder: Path) -> None:
    """Encode the corpus and the queries: `corpus.npy`, `dev.npy`, `test.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = read_corpus(work)
    mark(documents, folder)
    corpus = encoder.encode(model, documents.texts, "document")
    np.save(folder / "corpus.npy", corpus)
    (folder / "spread.json").write_text(json.dumps(spread(corpus), indent=1) + "\n", encoding="utf-8")
    for split in ("dev", "test"):
        np.save(folder / f"{split}.npy", encoder.encode(model, read_queries(work, split).texts, "query"))


def spread(vectors: NDArray[np.float32]) -> dict[str, float]:
    """How different texts are to the model: the mean cosine of two of them, and the number of directions that they take
    (effective rank; Roy and Vetterli 2007), on 1,000 of them."""
    some = vectors[np.random.default_rng(0).permutation(len(vectors))[:1000]].astype(np.float64)
    units = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12)
    pairs = max(len(units) * (len(units) - 1), 1)
    cosine = (np.square(units.sum(axis=0)).sum() - np.square(units).sum()) / pairs
    values = np.linalg.svd(units - units.mean(axis=0), compute_uv=False)
    shares = values[values > 0] / max(values.sum(), 1e-12)
    return {"texts": len(units), "cosine": float(cosine), "directions": float(np.exp(-(shares * np.log(shares)).sum()))}


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
