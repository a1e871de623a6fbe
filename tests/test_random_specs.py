"""Random specs compile; a random mistake, and a change that breaks a rule, are refused at their line, however the YAML is written."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from chosen import Rule
from cleanness import Files
from columns import WithColumns, written_columns
from conftest import check_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from legal import DOCUMENTS
from mistakes import KINDS, Mistake
from strategies import broken_spec, changed_spec, language, mistakes, plain_spec, specs
from written import Written

from specforge import plan
from specforge.checks.opening import Rows, open_all
from specforge.load import load
from specforge.plan import Plan
from specforge.problems import Problem, Severity
from specforge.render import MANIFEST, render
from specforge.source import Data, Source, parse
from specforge.spec.base import Section

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run."""

SEEDS = st.integers(0, 2**16)
MODELS = pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
MORE = pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.slow)])
"""With the slow tests, so many times as many examples."""


def read(text: str) -> tuple[Source, list[Problem]]:
    return check_read(*parse(text.encode(), Path("grown.yaml"), "grown.yaml"))


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity is Severity.ERROR]


Told = dict[tuple[str, int], str]
"""Code and line of every error -> what is said."""


def told(text: str) -> Told:
    return lines(errors(read(text)[1]))


def lines(problems: list[Problem]) -> Told:
    return {(problem.code, problem.span.line): problem.message for problem in problems if problem.span is not None}


@MODELS
@MORE
def test_a_random_spec_compiles(model: type[Section], times: int) -> None:
    plans: list[Plan] = []

    @settings(STEADY, max_examples=40 * times)
    @given(specs(model), SEEDS)
    def passes(data: dict[str, Data], seed: int) -> None:
        written = Written(data, seed)
        source, problems = read(written.text)
        assert not errors(problems), f"{lines(errors(problems))}\n{written.text}"
        spec, _ = load(source)
        assert spec is not None
        plans.append(plan.make(spec, Path("/project/specs/grown.yaml")))

    passes()
    made = render(plans)
    assert made[:10] == render(plans[:10])
    for files in made:
        assert_complete(files)


def assert_complete(files: Files) -> None:
    """All modules parse, and the manifest names lines that there are."""
    for name, text in files.items():
        if name.endswith(".py"):
            ast.parse(text)
    manifest = json.loads(files[MANIFEST])
    assert set(manifest["files"]) == set(files) - {MANIFEST}
    places = [place.rpartition(":") for found in manifest["fields"].values() for place in found]
    assert places and all(1 <= int(line) <= files[name].count("\n") for name, _, line in places)


@MODELS
@MORE
def test_a_mistake_is_told_at_its_line(model: type[Section], times: int) -> None:
    kinds: set[str] = set()

    @settings(STEADY, max_examples=150 * times)
    @given(mistakes(model), SEEDS)
    def is_told(mistake: Mistake, seed: int) -> None:
        assert isinstance(mistake.data, dict)
        kinds.add(mistake.what)
        written = Written(mistake.data, seed, mistake.twice)
        found = told(written.text)
        places = {written.line(keys) for keys in (mistake.at, *mistake.others)}
        where = f"{mistake.what} at {mistake.at}, told {found}\n{written.text}"
        assert any((mistake.code, line) in found for line in places), where

    is_told()
    assert kinds == {kind.__name__ for kind in KINDS}


@MODELS
@MORE
def test_what_does_not_go_together_is_told_at_its_line(model: type[Section], times: int) -> None:
    """Every rule is broken in random specs."""
    for rule in (rule for rule in language(model).rules if rule.searched):
        for seed in range(times):
            written = Written(broken_spec(model, rule, seed), seed)
            assert_told(told(written.text), [rule], written)


def assert_told(found: Told, rules: list[Rule], written: Written) -> None:
    """One of the rules is told at its place, and nothing that is none of them."""
    said = f"{[rule.name for rule in rules]}: {found}\n{written.text}"
    places = [(rule.code, line) for rule in rules for at in rule.at for line in written.lines_of(tuple(at.split(".")))]
    assert any(place in found for place in places), said
    assert {code for code, _ in found} <= {rule.code for rule in rules}, said


@MODELS
@MORE
def test_another_choice_passes_or_breaks_a_rule(model: type[Section], times: int) -> None:
    """Of a right spec one choice is changed: it is right still, or refused where it breaks a rule."""
    seen = Counter[bool]()
    for seed in range(150 * times):
        data, rules = changed_spec(model, seed)
        written = Written(data, seed)
        found = told(written.text)
        seen[bool(rules)] += 1
        if rules:
            assert_told(found, rules, written)
        else:
            assert not found, f"{found}\n{written.text}"
    assert min(seen[True], seen[False]) > 10 * times


@MODELS
@MORE
def test_a_wrong_column_is_told_at_its_line(model: type[Section], times: int, tmp_path: Path) -> None:
    kinds = Counter[str]()
    for seed in range(10 * times):
        made = written_columns(model, plain_spec(model, seed), seed, tmp_path)
        assert_columns(made, seed, tmp_path, kinds)
    assert {"sources", "objectives"} <= {*kinds}


def assert_columns(made: WithColumns, seed: int, folder: Path, kinds: Counter[str]) -> None:
    """No column is missing, and each that is misspelt is."""
    assert missing(Written(made.data, seed), folder) == {}
    for keys, data in made.misspelt():
        kinds[str(keys[0])] += 1
        written = Written(data, seed)
        found = missing(written, folder)
        assert ("SF004", written.line(keys)) in found, f"{keys}: {found}\n{written.text}"


def missing(written: Written, folder: Path) -> Told:
    """What is said where the sources are opened."""
    source, problems = read(written.text)
    assert not errors(problems), f"{lines(errors(problems))}\n{written.text}"
    spec, _ = load(source)
    assert spec is not None
    with duckdb.connect() as db:
        return lines(list(open_all(Rows(spec, source, folder, db))))
