"""Rules about what texts hold: traces of a page or of a wrong encoding, and negatives that look like answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import prepared
from shop import DOCS, Rows, after, shop

from specforge.problems import Problem

ANSWERS = "kind: question_answer, rows: log, question: q, answer: d, of: docs"
TRIPLETS = "kind: triplets, rows: log, anchor: q, positive: good, negative: bad, of: docs"


def told(path: Path, code: str) -> list[Problem]:
    prepared(path)
    return [problem for problem in after(path) if problem.code == code]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Warm &amp; dry", "tags or entities of HTML"),
        ("one<br/>two", "tags or entities of HTML"),
        ("<P class='x'>one</P>", "tags or entities of HTML"),
        ("caf\u00c3\u00a9", "letters of a wrong encoding"),
        ("it\u00e2\u20ac\u2122s", "letters of a wrong encoding"),
        ("na\ufffdve", "letters of a wrong encoding"),
    ],
)
def test_a_text_with_traces(tmp_path: Path, text: str, words: str) -> None:
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", [("why", "a"), ("how", "b")], docs=[*DOCS, ("x", text)])
    [problem] = told(path, "SF206")
    assert problem.message == f"9.1 % of the texts hold {words}"
    assert problem.evidence == ("1 of 11 texts", f'"{text}"')
    assert problem.path == ("sources", "docs", "text")


@pytest.mark.parametrize(
    "text", ["Vec<String> & co", "a < b > c", "AT&T; R&D", "N\u00c3O \u00c9 caf\u00e9", "\u00c2ge d\u2019or"]
)
def test_a_text_without(tmp_path: Path, text: str) -> None:
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", [("why", "a"), ("how", "b")], docs=[*DOCS, ("x", text)])
    assert told(path, "SF206") == []


def test_one_text_in_a_hundred_is_not_told(tmp_path: Path) -> None:
    docs = [(f"d{number}", f"text {number}") for number in range(98)] + [("x", "a&amp;b")]
    path = shop(tmp_path, ANSWERS, "q varchar, d varchar", [("why", "d1"), ("how", "d2")], docs=docs)
    assert told(path, "SF206") == []


def swapped(number: int, right: int) -> tuple[Rows, list[tuple[str, str]]]:
    """Rows in which the negative repeats the question, and some in which the positive does."""
    docs = [(f"p{row}", f"blue {row}") for row in range(number)] + [(f"n{row}", f"red {row}") for row in range(number)]
    rows = [(f"where is red {row}", f"p{row}", f"n{row}") for row in range(number)]
    rows += [(f"is it blue {row}?", f"p{row}", f"n{row}") for row in range(right)]
    return rows, docs


@pytest.mark.parametrize(("number", "right", "expected"), [(33, 0, 1), (29, 0, 0), (60, 15, 1), (60, 30, 0)])
def test_negatives_that_look_like_answers(tmp_path: Path, number: int, right: int, expected: int) -> None:
    rows, docs = swapped(number, right)
    path = shop(tmp_path, TRIPLETS, "q varchar, good varchar, bad varchar", rows, docs=docs)
    found = told(path, "SF115")
    assert len(found) == expected
    if found:
        assert (
            found[0].message
            == f"in {number} training rows the negative shares more words with the query than the positive"
        )
        assert found[0].evidence[:2] == (
            f"in {right} it is the other way round",
            '"where is red 0" against "red 0", and not "blue 0"',
        )


SCORED = "kind: scored_pairs, rows: log, first: one, second: other, score: score"


def scored(pairs: int, nearer: int) -> Rows:
    """Pairs of texts of which every second shares most words and has the score 4 or, so many of them, 1; the others 4 less."""
    rows = list[tuple[str, str, float]]()
    for number in range(pairs):
        alike = number % 2 == 0
        right = number < nearer
        text = f"warm tent number {number}" if alike else f"cold rope by {number}"
        rows.append((f"warm tent item {number}", text, 4.0 if alike == right else 1.0))
    return rows


@pytest.mark.parametrize(("pairs", "right", "expected"), [(200, 0, 1), (80, 0, 0), (200, 200, 0), (200, 100, 0)])
def test_scores_that_are_distances(tmp_path: Path, pairs: int, right: int, expected: int) -> None:
    path = shop(
        tmp_path,
        SCORED,
        "one varchar, other varchar, score double",
        scored(pairs, right),
        split="{by: item, test: 20%, dev: 20%}",
        evaluate="{primary: Spearman}",
    )
    text = path.read_text(encoding="utf-8").replace("kind: multiple_negatives_ranking", "kind: cosent")
    path.write_text(text.replace("index: {kind: flat}\n", ""), encoding="utf-8")
    found = told(path, "SF115")
    assert len(found) == expected
    if found:
        assert found[0].path == ("objectives", "it", "score")
        assert found[0].message.startswith("texts have the fewer words in common the higher their score (correlation -")
        assert found[0].evidence[1].startswith("4: ")


@pytest.mark.parametrize(("rows", "shift", "expected"), [(150, 1, 1), (90, 1, 0), (150, 0, 0)])
def test_answers_of_other_questions(tmp_path: Path, rows: int, shift: int, expected: int) -> None:
    docs = [(f"d{row}", f"about word{row}") for row in range(rows)]
    log = [(f"what is word{row}", f"d{(row + shift) % rows}") for row in range(rows)]
    found = told(shop(tmp_path, ANSWERS, "q varchar, d varchar", log, docs=docs), "SF116")
    assert len(found) == expected
    if found:
        assert found[0].path == ("objectives", "it")
        assert found[0].evidence[0].startswith("0.00 words of its own query, ")
        assert found[0].evidence[0].endswith(" of another, over 150 pairs")
