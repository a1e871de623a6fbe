"""Queries, judgments and rankings: read from the tables, ranked over the full corpus, measured by ir-measures."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import ir_measures
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ranking = dict[str, dict[str, float]]
"""Query id -> document id -> score."""


@dataclass(frozen=True)
class Corpus:
    """The documents, in the order of their rows."""

    ids: list[str]
    texts: list[str]
    known: NDArray[np.bool_]
    """Whether training may know of the document's groups."""


@dataclass(frozen=True)
class Queries:
    """The queries of one split."""

    ids: list[str]
    texts: list[str]

    def some(self, part: slice) -> "Queries":
        return Queries(self.ids[part], self.texts[part])


Scorer = Callable[[Queries], NDArray[np.float32]]
"""Queries -> scores of shape (queries, corpus); minus infinity where a system has nothing to say."""


def read_corpus(work: Path) -> Corpus:
    """The full corpus."""
    table = pq.read_table(work / "data/corpus.parquet").to_pydict()
    return Corpus(table["doc_id"], table["text"], np.array([role in ("train", "known") for role in table["role"]]))


def digest(corpus: Corpus) -> str:
    """The sha256 of the ids and of the texts that are embedded, in their order."""
    found = hashlib.sha256()
    for text in [*corpus.ids, *corpus.texts]:
        found.update(len(text).to_bytes(8, "big") + text.encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def mark(corpus: Corpus, made: Path) -> None:
    """Write into a folder which documents it is made of."""
    (made / "corpus.sha256").write_text(digest(corpus), encoding="utf-8")


def unchanged(corpus: Corpus, made: Path) -> None:
    """Refuse a folder that was made of other documents.

    Raises:
        ValueError: it was.
    """
    file = made / "corpus.sha256"
    if not file.is_file() or file.read_text(encoding="utf-8") != digest(corpus):
        raise ValueError(f'the documents are not those that "{made}" was made of; make it again [SF507]')


def read_queries(work: Path, split: str) -> Queries:
    """The queries of `dev` or `test`."""
    table = pq.read_table(work / "data/queries.parquet", filters=[("split", "=", split)]).to_pydict()
    return Queries(table["query_id"], table["text"])


def read_qrels(work: Path, split: str) -> dict[str, dict[str, int]]:
    """Query id -> document id -> relevance."""
    table = pq.read_table(work / "data/qrels.parquet", filters=[("split", "=", split)]).to_pydict()
    qrels: dict[str, dict[str, int]] = {}
    for query, doc, relevance in zip(table["query_id"], table["doc_id"], table["relevance"], strict=True):
        qrels.setdefault(query, {})[doc] = relevance
    return qrels


def rank(score: Scorer, queries: Queries, corpus: Corpus, depth: int) -> Ranking:
    """The best `depth` documents of every query over the full corpus, in blocks of bounded size."""
    block = max(1, 2**26 // max(1, len(corpus.ids)))
    ranking: Ranking = {}
    for start in range(0, len(queries.ids), block):
        part = queries.some(slice(start, start + block))
        scores = np.array(score(part), dtype=np.float32)
        best = scores.shape[1] - 1 - np.argsort(-scores[:, ::-1], axis=1, kind="stable")[:, :depth]
        for query, docs, values in zip(part.ids, best, np.take_along_axis(scores, best, axis=1), strict=True):
            ranking[query] = {
                corpus.ids[doc]: float(value) for doc, value in zip(docs, values, strict=True) if value > -np.inf
            }
    return ranking


@cache
def trec_id(id: str) -> str:
    """An id as TREC's files have it: percent-encoded, for their columns are parted by blanks."""
    return quote(id, safe="")


def in_order(docs: dict[str, float]) -> list[str]:
    """The documents of a query, best first; of equal scores the later id stands first, as trec_eval has it."""
    return sorted(docs, key=lambda doc: (np.float32(docs[doc]), trec_id(doc)), reverse=True)


def places(ranking: Ranking) -> Ranking:
    """The same without equal scores, which not all of ir_measures' providers put in the order of trec_eval."""
    return {query: {doc: -float(place) for place, doc in enumerate(in_order(docs))} for query, docs in ranking.items()}


def measure(metric: str, qrels: dict[str, dict[str, int]], ranking: Ranking) -> float:
    """The mean of one metric over all judged queries; a query without a ranking counts 0."""
    values = ir_measures.iter_calc([ir_measures.parse_measure(metric)], qrels, places(ranking))
    return sum(value.value for value in values) / max(1, len(qrels))


def per_query(
    metrics: list[str], qrels: dict[str, dict[str, int]], ranking: Ranking, queries: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Metric -> values in the order of the queries; a query without a ranking has 0."""
    row = {query: place for place, query in enumerate(queries)}
    values = {metric: np.zeros(len(queries)) for metric in metrics}
    measures = [ir_measures.parse_measure(metric) for metric in metrics]
    for found in ir_measures.iter_calc(measures, qrels, places(ranking)):
        values[str(found.measure)][row[found.query_id]] = found.value
    return values


def standardise(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of each query with mean 0 and deviation 1 over the candidates; what has no score gets the lowest."""
    known = np.where(np.isfinite(scores), scores, np.nan)
    empty = np.isnan(known).all(axis=1)
    known[empty] = 0.0
    low = np.nanmin(known, axis=1, keepdims=True)
    known = np.where(np.isnan(known), low, known)
    spread = known.std(axis=1, keepdims=True)
    result: NDArray[np.float32] = (known - known.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return result


def fuse(first: Scorer, second: Scorer, weight: float) -> Scorer:
    """Standardised scores added: `weight` of the second, the rest of the first."""

    def score(queries: Queries) -> NDArray[np.float32]:
        mine = standardise(first(queries))
        theirs = standardise(second(queries))
        return (1 - weight) * mine + weight * theirs

    return score


def write_run(path: Path, ranking: Ranking, system: str) -> None:
    """A TREC run file; scores have the digits that tell one number of 32 bits from another."""
    with path.open("w", encoding="utf-8") as file:
        for query, docs in ranking.items():
            for place, doc in enumerate(in_order(docs), start=1):
                file.write(f"{trec_id(query)} Q0 {trec_id(doc)} {place} {np.float32(docs[doc])!s} {system}\n")


def write_qrels(path: Path, qrels: dict[str, dict[str, int]]) -> None:
    """A TREC file of judgments."""
    with path.open("w", encoding="utf-8") as file:
        for query, docs in qrels.items():
            for doc, relevance in docs.items():
                file.write(f"{trec_id(query)} 0 {trec_id(doc)} {relevance}\n")
