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
