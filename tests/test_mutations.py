"""Every fault of benchmarks/mutations is told of before anything is trained, and no correct spec is blamed."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _pytest.mark import ParameterSet
from mutations import check, costs, page
from mutations.faults import FAULTS
from mutations.starts import STARTS, replaced
from tiny import project

from specforge import pipeline

LARGE = {"same_cart"}
"""Correct specs of real tables."""

PUBLISHED = page.published()
QUICK = {name for name, line in PUBLISHED.items() if " | spec | " in line} | {
    "positive_and_negative_swapped",
    "ids_empty",
    "test_queries_train_in_capitals",
    "columns_in_another_order",
    "wrong_pooling",
    "stale_code",
}
"""Faults that the spec's text shows, and one of each other kind; the others run with the slow tests."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


def of(names: Iterable[str]) -> list[ParameterSet]:
    """The names, those that take long with the slow tests."""
    return [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in names]


@pytest.mark.parametrize("name", of(FAULTS))
def test_fault(name: str, root: Path) -> None:
    found = check.answer(FAULTS[name], root)
    assert found.outcome != "missed", found.words
    assert found.words and found.milliseconds > 0
    assert page.row(FAULTS[name], found, costs.kept().get(name, "")) == PUBLISHED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(STARTS) - LARGE))
def test_a_correct_spec_is_not_blamed(name: str, root: Path) -> None:
    assert check.false_alarms(root, [name]) == {name: []}


def test_the_page_has_every_fault_and_adds_up() -> None:
    assert set(PUBLISHED) == set(FAULTS)
    text = page.PAGE.read_text(encoding="utf-8")
    outcomes = Counter(re.findall(r"\*\*([a-z ]+)\*\*", line)[0] for line in PUBLISHED.values())
    assert f"- {len(FAULTS)} faults: " in text
    for outcome, number in outcomes.items():
        assert f"{number} {outcome}" in text, outcome
    assert "0 missed" in text
    assert f"- {len(STARTS)} correct specs, of which 0 are blamed" in text


def test_every_fault_says_what_it_is_and_where_it_is_made() -> None:
    assert len(FAULTS) >= 50
    assert len({fault.says for fault in FAULTS.values()}) == len(FAULTS)
    for fault in FAULTS.values():
        assert fault.says[0].islower() and not fault.says.endswith("."), fault.says
        assert fault.source, fault.name
        expected = [bool(fault.code), bool(fault.counted), fault.same, fault.stale, fault.instead is not None]
        assert sum(expected) == 1 + (fault.instead is not None and bool(fault.code)), fault.name


def test_costs_are_of_faults() -> None:
    assert set(costs.COSTS) <= set(FAULTS)


@pytest.mark.parametrize("name", costs.COSTS)
def test_the_change_that_lets_a_fault_through_fits_the_code(name: str, tmp_path: Path) -> None:
    cost = costs.COSTS[name]
    spec = tmp_path / f"{cost.task}.yaml"
    spec.write_text(f"specforge: 1\nname: {cost.task}\n{costs.TASKS[cost.task].spec}", encoding="utf-8")
    made = pipeline.read(spec).plan
    assert made is not None
    replaced(spec.read_text(encoding="utf-8"), cost.spec)
    before, after = costs.changed(made, ()), costs.changed(made, cost.code)
    assert {file for file in before if before[file] != after[file]} == {file for file, _, _ in cost.code}
    assert bool(cost.code) != bool(cost.spec)
    for file, text in after.items():
        if file.endswith(".py"):
            ast.parse(text, file)


def evaluation(folder: Path, values: dict[str, float]) -> Path:
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps({"primary": "nDCG@10"}), encoding="utf-8")
    columns = {"query_id": list(values), "bm25 nDCG@10": [0.5] * len(values), "tuned nDCG@10": list(values.values())}
    pq.write_table(pa.table(columns), folder / "scores.parquet")
    return folder


def test_a_difference_is_taken_query_by_query(tmp_path: Path) -> None:
    right = {f"q{place}": place / 200 for place in range(101)}
    wrong = {query: value + 0.25 for query, value in reversed(right.items())}
    cost = costs.Cost("claims", ())
    found = costs.compare(cost, evaluation(tmp_path / "right", right), evaluation(tmp_path / "wrong", wrong))
    assert found.paired and found.queries == 101
    assert (found.correct.mean, found.faulty.mean) == (0.25, 0.5)
    assert found.difference == costs.Interval(0.25, 0.25, 0.25)
    others = {f"x{query}": value for query, value in right.items()}
    found = costs.compare(cost, tmp_path / "right", evaluation(tmp_path / "others", others))
    assert not found.paired
    assert found.difference.low < -0.03 < 0.0 == found.difference.mean < 0.03 < found.difference.high


PAIR = """
import sys
from pathlib import Path
from mutations import costs

spec, cost = Path(sys.argv[1]), costs.Cost("tiny", (("encoder.py", "MAX_LENGTH = 16", "MAX_LENGTH = 2"),))
both = costs.run(spec, "correct"), costs.run(spec, "cut", cost.code)
print(costs.as_json({"cut": costs.compare(cost, *both)}))
"""
"""In a process of its own: this one has computed with torch, and must not be forked."""


@pytest.mark.slow
def test_a_tiny_fault_costs_something(tmp_path: Path) -> None:
    spec, benchmarks = project(tmp_path), Path(__file__).parents[1] / "benchmarks"
    done = subprocess.run(
        [sys.executable, "-c", PAIR, str(spec)], cwd=benchmarks, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["cut"]
    assert found["paired"] and found["task"] == "tiny"
    assert found["difference"]["mean"] < 0 and found["faulty"]["mean"] < found["correct"]["mean"]
    assert costs.in_words(found).startswith("nDCG@10 ")
