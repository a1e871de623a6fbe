"""The picture of the data: every figure counted by hand on small tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shop import Rows, shop

from specforge import profiling
from specforge.cli import cli

SPLIT = "{by: column, column: part, dev: [dev]}"
DOCS = [
    ("a", "one two three"),
    ("b", "four five"),
    ("c", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440"),
    ("d", "six"),
    ("e", "  "),
]
ANSWERS = "kind: question_answer, rows: log, question: q, answer: d, of: docs, group: t"
LOG: Rows = [
    ("how are shoes made for long walks in the old town mill", "a", "train", "t1"),
    ("how are shoes made for long walks in the old town mill", "b", "train", "t1"),
    ("why", "a", "train", "t1"),
    ("How are shoes made for long walks in the old town mills", "c", "test", "t2"),
    ("Why not", "b", "test", "t2"),
    ("who", "d", "dev", "t3"),
    ("who", "e", "dev", None),
    ("when", "a", "never", "t4"),
]


def figures(path: Path) -> dict[str, Any]:
    """What the command prints as JSON."""
    done = CliRunner().invoke(cli, ["profile", str(path), "--format", "json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)["it"]  # type: ignore[no-any-return]


def spread(*values: float) -> dict[str, float]:
    """number, least, quarter, half, three quarters, nine in ten, most"""
    return dict(zip(("number", *profiling.QUANTILES), values, strict=True))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = shop(
        tmp_path_factory.mktemp("profile"), ANSWERS, "q varchar, d varchar, part varchar, t varchar", LOG, DOCS, SPLIT
    )
    return path, figures(path)


def test_rows_and_queries(page: tuple[Path, dict[str, Any]]) -> None:
    found = page[1]
    assert found["rows"] == {
        "collection_rows": {"all": 5, "collection_rows_without_text": 1, "collection_documents": 4},
        "source_rows": {"all": 8, "rows": 8},
        "rows": {"all": 8, "rows_without_document": 1, "rows_on_no_side": 1, "rows_kept": 6},
    }
    assert found["documents and queries"] == {
        "documents": 4,
        "train": {"queries": 2, "relevant": 3},
        "dev": {"queries": 1, "relevant": 1},
        "test": {"queries": 2, "relevant": 2},
    }


def test_sizes_and_degrees(page: tuple[Path, dict[str, Any]]) -> None:
    found = page[1]
    assert found["sizes of groups"] == {"t": spread(4, 1, 1, 1, 2, 3, 3)}
    assert found["lengths of texts"]["documents, words"] == spread(4, 1, 1, 2, 2, 3, 3)
    assert found["lengths of texts"]["queries, words"] == spread(5, 1, 1, 2, 12, 12, 12)
    assert found["pairs"] == {
        "training rows": 3,
        "positives a query, train": spread(2, 1, 1, 1, 2, 2, 2),
        "queries a document, train": spread(2, 1, 1, 1, 2, 2, 2),
        "relevant a query, test": spread(2, 1, 1, 1, 1, 1, 1),
    }


def test_overlap_and_scripts(page: tuple[Path, dict[str, Any]]) -> None:
    found = page[1]
    assert found["overlap of test with train"] == {"queries": {"texts": 2, "the same": 0, "nearly": 1}}
    assert found["scripts"] == {"documents": {"latin": 0.75, "cyrillic": 0.25}, "queries": {"latin": 1.0}}
    assert found["labels"] == {}


def test_the_page_fits_100_columns(page: tuple[Path, dict[str, Any]]) -> None:
    done = CliRunner().invoke(cli, ["profile", str(page[0])], standalone_mode=False)
    lines = done.stdout.splitlines()
    assert lines[0] == "it (question_answer)"
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 60
    shown = [re.sub(" +", " ", line).strip() for line in lines]
    assert "rows: all 8, rows without document 1, rows on no side 1, rows kept 6" in shown
    assert "t 4 1 1 1 2 3 3" in shown
    assert "documents: latin (75 %), cyrillic (25 %)" in shown


def test_labels_and_groups_of_carts(tmp_path: Path) -> None:
    objective = "kind: substitutes, events: log, group: g, item: d, of: docs, action: did, min_count: 1"
    rows: Rows = [("1", "a", "view"), ("1", "a", "view"), ("1", "b", "buy"), ("2", "a", "view"), ("2", "zz", "wish")]
    path = shop(tmp_path, f"{objective}, bought: [buy]", "g varchar, d varchar, did varchar", rows, split="{by: group}")
    path.write_text(path.read_text(encoding="utf-8").replace("revision: 0", "revision: 1"), encoding="utf-8")
    found = figures(path)
    assert found["labels"] == {"did": {"view": 0.6, "buy": 0.2, "wish": 0.2}}
    assert found["sizes of groups"] == {"g": spread(2, 2, 2, 2, 2, 2, 2)}
    assert found["rows"]["source_rows"] == {
        "all": 5, "events_of_other_actions": 1, "events_repeated": 1, "events_in_groups_too_small": 1, "events_kept": 2
    }  # fmt: skip


def test_scores_are_a_spread(tmp_path: Path) -> None:
    objective = "kind: scored_pairs, rows: log, first: a, second: b, score: n, relevant_from: 3, of: docs"
    rows: Rows = [("a", "b", 0.5), ("a", "c", 5.0), ("b", "d", 3.0)]
    found = figures(shop(tmp_path, objective, "a varchar, b varchar, n double", rows, DOCS, "{by: item}"))
    assert found["labels"] == {"n": spread(3, 0.5, 0.5, 3.0, 5.0, 5.0, 5.0)}


def test_a_spec_that_is_refused_has_no_picture(tmp_path: Path) -> None:
    path = shop(
        tmp_path,
        ANSWERS.replace("question: q", "question: nothing"),
        "q varchar, d varchar, part varchar, t varchar",
        LOG,
        DOCS,
        SPLIT,
    )
    done = CliRunner().invoke(cli, ["profile", str(path)], standalone_mode=False)
    assert done.return_value == 1
    assert 'no column "nothing" in "log"' in done.stdout


def test_the_most_frequent_values_are_shown_and_the_rest_is_one() -> None:
    counts = {f"label {number}": 10 - number for number in range(10)}
    shares = profiling._shares(Counter(counts))
    assert list(shares) == [*(f"label {number}" for number in range(6)), "others"]
    assert sum(shares.values()) == pytest.approx(1)
