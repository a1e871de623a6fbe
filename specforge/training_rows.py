"""Writes training rows as hosted reranker tuning reads them: JSON lines of a query, its relevant passages and hard negatives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from specforge import feeding
from specforge.spec.document import Spec

Key = tuple[str, str]
"""The folder of an objective's tables, and an id in its collection."""


@dataclass
class _Row:
    """A query, and its passages by their form, each as it was first seen."""

    query: str
    relevant: dict[str, str] = field(default_factory=dict)
    negatives: dict[str, tuple[Key, str]] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)
    known_forms: set[str] = field(default_factory=set)


def write(spec: Spec, work: Path, path: Path) -> Iterator[str]:
    """Write the rows that train, of all objectives; what was written and what was left out, in words.

    Queries that differ in case and white space alone are one; so are passages. A query has one relevant passage or more,
    and none of its hard negatives is known to be relevant to it, or is the query itself.
    """
    rows: dict[str, _Row] = {}
    for name in spec.objectives:
        _read(work, "." if name == spec.primary else name, feeding.mines(spec), rows)
    whole = [(row, _negatives(form, row)) for form, row in rows.items() if form and row.relevant]
    with path.open("w", encoding="utf-8") as file:
        for row, negatives in whole:
            line = {"query": row.query, "relevant_passages": list(row.relevant.values()), "hard_negatives": negatives}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    passages, kept = sum(len(row.relevant) for row, _ in whole), sum(len(negatives) for _, negatives in whole)
    without = sum(not negatives for _, negatives in whole)
    yield f"{len(whole):,} queries that train, {passages:,} relevant passages, {kept:,} hard negatives"
    yield f"left out: {len(rows) - len(whole):,} queries without a text or a relevant passage"
    yield f"left out: {sum(len(row.negatives) for row, _ in whole) - kept:,} hard negatives that are relevant, or the query"
    yield f"without a hard negative: {without:,} queries"


def _read(work: Path, folder: str, mined: bool, rows: dict[str, _Row]) -> None:
    """Add the rows of an objective."""
    data, trained = work / "data" / folder, work / ("mined" if mined else "data") / folder
    queries: dict[str, _Row] = {}
    for pair in _table(trained / "pairs.parquet", ["anchor_id", "positive_id", "anchor", "positive"]):
        row = rows.setdefault(_form(pair["anchor"]), _Row(pair["anchor"]))
        queries[pair["anchor_id"]] = row
        row.known.add((folder, pair["positive_id"]))
        if _form(pair["positive"]):
            row.relevant.setdefault(_form(pair["positive"]), pair["positive"])
    for query, document, text in _known(data):
        if query in queries:
            queries[query].known.add((folder, document))
            queries[query].known_forms.add(_form(text))
    if (trained / "triplets.parquet").is_file():
        for one in _table(trained / "triplets.parquet", ["anchor_id", "negative_id", "negative"]):
            found = (folder, one["negative_id"]), one["negative"]
            queries[one["anchor_id"]].negatives.setdefault(_form(one["negative"]), found)


def _known(data: Path) -> Iterator[tuple[str, str, str]]:
    """Query id, document id and text: all that training knows to be relevant, not only what trains."""
    corpus = pq.read_table(data / "corpus.parquet", columns=["doc_id", "text"]).to_pydict()
    ids, texts = corpus["doc_id"], corpus["text"]
    if (data / "positives.parquet").is_file():
        row = {name: place for place, name in enumerate(ids)}
        for one in _table(data / "positives.parquet", ["anchor_id", "positive_id"]):
            yield one["anchor_id"], one["positive_id"], texts[row[one["positive_id"]]]
    else:
        for one in _table(data / "partners.parquet", ["doc", "partner"]):
            yield ids[int(one["doc"])], ids[int(one["partner"])], texts[int(one["partner"])]


def _table(path: Path, columns: list[str]) -> Iterator[dict[str, str]]:
    for batch in pq.ParquetFile(path).iter_batches(columns=columns):
        yield from batch.to_pylist()


def _form(text: str) -> str:
    """What texts have in common that are one to a reader."""
    return " ".join(text.casefold().split())


def _negatives(query: str, row: _Row) -> list[str]:
    barred = {query, "", *row.relevant, *row.known_forms}
    return [text for form, (key, text) in row.negatives.items() if form not in barred and key not in row.known]
