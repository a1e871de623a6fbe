"""Rank the queries by systems that need no training: what the tuned model has to beat."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import lexical
from measures import DEPTH
from ranking import Queries, Scorer, rank, read_corpus, read_queries, write_run
from vectors import by_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


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
