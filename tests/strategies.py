"""Random specs, and random mistakes in them, for hypothesis: derived from the typed models and from what goes together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from random import Random
from typing import Any

from chosen import Rule
from covering import Language
from grown import GIVEN, NUMBERS, Choices, Label, Option, Point, bounds, build, point_at
from hypothesis import strategies as st
from mistakes import KINDS, Kind, Mistake, spots

from specforge.catalog.roles import Of
from specforge.shapes import Shape, shape
from specforge.source import Data
from specforge.spec.base import Section

COLUMNS = ("group", "Item No", "größe", 'a"b', "select", "x'y", "a.b")
SEEDS = st.integers(0, 2**32)
_MOST = 1_000_000
_TRIES = 200
"""Random specs that are looked at for a place where a kind of mistake is possible."""


@cache
def language(model: type[Section]) -> Language:
    return Language(model, numbers=True)


@cache
def opposite(model: type[Section], rule: Rule) -> Language:
    return language(model).breaking_alone(rule)


def at_random(seed: int) -> Callable[[Point, Choices], list[Label]]:
    """Labels in an order drawn by lot."""
    random = Random(seed)
    return lambda point, chosen: random.sample(point.labels, len(point.labels))


def legal_at_random(found: Language, seed: int) -> Choices:
    chosen = found.legal(order=at_random(seed))
    assert not isinstance(chosen, frozenset)
    return chosen


@st.composite
def specs(draw: st.DrawFn, model: type[Section]) -> dict[str, Data]:
    """The data of a spec whose choices go together, with any values that the language allows at a place."""
    chosen = legal_at_random(language(model), draw(SEEDS))
    return build(model, chosen, lambda place, of, option: draw(values(place, of, option)))


def plain_spec(model: type[Section], seed: int) -> dict[str, Data]:
    """The same with one value at every place."""
    return build(model, legal_at_random(language(model), seed))


def broken_spec(model: type[Section], rule: Rule, seed: int) -> dict[str, Data]:
    """The data of a spec whose choices break one rule, and no other."""
    return build(model, legal_at_random(opposite(model, rule), seed))


def changed_spec(model: type[Section], seed: int) -> tuple[dict[str, Data], list[Rule]]:
    """The data of a spec whose choices went together until one of them was changed, and the rules that they break now."""
    random, found = Random(seed), language(model)
    known = legal_at_random(found, seed)
    places = [path for path in known if not found.ways[path][0].is_number and len(labels(found, path, known)) > 1]
    path = random.choice(places)
    other = random.choice([label for label in labels(found, path, known) if label != known[path]])
    chosen = kept(found, {**known, path: other})
    return build(model, chosen), found.broken(chosen)


def labels(found: Language, path: str, chosen: Choices) -> tuple[Label, ...]:
    point = point_at(found.ways[path], chosen)
    return () if point is None else point.labels


def kept(found: Language, wanted: Mapping[str, Label]) -> Choices:
    """Of the choices those that are still there, and the first of all other places."""
    chosen: dict[str, Label] = {}
    for path in found.places:
        possible = labels(found, path, chosen)
        if possible:
            chosen[path] = wanted[path] if wanted.get(path) in possible else possible[0]
    return chosen


def values(place: str, of: Shape, option: Option) -> st.SearchStrategy[Any]:
    """Other values of the same kind; a word that is one of several, or that names something, stays."""
    if option.label != GIVEN or isinstance(option.value, bool | dict | tuple):
        return st.just(option.value)
    if of.type in (int, float) and isinstance(option.value, int | float):
        return _numbers(of).filter(lambda number: number not in NUMBERS.get(place, ()))
    if any(isinstance(limit, Of) for limit in of.limits):
        return st.sampled_from(COLUMNS)
    if place.endswith(("description", "prompts.query", "prompts.document", "prompt")):
        return st.text(st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029\x85"), max_size=20)
    return st.just(option.value)


def _numbers(of: Shape) -> st.SearchStrategy[Any]:
    low, high = bounds(of)
    if of.type is int:
        return st.integers(int(max(low, 0)), int(min(high, _MOST)))
    found = st.floats(max(low, 1e-6), min(high, 1e6), allow_nan=False).map(lambda number: float(f"{number:.6g}"))
    return found.filter(lambda number: low <= number <= high)


@st.composite
def mistakes(draw: st.DrawFn, model: type[Section]) -> Mistake:
    """A right spec with one mistake of any kind at any place that it is possible at."""
    kind, random = draw(st.sampled_from(KINDS)), Random(draw(SEEDS))
    return next(made for _ in range(_TRIES) for made in _made(model, kind, random))


def _made(model: type[Section], kind: Kind, random: Random) -> Iterator[Mistake]:
    """One mistake of a kind in a random spec, at any place that it is possible at; none where there is no such place."""
    data = plain_spec(model, random.getrandbits(32))
    found = list(spots(shape(model), data))
    possible = (made for spot in random.sample(found, len(found)) if (made := list(kind(data, spot))))
    yield from (replace(random.choice(made), what=kind.__name__) for made in islice(possible, 1))
