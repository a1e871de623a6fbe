"""Ask the index: the documents nearest to a query."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np
from sentence_transformers import SentenceTransformer

import contract
import encoder
from index import opened
from ranking import Corpus, read_corpus, unchanged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Hit:
    """A document that was found."""

    rank: int
    doc_id: str
    text: str
    score: float


def hits(index: faiss.Index, model: SentenceTransformer, query: str, corpus: Corpus, k: int) -> list[Hit]:
    """The `k` best documents of an index, which holds vectors of that model."""
    scores, rows = index.search(encoder.encode(model, [query], "query"), min(k, len(corpus.ids)))
    return [
        Hit(place, corpus.ids[row], corpus.texts[row], float(score))
        for place, (score, row) in enumerate(zip(scores[0], rows[0], strict=True), start=1)
        if row >= 0
    ]


def indexed(work: Path, query: str, k: int) -> list[Hit]:
    """What the built index answers."""
    corpus = read_corpus(work)
    index = opened(work, corpus)
    model = contract.opened(str(work / "model"), work / "index")
    return hits(index, model, query, corpus, k)


def untuned(work: Path, query: str, k: int) -> list[Hit]:
    """What the base model answers."""
    corpus = read_corpus(work)
    unchanged(corpus, work / "untuned")
    model = contract.opened(encoder.base_model(), work / "untuned")
    vectors = np.load(work / "untuned/corpus.npy")
    index = faiss.IndexFlat(vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    return hits(index, model, query, corpus, k)


SYSTEMS: dict[str, Callable[[Path, str, int], list[Hit]]] = {
    "tuned": indexed,
    "untuned": untuned,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("query")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--system", choices=list(SYSTEMS), default="tuned")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    asked = parser.parse_args()
    found = SYSTEMS[asked.system](asked.work, asked.query, asked.k)
    print(json.dumps([asdict(hit) for hit in found], indent=1, ensure_ascii=False))
