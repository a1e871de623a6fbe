"""One ranking of two: that of the index, and that of the words in common with the query."""

import argparse
import json
import shutil
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from index import answers, opened
from lexical import by_words
from measures import PRIMARY
from ranking import Corpus, Queries, Ranking, measure, rank, read_corpus, read_qrels, read_queries

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

DEPTH = 50

Doc = TypeVar("Doc")


def fuse(own: dict[Doc, float], words: dict[Doc, float], weight: float) -> dict[Doc, float]:
    """The weighted sum of scores between 0 and 1, best first; a document that one of the two lacks has 0 there."""
    by_index, by_word = scaled(own), scaled(words)
    docs = dict.fromkeys([*by_index, *by_word])
    scores = {doc: weight * by_index.get(doc, 0.0) + (1 - weight) * by_word.get(doc, 0.0) for doc in docs}
    return dict(sorted(scores.items(), key=lambda scored: -scored[1]))


def scaled(scores: dict[Doc, float]) -> dict[Doc, float]:
    """The best `DEPTH`: from 0, the lowest of them, to 1, the highest."""
    head = dict(list(scores.items())[:DEPTH])
    low, high = min(head.values(), default=0.0), max(head.values(), default=0.0)
    return {doc: (score - low) / (high - low) if high > low else 1.0 for doc, score in head.items()}


def both(
    work: Path, index: faiss.Index, asked: NDArray[np.float32], queries: Queries, corpus: Corpus
) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """Query id -> what the index finds and what the words find."""
    found, words = answers(index, asked, queries, corpus, DEPTH), rank(by_words(work), queries, corpus, DEPTH)
    own = ({corpus.ids[doc]: score for doc, score in best.items()} for best in found)
    return {query: (best, words[query]) for query, best in zip(queries.ids, own, strict=True)}


def ranking(found: dict[str, tuple[dict[str, float], dict[str, float]]], depth: int, weight: float) -> Ranking:
    """The best `depth` documents of the two made one."""
    return {query: dict(list(fuse(*two, weight).items())[:depth]) for query, two in found.items()}


def chosen(work: Path) -> float:
    """The weight of the index; that of the words is the rest."""
    found: float = json.loads((work / "hybrid/weights.json").read_text(encoding="utf-8"))["weight"]
    return found


def main(work: Path) -> None:
    """Make `hybrid/` in the work folder: the weight that is best on dev, and what each that was tried reached."""
    scratch = work / "hybrid.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    corpus, queries, qrels = read_corpus(work), read_queries(work, "dev"), read_qrels(work, "dev")
    asked = np.load(work / "vectors/dev.npy")
    found = both(work, opened(work, corpus), asked, queries, corpus)
    tried = {step / 10: measure(PRIMARY, qrels, ranking(found, DEPTH, step / 10)) for step in range(11)}
    weights = {"weight": max(tried, key=lambda weight: tried[weight]), "tried": tried}
    (scratch / "weights.json").write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "hybrid", ignore_errors=True)
    scratch.rename(work / "hybrid")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
