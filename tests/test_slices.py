"""Parts of the test queries: what each query is said to be, recounted in Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest
from preparing import prepared
from test_mixtures import BY_COLUMN, project

from specforge import pipeline


def slices(path: Path) -> dict[str, dict[str, str]]:
    """Slice -> text of a query -> its part."""
    with prepared(path) as db:
        rows = db.sql(
            "select s.slice, q.text, s.value from slices s join queries q on q.query_id = s.query_id and q.split = 'test'"
        )
        found: dict[str, dict[str, str]] = {}
        for name, text, value in rows.fetchall():
            assert text not in found.setdefault(name, {}), "one part for a query"
            found[name][text] = value
        return found


def test_rows_and_documents_of_texts(tmp_path: Path) -> None:
    """20 test queries, each asked in three rows of which two say the same."""
    rows = "select 'ask ' || i // 3 as question, 'c' || i // 3 as card, 'test' as part, if(i % 3 = 1, 'app', 'web' || i // 30) as channel from range(60) t(i)"
    train = "select 'train ' || i as question, 'c' || i as card, 'train' as part, 'app' as channel from range(40) t(i)"
    of = "slices: {channel: {source: faq, column: channel}, odd: {source: cards, where: 'card[2:]::int % 2 = 1'}, web: {source: faq, where: channel <> 'app'}}"
    path = project(tmp_path, "cards", split=BY_COLUMN, evaluate=f", {of}")
    with duckdb.connect() as db:
        db.sql(f"{rows} union all {train}").write_parquet(str(tmp_path / "faq.parquet"))
    found = slices(path)
    assert found["channel"] == {f"ask {i}": f"web{i // 10}" for i in range(20)}
    assert found["web"] == {f"ask {i}": "yes" for i in range(20)}
    assert found["odd"] == {f"ask {i}": "yes" if i % 2 else "no" for i in range(20)}


def test_ready_made_parts(tmp_path: Path) -> None:
    """In training c0 stands 10 times, c1 5 times and five others once: half of all are c0's, which is the head."""
    trained = ["c0"] * 10 + ["c1"] * 5 + ["c2", "c3", "c4", "c5", "c6"]
    asked = {
        "one": ["c0"],
        "a b c": ["c1"],
        "a b c d": ["c7"],
        "one two three four five six seven eight": ["c0", "c7", "c8"],
    }
    rows = [(f"train {row}", card, "train") for row, card in enumerate(trained)] + [("chosen", "c3", "dev")]
    rows += [(question, card, "test") for question, cards in asked.items() for card in cards]
    of = "slices: {words: length, reach: popularity, known: seen}"
    path = project(tmp_path, "cards", split="{by: column, column: part, dev: [dev]}", evaluate=f", {of}")
    with duckdb.connect() as db:
        db.execute("create table faq (question varchar, card varchar, part varchar)")
        db.executemany("insert into faq values (?, ?, ?)", rows)
        db.table("faq").write_parquet(str(tmp_path / "faq.parquet"))
    assert slices(path) == {
        "words": dict(zip(asked, ["1 to 3 words", "1 to 3 words", "4 to 7 words", "8 to 15 words"], strict=True)),
        "reach": dict(zip(asked, ["head", "tail", "tail", "tail"], strict=True)),
        "known": dict(zip(asked, ["seen", "seen", "unseen", "unseen"], strict=True)),
    }


def test_items_as_queries(tmp_path: Path) -> None:
    of = 'slices: {low: {source: cards, where: "length(title) = 7"}, part: {source: links, column: part}}'
    path = project(tmp_path, "links", split="{by: item, test: 0.4, dev: 0.2}", evaluate=f", {of}")
    found = slices(path)
    assert len(found["low"]) > 5
    assert found["low"] == {text: "yes" if len(text) == 7 else "no" for text in found["low"]}
    with duckdb.connect() as db:
        rows = db.sql(f"select card, part from '{tmp_path}/links.parquet'").fetchall()
    counted: dict[str, Counter[str]] = {}
    for card, part in rows:
        counted.setdefault(f"title {card[1:]}", Counter())[part] += 1
    most = {text: max(parts, key=lambda part: (parts[part], part)) for text, parts in counted.items()}
    assert found["part"] == {text: most[text] for text in found["part"]}


def test_each_objective_has_its_own(tmp_path: Path) -> None:
    of = "slices: {place: {source: log, column: place}, odd: {source: cards, where: 'card[2:]::int % 2 = 1'}}"
    with prepared(project(tmp_path, "cards", "likes", evaluate=f", {of}")) as db:
        assert db.sql("select distinct slice from slices").fetchall() == [("odd",)]
        other = db.read_parquet(str(tmp_path / "work/data/likes/slices.parquet"))
        assert sorted(other.project("slice").distinct().fetchall()) == [("odd",), ("place",)]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("colour = 'red'", 'no column "colour" in "faq"'),
        ("true) or (true", '"where" must be one condition'),
        ("question in (select content from read_text('/etc/passwd'))", '"where" reaches outside of its tables'),
    ],
)
def test_conditions_are_tried_before_a_run(tmp_path: Path, condition: str, message: str) -> None:
    path = project(tmp_path, "cards", evaluate=f', slices: {{odd: {{source: faq, where: "{condition}"}}}}')
    checked = pipeline.with_rows(pipeline.read(path))
    assert [problem.message for problem in checked.problems if problem.code != "SF401"] == [message]
