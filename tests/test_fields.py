"""Every field of the language reaches the generated code or the plan; a new field without a case fails here."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from variations import RICHES, Edit, edits, leaves, loaded, variation

from specforge.spec.base import Section
from specforge.spec.document import Classification, Spec

NOWHERE = {
    "description": "for readers",
    "accept.SF204": "which warnings are shown",
    "sources.products.repeated_ids": "the check of repeated ids (checks/tables) refuses or lets pass",
    "index.similarity": "SF205 refuses any but the retriever's own",
    "retriever.train.select.on": "SF114 refuses any but dev",
    "classifier.train.select.on": "SF114 refuses any but dev",
    "reranker.train.select.on": "SF114 refuses any but dev",
}
"""Path -> what uses the field instead of the generated code."""

ONE_VALUE = {("Experiment", "specforge"), ("SparseEncoder", "similarity"), ("LateInteraction", "similarity")}
"""Fields that have one value only."""

TAGS = {"kind", "by", "family"}
"""Fields that choose the section they stand in; test_generated.py has a spec for each of their values."""

Field = tuple[str, str]
"""Section, field."""


@pytest.mark.parametrize("edit", edits(), ids=lambda edit: f"{edit.base}-{edit.leaf.path}")
def test_a_changed_field_changes_the_code_or_the_plan(edit: Edit) -> None:
    files = [{**files, "manifest.json": ""} for files in (edit.files, edit.edited)]
    reaches = files[0] != files[1] or edit.before.stages != edit.after.stages
    assert reaches == (edit.leaf.path not in NOWHERE), NOWHERE.get(edit.leaf.path, "the field reaches nothing")


def test_every_field_has_a_case() -> None:
    written = {field for name in RICHES for field in fields_written(name)}
    assert set(fields_of(sections())) == written


def test_every_case_is_changed_once() -> None:
    changed = {edit.leaf.path for edit in edits()}
    cases = {leaf.path for name in RICHES for leaf in leaves(variation(name))}
    unchanged = cases - changed
    assert {path.rpartition(".")[2] for path in unchanged} <= TAGS | {name for _, name in ONE_VALUE}


def test_exceptions_are_fields() -> None:
    assert set(NOWHERE) <= {edit.leaf.path for edit in edits()}
    single = {field for field in fields_of(sections()) if has_one_value(field)}
    assert {field for field in single if field[1] not in TAGS} == ONE_VALUE


def has_one_value(field: Field) -> bool:
    section = next(one for one in sections() if field[1] in one.model_fields and declared_by(one, field[1]) == field[0])
    annotation = section.model_fields[field[1]].annotation
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def sections() -> set[type[Section]]:
    """All sections that a spec may hold, found from its type."""
    found = set[type[Section]]()
    todo: list[type[Section]] = [Spec, Classification]
    while todo:
        section = todo.pop()
        found.add(section)
        new = {inner for field in section.model_fields.values() for inner in inside(field.annotation)} - found
        todo += sorted(new, key=lambda section: section.__name__)
    return found


def inside(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from inside(part)


def fields_of(found: set[type[Section]]) -> Iterator[Field]:
    return ((declared_by(section, name), name) for section in found for name in section.model_fields)


def declared_by(section: type[BaseModel], name: str) -> str:
    """The section that says what the field is: one that others inherit it from needs one case."""
    return next(parent.__name__ for parent in section.__mro__ if name in inspect.get_annotations(parent))


def fields_written(name: str) -> set[Field]:
    """The fields that a rich spec writes out: those of its leaves, and those of the sections on the way."""
    spec = loaded(variation(name))
    return {field for leaf in leaves(variation(name)) for field in on_the_way(spec, leaf.path.split("."))}


def on_the_way(value: object, keys: list[str]) -> Iterator[Field]:
    if isinstance(value, BaseModel):
        yield declared_by(type(value), keys[0]), keys[0]
        value = getattr(value, keys[0])
    elif isinstance(value, dict):
        value = value[keys[0]]
    if len(keys) > 1:
        yield from on_the_way(value, keys[1:])
