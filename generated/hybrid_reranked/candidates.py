"""Write what the retriever finds: for the training queries what may be negative, for the others what is reranked."""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import contract
import encoder
import hybrid
import lexical
from index import answers, opened
from ranking import Corpus, Queries, read_corpus, read_queries

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

OVER = 30
RANKS = [1, 50]


@dataclass(frozen=True)
class Found:
    """A document that the retriever finds for a query: its row in the corpus, and the row of the text that is read."""

    doc: int
    text: int
    score: float


def by_index(
    work: Path, queries: Queries, vectors: NDArray[np.float32], corpus: Corpus, depth: int
) -> dict[str, list[Found]]:
    """The answers of the index."""
    found = answers(opened(work, corpus), vectors, queries, corpus, depth)
    return {
        query: [Found(doc, doc, score) for doc, score in best.items()]
        for query, best in zip(queries.ids, found, strict=True)
    }


def by_words(work: Path, queries: Queries, corpus: Corpus, depth: int) -> dict[str, list[Found]]:
    """The retriever's best documents."""
    index = lexical.opened(work, corpus)
    found: dict[str, list[Found]] = {}
    for place, query in enumerate(queries.ids):
        (scores,) = lexical.scores(index, [queries.texts[place]])
        ranked = len(scores) - 1 - np.argsort(-scores[::-1], kind="stable")[:depth]
        found[query] = [Found(int(doc), int(doc), float(scores[doc])) for doc in ranked if scores[doc] > -np.inf]
    return found


def find(
    work: Path, queries: Queries, vectors: NDArray[np.float32], corpus: Corpus, depth: int
) -> dict[str, list[Found]]:
    """The two made one."""
    own = by_index(work, queries, vectors, corpus, hybrid.DEPTH)
    words = by_words(work, queries, corpus, hybrid.DEPTH)
    weight = hybrid.chosen(work)
    found: dict[str, list[Found]] = {}
    for query in queries.ids:
        texts = {one.doc: one.text for one in [*words[query], *own[query]]}
        near, alike = ({one.doc: one.score for one in ranking[query]} for ranking in (own, words))
        best = hybrid.fuse(near, alike, weight)
        found[query] = [Found(doc, texts[doc], score) for doc, score in list(best.items())[:depth]]
    return found


def training_queries(work: Path) -> Queries:
    """The queries that have training pairs."""
    pairs = pq.read_table(work / "data/pairs.parquet", columns=["anchor_id", "anchor"]).to_pydict()
    asked = dict(zip(pairs["anchor_id"], pairs["anchor"], strict=True))
    return Queries(list(asked), list(asked.values()))


def known_relevant(work: Path) -> dict[str, set[str]]:
    """Query id -> the documents that training knows to be relevant, those that no pair was made of among them."""
    known = pq.read_table(work / "data/known.parquet", filters=[("grade", ">", 0)]).to_pydict()
    relevant: dict[str, set[str]] = {}
    for query, doc in zip(known["anchor_id"], known["document_id"], strict=True):
        relevant.setdefault(query, set()).add(doc)
    return relevant


def negatives(
    found: dict[str, list[Found]], relevant: dict[str, set[str]], corpus: Corpus
) -> dict[str, list[tuple[int, Found]]]:
    """Query id -> what stands at RANKS with its rank, without what is relevant to the query or held out."""
    first, last = RANKS
    return {
        query: [
            (rank, one)
            for rank, one in enumerate(docs, start=1)
            if first <= rank <= last and corpus.known[one.doc] and corpus.ids[one.doc] not in relevant.get(query, set())
        ]
        for query, docs in found.items()
    }


def write(path: Path, found: dict[str, list[tuple[int, Found]]], corpus: Corpus) -> None:
    """One row a query and document, best first; `text` is the row of the text that is read."""
    rows = [(query, rank, one) for query, docs in found.items() for rank, one in docs]
    columns = {
        "query_id": pa.array([query for query, _, _ in rows], pa.string()),
        "rank": pa.array([rank for _, rank, _ in rows], pa.int64()),
        "doc_id": pa.array([corpus.ids[one.doc] for _, _, one in rows], pa.string()),
        "text": pa.array([one.text for _, _, one in rows], pa.int64()),
        "score": pa.array([one.score for _, _, one in rows], pa.float64()),
    }
    pq.write_table(pa.table(columns), path)


def main(work: Path) -> None:
    """Make `candidates/` in the work folder: a table a split."""
    scratch = work / "candidates.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    corpus = read_corpus(work)
    model = contract.opened(str(work / "model"), work / "vectors")
    asked = training_queries(work)
    vectors = encoder.encode(model, asked.texts, "query")
    found = find(work, asked, vectors, corpus, RANKS[1])
    write(scratch / "train.parquet", negatives(found, known_relevant(work), corpus), corpus)
    for split in ("dev", "test"):
        queries = read_queries(work, split)
        found = find(work, queries, np.load(work / f"vectors/{split}.npy"), corpus, OVER)
        write(
            scratch / f"{split}.parquet",
            {query: list(enumerate(docs, start=1)) for query, docs in found.items()},
            corpus,
        )
    shutil.rmtree(work / "candidates", ignore_errors=True)
    scratch.rename(work / "candidates")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
