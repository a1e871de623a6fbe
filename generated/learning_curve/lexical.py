"""Words in common with the query, weighted by rarity: the only place where texts become words."""

from collections import Counter
from collections.abc import Sequence

import bm25s
import numpy as np
from numpy.typing import NDArray


def build(texts: Sequence[str]) -> bm25s.BM25:
    """The index of texts (bm25s, Lucene's variant).

    Raises:
        ValueError: they have no words.
    """
    found = bm25s.tokenize(list(texts), stopwords=None, stemmer=None, show_progress=False)
    if not any(found.ids):
        raise ValueError("no document has a word of two letters or more, so none is found by its words")
    index = bm25s.BM25(
        method="lucene",
        k1=1.5,
        b=0.75,
    )
    index.index(found, show_progress=False)
    return index


def words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text, in their order."""
    found: list[list[str]] = bm25s.tokenize(
        list(texts), stopwords=None, stemmer=None, return_ids=False, show_progress=False
    )
    return found


def scores(index: bm25s.BM25, texts: Sequence[str]) -> NDArray[np.float32]:
    """Scores of shape (texts, indexed texts); minus infinity where they have no word in common."""
    found = np.stack([index.get_scores_from_ids(index.get_tokens_ids(query)) for query in words(texts)])
    return np.where(found > 0, found, -np.inf).astype(np.float32)


def parts(index: bm25s.BM25, text: str, row: int) -> list[tuple[str, float]]:
    """The words that a text has in common with an indexed one, and what each adds to the score, the most first."""
    found = {word: times * float(index.get_scores([word])[row]) for word, times in Counter(*words([text])).items()}
    return sorted(((word, part) for word, part in found.items() if part > 0), key=lambda one: -one[1])
