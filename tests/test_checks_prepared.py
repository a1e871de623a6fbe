"""The rules about training rows, on tables that the generated code made: figures checked against a plain count."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import duckdb
import pytest
from preparing import prepared
from shop import DOCS, NEARLY_ALL, Rows, after, shop

from specforge.checks.words import percent
from specforge.problems import Problem

ANSWERS = "kind: question_answer, rows: log, question: q, answer: d, of: docs, positives_per_query: 2"
MANY = [(f"d{number}", f"text {number}") for number in range(30)]


def one(path: Path, code: str) -> Problem:
    [problem] = [found for found in after(path) if found.code == code]
    return problem


def figures(rows: list[tuple[str, str]], relevant: set[tuple[str, str]], size: int) -> tuple[str, str]:
    """Shares of negatives that are positives, and of rows with one: over all rows that may stand together."""
    apart = [(one, two) for one, two in itertools.permutations(rows, 2) if not set(one) & set(two)]
    false = [(one, two) for one, two in apart if (one[0], two[1]) in relevant]
    hit = 0.0
    for anchor, _ in rows:
        met = sum(one[0] == anchor for one, _ in false) / sum(one[0] == anchor for one in rows)
        hit += 1 - (1 - met / (len(apart) / len(rows))) ** (size - 1)
    return percent(len(false) / len(apart)), percent(hit / len(rows))


def test_false_negatives_of_queries_that_are_texts(tmp_path: Path) -> None:
    draw = random.Random(3)
    log = sorted({(f"question {draw.randrange(25)}", f"d{draw.randrange(30)}") for _ in range(90)})
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", log, docs=MANY)
    db = prepared(path)
    rows = [(str(a), str(b)) for a, b in db.sql("select anchor, positive_id from pairs").fetchall()]
    assert len(rows) < len(log)  # two of a query train, and all of them count as positives
    share, hit = figures(rows, set(log), 8)
    problem = one(path, "SF105")
    assert problem.message == f"{share} of the in-batch negatives are expected to be positives"
    assert problem.evidence[0] == f"{hit} of the rows have at least one at batch size 8"


@pytest.mark.parametrize("labels", [3, 12])
def test_false_negatives_of_documents_of_one_value(tmp_path: Path, labels: int) -> None:
    objective = "kind: labelled, attribute: label, of: docs, positives_per_query: 2"
    path = shop(tmp_path, objective, "nothing integer", [(1,)], docs=MANY, split="{by: item, test: 0.01%, dev: 0.01%}")
    with duckdb.connect() as db:
        query = f"select 'd' || n as id, 'text ' || n as title, n % {labels} as label from range(60) t (n)"
        db.sql(query).write_parquet(str(tmp_path / "docs.parquet"))
    rows = [(str(a), str(b)) for a, b in prepared(path).sql("select anchor_id, positive_id from pairs").fetchall()]
    label = {f"d{number}": number % labels for number in range(60)}
    relevant = {(a, b) for a, b in itertools.permutations(label, 2) if label[a] == label[b]}
    share, hit = figures(rows, relevant, 8)
    problem = one(path, "SF105")
    assert problem.message.startswith(share)
    assert problem.evidence[1] == "measured on all documents of one value"
    assert problem.evidence[0].startswith(hit)


SCORED = "kind: triplets, rows: log, anchor: q, positive: good, negative: bad, of: docs"


def test_a_negative_that_is_a_positive_of_the_same_query(tmp_path: Path) -> None:
    docs = [*DOCS, ("A", "Text A!")]
    rows: Rows = [
        ("shoe", "a", "A"),  # the same text but for case and punctuation
        ("Shoe!", "b", "a"),  # another query, the same to a reader
        ("hat", "c", "d"),
    ]
    path = shop(tmp_path, SCORED, "q varchar, good varchar, bad varchar", rows, docs=docs, split=NEARLY_ALL)
    prepared(path)
    problem = one(path, "SF106")
    assert problem.message == "2 training rows (67 %) have a positive of the query as negative"
    assert problem.evidence == (
        '"Shoe!" against a, "text a", which is relevant to it',
        '"shoe" against A, "Text A!", and a is relevant to it',
    )


def test_a_row_that_takes_back_another_gives_no_negative(tmp_path: Path) -> None:
    """The same id for the same query: the positive counts, and the generated SQL leaves the negative out."""
    rows: Rows = [("shoe", "a", "b"), ("shoe", "b", "a"), ("shoe", "a", "c"), ("hat", "d", "e")]
    path = shop(tmp_path, SCORED, "q varchar, good varchar, bad varchar", rows)
    found = prepared(path).sql("select anchor, positive_id, negative_id from triplets order by all").fetchall()
    assert found == [("hat", "d", "e"), ("shoe", "a", "c"), ("shoe", "b", "c")]
    assert "SF106" not in {problem.code for problem in after(path)}


def test_an_alias_of_a_positive_gives_no_negative(tmp_path: Path) -> None:
    rows: Rows = [("shoe", "a", "twin"), ("shoe", "a", "c")]
    path = shop(tmp_path, SCORED, "q varchar, good varchar, bad varchar", rows, docs=[*DOCS, ("twin", "text a")])
    assert prepared(path).sql("select positive_id, negative_id from triplets").fetchall() == [("a", "c")]
    assert "SF106" not in {problem.code for problem in after(path)}


def test_a_document_graded_twice_is_a_positive(tmp_path: Path) -> None:
    objective = "kind: judged, rows: log, asked: asked, query: q, document: d, grade: n, of: docs"
    more: dict[str, tuple[str, Rows]] = {"asked": ("id varchar, title varchar", [("q1", "why"), ("q2", "Why?")])}
    rows: Rows = [("q1", "a", 0), ("q1", "a", 2), ("q1", "b", 0), ("q2", "b", 1), ("q2", "c", 0)]
    path = shop(tmp_path, objective, "q varchar, d varchar, n integer", rows, more=more)
    found = prepared(path).sql("select anchor_id, positive_id, negative_id from triplets order by all").fetchall()
    assert found == [("q1", "a", "b"), ("q2", "b", "c")]
    problem = one(path, "SF106")
    assert problem.message == "1 training row (50 %) has a positive of the query as negative"
    assert problem.evidence == ('"why" against b, "text b", which is relevant to it',)


def test_queries_that_are_cut_are_told_apart_from_documents(tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"word": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    (tmp_path / "model").mkdir()
    tokenizer.save(str(tmp_path / "model/tokenizer.json"))
    rows: Rows = [("one two three four", "a"), ("one two", "b"), ("one", "c")]
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", rows)
    spec = path.read_text(encoding="utf-8")
    prompted = 'base: ./model\n  max_length: 4\n  prompts: {query: "query: "}\n'
    path.write_text(spec.replace("base: org/model\n", prompted).replace(REVISION, ""), encoding="utf-8")
    prepared(path)
    problem = one(path, "SF204")
    assert problem.message == "33 % of the queries have more than 4 tokens and are cut"
    assert problem.evidence[0] == "half of the queries have at most 4 tokens, the longest has 6"
    assert problem.evidence[1] == "counted on 3 queries of 3"
    assert problem.evidence[2].endswith(': 6 tokens, "one two three four"')


REVISION = "  revision: 0123456789abcdef0123456789abcdef01234567\n"
