"""Random specs, and random mistakes in them, for hypothesis: derived from the typed models and from what goes together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal, get_args, get_origin

from covering import Language
from grown import GIVEN, Choices, Label, Option, Point, bounds, build
from hypothesis import strategies as st
from legal import Rule

from specforge.catalog.roles import Of, Table
from specforge.problems import Keys
from specforge.shapes import Shape, choices, fields, is_section, members, shape
from specforge.source import Data
from specforge.spec.base import Section

COLUMNS = ("group", "Item No", "größe", 'a"b', "select", "x'y", "a.b")
_MOST = 1_000_000


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


@st.composite
def specs(draw: st.DrawFn, model: type[Section]) -> dict[str, Data]:
    """The data of a spec whose choices go together, with any values that the language allows at a place."""
    chosen = language(model).legal(order=at_random(draw(st.integers(0, 2**32))))
    assert not isinstance(chosen, frozenset)
    return build(model, chosen, lambda place, of, option: draw(values(place, of, option)))


@st.composite
def plain_specs(draw: st.DrawFn, model: type[Section]) -> dict[str, Data]:
    """The same with values that go together as well."""
    chosen = language(model).legal(order=at_random(draw(st.integers(0, 2**32))))
    assert not isinstance(chosen, frozenset)
    return build(model, chosen)


@st.composite
def broken_specs(draw: st.DrawFn, model: type[Section]) -> tuple[dict[str, Data], Rule]:
    """The data of a spec whose choices break one rule, and the rule."""
    rule = draw(st.sampled_from([one for one in language(model).rules if one.searched]))
    chosen = opposite(model, rule).legal(order=at_random(draw(st.integers(0, 2**32))))
    assert not isinstance(chosen, frozenset)
    return build(model, chosen), rule


def values(place: str, of: Shape, option: Option) -> st.SearchStrategy[Any]:
    """Other values of the same kind; a word that is one of several, or that names something, stays."""
    if option.label != GIVEN or isinstance(option.value, bool | dict | tuple):
        return st.just(option.value)
    if of.type in (int, float) and isinstance(option.value, int | float):
        return _numbers(of)
    if any(isinstance(limit, Of) for limit in of.limits):
        return st.sampled_from(COLUMNS)
    if place.endswith(("description", "prompts.query", "prompts.document")):
        return st.text(st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029\x85"), max_size=20)
    return st.just(option.value)


def _numbers(of: Shape) -> st.SearchStrategy[Any]:
    low, high = bounds(of)
    if of.type is int:
        return st.integers(int(max(low, 0)), int(min(high, _MOST)))
    return st.floats(max(low, 1e-6), min(high, 1e6), allow_nan=False).map(lambda number: float(f"{number:.6g}"))


@dataclass(frozen=True)
class Spot:
    """A value of a spec, what the language allows there, and the section around it."""

    keys: Keys
    shape: Shape
    value: Data
    inside: Shape | None = None

    @property
    def is_required(self) -> bool:
        model: type[Section] | None = self.inside.type if self.inside is not None else None
        return model is not None and model.model_fields[str(self.keys[-1])].is_required()


def spots(of: Shape, data: Data, keys: Keys = (), inside: Shape | None = None) -> Iterator[Spot]:
    """Every value of a spec, sections among them."""
    yield Spot(keys, of, data, inside)
    here = _member(of, data)
    if isinstance(data, dict) and is_section(here):
        for key, value in data.items():
            yield from spots(fields(here)[key], value, (*keys, key), here)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from spots(shape(get_args(here.type)[1]), value, (*keys, key))
    elif isinstance(data, tuple):
        for row, value in enumerate(data):
            yield from spots(shape(get_args(here.type)[0]), value, (*keys, row))


def _member(of: Shape, data: Data) -> Shape:
    """The alternative of a union that the data are."""
    found = members(of)
    if of.tag is not None and isinstance(data, dict):
        return next(one for one in found if data[of.tag] in choices(fields(one)[of.tag]))
    tagged = next((one for one in found if one.tag is not None), None)
    if tagged is not None and isinstance(data, dict):
        return _member(tagged, data)
    kinds: dict[type, Callable[[Shape], bool]] = {
        dict: lambda one: is_section(one) or get_origin(one.type) is dict,
        tuple: lambda one: get_origin(one.type) is tuple,
    }
    fits: Callable[[Shape], bool] = kinds.get(type(data), bool)
    return next((one for one in found if fits(one)), of)


REPEATED = "repeated"


@dataclass(frozen=True)
class Mistake:
    """A spec with one mistake.

    Attributes:
        code: what it is told by.
        at: the keys of the line that is told.
        twice: the key that stands twice.
    """

    what: str
    data: Data
    code: str
    at: Keys
    twice: Keys | None = None


@st.composite
def mistakes(draw: st.DrawFn, model: type[Section]) -> Mistake:
    """A right spec with one mistake of any kind at any place that it is possible at."""
    data = draw(plain_specs(model))
    kind = draw(st.sampled_from(KINDS))
    possible = [made for spot in spots(shape(model), data) for made in kind(data, spot)]
    return draw(st.sampled_from(possible)) if possible else draw(mistakes(model))


def out_of_range(data: Data, spot: Spot) -> Iterator[Mistake]:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int | float) or len(members(spot.shape)) > 1:
        return
    low, high = bounds(spot.shape)
    for wrong in (low - 1, high + 1):
        if abs(wrong) != float("inf"):
            number = int(wrong) if spot.shape.type is int else wrong
            yield Mistake("out of range", put(data, spot.keys, number), "SF003", spot.keys)


def of_another_type(data: Data, spot: Spot) -> Iterator[Mistake]:
    if not spot.keys or len(members(spot.shape)) > 1:
        return
    is_text = spot.shape.type is str or (choices(spot.shape) and not isinstance(choices(spot.shape)[0], int))
    yield Mistake("another type", put(data, spot.keys, 7.5 if is_text else "many"), "SF003", spot.keys)


def unknown_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if isinstance(spot.value, dict) and is_section(_member(spot.shape, spot.value)):
        keys = (*spot.keys, "surplus_key")
        yield Mistake("an unknown key", put(data, keys, 1), "SF002", keys)


def unknown_word(data: Data, spot: Spot) -> Iterator[Mistake]:
    words = choices(spot.shape)
    if get_origin(spot.shape.type) is Literal and isinstance(words[0], str):
        yield Mistake("an unknown word", put(data, spot.keys, "nonsense"), "SF002", spot.keys)


def lacking_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.is_required:
        yield Mistake("a missing key", put(data, spot.keys, None, gone=True), "SF003", spot.keys[:-1])


def repeated_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.keys and isinstance(spot.keys[-1], str):
        yield Mistake("a repeated key", data, "SF005", (*spot.keys, REPEATED), spot.keys)


def misspelt_source(data: Data, spot: Spot) -> Iterator[Mistake]:
    if any(isinstance(limit, Table) for limit in spot.shape.limits) and isinstance(spot.value, str):
        yield Mistake("an unknown source", put(data, spot.keys, "nowhere"), "SF002", spot.keys)
    if spot.keys[-1:] == ("source",) or spot.keys == ("evaluate", "objective"):
        yield Mistake("an unknown name", put(data, spot.keys, "nowhere"), "SF002", spot.keys)


def broken_text(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.keys[:1] == ("sources",) and spot.keys[-1] == "text":
        for wrong in ("{title", "no column", "{}", "{a.b}"):
            yield Mistake("a text that is no template", put(data, spot.keys, wrong), "SF003", spot.keys)


KINDS = (
    out_of_range,
    of_another_type,
    unknown_key,
    unknown_word,
    lacking_key,
    repeated_key,
    misspelt_source,
    broken_text,
)


def put(data: Data, keys: Keys, value: Data, *, gone: bool = False) -> Data:
    """A copy with another value at a place, or without it."""
    first, *rest = keys
    if isinstance(data, tuple) and isinstance(first, int):
        new = put(data[first], tuple(rest), value, gone=gone) if rest else value
        return (*data[:first], new, *data[first + 1 :])
    assert isinstance(data, dict) and isinstance(first, str)
    if not rest and gone:
        return {key: item for key, item in data.items() if key != first}
    return {**data, first: put(data[first], tuple(rest), value, gone=gone) if rest else value}


class Written:
    """A spec as YAML text, in block or flow style section by section, and the line of every key and entry."""

    def __init__(self, data: dict[str, Data], seed: int, twice: Keys | None = None) -> None:
        self.random = Random(seed)
        self.twice = twice
        self.lines: dict[Keys, int] = {}
        self.text = ""
        self._block(data, (), "")

    def _block(self, data: dict[str, Data], keys: Keys, indent: str) -> None:
        for key, mark in self._entries(data, keys):
            self._blank(indent)
            self.lines[(*keys, key, *mark)] = self.text.count("\n") + 1
            self.text += f"{indent}{key}:"
            value, here = data[key], (*keys, key)
            if isinstance(value, dict) and value and self.random.random() < 0.6:
                self.text += "\n"
                self._block(value, here, indent + "  ")
            elif isinstance(value, tuple) and value and self.random.random() < 0.3:
                self._list(value, here, indent)
            else:
                self.text += " "
                self._flow(value, here, indent + "  ")
                self.text += "\n"

    def _list(self, value: tuple[Data, ...], keys: Keys, indent: str) -> None:
        self.text += "\n"
        for row, item in enumerate(value):
            self.lines[(*keys, row)] = self.text.count("\n") + 1
            self.text += f"{indent}- "
            self._flow(item, (*keys, row), indent + "  ")
            self.text += "\n"

    def _blank(self, indent: str) -> None:
        if self.random.random() < 0.1:
            self.text += f"\n{indent}# a remark: with a colon\n"

    def _entries(self, data: dict[str, Data], keys: Keys) -> Iterator[tuple[str, Keys]]:
        yield from ((key, ()) for key in data)
        if self.twice is not None and self.twice[:-1] == keys:
            yield str(self.twice[-1]), (REPEATED,)

    def _flow(self, value: Data, keys: Keys, indent: str) -> None:
        if isinstance(value, dict):
            self._between("{}", [(key, mark, value[key]) for key, mark in self._entries(value, keys)], keys, indent)
        elif isinstance(value, tuple):
            self._between("[]", [(row, (), item) for row, item in enumerate(value)], keys, indent)
        else:
            self.text += scalar(value)

    def _between(self, signs: str, entries: list[tuple[Any, Keys, Data]], keys: Keys, indent: str) -> None:
        self.text += signs[0]
        for place, (key, mark, item) in enumerate(entries):
            self.text += ", " if place else ""
            if self.random.random() < 0.2:
                self.text = f"{self.text.rstrip(' ')}\n{indent}"
            self.lines[(*keys, key, *mark)] = self.text.count("\n") + 1
            self.text += f"{key}: " if isinstance(key, str) else ""
            self._flow(item, (*keys, key), indent + "  ")
        self.text += signs[1]

    def line(self, keys: Keys) -> int:
        """The line of a place, or of the nearest around it that is written; of the whole spec that of its first key."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines[keys] if keys else min(self.lines.values())

    def lines_of(self, keys: Keys) -> set[int]:
        """The line of a place, and those of its entries where it is a list."""
        entries = [at for at in self.lines if at[:-1] == keys and isinstance(at[-1], int)]
        return {self.line(keys), *(self.lines[at] for at in entries)}


def scalar(value: Data) -> str:
    """In quotes where it is text, with what does not print written as an escape."""
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
        return f'"{quoted}"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
