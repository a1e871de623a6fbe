"""Rank the queries by systems that need no training: what the tuned model has to beat."""

import argparse
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

import lexical
from measures import DEPTH, PRIMARY
from ranking import Queries, Scorer, fuse, measure, rank, read_corpus, read_qrels, read_queries, write_run
from vectors import by_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def partners(work: Path) -> csr_matrix:
    """Log lift (lower bound) of the pairs of known documents in the training groups, of shape (corpus, corpus)."""
    table = pq.read_table(work / "data/partners.parquet")
    size = len(read_corpus(work).ids)
    cells = (table["doc"].to_numpy(), table["partner"].to_numpy())
    return csr_matrix((np.log(table["lift"].to_numpy()).astype(np.float32), cells), shape=(size, size))


def popularity(work: Path) -> Scorer:
    """The documents of the most training groups, for every query alike."""
    scores = np.full(len(read_corpus(work).ids), -np.inf, dtype=np.float32)
    table = pq.read_table(work / "data/popularity.parquet")
    scores[table["doc"].to_numpy()] = table["seen"].to_numpy()

    def score(queries: Queries) -> NDArray[np.float32]:
        return np.tile(scores, (len(queries.ids), 1))

    return score


def co_occurrence(work: Path) -> Scorer:
    """The query's own partners in the training groups; nothing for a query that was never in one."""
    association = partners(work)

    def score(queries: Queries) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = association[queries.rows].toarray()
        return np.where(scores > 0, scores, -np.inf).astype(np.float32)

    return score


def nearest(similarity: NDArray[np.float32], known: NDArray[np.int64], k: int) -> csr_matrix:
    """Weights of the `k` nearest known documents of each row, by squared similarity, that add up to 1."""
    candidates = similarity[:, known]
    best = np.argpartition(-candidates, min(k, len(known)) - 1, axis=1)[:, :k]
    weights = np.maximum(np.take_along_axis(candidates, best, axis=1), 1e-6) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(similarity)), best.shape[1])
    return csr_matrix((weights.ravel(), (rows, known[best].ravel())), shape=similarity.shape)


def transfer(work: Path, k: int) -> Scorer:
    """The partners of the query's nearest known documents; an unknown document stands where its own nearest stand."""
    corpus = read_corpus(work)
    cosine = by_vectors(work, work / "untuned")
    vectors = np.load(work / "untuned/corpus.npy")
    known = np.flatnonzero(corpus.known)
    unknown = np.flatnonzero(~corpus.known)
    association = partners(work)
    stand_ins = nearest(vectors[unknown] @ vectors.T, known, 10) if len(unknown) else None

    def score(queries: Queries) -> NDArray[np.float32]:
        similarity = cosine(queries)
        similarity[np.arange(len(queries.ids)), queries.rows] = -1.0
        scores: NDArray[np.float32] = (nearest(similarity, known, k) @ association).toarray()
        if stand_ins is not None:
            scores[:, unknown] = (stand_ins @ scores.T).T
        return scores

    return score


def neighbour_transfer(work: Path) -> Scorer:
    """Transfer fused with untuned cosine; the number of neighbours and the weight are the best on dev."""
    corpus, queries, qrels = read_corpus(work), read_queries(work, "dev").some(slice(0, 1000)), read_qrels(work, "dev")
    qrels = {query: qrels[query] for query in queries.ids}
    cosine = by_vectors(work, work / "untuned")

    def quality(choice: tuple[int, float]) -> float:
        return measure(PRIMARY, qrels, rank(fuse(transfer(work, choice[0]), cosine, choice[1]), queries, corpus, DEPTH))

    k, weight = max(itertools.product((5, 10, 20, 40), (0.2, 0.35, 0.5, 0.65, 0.8)), key=quality)
    return fuse(transfer(work, k), cosine, weight)


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


SYSTEMS: dict[str, Callable[[Path], Scorer]] = {
    "popularity": popularity,
    "co_occurrence": co_occurrence,
    "neighbour_transfer": neighbour_transfer,
    "bm25": bm25,
    "untuned": untuned,
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
