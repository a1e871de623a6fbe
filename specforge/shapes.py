"""What the language allows at a place of a spec, read off the typed models, and said in plain words."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from specforge.problems import Keys
from specforge.source import Data
from specforge.spec.base import READINGS, Moment, Name, Reading, Share


@dataclass(frozen=True)
class Shape:
    """A type of the language: what remains of an annotation without `Annotated` and `None`.

    Attributes:
        type: a class, a `Literal`, a union, or a generic dict or tuple.
        limits: the constraints on it.
        tag: the key that tells the members of a union apart, such as `kind`.
    """

    type: Any
    limits: tuple[Any, ...] = ()
    tag: str | None = None


def shape(annotation: Any, limits: Iterable[Any] = (), tag: str | None = None) -> Shape:  # noqa: ANN401
    """The shape of an annotation."""
    found: list[Any] = list(limits)
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for limit in more:
            found += limit.metadata if isinstance(limit, FieldInfo) else [limit]
            tag = (_tag(limit) if isinstance(limit, FieldInfo) else None) or tag
    members = [member for member in get_args(annotation) if member is not types.NoneType]
    if _is_union(annotation) and len(members) == 1:
        return shape(members[0], found, tag)
    return Shape(annotation, tuple(found), tag)


def _is_union(annotation: Any) -> bool:  # noqa: ANN401
    return get_origin(annotation) in (Union, types.UnionType)


def members(of: Shape) -> tuple[Shape, ...]:
    """The alternatives of a union; a shape that is none is its own only alternative."""
    if not _is_union(of.type):
        return (of,)
    return tuple(shape(member) for member in get_args(of.type) if member is not types.NoneType)


def is_section(of: Shape) -> bool:
    """Whether it is a section with keys of its own."""
    return isinstance(of.type, type) and issubclass(of.type, BaseModel)


def fields(of: Shape) -> dict[str, Shape]:
    """The keys of a section, each with what it may hold."""
    if not is_section(of):
        return {}
    model: type[BaseModel] = of.type
    return {name: shape(info.annotation, info.metadata, _tag(info)) for name, info in model.model_fields.items()}


def _tag(info: FieldInfo) -> str | None:
    return info.discriminator if isinstance(info.discriminator, str) else None


def choices(of: Shape) -> tuple[Any, ...]:
    """The values that are possible where they can be counted: of a literal, or of the tag of a union's members."""
    if get_origin(of.type) is Literal:
        return get_args(of.type)
    if of.tag is None:
        return ()
    return tuple(value for member in members(of) for value in choices(fields(member)[of.tag]))


@dataclass(frozen=True)
class Spot:
    """A place of a spec and what the language allows there. `is_key`: a key of the user's own is meant, not its value."""

    keys: Keys
    shape: Shape
    is_key: bool = False


def locate(root: Shape, data: Data, loc: Keys) -> Spot | None:
    """The place that pydantic's `loc`, or plain keys, mean. A `loc` names the members of unions among the keys, so it is
    followed along the types.

    None for a member of a union that the data cannot mean: a mapping where the member is a word.
    """
    keys: Keys = ()
    here = root
    for part in loc:
        if part == "[key]" and len(keys) == 2:
            return Spot(keys, shape(get_args(fields(root)[str(keys[0])].type)[0]), is_key=True)
        if here.tag is not None:
            tag = str(part) if part in choices(here) else _tag_at(data, keys, here.tag)
            here = next(
                (member for member in members(here) if tag in choices(fields(member)[here.tag or ""])), Shape(object)
            )
            if part == tag:
                continue
        if _is_union(here.type):
            possible = [member for member in members(here) if _may_be(member, value_at(data, keys))]
            if not possible:
                return Spot(keys, here)
            chosen = [member for member in possible if str(part).startswith(_name_of(member))]
            if not chosen:
                return None
            here = chosen[0]
            continue
        keys, here = (*keys, part), _inside(here, part)
    return Spot(keys, here)


def _tag_at(data: Data, keys: Keys, tag: str) -> Data:
    """The member of a union that the data at a place mean."""
    value = value_at(data, keys)
    return value.get(tag) if isinstance(value, dict) else None


def _may_be(of: Shape, value: Data) -> bool:
    """Whether a member of a union is a section or a list, as the value is."""
    if isinstance(value, dict):
        return is_section(of) or of.tag is not None
    return isinstance(value, tuple) and get_origin(of.type) is tuple


def _name_of(of: Shape) -> str:
    """How pydantic's `loc` begins to name a member of a union."""
    if is_section(of):
        return str(of.type.__name__)
    return "tagged-union[" if of.tag is not None else "tuple["


def _inside(of: Shape, part: str | int) -> Shape:
    if is_section(of):
        return fields(of).get(str(part), Shape(object))
    arguments = get_args(of.type)
    return shape(arguments[1] if get_origin(of.type) is dict else arguments[0]) if arguments else Shape(object)


def value_at(data: Data, keys: Keys) -> Data:
    """The value at a place; None where there is none."""
    for key in keys:
        if isinstance(data, dict) and isinstance(key, str):
            data = data.get(key)
        elif isinstance(data, tuple) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that a misspelt one most likely means."""
    by_lower = {choice.lower(): choice for choice in allowed}
    return next((by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=1)), None)


def homes(root: Shape, name: str) -> list[str]:
    """The sections that have a key of this name, as dotted paths with `*` for names of the user's own, and their kind."""
    return list(dict.fromkeys(path for path, key in _all_keys(root, "") if key == name and path))


def _all_keys(of: Shape, path: str) -> Iterator[tuple[str, str]]:
    if get_origin(of.type) is dict:
        yield from _all_keys(_inside(of, ""), f"{path}.*")
    for member in members(of):
        if _is_union(member.type):
            yield from _all_keys(member, path)
        kind = "" if of.tag is None else f" {{{of.tag}: {choices(fields(member)[of.tag])[0]}}}"
        for key, inner in fields(member).items():
            yield path + kind, key
            yield from _all_keys(inner, f"{path}.{key}".lstrip("."))


_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}

_NAMED = (
    (Share, "a share such as 20% or 0.2"),
    (Moment, "a moment such as 2024-05-31 or 2024-05-31T18:00"),
    (Reading, f"{', '.join(READINGS)} or a pattern such as %d/%m/%Y"),
    (Name, 'small letters, digits and "_", first a letter'),
)


def expected(of: Shape, value: Data) -> str:
    """What is allowed, in words. The value tells which limit of a text or section it is that matters."""
    for named, words in _NAMED:
        if set(map(repr, shape(named).limits)) <= set(map(repr, of.limits)):
            return words
    if _is_union(of.type) and of.tag is None:
        return " or ".join(expected(member, value) for member in members(of))
    if get_origin(of.type) is Literal:
        return " or ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices(of))
    if get_origin(of.type) is tuple:
        return "a list"
    if of.type in _PLAIN:
        return _PLAIN[of.type] + (_length(of, value) if of.type is str else _range(of))
    return "a section" + (_entries(of) if isinstance(value, dict) else "")


def _range(of: Shape) -> str:
    low = next((limit for limit in of.limits if isinstance(limit, Ge | Gt)), None)
    high = next((limit for limit in of.limits if isinstance(limit, Le | Lt)), None)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f" from {low.ge} to {high.le}"
    below = f"of at least {low.ge}" if isinstance(low, Ge) else f"above {low.gt}" if low else ""
    above = f"of at most {high.le}" if isinstance(high, Le) else f"below {high.lt}" if high else ""
    words = " and ".join(filter(None, (below, above)))
    return f" {words}" if words else ""


def _length(of: Shape, value: Data) -> str:
    """A text is told its limits only when it is one: otherwise its type is what is wrong."""
    if not isinstance(value, str):
        return ""
    limits = [limit for limit in of.limits if isinstance(limit, StringConstraints)]
    longest = next((limit.max_length for limit in limits if limit.max_length), None)
    return f" of at most {longest} characters" if value and longest else ""


def _entries(of: Shape) -> str:
    least = next((limit.min_length for limit in of.limits if isinstance(limit, MinLen)), 0)
    most = next((limit.max_length for limit in of.limits if isinstance(limit, MaxLen)), None)
    if least == most:
        return f" of exactly {least} {'entry' if least == 1 else 'entries'}"
    return f" of at least {least} {'entry' if least == 1 else 'entries'}" if least else ""
