"""Rank the queries by systems that need no training: what the tuned model has to beat."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import bm25s
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

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
    index = bm25s.BM25(
        method="lucene",
        k1=1.5,
        b=0.75,
    )
    texts = read_corpus(work).texts
    index.index(bm25s.tokenize(texts, stopwords=None, stemmer=None, show_progress=False), show_progress=False)

    def score(queries: Queries) -> NDArray[np.float32]:
        words = bm25s.tokenize(queries.texts, stopwords=None, stemmer=None, return_ids=False, show_progress=False)
        scores = np.stack([index.get_scores(query or [""]) for query in words])
        return np.where(scores > 0, scores, -np.inf).astype(np.float32)

    return score


def untuned(work: Path) -> Scorer:
    """The base model as it comes."""
    return by_vectors(work, work / "untuned")


SYSTEMS: dict[str, Callable[[Path], Scorer]] = {
    "popularity": popularity,
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
