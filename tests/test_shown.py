"""A log of what people saw: the documents of a query that were shown and judged are ranked, and no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
from preparing import prepared
from test_mixtures import project

RANK = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from ranking import rank, read_corpus, read_queries
work = Path(sys.argv[1])
corpus, queries = read_corpus(work), read_queries(work, "test")
score = lambda part: np.tile(np.arange(len(corpus.ids), dtype=np.float32), (len(part.ids), 1))
found = {
    "shown": {query: list(docs) for query, docs in rank(score, queries, corpus, 100).items()},
    "part": {query: list(docs) for query, docs in rank(score, queries.some(slice(1, 3)), corpus, 1).items()},
    "all": {query: list(docs) for query, docs in rank(score, replace(queries, shown=None), corpus, 100).items()},
}
print(json.dumps(found))
"""


def judged(path: Path) -> dict[str, dict[str, int]]:
    """Query's text -> document -> grade, counted in Python: clicked 1, shown above the last click 0."""
    with duckdb.connect() as db:
        rows = db.sql(f"select search, words, card, place, hit from '{path}' where part = 'test'").fetchall()
    last: dict[int, int] = {}
    for search, _, _, place, hit in rows:
        last[search] = max(last.get(search, 0), place if hit else 0)
    found: dict[str, dict[str, int]] = {}
    for search, words, card, place, hit in rows:
        if hit or place < last[search]:
            grades = found.setdefault(words, {})
            grades[card] = max(grades.get(card, 0), int(hit))
    return {words: grades for words, grades in found.items() if set(grades.values()) == {0, 1}}


def test_what_was_shown_is_ranked(tmp_path: Path) -> None:
    path = project(tmp_path, "likes", split="{by: column, column: part, dev_share: 0.2}")
    db = prepared(path)
    rows = db.sql(
        "select q.text, r.doc_id, r.relevance from qrels r join queries q using (split, query_id) where split = 'test'"
    )
    found: dict[str, dict[str, int]] = {}
    for text, doc, grade in rows.fetchall():
        found.setdefault(text, {})[doc] = grade
    expected = judged(tmp_path / "log.parquet")
    assert found == expected
    assert len(expected) > 20

    done = subprocess.run(
        [sys.executable, "-c", RANK, str(tmp_path / "work")],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "generated/mixed")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ranked = json.loads(done.stdout)
    texts = dict(db.sql("select query_id, text from queries where split = 'test'").fetchall())
    documents = [doc for (doc,) in db.sql("select doc_id from corpus order by doc desc").fetchall()]
    for query, docs in ranked["shown"].items():
        assert docs == [doc for doc in documents if doc in expected[texts[query]]]
    assert [len(docs) for docs in ranked["part"].values()] == [1, 1]
    assert all(docs == documents for docs in ranked["all"].values())
