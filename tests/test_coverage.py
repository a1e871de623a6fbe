"""Every two choices of the language that may stand together do, in a spec that compiles; those that may not are refused.

The choices are found in the typed models, what goes together in what the catalog declares (`legal.py`). A new choice
takes part without a word here, and fails where what it declares and what the checks refuse are not the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
from cleanness import Files, said_by_mypy, said_by_python, said_by_ruff
from covering import Choice, Covering, Language, Pair
from grown import Choices, build
from legal import DOCUMENTS, Chosen, Rule, Undecided

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

EVERY_RULE = [(model, rule) for model in DOCUMENTS for rule in Language(model).rules if rule.searched]
ALONE = (pytest.param(True, id="alone"), pytest.param(False, id="pairs", marks=pytest.mark.slow))
"""Whether specs are looked at that have every choice, or, with the slow tests, every two choices."""

TYPED = 5
"""Of so many of these folders one is typed."""


@cache
def covering(model: type[Section], alone: bool) -> Covering:
    return Covering(Language(model), alone=alone)


def checked(model: type[Section], chosen: Choices) -> tuple[Spec | None, list[Problem]]:
    """The spec that choices make, and its errors."""
    data = build(model, chosen)
    source = Source("grown.yaml", Path("grown.yaml"), "", data, {})
    spec, problems = load(source)
    assert not isinstance(spec, Classification)
    found = [*problems, *(static.check(spec, source) if spec is not None else ())]
    return spec, [problem for problem in found if problem.severity is Severity.ERROR]


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("alone", ALONE)
def test_what_may_stand_together_passes_the_checks(model: type[Section], alone: bool) -> None:
    for chosen in covering(model, alone).specs:
        _, problems = checked(model, chosen)
        assert not problems, f"{words(problems)}: no rule of legal.py forbids {chosen}"


@pytest.mark.slow
@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
def test_every_two_choices_stand_together_or_are_forbidden(model: type[Section]) -> None:
    found = covering(model, False)
    seen = {pair for chosen in found.specs for pair in combinations(sorted(chosen.items(), key=repr), 2)}
    apart = {tuple(sorted(pair, key=repr)) for pair in found.apart}
    possible = [pair for pair in pairs(found.language) if next(found.language.together(*pair), None)]
    assert {pair for pair in possible if pair not in seen} == apart
    assert len(seen) > 10 * len(apart)


def pairs(language: Language) -> Iterator[Pair]:
    yield from combinations(sorted(language.choices(), key=repr), 2)


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
def test_every_choice_has_a_legal_spec(model: type[Section]) -> None:
    found = covering(model, True)
    seen = {choice for chosen in found.specs for choice in chosen.items()}
    alone = [choice for choice in found.language.choices() if choice not in seen]
    assert [choice for choice in alone if not refused_alone(found.language, choice)] == []


def refused_alone(language: Language, choice: Choice) -> bool:
    """Whether a rule that asks for nothing else refuses it."""
    for rule in language.rules:
        asked = Chosen(language.model, language.ways, dict([choice]))
        with suppress(Undecided):
            if rule.breaks(asked) and asked.asked == {choice[0]}:
                return True
    return False


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("alone", ALONE)
def test_what_is_forbidden_is_refused_at_its_place(model: type[Section], alone: bool) -> None:
    language = covering(model, alone).language
    for pair in covering(model, alone).apart:
        for rule, chosen in language.breaking(*pair):
            assert_refused(model, chosen, rule)


@pytest.mark.parametrize(("model", "rule"), EVERY_RULE, ids=lambda one: getattr(one, "name", ""))
def test_what_breaks_a_rule_is_refused(model: type[Section], rule: Rule) -> None:
    """One spec that breaks it alone."""
    assert_refused(model, next(Language(model).violating(rule)), rule)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "rule"), EVERY_RULE, ids=lambda one: getattr(one, "name", ""))
def test_whatever_breaks_a_rule_is_refused(model: type[Section], rule: Rule) -> None:
    """Also where no two choices alone break it."""
    for chosen in Language(model).violating(rule):
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


def specs(found: Covering) -> Iterator[Spec]:
    for chosen in found.specs:
        spec, _ = checked(found.language.model, chosen)
        assert spec is not None
        yield spec


@pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("alone", ALONE)
def test_what_may_stand_together_compiles(model: type[Section], alone: bool, tmp_path: Path) -> None:
    folders = compiled(covering(model, alone))
    assert_clean(folders, tmp_path)
    assert said_by_mypy(folders[::TYPED], tmp_path / "mypy") == ""


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
