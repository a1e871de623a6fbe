"""Names in a spec that stand for other parts of it, and texts that name columns."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from dataclasses import replace

from specforge.catalog.augmentations import OtherText
from specforge.catalog.roles import tables
from specforge.codes import CODES, Severity
from specforge.problems import Keys, Problem, in_order
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Classification, Experiment, Spec
from specforge.wording import templates

_LONGEST_QUOTE = 40


def check(spec: Spec | Classification, source: Source) -> list[Problem]:
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


def unknown_name(source: Source, keys: Keys, word: str, name: str, allowed: Iterable[str]) -> Problem:
    near = nearest(name, allowed)
    hint = f'did you mean "{near}"?' if near else one_of(allowed)
    return Problem("SF002", f'unknown {word} "{clipped(name)}"', source.value_span(keys), keys, hint)


def listed(names: Iterable[str], last: str = ", ") -> str:
    *most, final = [f'"{name}"' for name in names]
    return last.join(filter(None, (", ".join(most), final)))


def one_of(names: Iterable[str]) -> str:
    names = list(names)
    return f'only "{names[0]}" is possible' if len(names) == 1 else f"one of {listed(names)}"


def clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _source_names(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, objective in spec.objectives.items():
        for field, wanted, role in tables(objective):
            keys = _place_of(getattr(objective, field), wanted, ("objectives", name, field))
            table = spec.sources.get(wanted)
            if table is None:
                yield unknown_name(source, keys, "source", wanted, spec.sources)
            elif role.collection and table.id is None and table.text is None:
                message = f'source "{wanted}" is no collection, and "{field}" needs one'
                hint = f'give "{wanted}" an "id" and a "text"'
                yield Problem("SF003", message, source.value_span(keys), keys, hint)


def _objective_names(spec: Spec, source: Source) -> Iterator[Problem]:
    keys: Keys = ("evaluate", "objective")
    if spec.evaluate.objective is not None and spec.evaluate.objective not in spec.objectives:
        yield unknown_name(source, keys, "objective", spec.evaluate.objective, spec.objectives)
    for name in (spec.train.mixture or ()) if spec.train else ():
        if name not in spec.objectives:
            keys = ("retriever", "train", "mixture", name)
            problem = unknown_name(source, keys, "objective", name, spec.objectives)
            yield replace(problem, span=source.key_span(keys))


def _slices(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, one in spec.evaluate.told.items():
        if one.source not in spec.sources:
            keys: Keys = ("evaluate", "slices", name, "source")
            yield unknown_name(source, keys, "source", one.source, spec.sources)


def _augmented(spec: Spec, source: Source) -> Iterator[Problem]:
    for name, one in spec.encoder.augmentation.items() if spec.encoder else ():
        if isinstance(one, OtherText) and one.source not in spec.sources:
            keys: Keys = ("retriever", "augmentation", name, "source")
            yield unknown_name(source, keys, "source", one.source, spec.sources)


def _place_of(value: object, entry: str, keys: Keys) -> Keys:
    """The place of a value, or of an entry where it is a list."""
    return (*keys, value.index(entry)) if isinstance(value, tuple) else keys


def _joins(spec: Experiment, source: Source) -> Iterator[Problem]:
    for name, table in spec.sources.items():
        if table.join is None:
            continue
        keys = ("sources", name, "join", "source")
        if table.join.source not in spec.sources:
            yield unknown_name(source, keys, "source", table.join.source, spec.sources)
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
            return f'"text" allows plain columns only, and "{clipped(column)}" is more', "write {column} and no more"
    return None


def _accepted(spec: Experiment, source: Source) -> Iterator[Problem]:
    for code in spec.accept:
        keys, span = ("accept", code), source.key_span(("accept", code))
        if code not in CODES:
            warnings = [known for known, row in CODES.items() if row.severity is Severity.WARNING]
            yield Problem("SF002", f'unknown code "{code}"', span, keys, f"the warnings are {listed(warnings)}")
        elif CODES[code].severity is Severity.ERROR:
            yield Problem("SF003", f'"{code}" is an error, and only warnings can be accepted', span, keys)
