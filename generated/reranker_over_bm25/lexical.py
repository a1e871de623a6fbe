"""Words in common with the query, weighted by rarity: the only place where texts become words."""

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

from ranking import Corpus, Queries, Scorer, read_corpus, unchanged


def build(texts: Sequence[str]) -> bm25s.BM25:
    """The index of texts (bm25s, Lucene's variant)."""
    index = bm25s.BM25(
        method="lucene",
        k1=1.5,
        b=0.75,
    )
    index.index(bm25s.tokenize(list(texts), stopwords=None, stemmer=None, show_progress=False), show_progress=False)
    return index


def opened(work: Path, corpus: Corpus) -> bm25s.BM25:
    """The index in `index/`; it is refused where it holds other documents."""
    unchanged(corpus, work / "index")
    return bm25s.BM25.load(work / "index/bm25")


def scores(index: bm25s.BM25, texts: Sequence[str]) -> NDArray[np.float32]:
    """Scores of shape (texts, indexed texts); minus infinity where they have no word in common."""
    words = bm25s.tokenize(list(texts), stopwords=None, stemmer=None, return_ids=False, show_progress=False)
    found = np.stack([index.get_scores(query or [""]) for query in words])
    return np.where(found > 0, found, -np.inf).astype(np.float32)


def by_words(work: Path) -> Scorer:
    """Queries -> scores of documents."""
    corpus = read_corpus(work)
    index = opened(work, corpus)

    def score(queries: Queries) -> NDArray[np.float32]:
        return scores(index, queries.texts)

    return score
