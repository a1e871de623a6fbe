"""Renders templates in which every `{{ x }}` is a literal, and remembers which field of the spec gave it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from specforge import quote
from specforge.quote import Code

TEMPLATES = Path(__file__).parent / "templates"

_OPEN, _MIDDLE, _CLOSE, _ESCAPE = _MARKS = "\ue000\ue001\ue002\ue003"
_MARK = re.compile(f"{_OPEN}([^{_MIDDLE}]*){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_ESCAPED = str.maketrans({mark: f"{_ESCAPE}{place}" for place, mark in enumerate(_MARKS)})


class At:
    """A value of the spec together with its path, such as `retriever.train.epochs`.

    Attributes lead to the fields of a section, items to the entries of a mapping whose names are the user's.
    """

    def __init__(self, value: object, trail: str) -> None:
        self.value = value
        self.trail = trail

    def __getattr__(self, name: str) -> At:
        if name.startswith("__"):
            raise AttributeError(name)
        return At(getattr(self.value, name), f"{self.trail}.{name}" if self.trail else name)

    def __getitem__(self, name: str) -> At:
        assert isinstance(self.value, dict)
        return At(self.value[name], f"{self.trail}.{name}")

    def __bool__(self) -> bool:
        return bool(self.value)


def _finalize(literal: Callable[[object], Code]) -> Callable[[object], object]:
    def finalize(value: object) -> object:
        if not isinstance(value, At):
            return value if isinstance(value, StrictUndefined) else _escaped(literal(value))
        if isinstance(value.value, BaseModel):
            raise TypeError(f"{value.trail} is a section, not a value")
        return Code(f"{_OPEN}{_escaped(Code(value.trail))}{_MIDDLE}{_escaped(literal(value.value))}{_CLOSE}")

    return finalize


def _escaped(literal: Code) -> Code:
    """A column's name may hold the very characters that mark literals."""
    return Code(literal.translate(_ESCAPED))


def _unescaped(text: str) -> str:
    return re.sub(f"{_ESCAPE}([0-3])", lambda match: _MARKS[int(match[1])], text) if _ESCAPE in text else text


@cache
def _environment(literal: Callable[[object], Code]) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalize(literal),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, context: dict[str, object]) -> tuple[str, list[tuple[int, str]]]:
    """The text of a template, and for each literal that came from the spec its offset and path, in order."""
    literal = _LITERALS[template.partition("/")[0]]
    return _unmark(_environment(literal).get_template(template).render(context))


_LITERALS: dict[str, Callable[[object], Code]] = {"sql": quote.sql, "python": quote.python, "text": quote.plain}


def _unmark(marked: str) -> tuple[str, list[tuple[int, str]]]:
    parts: list[str] = []
    marks: list[tuple[int, str]] = []
    length = end = 0
    for match in _MARK.finditer(marked):
        before, literal = _unescaped(marked[end : match.start()]), _unescaped(match[2])
        parts += [before, literal]
        marks.append((length + len(before), _unescaped(match[1])))
        length += len(before) + len(literal)
        end = match.end()
    return "".join([*parts, _unescaped(marked[end:])]), marks
