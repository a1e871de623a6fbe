"""Mistakes that any spec may have, each made at one place of its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args, get_origin

from bounded import BOUNDS, validated
from grown import bounds, documents
from written import REPEATED

from specforge.catalog.roles import Table
from specforge.problems import Keys
from specforge.shapes import Shape, choices, fields, is_section, members, shape
from specforge.source import Data
from specforge.spec.base import Section


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


@dataclass(frozen=True)
class Mistake:
    """A spec with one mistake.

    Attributes:
        code: what it is told by.
        at: the keys of the line that is told.
        others: other keys of which the line may be told instead.
        twice: the key that stands twice.
        what: the kind of mistake.
    """

    data: Data
    code: str
    at: Keys
    others: tuple[Keys, ...] = ()
    twice: Keys | None = None
    what: str = ""


Kind = Callable[[Data, Spot], Iterator[Mistake]]
"""Makes all mistakes of a kind that are possible at a place."""


def out_of_range(data: Data, spot: Spot) -> Iterator[Mistake]:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int | float) or len(members(spot.shape)) > 1:
        return
    low, high = bounds(spot.shape)
    for wrong in (low - 1, high + 1):
        if abs(wrong) != float("inf"):
            number = int(wrong) if spot.shape.type is int else wrong
            yield Mistake(put(data, spot.keys, number), "SF003", spot.keys)


def of_another_type(data: Data, spot: Spot) -> Iterator[Mistake]:
    if not spot.keys or len(members(spot.shape)) > 1:
        return
    is_text = spot.shape.type is str or (choices(spot.shape) and not isinstance(choices(spot.shape)[0], int))
    yield Mistake(put(data, spot.keys, 7.5 if is_text else "many"), "SF003", spot.keys)


def unknown_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if isinstance(spot.value, dict) and is_section(_member(spot.shape, spot.value)):
        keys = (*spot.keys, "surplus_key")
        yield Mistake(put(data, keys, 1), "SF002", keys)


def unknown_word(data: Data, spot: Spot) -> Iterator[Mistake]:
    words = choices(spot.shape)
    if get_origin(spot.shape.type) is Literal and isinstance(words[0], str):
        yield Mistake(put(data, spot.keys, "nonsense"), "SF002", spot.keys)


def word_of_another(data: Data, spot: Spot) -> Iterator[Mistake]:
    """A word that stands under the same keys elsewhere in the language: the loss of another family, the split of another kind of spec."""
    union = next((one for one in (spot.shape, *members(spot.shape)) if one.tag is not None), None)
    if union is None or not isinstance(spot.value, dict):
        return
    keys = (*spot.keys, str(union.tag))
    for word in words()[keys[-2:]] - set(choices(union)):
        yield Mistake(put(data, keys, word), "SF002", keys)


@cache
def words() -> dict[Keys, set[str]]:
    """The last two keys of a place -> the words that tell sections apart there, anywhere in the language."""
    found: dict[Keys, set[str]] = defaultdict(set)
    waiting, seen = [shape(one) for one in documents()], set[str]()
    while waiting:
        here = waiting.pop()
        if repr(here) in seen:
            continue
        seen.add(repr(here))
        for name, inner in fields(here).items():
            for one in (inner, *members(inner)):
                if one.tag is not None:
                    found[name, one.tag] |= set(choices(one))
                waiting += [one, *members(one)]
    return found


def past_its_bound(data: Data, spot: Spot) -> Iterator[Mistake]:
    """A number that its type allows, and not what stands elsewhere in the spec."""
    bound = next((one for one in BOUNDS if one.keys == spot.keys), None)
    if bound is None or len(members(spot.shape)) > 1 or isinstance(spot.value, str):
        return
    low, high = bounds(spot.shape)
    others = tuple(tuple(other.split(".")) for other in bound.others)
    for wrong in map(spot.shape.type, (max(low, -_FAR), min(high, _FAR), _ODD)):
        changed = put(data, spot.keys, wrong)
        specs = [spec for model in documents() if (spec := validated(model, changed)) is not None]
        if any(bound.fit(spec, wrong) != wrong for spec in specs):
            yield Mistake(changed, bound.code, spot.keys, others)


_FAR, _ODD = 10_000, 17


def lacking_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.is_required:
        yield Mistake(put(data, spot.keys, None, gone=True), "SF003", spot.keys[:-1])


def repeated_key(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.keys and isinstance(spot.keys[-1], str):
        yield Mistake(data, "SF005", (*spot.keys, REPEATED), twice=spot.keys)


def misspelt_source(data: Data, spot: Spot) -> Iterator[Mistake]:
    if any(isinstance(limit, Table) for limit in spot.shape.limits) and isinstance(spot.value, str):
        yield Mistake(put(data, spot.keys, "nowhere"), "SF002", spot.keys)
    if spot.keys[-1:] == ("source",) or spot.keys == ("evaluate", "objective"):
        yield Mistake(put(data, spot.keys, "nowhere"), "SF002", spot.keys)


def broken_text(data: Data, spot: Spot) -> Iterator[Mistake]:
    if spot.keys[:1] == ("sources",) and spot.keys[-1] == "text":
        for wrong in ("{title", "no column", "{}", "{a.b}"):
            yield Mistake(put(data, spot.keys, wrong), "SF003", spot.keys)


KINDS: tuple[Kind, ...] = (
    out_of_range,
    of_another_type,
    unknown_key,
    unknown_word,
    word_of_another,
    past_its_bound,
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
