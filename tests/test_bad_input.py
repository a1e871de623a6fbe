"""Input as it comes: each case is a clear problem, or a repair that is counted; nothing is dropped in silence."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from preparing import problems
from shop import DOCS, named, shop, summary

from specforge.problems import Problem

CITED = "kind: cited_in_answer, answers: log, question: q, retrieved: found, cited: used, of: docs"
CLICKED = "kind: clicked, events: log, search: s, query: q, document: d, rank: r, clicked: c, of: docs"
CARTS = "kind: same_cart, events: log, group: g, item: d, of: docs, min_count: 1"
TAKEN = "kind: interacted, events: log, user: u, item: d, of: docs, time: m, history: 3"
ANSWERS = "kind: question_answer, rows: log, question: q, answer: d, of: docs"
BY_TIME = "{by: time, dev: 2024-02-01, test: 2024-03-01}"


def told(path: Path) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in problems(path)]


def test_cited_ids_that_were_never_retrieved_are_counted_and_count(tmp_path: Path) -> None:
    rows = [("why", list("abc"), ["b"]), ("how", ["d"], ["e", "d"]), ("who", ["a"], ["f", "z"])]
    path = shop(tmp_path, CITED, "q varchar, found varchar[], used varchar[]", rows)
    assert told(path) == [("SF305", '20 % of "used" of "log" are not in "docs": 1 id')]
    assert named(path, "SF305").evidence == ("1 of 5 ids in rows", "z: in 1 row")
    found = summary(path)
    assert (found["answers"], found["passages"], found["cited_and_never_retrieved"]) == (3, 8, 3)
    assert (found["rows_kept"], found["rows_without_document"]) == (7, 1)


def test_clicks_on_documents_that_are_missing_are_named_and_counted(tmp_path: Path) -> None:
    rows = [
        ("1", "shoe", "a", 1, False),
        ("1", "shoe", "gone", 2, True),
        ("1", "shoe", "b", 3, True),
        ("2", "hat", "gone", 1, True),
    ]
    path = shop(tmp_path, CLICKED, "s varchar, q varchar, d varchar, r integer, c boolean", rows)
    problem = named(path, "SF305")
    assert (problem.message, problem.path) == (
        '50 % of "d" of "log" are not in "docs": 1 id',
        ("objectives", "it", "document"),
    )
    assert problem.evidence == ("2 of 4 ids in rows", "gone: in 2 rows")
    found = summary(path)
    assert (found["rows_kept"], found["rows_without_document"]) == (2, 2)


def test_logs_of_another_shop_are_refused(tmp_path: Path) -> None:
    rows = [("q", "a"), *(("q", f"x{number}") for number in range(99))]
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", rows)
    assert told(path) == [("SF004", 'only 1.0 % of "d" of "log" are ids of "docs" with a text')]
    assert named(path, "SF004").evidence[0] == "99 of 100 ids in rows"


def test_duplicated_events_count_once_and_are_counted(tmp_path: Path) -> None:
    carts = [
        ("1", "a"),
        ("1", "b"),
        ("1", "b"),
        ("2", "a"),
        ("2", "a"),
        ("2", "c"),
        (None, "a"),
        ("3", None),
        ("4", "d"),
    ]
    path = shop(tmp_path, CARTS, "g varchar, d varchar", carts, split="{by: item}")
    found = summary(path)
    assert (found["source_rows"], found["events_repeated"], found["events_kept"]) == (9, 2, 4)
    assert (found["events_without_group"], found["events_without_item"], found["events_in_groups_too_small"]) == (
        1,
        1,
        1,
    )


def test_duplicated_impressions_and_interactions(tmp_path: Path) -> None:
    rows = [("1", "shoe", "a", 1, True)] * 3 + [("1", "shoe", "b", 2, False), (None, "shoe", "a", 1, True)]
    found = summary(shop(tmp_path, CLICKED, "s varchar, q varchar, d varchar, r integer, c boolean", rows))
    assert (found["impressions"], found["impressions_repeated"], found["impressions_without_search"]) == (5, 2, 1)
    assert (found["below_the_last_click"], found["rows_kept"]) == (1, 1)
    taken = [
        ("u", "a", "2024-01-01"),
        ("u", "a", "2024-01-01"),
        ("u", "b", "2024-01-02"),
        (None, "c", "2024-01-02"),
        ("u", "c", None),
    ]
    found = summary(shop(tmp_path, TAKEN, "u varchar, d varchar, m varchar", taken, split=BY_TIME))
    assert (found["events_repeated"], found["events_without_user"], found["events_without_moment"]) == (1, 1, 1)
    assert found["rows_kept"] == 1


def test_times_in_three_formats_are_refused_with_examples(tmp_path: Path) -> None:
    rows = [("1", "a", "2024-01-05"), ("1", "b", "05/01/2024"), ("2", "a", "1704412800"), ("2", "b", "06/01/2024")]
    path = shop(tmp_path, f"{CARTS}, time: m", "g varchar, d varchar, m varchar", rows, split=BY_TIME)
    problem = named(path, "SF003")
    assert problem.message == 'column "m" of "log" holds what is no moment'
    assert problem.evidence == (
        '3 of 4 rows, for example "05/01/2024", "1704412800", "06/01/2024"',
        'ISO 8601 fits 1 row, seconds fits 1 row, "%d/%m/%Y" fits 2 rows, "%m/%d/%Y" fits 2 rows',
    )
    assert problem.hint == "a moment is written as 2024-05-31 or 2024-05-31T18:00:00, and no other way fits every row"
    read = shop(
        tmp_path,
        f"{CARTS}, time: m",
        "g varchar, d varchar, m varchar",
        rows,
        split=BY_TIME,
        options=", read_as: {m: '%d/%m/%Y'}",
    )
    assert ("SF003", '2 rows of column "m" cannot be read as "%d/%m/%Y"') in told(read)


@pytest.mark.parametrize("quoted", ["json", "numbers"])
def test_lists_as_json_text(tmp_path: Path, quoted: str) -> None:
    numbers = quoted == "numbers"
    docs = [(str(number), f"text {number}") for number in range(9)] if numbers else DOCS
    ids: list[object] = [1, 2, 3] if numbers else ["a", "b", "c"]
    rows = [
        ("why", json.dumps(ids), json.dumps(ids[:1])),
        ("how", json.dumps(ids[1:]), json.dumps([])),
        ("who", None, None),
    ]
    path = shop(tmp_path, CITED, "q varchar, found varchar, used varchar", rows, docs=docs)
    assert told(path) == []
    found = summary(path)
    assert (found["answers"], found["answers_without_passages"], found["rows_kept"]) == (3, 1, 5)


def test_lists_that_are_none_are_named(tmp_path: Path) -> None:
    rows = [("why", '["a"]', '["a"]'), ("how", "a, b", '["a"]'), ("who", '["a", "b"', "a")]
    path = shop(tmp_path, CITED, "q varchar, found varchar, used varchar", rows)
    assert told(path) == [
        ("SF003", '2 rows of "log" hold no list of ids in "found"'),
        ("SF003", '1 row of "log" holds no list of ids in "used"'),
    ]
    assert problems(path)[0].evidence == ("found: a, b", 'found: ["a", "b"')


def test_ids_as_numbers_here_and_text_there(tmp_path: Path) -> None:
    docs = [(str(number), f"text {number}") for number in range(10, 20)]
    rows = [(f"q{number}", number) for number in range(10, 20)]
    path = shop(tmp_path, ANSWERS, "q varchar, d bigint", rows, docs=docs)
    assert told(path) == []
    assert summary(path)["rows_kept"] == 10
    padded = [(f"00{id}", text) for id, text in docs]
    path = shop(tmp_path, ANSWERS, "q varchar, d bigint", rows, docs=padded)
    problem = named(path, "SF004")
    assert problem.message == 'no "d" of "log" is an id of "docs"'
    assert '"0010"' in problem.evidence[1]
    path = shop(tmp_path, ANSWERS, "q varchar, d double", rows, docs=docs)
    assert 'add "read_as: {d: integer}" to "log"' in named(path, "SF003").hint


def test_empty_texts_are_counted_and_named_where_they_are_judged(tmp_path: Path) -> None:
    docs = [("a", "text a"), ("b", "  "), ("c", None), (None, "text d"), ("e", "text a")]
    rows = [("one", "a"), ("two", "b"), ("", "a"), (" ", "a"), (None, "a"), ("six", "c"), ("one", "e")]
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", rows, docs=docs)
    problem = named(path, "SF305")
    assert problem.evidence == ("2 of 7 ids in rows", "b: in 1 row, without a text", "c: in 1 row, without a text")
    found = summary(path)
    assert {what: found[what] for what in found if what.startswith("collection_")} == {
        "collection_rows": 5, "collection_rows_without_id": 1, "collection_rows_without_text": 2,
        "collection_rows_of_a_repeated_id": 0, "collection_ids_with_the_text_of_another": 1, "collection_documents": 1,
    }  # fmt: skip
    assert (found["rows_without_query"], found["rows_without_document"], found["rows_kept"]) == (3, 2, 2)


def test_one_giant_group_is_left_out_and_counted(tmp_path: Path) -> None:
    docs = [(f"d{number}", f"text {number}") for number in range(50_000)]
    rows = [("giant", id) for id, _ in docs] + [(f"g{n}", f"d{n % 7 + step}") for n in range(50) for step in range(2)]
    path = tmp_path / "shop.yaml"
    big(shop(tmp_path, CARTS, "g varchar, d varchar", rows[-2:], docs=docs[:2], split="{by: item}"), docs, rows)
    found = summary(path)
    assert (found["source_rows"], found["events_in_groups_too_large"], found["events_kept"]) == (50_100, 50_000, 100)
    assert found["groups_too_large"] == 1


def test_a_user_with_100_000_events_counts_with_the_latest(tmp_path: Path) -> None:
    draw = random.Random(0)
    docs = [(f"d{number}", f"text {number}") for number in range(500)]
    moments = [
        f"2024-{1 + n % 3:02}-{1 + n // 3 % 28:02} {n // 84 % 24:02}:{n // 2016 % 60:02}:00" for n in range(100_000)
    ]
    rows = [("robot", draw.choice(docs)[0], at) for at in moments] + [
        (f"u{n % 20}", f"d{n}", moments[n]) for n in range(200)
    ]
    big(shop(tmp_path, TAKEN, "u varchar, d varchar, m varchar", rows[-2:], docs=docs[:2], split=BY_TIME), docs, rows)
    found = summary(tmp_path / "shop.yaml")
    distinct = len({row for row in rows if row[0] == "robot"})
    assert found["source_rows"] == 100_200
    assert found["events_repeated"] == 100_000 - distinct
    assert found["events_beyond_max_events"] == distinct - 200
    assert found["taken"] == 400


def big(path: Path, docs: Sequence[tuple[str, str]], rows: Sequence[tuple[str, ...]]) -> None:
    """Many rows, in the place of the few."""
    import pyarrow as pa

    columns = [list(column) for column in zip(*rows, strict=True)]
    names = ["g", "d"] if len(columns) == 2 else ["u", "d", "m"]
    with duckdb.connect() as db:
        db.from_arrow(pa.table(dict(zip(names, columns, strict=True)))).write_parquet(
            str(path.with_name("log.parquet"))
        )
        titles = {"id": [id for id, _ in docs], "title": [text for _, text in docs]}
        db.from_arrow(pa.table(titles)).write_parquet(str(path.with_name("docs.parquet")))


def test_a_join_that_loses_rows_says_so_and_a_repeated_key_multiplies_none(tmp_path: Path) -> None:
    more = {
        "names": (
            "sku varchar, d varchar, id varchar, title varchar",
            [("s1", "a", "1", "x"), ("s1", "a", "2", "x"), ("s2", "b", "3", "x")],
        )
    }
    rows = [("one", "s1"), ("two", "s2"), ("six", "s9")]
    options = ", join: {source: names, on: sku, columns: [d]}"
    found = summary(shop(tmp_path, ANSWERS, "q varchar, sku varchar", rows, options=options, more=more))
    assert (found["log_without_names"], found["source_rows"], found["rows_kept"]) == (1, 2, 2)


def test_a_search_with_several_queries_is_none(tmp_path: Path) -> None:
    rows = [("1", "shoe", "a", 1, True), ("1", "hat", "b", 2, True), ("2", "hat", "b", 1, True)]
    problem = named(shop(tmp_path, CLICKED, "s varchar, q varchar, d varchar, r integer, c boolean", rows), "SF003")
    assert problem.message == '1 value of "s" in "log" has several queries in "q"'
    assert problem.evidence == ('1: "hat", "shoe"',)


LABELS: dict[str, tuple[str, str, list[tuple[object, ...]], str, str]] = {
    "flag": (CLICKED, "s varchar, q varchar, d varchar, r integer, c varchar",
        [("1", "shoe", "a", 1, "yes"), ("1", "shoe", "b", 2, "maybe")],
        '1 row of "log" has neither true nor false, neither 1 nor 0 in "c"', "s: 1, d: b, q: shoe, c: maybe"),
    "rating": (CLICKED, "s varchar, q varchar, d varchar, r integer, c integer",
        [("1", "shoe", "a", 1, 5), ("1", "shoe", "b", 2, 1)],
        '1 row of "log" has neither true nor false, neither 1 nor 0 in "c"', "s: 1, d: a, q: shoe, c: 5"),
    "rank": (CLICKED, "s varchar, q varchar, d varchar, r integer, c boolean",
        [("1", "shoe", "a", -1, True), ("1", "shoe", "b", 2, True)],
        '1 row of "log" has a rank below 0 in "r"', "s: 1, d: a, q: shoe, r: -1"),
    "weighing rank": (f"{CLICKED}, position_weights: inverse", "s varchar, q varchar, d varchar, r integer, c boolean",
        [("1", "shoe", "a", 0, True), ("1", "shoe", "b", 1, True)],
        '1 row of "log" has a rank below 1 in "r"', "s: 1, d: a, q: shoe, r: 0"),
    "dwell": (f"{CLICKED}, dwell: t, min_dwell: 5", "s varchar, q varchar, d varchar, r integer, c boolean, t double",
        [("1", "shoe", "a", 1, True, -3.0), ("1", "shoe", "b", 2, True, 9.0)],
        '1 row of "log" has a time below 0 in "t"', "s: 1, d: a, q: shoe, t: -3.0"),
    "rank as text": (CLICKED, "s varchar, q varchar, d varchar, r varchar, c boolean",
        [("1", "shoe", "a", "10", True), ("1", "shoe", "b", "9", True)],
        'column "r" of "log" holds numbers as text', ""),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_labels(tmp_path: Path, name: str) -> None:
    objective, columns, rows, message, row = LABELS[name]
    problem = named(shop(tmp_path, objective, columns, rows), "SF102")
    assert problem.message == message
    assert problem.evidence == (("of 2 rows", row) if row else ())


def graded(tmp_path: Path, grades: list[object], kind: str = "double", options: str = "") -> list[Problem]:
    rows = [("q1", letter, grade) for letter, grade in zip("abcdefgh", grades, strict=False)]
    objective = "kind: judged, rows: log, asked: asked, query: q, document: d, grade: n, of: docs"
    more = {"asked": ("id varchar, title varchar", [("q1", "why")])}
    path = shop(tmp_path, objective, f"q varchar, d varchar, n {kind}", rows, options=options, more=more)
    return [one for one in problems(path) if one.code == "SF102"]


def test_grades(tmp_path: Path) -> None:
    assert graded(tmp_path, [0, 1, 2]) == []
    found = graded(tmp_path, [0, -1, 2.5, 0.5, None, 1])
    assert [(one.message, one.evidence) for one in found] == [
        ('1 row of "log" has a grade below 0 in "n"', ("of 6 rows", "q: q1, d: b, n: -1.0")),
        ('1 row of "log" has no grade in "n"', ("of 6 rows", "q: q1, d: e, n: null")),
        ('2 rows of "log" have no whole number in "n"', ("of 6 rows", "q: q1, d: c, n: 2.5", "q: q1, d: d, n: 0.5")),
    ]
    assert [one.message for one in graded(tmp_path, ["1", "high"], "varchar")] == [
        '1 row of "log" has no number in "n"'
    ]
    [as_text] = graded(tmp_path, ["1", "2"], "varchar")
    assert as_text.hint == 'add "read_as: {n: number}" to "log"'
    assert graded(tmp_path, ["1", "2"], "varchar", ", read_as: {n: number}") == []


@pytest.mark.parametrize(("threshold", "words"), [("0.5", "every"), ("6", "no"), ("3", "")])
def test_scores(tmp_path: Path, threshold: str, words: str) -> None:
    objective = f"kind: scored_pairs, rows: log, first: a, second: b, score: n, relevant_from: {threshold}, of: docs"
    rows = [("a", "b", 1.0), ("a", "c", 5.0)]
    path = shop(tmp_path, objective, "a varchar, b varchar, n double", rows, split="{by: item}")
    found = [one for one in problems(path) if one.code == "SF102"]
    assert [(one.message, one.evidence, one.path) for one in found] == ([] if not words else [(
        f'"relevant_from" is {threshold}, and {words} score is as high', ('the scores of "n" run from 1 to 5',),
        ("objectives", "it", "relevant_from"),
    )])  # fmt: skip
