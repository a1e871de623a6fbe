"""Random specs that the checks let pass compile; a random mistake is refused, at its line, however the YAML is written."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from conftest import check_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from legal import DOCUMENTS, Rule
from strategies import Mistake, Written, broken_specs, mistakes, specs

from specforge import plan
from specforge.load import load
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


def read(text: str) -> tuple[Source, list[Problem]]:
    return check_read(*parse(text.encode(), Path("grown.yaml"), "grown.yaml"))


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def told(text: str) -> dict[tuple[str, int], str]:
    """Code and line of every error -> what is said."""
    found = errors(read(text)[1])
    return {(problem.code, problem.span.line): problem.message for problem in found if problem.span is not None}


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
def test_what_passes_the_checks_compiles(model: type[Section]) -> None:
    passed: list[bool] = []

    @settings(STEADY, max_examples=60)
    @given(specs(model), SEEDS)
    def compiles(data: dict[str, Data], seed: int) -> None:
        source, problems = read(Written(data, seed).text)
        passed.append(not errors(problems))
        if passed[-1]:
            assert_compiles(source)

    compiles()
    assert sum(passed) > 0.4 * len(passed), f"{sum(passed)} of {len(passed)} random specs are legal"


def assert_compiles(source: Source) -> None:
    spec, _ = load(source)
    assert spec is not None
    made = plan.make(spec, Path("/project/specs/grown.yaml"))
    files, again = render([made, made])
    assert files == again
    for name, text in files.items():
        if name.endswith(".py"):
            ast.parse(text)
    manifest = json.loads(files[MANIFEST])
    assert set(manifest["files"]) == set(files) - {MANIFEST}
    places = [place.rpartition(":") for found in manifest["fields"].values() for place in found]
    assert places and all(1 <= int(line) <= files[name].count("\n") for name, _, line in places)


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
def test_a_mistake_is_told_at_its_line(model: type[Section]) -> None:
    kinds: set[str] = set()

    @settings(STEADY, max_examples=400)
    @given(mistakes(model), SEEDS)
    def is_told(mistake: Mistake, seed: int) -> None:
        assert isinstance(mistake.data, dict)
        kinds.add(mistake.what)
        written = Written(mistake.data, seed, mistake.twice)
        found = told(written.text)
        where = f"{mistake.what} at {mistake.at}, told {found}\n{written.text}"
        assert (mistake.code, written.line(mistake.at)) in found, where

    is_told()
    assert len(kinds) >= 8


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
def test_what_does_not_go_together_is_told_at_its_line(model: type[Section]) -> None:
    broken: set[str] = set()

    @settings(STEADY, max_examples=150)
    @given(broken_specs(model), SEEDS)
    def is_told(made: tuple[dict[str, Data], Rule], seed: int) -> None:
        data, rule = made
        written = Written(data, seed)
        broken.add(rule.name)
        found = told(written.text)
        places = {line for at in rule.at for line in written.lines_of(tuple(at.split(".")))}
        assert any((rule.code, line) in found for line in places), f"{rule.name}: {found}\n{written.text}"

    is_told()
    assert len(broken) > 10
