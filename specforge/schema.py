"""The JSON schema of the language, and the words of the language with what they mean: both from the docstrings."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import cast

from pydantic.json_schema import models_json_schema

from specforge.spec.base import Section
from specforge.spec.document import Classification, Spec

Json = dict[str, object]


def json_schema() -> Json:
    """The schema for editors: draft 2020-12, every field with its docstring."""
    _, found = models_json_schema([(Spec, "validation"), (Classification, "validation")])
    definitions = cast(dict[str, Json], found["$defs"])
    for section in sections():
        definition = definitions.get(section.__name__)
        if definition is not None:
            _describe(definition, field_docs(section))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "if": {"required": ["classifier"]},
        "then": {"$ref": "#/$defs/Classification"},
        "else": {"$ref": "#/$defs/Spec"},
        "$defs": definitions,
    }


def _describe(definition: Json, docs: dict[str, str]) -> None:
    properties = cast(dict[str, Json], definition.get("properties", {}))
    for name, value in properties.items():
        if name in docs:
            value["description"] = docs[name]


def sections() -> list[type[Section]]:
    """Every section of the language, by name; classes that others derive from them are none."""
    own = dict.fromkeys(section for section in _below(Section) if section.__module__.startswith("specforge."))
    return sorted(own, key=lambda section: section.__name__)


def _below(parent: type[Section]) -> Iterator[type[Section]]:
    for child in parent.__subclasses__():
        yield child
        yield from _below(child)


def field_docs(section: type[Section]) -> dict[str, str]:
    """Field -> docstring, inherited fields included."""
    docs: dict[str, str] = {}
    for parent in reversed(section.__mro__):
        if issubclass(parent, Section) and parent is not Section:
            docs |= _own_docs(parent)
    return docs


def _own_docs(section: type[Section]) -> dict[str, str]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    assert isinstance(node, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            docs[field.target.id] = inspect.cleandoc(str(ast.literal_eval(after.value)))
    return docs


def terms() -> dict[str, list[str]]:
    """Word of the language -> what it means, once for each section that has it: fields and kinds."""
    found: dict[str, list[str]] = {}
    for section in sections():
        for name, text in field_docs(section).items():
            line = f"{section.__name__}.{name}: {text}"
            if name in section.model_fields and line not in found.setdefault(name, []):
                found[name].append(line)
        for kind in _kinds(section):
            found.setdefault(kind, []).append(inspect.cleandoc(section.__doc__ or ""))
    return found


def _kinds(section: type[Section]) -> tuple[str, ...]:
    for tag in ("kind", "by"):
        field = section.model_fields.get(tag)
        if field is not None and field.annotation is not None:
            return tuple(str(value) for value in getattr(field.annotation, "__args__", ()))
    return ()
