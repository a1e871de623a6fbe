"""Ask the index: the documents nearest to a query, reranked."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import lexical
import reranking
from candidates import OVER
from ranking import read_corpus

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Hit:
    """A document that was found."""

    rank: int
    doc_id: str
    text: str
    score: float


def indexed(work: Path, query: str, k: int) -> list[Hit]:
    """What the built index answers: documents that have a word in common with the query."""
    corpus = read_corpus(work)
    (scores,) = lexical.scores(lexical.opened(work, corpus), [query])
    best = [row for row in np.argsort(-scores, kind="stable") if scores[row] > -np.inf]
    return [
        Hit(place, corpus.ids[row], corpus.texts[row], float(scores[row]))
        for place, row in enumerate(best[:k], start=1)
    ]


def reranked(work: Path, query: str, k: int) -> list[Hit]:
    """What the built index answers, in the reranker's order."""
    found = indexed(work, query, max(k, OVER))
    head, below = found[:OVER], found[OVER:]
    scores = reranking.score(reranking.load(str(work / "reranker")), [(query, hit.text) for hit in head])
    best = sorted(zip(scores, head, strict=True), key=lambda scored: -scored[0])
    ordered = [*(replace(hit, score=float(score)) for score, hit in best), *below]
    return [replace(hit, rank=place) for place, hit in enumerate(ordered[:k], start=1)]


SYSTEMS: dict[str, Callable[[Path, str, int], list[Hit]]] = {
    "bm25+reranker": reranked,
    "bm25": indexed,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("query")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--system", choices=list(SYSTEMS), default="bm25+reranker")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    asked = parser.parse_args()
    found = SYSTEMS[asked.system](asked.work, asked.query, asked.k)
    print(json.dumps([asdict(hit) for hit in found], indent=1, ensure_ascii=False))
