"""Queries that are drawn together when intervals are made: whose they are said to be, recounted in Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest
from preparing import prepared
from test_mixtures import project

from specforge import clusters, foresight, pipeline
from specforge.checks import tables
from specforge.spec.document import Spec

SPEC = """\
specforge: 1
name: small
sources:
  docs: {path: docs.csv, id: id, text: "{title}"}
  rows: {path: rows.csv}
objectives:
  it: {OBJECTIVE, of: docs}
split: {SPLIT}
retriever: {family: bm25}
evaluate: {primary: nDCG@10, baselines: []}
"""
KINDS = {
    "texts by a column": ("kind: question_answer, rows: rows, question: text, answer: a, group: talk", "by: anchor, test: 0.6", "text", "talk"),
    "texts of the split": ("kind: question_answer, rows: rows, question: text, answer: a, group: talk", "by: group, test: 0.6", "text", "talk"),
    "users with texts": ("kind: interacted, events: rows, user: user, user_text: text, item: a, time: at", "by: anchor, test: 0.6", "text", "user"),
    "a household of users": ("kind: interacted, events: rows, user: user, user_text: text, item: a, group: talk", "by: group, test: 0.6", "text", "talk"),
    "links of documents": ("kind: linked, rows: rows, item: a, linked_to: b, group: talk", "by: item, test: 0.6", "a", "talk"),
    "links of the split": ("kind: linked, rows: rows, item: a, linked_to: b, group: talk", "by: group, test: 0.6", "a", "talk"),
}  # fmt: skip
"""What is drawn together -> objective, split, the column with the query, the column that says it."""


def rows() -> list[dict[str, str]]:
    """300 rows of 60 documents and 90 texts; talks have 4 rows or so, some rows have none."""
    return [
        {
            "a": f"d{row % 60}", "b": f"d{(row * 7 + 1) % 60}", "text": f"ask {(row * 13 + row // 7) % 90}",
            "talk": f"t{row // 4}" if row % 10 else "", "user": f"u{row % 37}", "shop": f"s{row // 15}", "at": f"2024-01-{row % 28 + 1:02}",
        }
        for row in range(300)
    ]  # fmt: skip


def small(root: Path, objective: str, split: str) -> Path:
    """The spec's file, beside its tables."""
    root.mkdir(exist_ok=True)
    given = rows()
    lines = [",".join(given[0]), *(",".join(row.values()) for row in given)]
    (root / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    docs = [f"d{row},title {row},f{row // 3}" for row in range(60)]
    (root / "docs.csv").write_text("id,title,family\n" + "\n".join(docs) + "\n", encoding="utf-8")
    path = root / "small.yaml"
    text = SPEC.replace("OBJECTIVE", objective).replace("SPLIT", split)
    path.write_text(text, encoding="utf-8")
    return path


def found(path: Path) -> dict[str, str | None]:
    """Test query, as its text -> its cluster."""
    with prepared(path) as db:
        query = "select q.text, c.cluster from queries q left join clusters c on c.query_id = q.query_id where q.split = 'test'"
        return dict(db.sql(query).fetchall())


@pytest.mark.parametrize("name", KINDS)
def test_most_of_its_rows_say_whose_a_query_is(name: str, tmp_path: Path) -> None:
    objective, split, query, column = KINDS[name]
    counts: dict[str, Counter[str]] = {}
    for row in rows():
        text = row[query] if query == "text" else f"title {row[query][1:]}"
        counts.setdefault(text, Counter())[row[column]] += bool(row[column])
    most = {
        text: max(parts, key=lambda part: (parts[part], part)) if any(parts.values()) else None
        for text, parts in counts.items()
    }
    told = found(small(tmp_path, objective, split))
    assert len(told) > 15 and len(set(told.values())) > 5
    assert told == {text: most[text] for text in told}


def test_histories_are_of_their_user(tmp_path: Path) -> None:
    """What a user took before is a text of that user, here of no other."""
    objective = "kind: interacted, events: rows, user: user, history: 3, item: a, time: at"
    path = small(tmp_path, objective, "by: time, dev: 2024-01-10, test: 2024-01-15")
    users = {row["user"] for row in rows()}
    told = found(path)
    assert set(told.values()) <= users and len(set(told.values())) > 20


def test_a_family_is_drawn_together(tmp_path: Path) -> None:
    path = small(tmp_path, "kind: linked, rows: rows, item: a, linked_to: b", "by: item, unit: family, test: 0.6")
    told = found(path)
    assert told == {text: f"f{int(text.split()[1]) // 3}" for text in told} and len(told) > 15


def test_what_names_no_group_is_drawn_alone(tmp_path: Path) -> None:
    path = small(tmp_path, "kind: linked, rows: rows, item: a, linked_to: b", "by: item, test: 0.6")
    checked = pipeline.read(path)
    assert checked.spec is not None and not clusters.clustered(checked.spec)
    with prepared(path):
        assert not (tmp_path / "work/data/clusters.parquet").exists()


def test_an_objective_without_a_group_beside_one(tmp_path: Path) -> None:
    """Its queries are of no cluster, as the table says."""
    path = project(tmp_path, "cards", "links")
    path.write_text(
        path.read_text().replace("of: cards}\n  links", "of: cards, group: card}\n  links"), encoding="utf-8"
    )
    with prepared(path) as db, duckdb.connect() as other:
        assert db.sql("select count(*) from clusters").fetchall()[0][0] > 5
        assert other.read_parquet(str(tmp_path / "work/data/links/clusters.parquet")).fetchall() == []


def test_few_clusters_are_told_and_counted(tmp_path: Path) -> None:
    """The figure that is foreseen is of the talks, not of the questions; fewer than 30 are too few."""
    objective = "kind: question_answer, rows: rows, question: text, answer: a, group: shop"
    path = small(tmp_path, objective, "by: group, test: 0.6, dev: 0.1")
    with prepared(path) as db:
        queries = "select count(*), count(distinct c.cluster) from queries q join clusters c on c.query_id = q.query_id where q.split = 'test'"
        [(asked, drawn)] = db.sql(queries).fetchall()
    checked = pipeline.read(path)
    assert isinstance(checked.spec, Spec) and 1 < drawn < clusters.FEW < asked
    told = [
        one
        for one in tables.check(checked.spec, checked.source, tmp_path / "work/data", tmp_path)
        if one.code == "SF307"
    ]
    assert [one.message for one in told if "too narrow" in one.message] == [
        f'the test queries are of {drawn} clusters by "shop", and intervals of so few are too narrow'
    ]
    smallest = 2.8 * 0.2 / drawn**0.5
    assert f'{drawn} clusters by "shop" can show differences of {smallest:.2f} and more only' in [
        one.message for one in told
    ]
    assert foresight.stated(checked.spec, tmp_path / "work/data", tmp_path / "results") == (
        f'{asked} test queries in {drawn} clusters by "shop" can show a difference of {smallest:.3f} nDCG@10 and more '
        "(80 % power, 5 % error, if it deviates by 0.20 over clusters: assumed)"
    )
