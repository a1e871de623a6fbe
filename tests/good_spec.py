"""A spec that is right, with changes, loaded."""

from __future__ import annotations

from pathlib import Path

from conftest import GOOD

from specforge.load import load
from specforge.problems import Problem
from specforge.source import Source, parse
from specforge.spec.document import Spec


def good(*changes: tuple[str, str]) -> tuple[Spec, Source]:
    """The spec after replacing texts, each of which stands in it once."""
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    source, problems = parse(text.encode(), Path("good.yaml"), "good.yaml")
    spec, mistakes = load(source)
    assert isinstance(spec, Spec), [*problems, *mistakes]
    return spec, source


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    """Codes and messages."""
    return [(problem.code, problem.message) for problem in problems]
