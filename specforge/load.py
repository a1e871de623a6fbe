"""Turns the data of a spec into typed, frozen sections, and every mistake in them into a problem at its place."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from specforge.catalog.augmentations import OtherText
from specforge.catalog.dictionary import OBJECTIVES
from specforge.catalog.roles import tables
from specforge.codes import CODES, Severity
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
from specforge.spec.document import Classification, Experiment, Spec
from specforge.wording import templates

_LONGEST_QUOTE = 40
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
    problems = in_order([*_file_name(source), *references(spec, source)])
    return (None if problems else spec), problems


def _both_models(source: Source) -> Iterator[Problem]:
    """A spec is of one thing: what ranks has no classes, and what tells classes ranks nothing."""
    both = [key for key in _OF_RETRIEVAL if key in (source.data or ())]
    if document(source) is Classification and both:
        message = f"{_listed([*both, 'classifier'], ' and ')} do not go together"
        hint = f"a classifier ranks nothing: leave out {_listed(both, ' and ')}, or write two specs"
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
            message = f'a classifier needs classes, and "{_clipped(name)}" gives {" and ".join(gives[kind])}'
            if "classes" in gives[kind]:
                message = f'of a classifier, the kind is "labelled", not "{kind}"'
            hint = 'classes are what "kind: labelled" gives: a column that names the class of each text'
            yield Problem("SF101", message, source.value_span(keys), keys, hint)


def references(spec: Spec | Classification, source: Source) -> list[Problem]:
    """Names in the spec that stand for other parts of it, and texts that name columns."""
    return in_order([
        *_source_names(spec, source),
        *([*_objective_names(spec, source), *_augmented(spec, source)] if isinstance(spec, Spec) else ()),
        *_slices(spec, source),
        *_joins(spec, source),
        *_collections(spec, source),
        *_text_formats(spec, source),
        *_accepted(spec, source),
    ])  # fmt: skip


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
    message = f'unknown key "{_clipped(name)}"' + (f' in "{_label(keys[:-1])}"' if len(keys) > 1 else "")
    near, elsewhere = nearest(name, allowed), homes(_root(source), name)
    hint = f"the keys here are {_listed(allowed)}"
    if near is not None:
        hint = f'did you mean "{near}"?'
    elif 1 <= len(elsewhere) <= 2:
        hint = f'"{name}" is a key of {_listed(elsewhere, " and ")}'
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
    hint = f'"{names[0]}" is {_one_of(allowed)}' if allowed else ""
    return Problem("SF003", f"{who} needs {_listed(names, ' and ')}", source.key_span(at), section, hint)


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
        return _unknown_name(source, keys, _word(keys), value, allowed)
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
    message = f'key "{_clipped(str(spot.keys[-1]))}" must be {what}'
    return Problem("SF003", message, source.key_span(spot.keys), spot.keys)


def _unknown_name(source: Source, keys: Keys, word: str, name: str, allowed: Iterable[str]) -> Problem:
    near = nearest(name, allowed)
    hint = f'did you mean "{near}"?' if near else _one_of(allowed)
    return Problem("SF002", f'unknown {word} "{_clipped(name)}"', source.value_span(keys), keys, hint)


def _instead(source: Source, keys: Keys, value: Data, words: str) -> str:
    """What stands there, as the user wrote it."""
    if value is None or value == "":
        return "but it is empty"
    if isinstance(value, dict | tuple):
        return f"not {_counted(value, words)}"
    if not isinstance(value, str):
        return f'not "{_written(source, keys, value)}"'
    quoted_number = not words.startswith("text") and not isinstance(scalar(value), str)
    return f'not {"the text " if quoted_number else ""}"{_clipped(value)}"'


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
    return _clipped(str(value).lower() if overridden else written)


def _cure(of: Shape, value: Data) -> str:
    """What to do about a value of the wrong type, where that is clear."""
    if of.type is str and not isinstance(value, str | None):
        return "put the value in quotes"
    tag = next((member.tag for member in (of, *members(of)) if member.tag and value in choices(member)), None)
    if tag is not None:
        return f"write it as {{{tag}: {value}}}"
    if get_origin(of.type) is tuple and isinstance(value, str):
        return f"write it as a list: [{_clipped(value)}]"
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
    return _clipped(next((str(key) for key in reversed(keys) if isinstance(key, str)), "spec"))


def _named(keys: Keys) -> str:
    entry = f"entry {keys[-1] + 1} of " if isinstance(keys[-1], int) else ""
    return f'{entry}"{_label(keys)}"'


def _listed(names: Iterable[str], last: str = ", ") -> str:
    *most, final = [f'"{name}"' for name in names]
    return last.join(filter(None, (", ".join(most), final)))


def _one_of(names: Iterable[str]) -> str:
    names = list(names)
    return f'only "{names[0]}" is possible' if len(names) == 1 else f"one of {_listed(names)}"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _file_name(source: Source) -> Iterator[Problem]:
    """The name is the file's, so that a spec and all that is made from it find each other."""
    name, stem = (source.data or {}).get("name"), source.path.stem
    if isinstance(name, str) and name and name != stem:
        message = f'"name" must be the file\'s, "{_clipped(stem)}", not "{_clipped(name)}"'
        hint = f'rename the file to "{_clipped(name)}{source.path.suffix}" or change the name'
        yield Problem("SF003", message, source.value_span(("name",)), ("name",), hint)


def _source_names(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, objective in spec.objectives.items():
        for field, wanted, role in tables(objective):
            keys = _place_of(getattr(objective, field), wanted, ("objectives", name, field))
            table = spec.sources.get(wanted)
            if table is None:
                yield _unknown_name(source, keys, "source", wanted, spec.sources)
            elif role.collection and table.id is None and table.text is None:
                message = f'source "{wanted}" is no collection, and "{field}" needs one'
                hint = f'give "{wanted}" an "id" and a "text"'
                yield Problem("SF003", message, source.value_span(keys), keys, hint)


def _objective_names(spec: Spec, source: Source) -> Iterator[Problem]:
    keys: Keys = ("evaluate", "objective")
    if spec.evaluate.objective is not None and spec.evaluate.objective not in spec.objectives:
        yield _unknown_name(source, keys, "objective", spec.evaluate.objective, spec.objectives)
    for name in (spec.train.mixture or ()) if spec.train else ():
        if name not in spec.objectives:
            keys = ("retriever", "train", "mixture", name)
            problem = _unknown_name(source, keys, "objective", name, spec.objectives)
            yield replace(problem, span=source.key_span(keys))


def _slices(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, one in spec.evaluate.slices.items():
        if one.source not in spec.sources:
            keys: Keys = ("evaluate", "slices", name, "source")
            yield _unknown_name(source, keys, "source", one.source, spec.sources)


def _augmented(spec: Spec, source: Source) -> Iterator[Problem]:
    for name, one in spec.encoder.augmentation.items() if spec.encoder else ():
        if isinstance(one, OtherText) and one.source not in spec.sources:
            keys: Keys = ("retriever", "augmentation", name, "source")
            yield _unknown_name(source, keys, "source", one.source, spec.sources)


def _place_of(value: object, entry: str, keys: Keys) -> Keys:
    """The place of a value, or of an entry where it is a list."""
    return (*keys, value.index(entry)) if isinstance(value, tuple) else keys


def _joins(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, table in spec.sources.items():
        if table.join is None:
            continue
        keys = ("sources", name, "join", "source")
        if table.join.source not in spec.sources:
            yield _unknown_name(source, keys, "source", table.join.source, spec.sources)
        elif name in _joined(spec, name):
            message = f'source "{name}" is joined to itself'
            yield Problem("SF003", message, source.value_span(keys), keys)


def _joined(spec: Experiment, name: str) -> list[str]:
    """The sources that a source takes columns from, directly or by way of others."""
    found: list[str] = []
    while (table := spec.sources.get(name)) and table.join and table.join.source not in found:
        name = table.join.source
        found.append(name)
    return found


def _collections(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, table in spec.sources.items():
        if (table.id is None) == (table.text is None):
            continue
        has, lacks = ("id", "text") if table.text is None else ("text", "id")
        keys, hint = ("sources", name, has), "a collection has both, a table of events has neither"
        yield Problem("SF003", f'"{name}" has "{has}" and needs "{lacks}" too', source.key_span(keys), keys, hint)


def _text_formats(spec: Experiment, source: Source) -> Iterator[Problem]:
    for keys, text in (found for name in spec.sources for found in templates(name, spec)):
        mistake = _format_mistake(text)
        if mistake is not None:
            yield Problem("SF003", mistake[0], source.value_span(keys), keys, mistake[1])


def _format_mistake(text: str) -> tuple[str, str] | None:
    """What is wrong with a format string, and the cure."""
    try:
        parts = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError:
        return '"text" has a brace without its partner', 'a brace that is meant as such is written "{{" or "}}"'
    if not parts:
        return '"text" names no column', 'name columns in braces, as in "{title} {description}"'
    for _, column, spec, conversion in parts:
        if not column:
            return '"text" has braces without a column', "write the column's name between them"
        if spec or conversion or set(column) & set(".["):
            return f'"text" allows plain columns only, and "{_clipped(column)}" is more', "write {column} and no more"
    return None


def _accepted(spec: Experiment, source: Source) -> Iterator[Problem]:
    for code in spec.accept:
        keys, span = ("accept", code), source.key_span(("accept", code))
        if code not in CODES:
            warnings = [known for known, row in CODES.items() if row.severity is Severity.WARNING]
            yield Problem("SF002", f'unknown code "{code}"', span, keys, f"the warnings are {_listed(warnings)}")
        elif CODES[code].severity is Severity.ERROR:
            yield Problem("SF003", f'"{code}" is an error, and only warnings can be accepted', span, keys)
