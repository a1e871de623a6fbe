"""Rank the queries by systems that need no training: what the tuned model has to beat."""

import argparse
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import lexical
from measures import DEPTH
from ranking import Queries, Scorer, rank, read_corpus, read_queries, write_run
from vectors import by_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def popularity(work: Path) -> Scorer:
    """The documents of the most training groups, for every query alike."""
    scores = np.full(len(read_corpus(work).ids), -np.inf, dtype=np.float32)
    table = pq.read_table(work / "data/popularity.parquet")
    scores[table["doc"].to_numpy()] = table["seen"].to_numpy()

    def score(queries: Queries) -> NDArray[np.float32]:
        return np.tile(scores, (len(queries.ids), 1))

    return score


def bm25(work: Path) -> Scorer:
    """Words in common with the query, weighted by rarity (bm25s, Lucene's variant)."""
    corpus = read_corpus(work)
    index = lexical.build(corpus.texts)

    def score(queries: Queries) -> NDArray[np.float32]:
        return lexical.scores(index, queries.texts)

    return score


def untuned(work: Path) -> Scorer:
    """The base model as it comes."""
    return by_vectors(work, work / "untuned")


def logged(work: Path) -> Scorer:
    """What the product itself ranked for the query: 1 / rank, added up over its lists, of what they showed."""
    size = len(read_corpus(work).ids)
    shown: dict[str, dict[int, float]] = {}
    for row in pq.read_table(work / "data/logged.parquet").to_pylist():
        shown.setdefault(row["query_id"], {})[row["doc"]] = row["score"]

    def score(queries: Queries) -> NDArray[np.float32]:
        scores = np.full((len(queries.ids), size), -np.inf, dtype=np.float32)
        for place, query in enumerate(queries.ids):
            for doc, value in shown.get(query, {}).items():
                scores[place, doc] = value
        return scores

    return score


Vectors = NDArray[np.float32]


def cosine(vectors: Vectors) -> Vectors:
    """Vectors of length 1, whose inner products are cosines."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def read_elsewhere(path: str, key: str, vector: str) -> tuple[dict[str, int], Vectors]:
    """Key -> row, and the vectors, of shape (rows, dimension).

    Raises:
        ValueError: a key stands twice, vectors differ in length, or hold what is no number.
    """
    table = pq.read_table(path, columns=[key, vector]).drop_null()
    rows = {str(value): row for row, value in enumerate(table[key].to_pylist())}
    vectors = pc.list_flatten(table[vector]).to_numpy().astype(np.float32)
    lengths = pc.unique(pc.list_value_length(table[vector])).to_pylist()
    if len(rows) < len(table) or len(lengths) > 1 or not np.isfinite(vectors).all():
        raise ValueError(f'"{path}": keys stand twice, vectors differ in length, or hold what is no number')
    return rows, vectors.reshape(len(table), -1)


def found(rows: dict[str, int], keys: list[str]) -> NDArray[np.int64]:
    """The row of each key; -1 where it has none."""
    return np.array([rows.get(key, -1) for key in keys], dtype=np.int64)


def elsewhere(
    work: Path,
    documents: str,
    id: str,
    vector: str,
    similarity: Callable[[Vectors], Vectors],
    queries: str,
    query: str,
) -> Scorer:
    """Vectors made elsewhere. A document that has none is ranked last, a query that has none finds nothing."""
    rows, vectors = read_elsewhere(documents, id, vector)
    row_of = found(rows, read_corpus(work).ids)
    known, vectors = row_of >= 0, similarity(vectors)
    corpus = vectors[row_of[known]]
    asked_rows, asked = read_elsewhere(queries, query, vector)
    asked = similarity(asked)
    asked_rows = {" ".join(text.lower().split()): row for text, row in asked_rows.items()}

    def score(asking: Queries) -> Vectors:
        scores = np.full((len(asking.ids), len(known)), -np.inf, dtype=np.float32)
        own = found(asked_rows, [" ".join(text.lower().split()) for text in asking.texts])
        scores[np.ix_(own >= 0, known)] = asked[own[own >= 0]] @ corpus.T
        return scores

    return score


SYSTEMS: dict[str, Callable[[Path], Scorer]] = {
    "popularity": popularity,
    "bm25": bm25,
    "untuned": untuned,
    "logged": logged,
    "vendor": partial(
        elsewhere,
        documents=str(ROOT / "specs/data/vendor.parquet"),
        id="article_id",
        vector="embedding",
        similarity=cosine,
        queries=str(ROOT / "specs/data/vendor_queries.parquet"),
        query="query",
    ),
}


def main(work: Path) -> None:
    """Make `baselines/` in the work folder: a TREC run file a system and split."""
    scratch = work / "baselines.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    corpus = read_corpus(work)
    for system, build in SYSTEMS.items():
        score = build(work)
        for split in ("dev", "test"):
            write_run(scratch / f"{system}.{split}.trec", rank(score, read_queries(work, split), corpus, DEPTH), system)
    shutil.rmtree(work / "baselines", ignore_errors=True)
    scratch.rename(work / "baselines")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
