"""Turns the data of a spec into typed, frozen sections, and every mistake in them into a problem at its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from specforge import naming
from specforge.catalog.dictionary import OBJECTIVES
from specforge.naming import clipped, listed, one_of, unknown_name
from specforge.nodes import scalar
from specforge.problems import Keys, Problem, in_order
from specforge.shapes import (
    Shape,
    Spot,
    choices,
    expected,
    fields,
    homes,
    is_section,
    locate,
    members,
    nearest,
    shape,
    value_at,
)
from specforge.source import Data, Source, lines_of
from specforge.spec.document import Classification, Spec

_OF_RETRIEVAL = ("retriever", "index")
"""Keys that no classifier has."""


def document(source: Source) -> type[Spec] | type[Classification]:
    """The document that a source means: `classifier` says that classes are told, and nothing is retrieved."""
    keys = source.data or {}
    misspelt = "retriever" not in keys and any(nearest(key, ("classifier",)) for key in keys)
    return Classification if "classifier" in keys or misspelt else Spec


def _root(source: Source) -> Shape:
    return shape(document(source))


def load(source: Source) -> tuple[Spec | Classification | None, list[Problem]]:
    """The spec that a source holds; None where anything in it is wrong, or where its text could not be read."""
    if source.data is None:
        return None, []
    unfit = [*_both_models(source), *_no_classes(source)]
    if unfit:
        return None, in_order([*unfit, *_file_name(source)])
    try:
        spec = document(source).model_validate(source.data)
    except ValidationError as error:
        mistakes = list(_mistakes(source, error))
        named = any(problem.path == ("name",) for problem in mistakes)
        return None, in_order(mistakes if named else [*mistakes, *_file_name(source)])
    problems = in_order([*_file_name(source), *naming.check(spec, source)])
    return (None if problems else spec), problems


def _both_models(source: Source) -> Iterator[Problem]:
    """A spec is of one thing: what ranks has no classes, and what tells classes ranks nothing."""
    both = [key for key in _OF_RETRIEVAL if key in (source.data or ())]
    if document(source) is Classification and both:
        message = f"{listed([*both, 'classifier'], ' and ')} do not go together"
        hint = f"a classifier ranks nothing: leave out {listed(both, ' and ')}, or write two specs"
        yield Problem("SF003", message, source.key_span((both[0],)), (both[0],), hint)


def _no_classes(source: Source) -> Iterator[Problem]:
    """Objectives that say which documents are relevant, and not of which class they are."""
    named = value_at(source.data, ("objectives",))
    if document(source) is Spec or not isinstance(named, dict):
        return
    gives = {kind: one.provides for one in OBJECTIVES for kind in choices(fields(shape(one))["kind"])}
    for name in named:
        keys: Keys = ("objectives", name, "kind")
        kind = value_at(source.data, keys)
        if isinstance(kind, str) and kind in gives and kind != "labelled":
            message = f'a classifier needs classes, and "{clipped(name)}" gives {" and ".join(gives[kind])}'
            if "classes" in gives[kind]:
                message = f'of a classifier, the kind is "labelled", not "{kind}"'
            hint = 'classes are what "kind: labelled" gives: a column that names the class of each text'
            yield Problem("SF101", message, source.value_span(keys), keys, hint)


_TOLD_APART = ("extra_forbidden", "missing", "union_tag_not_found", "default_factory_not_called")
"""The last is of the split, whose default hangs on objectives that are wrong themselves."""


def _mistakes(source: Source, error: ValidationError) -> Iterator[Problem]:
    errors = error.errors(include_url=False)
    unknown = [_section(source, detail["loc"]) for detail in errors if detail["type"] == "extra_forbidden"]
    yield from (_unknown_key(source, keys, section) for keys, section in unknown)
    yield from _missing(source, errors, unknown)
    for detail in errors:
        if detail["type"] in _TOLD_APART:
            continue
        spot = locate(_root(source), source.data, detail["loc"])
        if spot is not None:
            yield _wrong(source, spot, detail)


def _section(source: Source, loc: Keys) -> tuple[Keys, Shape]:
    """The place of an unknown key, and the section that it stands in."""
    spot = locate(_root(source), source.data, loc[:-1]) or Spot((), _root(source))
    section = spot.shape
    return (*spot.keys, loc[-1]), section


def _unknown_key(source: Source, keys: Keys, section: Shape) -> Problem:
    name, allowed = str(keys[-1]), list(fields(section))
    message = f'unknown key "{clipped(name)}"' + (f' in "{_label(keys[:-1])}"' if len(keys) > 1 else "")
    near, elsewhere = nearest(name, allowed), homes(_root(source), name)
    elsewhere = [home for home in elsewhere if "{" not in home] or elsewhere  # of every kind, before those of one kind
    hint = f"the keys here are {listed(allowed)}"
    if near is not None:
        hint = f'did you mean "{near}"?'
    elif 1 <= len(elsewhere) <= 3:
        hint = f'"{name}" is a key of {listed(elsewhere, " and ")}'
    return Problem("SF002", message, source.key_span(keys), keys, hint)


def _missing(source: Source, errors: list[ErrorDetails], unknown: list[tuple[Keys, Shape]]) -> Iterator[Problem]:
    """One problem a section. A missing key that stands there misspelt is one mistake, told once."""
    misspelt = {(keys[:-1], nearest(str(keys[-1]), fields(section))) for keys, section in unknown}
    lacking: dict[Keys, list[str]] = {}
    for detail in errors:
        if detail["type"] == "missing":
            keys = _keys(source, detail["loc"])
            section, name = keys[:-1], str(keys[-1])
        elif detail["type"] == "union_tag_not_found":
            section, name = _keys(source, detail["loc"]), str(detail["ctx"]["discriminator"]).strip("'")
        else:
            continue
        if (section, name) not in misspelt:
            lacking.setdefault(section, []).append(name)
    for section, names in lacking.items():
        yield _lack(source, section, names)


def _keys(source: Source, loc: Keys) -> Keys:
    spot = locate(_root(source), source.data, loc)
    return spot.keys if spot else loc


def _lack(source: Source, section: Keys, names: list[str]) -> Problem:
    who = f'"{_label(section)}"' if section else "the spec"
    at = section or tuple(source.data or ())[:1]
    spot = locate(_root(source), source.data, (*section,))
    tagged = [member for member in (spot.shape, *members(spot.shape)) if [member.tag] == names] if spot else []
    allowed = choices(tagged[0]) if tagged else ()
    hint = f'"{names[0]}" is {one_of(allowed)}' if allowed else ""
    return Problem("SF003", f"{who} needs {listed(names, ' and ')}", source.key_span(at), section, hint)


def _wrong(source: Source, spot: Spot, detail: ErrorDetails) -> Problem:
    """The problem of a value, or of a key of the user's own, that the language does not allow."""
    keys, value = spot.keys, value_at(source.data, spot.keys)
    if spot.is_key:
        return _wrong_key(source, spot)
    if spot.shape.tag is not None and isinstance(value, dict):
        keys, value = (*keys, spot.shape.tag), value[spot.shape.tag]
        spot = Spot(keys, _tag_shape(spot.shape))
    allowed = choices(spot.shape)
    if isinstance(value, str) and allowed and isinstance(allowed[0], str) and not spot.shape.tag:
        return unknown_name(source, keys, _word(keys), value, allowed)
    words = expected(spot.shape, value)
    message = f"{_named(keys)} must be {words}, {_instead(source, keys, value, words)}"
    if detail["type"] == "value_error" and (not isinstance(value, str) or is_section(spot.shape)):
        message = f"{_named(keys)}: {detail['ctx']['error']}" if keys else str(detail["ctx"]["error"])
    return Problem("SF003", message, source.value_span(keys), keys, _cure(spot.shape, value))


def _tag_shape(of: Shape) -> Shape:
    """The tag of a union as a literal of its own."""
    return Shape(Literal[choices(of)])


def _wrong_key(source: Source, spot: Spot) -> Problem:
    what = 'a code such as "SF204"' if spot.keys[0] == "accept" else expected(spot.shape, spot.keys[-1])
    message = f'key "{clipped(str(spot.keys[-1]))}" must be {what}'
    return Problem("SF003", message, source.key_span(spot.keys), spot.keys)


def _instead(source: Source, keys: Keys, value: Data, words: str) -> str:
    """What stands there, as the user wrote it."""
    if value is None or value == "":
        return "but it is empty"
    if isinstance(value, dict | tuple):
        return f"not {_counted(value, words)}"
    if not isinstance(value, str):
        return f'not "{_written(source, keys, value)}"'
    quoted_number = not words.startswith("text") and not isinstance(scalar(value), str)
    return f'not {"the text " if quoted_number else ""}"{clipped(value)}"'


def _counted(value: dict[str, Data] | tuple[Data, ...], words: str) -> str:
    if isinstance(value, tuple):
        return "a list"
    return f"{len(value)}" if words.startswith("a section") else "a section"


def _written(source: Source, keys: Keys, value: Data) -> str:
    span = source.value_span(keys)
    if span is None or span.line != span.end_line:
        return str(value).lower()
    written = lines_of(source.text)[span.line - 1][span.column - 1 : span.end_column - 1]
    overridden = repr(scalar(written)) != repr(value)
    return clipped(str(value).lower() if overridden else written)


def _cure(of: Shape, value: Data) -> str:
    """What to do about a value of the wrong type, where that is clear."""
    if of.type is str and not isinstance(value, str | None):
        return "put the value in quotes"
    tag = next((member.tag for member in (of, *members(of)) if member.tag and value in choices(member)), None)
    if tag is not None:
        return f"write it as {{{tag}: {value}}}"
    if get_origin(of.type) is tuple and isinstance(value, str):
        return f"write it as a list: [{clipped(value)}]"
    if of.type in (int, float, bool) and isinstance(value, str) and isinstance(scalar(value), int | float):
        return "write it without quotes"
    words = [choice for member in members(of) for choice in choices(member) if isinstance(choice, str)]
    near = nearest(value, words) if isinstance(value, str) else None
    return f'did you mean "{near}"?' if near else ""


_WORDS = {
    "by": "split",
    "clean": "cleaning",
    "baselines": "baseline",
    "fuse": "baseline",
    "on": "judgments",
    "reads": "source",
}


def _word(keys: Keys) -> str:
    """What a name names: `loss`, `index`, `objective kind`, `split`."""
    field = next(str(key) for key in reversed(keys) if isinstance(key, str))
    if field == "kind":
        return "objective kind" if keys[0] == "objectives" else _label(keys[:-1])
    if field == "by" and "chunk" in keys:
        return "way to cut"
    return _WORDS.get(field, field.replace("_", " "))


def _label(keys: Keys) -> str:
    return clipped(next((str(key) for key in reversed(keys) if isinstance(key, str)), "spec"))


def _named(keys: Keys) -> str:
    entry = f"entry {keys[-1] + 1} of " if isinstance(keys[-1], int) else ""
    return f'{entry}"{_label(keys)}"'


def _file_name(source: Source) -> Iterator[Problem]:
    """The name is the file's, so that a spec and all that is made from it find each other."""
    name, stem = (source.data or {}).get("name"), source.path.stem
    if isinstance(name, str) and name and name != stem:
        message = f'"name" must be the file\'s, "{clipped(stem)}", not "{clipped(name)}"'
        hint = f'rename the file to "{clipped(name)}{source.path.suffix}" or change the name'
        yield Problem("SF003", message, source.value_span(("name",)), ("name",), hint)
