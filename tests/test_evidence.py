"""The SQL of objectives whose rows say what is relevant: small tables, and what must come out, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pytest
from kinds import GONE
from variations import changed, planned, rich

from specforge.source import Data
from specforge.templating import render

Rows = Sequence[tuple[object, ...]]
Tables = dict[str, tuple[str, Rows]]
"""Source -> its columns as SQL, its rows."""

TRAIN, DEV, TEST = "2024-01-15", "2024-03-05", "2024-05-01"
BY_TIME: dict[str, Data] = {"by": "time", "dev": "2024-03-01", "test": "2024-04-01"}
NEARLY_ALL: dict[str, Data] = {"by": "item", "test": 0.0001, "dev": 0.0001}
DOCS: tuple[str, Rows] = ("id varchar, title varchar", [(letter, f"text {letter}") for letter in "abcdefgh"])


def script(objective: Mapping[str, Data], split: Mapping[str, Data], sources: Mapping[str, Data] | None = None) -> str:
    """objective.sql of a spec over the sources `docs` and `log`."""
    plain: dict[str, Data] = {
        "docs": {"path": "d.parquet", "id": "id", "text": "{title}"},
        "log": {"path": "l.parquet"},
    }
    data = changed(
        rich(),
        {
            "sources": {name: one for name, one in {**plain, **(sources or {})}.items() if one != GONE},
            "objectives": {"it": dict(objective)},
            "split": dict(split),
            "evaluate.baselines": GONE,
            "evaluate.fuse": GONE,
        },
    )
    (file,) = (file for file in planned(data).files if file.name == "objective.sql")
    return render(file.template, file.context)[0]


def run(sql: str, log: tuple[str, Rows], **more: tuple[str, Rows]) -> duckdb.DuckDBPyConnection:
    """The tables that the script makes."""
    db = duckdb.connect()
    db.execute("create schema sources")
    for name, (columns, rows) in {"docs": DOCS, "log": log, **more}.items():
        db.execute(f"create table sources.{name} ({columns})")
        for row in rows:
            db.execute(f"insert into sources.{name} values ({', '.join('?' * len(row))})", row)
    db.execute(sql)
    return db


def known(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], int]:
    """(Side, query, document) -> grade; a query that is a document has its text."""
    found = db.sql("""
        select k.fold, q.text, d.doc_id, k.grade
        from known as k join questions as q using (query) join documents as d on d.doc = k.doc
    """).fetchall()
    return {(str(side), str(query).removeprefix("text "), str(doc)): int(grade) for side, query, doc, grade in found}


def contrasted(db: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """Anchor, positive and negative of the rows that train."""
    found = db.sql("""
        select q.text, d.doc_id, n.doc_id
        from contrasted as c join questions as q on q.query = c.anchor
        join documents as d on d.doc = c.positive join documents as n on n.doc = c.negative
    """).fetchall()
    return {(str(query).removeprefix("text "), str(doc), str(negative)) for query, doc, negative in found}


def summary(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {str(what): int(amount) for what, amount in db.sql("select what, amount from summary").fetchall()}


def assert_adds_up(found: dict[str, int]) -> None:
    assert found["rows"] == sum(amount for what, amount in found.items() if what.startswith("rows_"))


CLICKED: dict[str, Data] = {
    "kind": "clicked", "events": "log", "search": "search", "query": "words", "document": "doc", "rank": "place",
    "clicked": "hit", "of": "docs", "time": "moment", "negatives_per_positive": 5,
}  # fmt: skip
SHOWN = "search varchar, words varchar, doc varchar, place integer, hit boolean, stayed double, moment varchar"


def search(name: str, words: str, documents: str, clicks: str, at: str = TRAIN, stayed: float = 60.0) -> Rows:
    """The rows of one list of results, a letter a document."""
    return [(name, words, doc, rank, doc in clicks, stayed, at) for rank, doc in enumerate(documents, start=1)]


def test_what_is_passed_over_above_a_click_is_a_negative_and_what_is_below_is_unknown() -> None:
    db = run(script(CLICKED, BY_TIME), (SHOWN, search("1", "red shoe", "abcd", "c")))
    assert known(db) == {("train", "red shoe", doc): grade for doc, grade in {"a": 0, "b": 0, "c": 1}.items()}
    assert contrasted(db) == {("red shoe", "c", "a"), ("red shoe", "c", "b")}
    found = summary(db)
    assert (found["impressions"], found["shown"], found["below_the_last_click"], found["rows"]) == (4, 4, 1, 3)
    assert_adds_up(found)


def test_a_search_without_a_click_says_nothing() -> None:
    db = run(script(CLICKED, BY_TIME), (SHOWN, search("1", "red shoe", "abcd", "")))
    assert known(db) == {}
    assert summary(db)["below_the_last_click"] == 4


def test_repeated_queries_are_one_and_a_click_wins_over_a_skip() -> None:
    rows = [
        *search("1", "red shoe", "abc", "b"),
        *search("2", "Red  Shoe ", "abc", "a"),
        *search("2", "Red  Shoe ", "abc", "a"),
    ]
    db = run(script(CLICKED, BY_TIME), (SHOWN, rows))
    assert known(db) == {("train", "Red  Shoe", "a"): 1, ("train", "Red  Shoe", "b"): 1}
    assert summary(db)["impressions"] == 9
    assert summary(db)["shown"] == 6


def test_a_short_look_is_no_click_and_a_rare_click_is_none() -> None:
    hasty = {**CLICKED, "dwell": "stayed", "min_dwell": 10.0}
    db = run(script(hasty, BY_TIME), (SHOWN, search("1", "red shoe", "ab", "b", stayed=3.0)))
    assert known(db) == {}
    twice = {**CLICKED, "min_clicks": 2}
    rows = [*search("1", "q", "ab", "ab"), *search("2", "q", "ab", "b")]
    assert known(run(script(twice, BY_TIME), (SHOWN, rows))) == {("train", "q", "b"): 1}


def test_a_click_further_down_weighs_more() -> None:
    weighted = {**CLICKED, "position_weights": "inverse"}
    db = run(script(weighted, BY_TIME), (SHOWN, search("1", "q", "abc", "ac")))
    weights = dict(db.sql("select d.doc_id, k.weight from known k join documents d on d.doc = k.doc").fetchall())
    assert weights == {"a": 1, "b": 1, "c": 3}


def test_time_parts_searches_and_later_ones_judge() -> None:
    rows = [*search("1", "q", "a", "a"), *search("2", "q", "b", "b", at=DEV), *search("3", "q", "c", "c", at=TEST)]
    db = run(
        script(CLICKED, BY_TIME),
        (SHOWN, [*rows, *search("4", "q", "d", "d", at="")[:0], ("5", "q", "e", 1, True, 1.0, None)]),
    )
    assert known(db) == {("train", "q", "a"): 1, ("dev", "q", "b"): 1, ("test", "q", "c"): 1}
    assert summary(db)["rows_on_no_side"] == 1
    assert_adds_up(summary(db))


CITED: dict[str, Data] = {
    "kind": "cited_in_answer", "answers": "log", "question": "question", "retrieved": "found", "cited": "cited",
    "of": "docs", "time": "moment", "negatives_per_positive": 5,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["varchar[]", "varchar"])
def test_uncited_passages_are_negatives_also_where_lists_are_json(kind: str) -> None:
    rows: Rows = [("why?", ["a", "b", "c"], ["b"], TRAIN), ("how?", ["d"], ["e"], TRAIN), ("none?", None, None, TRAIN)]
    if kind == "varchar":
        rows = [
            (q, *(None if ids is None else str(ids).replace("'", '"') for ids in (one, two)), at)
            for q, one, two, at in rows
        ]
    db = run(script(CITED, BY_TIME), (f"question varchar, found {kind}, cited {kind}, moment varchar", rows))
    grades = {("why?", "a"): 0, ("why?", "b"): 1, ("why?", "c"): 0, ("how?", "d"): 0, ("how?", "e"): 1}
    assert known(db) == {("train", *pair): grade for pair, grade in grades.items()}
    found = summary(db)
    assert (found["answers"], found["passages"], found["cited_and_never_retrieved"]) == (3, 5, 1)
    assert_adds_up(found)


def test_only_what_stood_above_a_cited_passage_or_nothing_at_all() -> None:
    log: tuple[str, Rows] = (
        "question varchar, found varchar[], cited varchar[], moment varchar",
        [("q", list("abc"), ["b"], TRAIN)],
    )
    above = run(script({**CITED, "uncited": "above_cited"}, BY_TIME), log)
    assert known(above) == {("train", "q", "a"): 0, ("train", "q", "b"): 1}
    assert summary(above)["uncited_and_left_out"] == 1
    assert known(run(script({**CITED, "uncited": "none"}, BY_TIME), log)) == {("train", "q", "b"): 1}


def test_a_row_may_be_a_passage() -> None:
    rows: Rows = [("1", "q", "a", False, 2, TRAIN), ("1", "q", "b", True, 1, TRAIN), ("2", "q", "c", True, 1, TRAIN)]
    passages = {**CITED, "one_row": "passage", "answer": "answer", "rank": "place", "uncited": "above_cited"}
    db = run(
        script(passages, BY_TIME),
        ("answer varchar, question varchar, found varchar, cited boolean, place integer, moment varchar", rows),
    )
    assert known(db) == {("train", "q", "b"): 1, ("train", "q", "c"): 1}


INTERACTED: dict[str, Data] = {
    "kind": "interacted",
    "events": "log",
    "user": "who",
    "item": "item",
    "of": "docs",
    "time": "moment",
}
TAKEN = "who varchar, item varchar, moment varchar"


def test_a_history_never_looks_into_the_future_nor_at_the_item_itself() -> None:
    rows: Rows = [
        ("u", "a", "2024-01-01"), ("u", "b", "2024-01-02"), ("u", "c", "2024-01-02"), ("u", "a", "2024-01-03"),
        ("u", "d", "2024-01-04"), ("v", "e", "2024-01-01"), ("u", "d", "2024-01-04"),
    ]  # fmt: skip
    db = run(script({**INTERACTED, "history": 3}, BY_TIME), (TAKEN, rows))
    assert known(db) == {
        ("train", "a", "b"): 1,  # "text a" was taken before
        ("train", "a", "c"): 1,  # b was taken at the same moment
        ("train", "b; text c", "a"): 1,  # and not a itself
        ("train", "b; text c; text a", "d"): 1,
    }
    found = summary(db)
    assert (found["events"], found["taken"], found["rows_without_query"]) == (7, 6, 2)  # the first of u and of v
    assert_adds_up(found)


def test_the_latest_events_of_a_user_count() -> None:
    rows: Rows = [("u", letter, f"2024-01-0{day}") for day, letter in enumerate("abcdef", start=1)]
    db = run(script({**INTERACTED, "history": 1, "max_events": 3}, BY_TIME), (TAKEN, rows))
    assert known(db) == {("train", "d", "e"): 1, ("train", "e", "f"): 1}


def test_a_user_may_be_a_text_and_falls_on_one_side() -> None:
    rows: Rows = [(f"u{user}", item, f"person {user}") for user in range(200) for item in "abc"]
    objective = {**INTERACTED, "user_text": "profile"}
    del objective["time"]
    db = run(
        script(objective, {"by": "group", "test": 0.3, "dev": 0.2}),
        ("who varchar, item varchar, profile varchar", rows),
    )
    sides: dict[str, set[str]] = {}
    for side, query, _ in known(db):
        sides.setdefault(query, set()).add(side)
    assert len(sides) == 200
    assert all(len(side) == 1 for side in sides.values())
    assert 30 < sum(side == {"test"} for side in sides.values()) < 90


def test_both_have_to_say_yes() -> None:
    likes: dict[str, Data] = {
        "kind": "mutual_like",
        "events": "log",
        "person": "a",
        "other": "b",
        "liked": "yes",
        "of": "docs",
        "negatives_per_positive": 5,
    }
    rows: Rows = [
        ("a", "b", 1), ("b", "a", 1), ("a", "c", 1), ("c", "a", 0), ("a", "d", 0), ("d", "a", 0), ("a", "e", 1),
    ]  # fmt: skip
    db = run(script(likes, NEARLY_ALL), ("a varchar, b varchar, yes integer", rows))
    grades = {("a", "b"): 1, ("b", "a"): 1, ("a", "c"): 0, ("c", "a"): 0, ("a", "d"): 0, ("d", "a"): 0}
    assert known(db) == {("train", *pair): grade for pair, grade in grades.items()}
    assert contrasted(db) == {("a", "b", "c")}  # d was liked by neither, e has not answered
    assert summary(db)["without_an_answer"] == 1


def test_a_person_is_on_one_side_of_the_split() -> None:
    likes: dict[str, Data] = {
        "kind": "mutual_like",
        "events": "log",
        "person": "a",
        "other": "b",
        "liked": "yes",
        "of": "docs",
    }
    people = [f"p{number}" for number in range(60)]
    docs: tuple[str, Rows] = ("id varchar, title varchar", [(one, f"text {one}") for one in people])
    rows: Rows = [(one, other, 1) for one in people for other in people if one != other]
    db = run(
        script(likes, {"by": "item", "test": 0.3, "dev": 0.2}), ("a varchar, b varchar, yes integer", rows), docs=docs
    )
    roles = dict(db.sql("select doc_id, role from documents").fetchall())
    assert set(roles.values()) == {"train", "dev", "test"}
    for side, query, doc in known(db):
        assert roles[query] == side
        assert side != "train" or roles[doc] == "train"
    assert_adds_up(summary(db))


def test_equal_values_are_alike_and_numbers_within_a_tolerance() -> None:
    docs: tuple[str, Rows] = (
        "id varchar, title varchar, style varchar, tempo double",
        [
            ("a", "text a", "jazz", 100),
            ("b", "text b", "jazz", 104),
            ("c", "text c", "rock", 109),
            ("d", "text d", None, None),
        ],
    )
    style: dict[str, Data] = {"kind": "same_attribute", "attribute": "style", "of": "docs"}
    log: tuple[str, Rows] = ("nothing integer", [])
    alone = {"log": GONE}
    db = run(script(style, NEARLY_ALL, alone), log, docs=docs)
    assert known(db) == {("train", "a", "b"): 1} or known(db) == {("train", "b", "a"): 1}
    tempo = run(script({**style, "attribute": "tempo", "within": 5.0}, NEARLY_ALL, alone), log, docs=docs)
    assert known(tempo) == {("train", "a", "b"): 1, ("train", "b", "c"): 1}


def test_a_held_out_document_is_judged_against_all_of_its_value() -> None:
    docs: tuple[str, Rows] = (
        "id varchar, title varchar, label varchar",
        [(f"{n}", f"text {n}", "even" if n % 2 == 0 else "odd") for n in range(100)],
    )
    labels: dict[str, Data] = {"kind": "labelled", "attribute": "label", "of": "docs", "positives_per_query": 3}
    db = run(script(labels, {"by": "item", "test": 0.3, "dev": 0.1}, {"log": GONE}), ("nothing integer", []), docs=docs)
    found = known(db)
    tested = {query for side, query, _ in found if side == "test"}
    assert tested
    assert all(sum(1 for side, query, _ in found if query == one and side == "test") == 49 for one in tested)
    trained = [query for side, query, _ in found if side == "train"]
    assert max(trained.count(one) for one in trained) <= 3


def test_grades_train_from_the_lowest_that_is_asked_and_zero_is_a_negative() -> None:
    judged: dict[str, Data] = {
        "kind": "judged", "rows": "log", "asked": "claims", "query": "q", "document": "d", "grade": "g", "min_grade": 2,
        "of": "docs",
    }  # fmt: skip
    sources: dict[str, Data] = {"claims": {"path": "c.parquet", "id": "claim", "text": "{words}"}}
    rows: Rows = [
        ("1", "a", 3, "train"),
        ("1", "b", 0, "train"),
        ("1", "c", 1, "train"),
        ("2", "a", 1, "test"),
        ("9", "a", 1, "train"),
    ]
    split: dict[str, Data] = {"by": "column", "column": "part", "dev_share": 0.0001}
    claims: tuple[str, Rows] = ("claim varchar, words varchar", [("1", "one"), ("2", "two")])
    db = run(script(judged, split, sources), ("q varchar, d varchar, g integer, part varchar", rows), claims=claims)
    grades = {("train", "one", "a"): 3, ("train", "one", "b"): 0, ("train", "one", "c"): 1, ("test", "two", "a"): 1}
    assert known(db) == grades
    assert contrasted(db) == {("one", "a", "b")}
    assert db.sql("select split, grade from qrels").fetchall() == [("test", 1)]
    assert summary(db)["rows_without_query"] == 1
    assert_adds_up(summary(db))


def test_links_may_hold_both_ways() -> None:
    links: dict[str, Data] = {"kind": "linked", "rows": "log", "item": "a", "linked_to": "b", "of": "docs"}
    log: tuple[str, Rows] = ("a varchar, b varchar", [("a", "b"), ("a", "a"), ("a", "z")])
    assert known(run(script(links, NEARLY_ALL), log)) == {("train", "a", "b"): 1}
    both = run(script({**links, "symmetric": True}, NEARLY_ALL), log)
    assert known(both) == {("train", "a", "b"): 1, ("train", "b", "a"): 1}
    found = summary(both)
    assert (found["rows"], found["rows_of_a_document_with_itself"], found["rows_kept"]) == (6, 2, 2)
    assert_adds_up(found)


def test_scores_from_a_threshold_on_are_relevant_both_ways() -> None:
    scored: dict[str, Data] = {
        "kind": "scored_pairs",
        "rows": "log",
        "first": "a",
        "second": "b",
        "score": "s",
        "relevant_from": 4.0,
    }
    log: tuple[str, Rows] = ("a varchar, b varchar, s double", [("x y", "x z", 4.5), ("x y", "w", 1.0)])
    db = run(script(scored, NEARLY_ALL, {"docs": GONE}), log)
    grades = {("x y", "x z"): 1, ("x z", "x y"): 1, ("x y", "w"): 0, ("w", "x y"): 0}
    assert known(db) == {("train", *pair): grade for pair, grade in grades.items()}


def test_triplets_bring_their_own_texts() -> None:
    triplets: dict[str, Data] = {
        "kind": "triplets",
        "rows": "log",
        "anchor": "q",
        "positive": "good",
        "negative": "bad",
        "time": "moment",
    }
    rows: Rows = [("q1", "yes", "no", TRAIN), ("q1", "yes", "never", TRAIN), ("q2", "no", "yes", TEST)]
    db = run(script(triplets, BY_TIME, {"docs": GONE}), ("q varchar, good varchar, bad varchar, moment varchar", rows))
    assert contrasted(db) == {("q1", "yes", "no"), ("q1", "yes", "never")}
    assert {text for (text,) in db.sql("select text from documents").fetchall()} == {"yes", "no", "never"}
    assert known(db)["test", "q2", "no"] == 1


def test_a_query_of_ones_own_gives_grades_weights_and_sides() -> None:
    own: dict[str, Data] = {
        "kind": "sql", "reads": ("log",), "query": "from log", "of": "docs", "min_grade": 2, "weight": "count",
        "negatives_per_positive": 5,
    }  # fmt: skip
    rows: Rows = [
        ("one", "a", 2.5, 1.0, "train"),  # rounded up
        ("one", "b", 1.0, 1.0, "train"),  # too low to train
        ("one", "c", 0.0, 1.0, "train"),
        ("one", "d", -1.0, 1.0, "train"),
        ("one", "e", None, 1.0, "train"),  # nothing is known
        ("one", "z", 3.0, 1.0, "train"),  # no document
        ("two", "a", 2.0, None, "train"),
        ("two", "b", 2.0, 3.0, "train"),
        (" ", "a", 1.0, 1.0, "test"),
        ("six", "a", 1.0, 1.0, "test"),
    ]
    split: dict[str, Data] = {"by": "column", "column": "side", "dev_share": 0.0001}
    judgments = ("query varchar, document varchar, grade double, weight double, moment timestamp, side varchar", [
        (query, doc, grade, weight, None, side) for query, doc, grade, weight, side in rows
    ])  # fmt: skip
    sql = script(own, split).replace("from judgments", "from sources.judgments")
    db = run(sql, ("nothing integer", []), judgments=judgments)
    train = {("one", "a"): 3, ("one", "b"): 1, ("one", "c"): 0, ("one", "d"): 0, ("two", "a"): 2, ("two", "b"): 2}
    assert known(db) == {("test", "six", "a"): 1} | {("train", *pair): grade for pair, grade in train.items()}
    assert contrasted(db) == {("one", "a", "c"), ("one", "a", "d")}
    weights = {(doc, weight) for doc, weight in db.sql("select doc, weight from known where grade = 2").fetchall()}
    assert weights == {(0, 1.0), (1, 3.0)}
    found = summary(db)
    assert (found["judgments"], found["judgments_without_grade"], found["rows"]) == (10, 1, 9)
    assert (found["rows_without_query"], found["rows_without_document"], found["rows_kept"]) == (1, 1, 7)
    assert_adds_up(found)


def test_questions_that_differ_in_punctuation_fall_on_one_side() -> None:
    answers: dict[str, Data] = {"kind": "question_answer", "rows": "log", "question": "q", "answer": "a", "of": "docs"}
    rows: Rows = [
        (text, "a")
        for number in range(300)
        for text in (f"what is {number}?", f"What is  {number}", f"what is {number} ?")
    ]
    db = run(script(answers, {"by": "anchor", "test": 0.3, "dev": 0.2}), ("q varchar, a varchar", rows))
    sides: dict[str, set[str]] = {}
    for side, query, _ in known(db):
        sides.setdefault("".join(filter(str.isdigit, query)), set()).add(side)
    assert len(sides) == 300
    assert all(len(side) == 1 for side in sides.values())
    (number,) = db.sql("select count(*) from questions").fetchall()
    assert number == (900,)


def test_a_query_stays_where_it_is_when_data_are_added() -> None:
    answers: dict[str, Data] = {"kind": "question_answer", "rows": "log", "question": "q", "answer": "a", "of": "docs"}
    sql = script(answers, {"by": "anchor", "test": 0.3, "dev": 0.2})
    first = known(run(sql, ("q varchar, a varchar", [(f"what {n}", "a") for n in range(100)])))
    more = known(run(sql, ("q varchar, a varchar", [(f"what {n}", "b" if n % 3 else "a") for n in range(-50, 200)])))
    sides = {query: side for side, query, _ in more}
    assert all(sides[query] == side for side, query, _ in first)


def test_what_was_bought_together_is_no_substitute() -> None:
    substitutes: dict[str, Data] = {
        "kind": "substitutes", "events": "log", "group": "session", "item": "item", "of": "docs", "action": "did",
        "time": "moment", "min_count": 1, "bought": ("buy",),
    }  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for number in range(40):
        pair = "ab" if number < 10 else "cd" if number < 20 else "ef"
        rows += [(f"s{number}", item, "view", TRAIN) for item in pair]
        rows += [(f"s{number}", item, "buy", TRAIN) for item in (pair if pair == "cd" else pair[0])]
    rows.append(("s0", "h", "wish", TRAIN))
    db = run(script(substitutes, BY_TIME), ("session varchar, item varchar, did varchar, moment varchar", rows))
    names = dict(db.sql("select doc, doc_id from documents").fetchall())
    found = {(names[a], names[b]): n for a, b, n in db.sql("select doc, partner, together from partners").fetchall()}
    assert found == {("a", "b"): 10, ("b", "a"): 10, ("e", "f"): 20, ("f", "e"): 20}


def test_a_query_that_the_data_have_on_two_sides_is_held_out() -> None:
    answers: dict[str, Data] = {"kind": "question_answer", "rows": "log", "question": "q", "answer": "a", "of": "docs"}
    split: dict[str, Data] = {"by": "column", "column": "part", "dev": ("dev",)}
    rows: Rows = [
        ("one", "a", "train"),
        ("One!", "b", "test"),
        ("two", "a", "train"),
        ("two", "b", "dev"),
        ("six", "c", "train"),
    ]
    db = run(script(answers, split), ("q varchar, a varchar, part varchar", rows))
    assert known(db) == {("test", "One!", "b"): 1, ("dev", "two", "b"): 1, ("train", "six", "c"): 1}
    assert summary(db)["left_out_for_a_held_out_query"] == 2
    assert_adds_up(summary(db))
