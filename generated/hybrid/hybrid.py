"""One ranking of two: that of the index, and that of the words in common with the query."""

from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from index import answers
from lexical import by_words
from ranking import Corpus, Queries, Ranking, rank

DEPTH = 100
K = 60

Doc = TypeVar("Doc")


def fuse(own: dict[Doc, float], words: dict[Doc, float]) -> dict[Doc, float]:
    """Each ranking, best first, gives a document 1 / (K + its rank); the sums, best first."""
    scores: dict[Doc, float] = {}
    for ranking in (own, words):
        for place, doc in enumerate(list(ranking)[:DEPTH], start=1):
            scores[doc] = scores.get(doc, 0.0) + 1 / (K + place)
    return dict(sorted(scores.items(), key=lambda scored: -scored[1]))


def both(
    work: Path, index: faiss.Index, asked: NDArray[np.float32], queries: Queries, corpus: Corpus
) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """Query id -> what the index finds and what the words find."""
    found, words = answers(index, asked, queries, corpus, DEPTH), rank(by_words(work), queries, corpus, DEPTH)
    own = ({corpus.ids[doc]: score for doc, score in best.items()} for best in found)
    return {query: (best, words[query]) for query, best in zip(queries.ids, own, strict=True)}


def ranking(found: dict[str, tuple[dict[str, float], dict[str, float]]], depth: int) -> Ranking:
    """The best `depth` documents of the two made one."""
    return {query: dict(list(fuse(*two).items())[:depth]) for query, two in found.items()}
