"""Every two choices of the language that may stand together do, in a spec that compiles; those that may not are refused.

The choices are found in the typed models, what goes together in what the catalog declares (`legal.py`). A new choice
takes part without a word here, and fails where what it declares and what the checks refuse are not the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
from chosen import Rule
from cleanness import Files, said_by_mypy, said_by_python, said_by_ruff
from covering import Covering, Language, Pair, Paired, core, everywhere, nowhere
from grown import Choices, build
from legal import DOCUMENTS, RULES

from specforge import plan
from specforge.catalog.losses import LOSSES
from specforge.checks import static
from specforge.checks.losses import kind_of
from specforge.load import load
from specforge.problems import Keys, Problem, Severity
from specforge.render import MANIFEST, render
from specforge.source import Source
from specforge.spec.base import Section
from specforge.spec.document import Classification, Spec

EVERY_RULE = [(model, rule) for model in DOCUMENTS for rule in RULES[model] if rule.searched]
MODELS = pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
EVERYWHERE = pytest.param(everywhere, marks=pytest.mark.slow)
PAIRED = pytest.mark.parametrize("paired", [core, EVERYWHERE])
"""Which places' choices stand together by twos: what is trained and measured, or, with the slow tests, all."""

TYPED: dict[Paired, int] = {nowhere: 5, everywhere: 1}
"""Of so many of these folders one is typed."""


@cache
def language(model: type[Section]) -> Language:
    return Language(model)


@cache
def covering(model: type[Section], paired: Paired) -> Covering:
    return Covering(language(model), paired)


def checked(model: type[Section], chosen: Choices) -> tuple[Spec | Classification | None, list[Problem]]:
    """The spec that choices make, and its errors."""
    data = build(model, chosen)
    source = Source("grown.yaml", Path("grown.yaml"), "", data, {})
    spec, problems = load(source)
    found = [*problems, *(static.check(spec, source) if spec is not None else ())]
    return spec, [problem for problem in found if problem.severity is Severity.ERROR]


@MODELS
@PAIRED
def test_what_may_stand_together_passes_the_checks(model: type[Section], paired: Paired) -> None:
    for chosen in covering(model, paired).specs:
        _, problems = checked(model, chosen)
        assert not problems, f"{words(problems)}: no rule of legal.py forbids {chosen}"


@MODELS
@PAIRED
def test_every_two_choices_stand_together_or_are_forbidden(model: type[Section], paired: Paired) -> None:
    found = covering(model, paired)
    seen = {pair for chosen in found.specs for pair in combinations(sorted(chosen.items(), key=repr), 2)}
    apart = {tuple(sorted(pair, key=repr)) for pair in found.apart if pair[0] != pair[1]}
    possible = [pair for pair in pairs(found.language, paired) if next(found.language.together(*pair), None)]
    assert {pair for pair in possible if pair not in seen} == apart
    assert len(possible) > len(apart)


def pairs(language: Language, paired: Paired) -> Iterator[Pair]:
    yield from combinations(sorted([choice for choice in language.choices() if paired(choice[0])], key=repr), 2)


@MODELS
@pytest.mark.parametrize("paired", [EVERYWHERE])
def test_what_is_forbidden_is_refused_at_its_place(model: type[Section], paired: Paired) -> None:
    """Two choices may break several rules at once; a choice that is never legal breaks one alone."""
    found = covering(model, paired)
    for one, other in found.apart:
        refused = list(found.language.breaking(one, other))
        assert refused or one != other, f"no rule alone refuses {one}"
        for rule, chosen in refused:
            assert_refused(model, chosen, rule)
    assert sum(one == other for one, other in found.apart) < len(found.language.choices()) / 10


@pytest.mark.parametrize(("model", "rule"), EVERY_RULE, ids=lambda one: getattr(one, "name", ""))
def test_what_breaks_a_rule_is_refused(model: type[Section], rule: Rule) -> None:
    """One spec that breaks it alone."""
    assert_refused(model, next(language(model).violating(rule)), rule)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "rule"), EVERY_RULE, ids=lambda one: getattr(one, "name", ""))
def test_whatever_breaks_a_rule_is_refused(model: type[Section], rule: Rule) -> None:
    """Also where no two choices alone break it."""
    for chosen in language(model).violating(rule):
        assert_refused(model, chosen, rule)


def assert_refused(model: type[Section], chosen: Choices, rule: Rule) -> None:
    """The rule's code is told at one of its places, and no other mistake."""
    _, problems = checked(model, chosen)
    found = {(problem.code, dotted(problem.path)) for problem in problems}
    assert any((rule.code, at) in found for at in rule.at), f"{rule.name}, and not {words(problems)}: {chosen}"
    assert {code for code, _ in found} == {rule.code}, f"{rule.name} alone, and not {words(problems)}: {chosen}"


def dotted(keys: Keys) -> str:
    """The place in the words of `legal.py`; an entry of a list is at the list."""
    return ".".join(str(key) for key in keys if isinstance(key, str))


def words(problems: list[Problem]) -> str:
    return "; ".join(f"{problem.message} [{problem.code}]" for problem in problems) or "nothing"


def compiled(found: Covering) -> list[Files]:
    """The files of the specs of a covering set; a text that several have is kept once."""
    plans = [plan.make(spec, Path("/project/specs/grown.yaml")) for spec in specs(found)]
    texts: dict[str, str] = {}
    folders: list[Files] = []
    for start in range(0, len(plans), 100):
        for files in render(plans[start : start + 100]):
            folders.append({name: texts.setdefault(text, text) for name, text in files.items()})
    return folders


def specs(found: Covering) -> Iterator[Spec | Classification]:
    for chosen in found.specs:
        spec, _ = checked(found.language.model, chosen)
        assert spec is not None
        yield spec


@pytest.mark.parametrize("paired", [nowhere, EVERYWHERE])
def test_what_may_stand_together_compiles(paired: Paired, tmp_path: Path) -> None:
    folders = [files for model in DOCUMENTS for files in compiled(covering(model, paired))]
    assert_clean(folders, tmp_path)
    assert said_by_mypy(folders[:: TYPED[paired]], tmp_path / "mypy") == ""


def assert_clean(folders: list[Files], tmp_path: Path) -> None:
    """All files parse, the manifests name lines that there are, and ruff has nothing against the code."""
    assert said_by_python(folders) == []
    assert said_by_duckdb(folders) == []
    assert said_by_ruff(folders, tmp_path / "ruff") == ""
    for files in folders:
        assert_manifest(files)


def assert_manifest(files: Files) -> None:
    manifest = json.loads(files[MANIFEST])
    assert set(manifest["files"]) == set(files) - {MANIFEST}
    lines = {name: text.count("\n") for name, text in files.items()}
    places = [place.rpartition(":") for found in manifest["fields"].values() for place in found]
    assert places and all(1 <= int(line) <= lines[name] for name, _, line in places)


def said_by_duckdb(folders: list[Files]) -> list[str]:
    """The SQL scripts that do not parse."""
    found: list[str] = []
    for text in {text for files in folders for name, text in files.items() if name.endswith(".sql")}:
        try:
            duckdb.extract_statements(text)
        except duckdb.Error as error:
            found.append(str(error))
    return found


def test_every_loss_of_every_family_trains_somewhere() -> None:
    """A training step of each loss: those of retrievers in `test_losses.py`, of rerankers in `test_rerankers.py`."""
    import test_losses
    import test_rerankers

    marks = [mark for mark in vars(test_losses.test_it_trains)["pytestmark"] if mark.name == "parametrize"]
    trained = {one for mark in marks for one in mark.args[1]}
    of_rerankers = [mark for mark in vars(test_rerankers.test_it_trains)["pytestmark"] if mark.name == "parametrize"]
    trained |= {("cross_encoder", loss) for mark in of_rerankers for loss in mark.args[1]}
    every = [(family, loss) for family, losses in LOSSES.items() for loss in losses]
    lacking = [f"{family}: {kind_of(loss)}" for family, loss in every if (family, loss) not in trained]
    assert lacking == []
