"""From a spec's text to plain data, with the place of every key and value.

The data are built from YAML's events, not by `yaml.safe_load`, which reads `2e-5` as text, `no` as False and `1:30` as
90, and keeps the last of two equal keys. Scalars follow YAML 1.2's core schema.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from typing import TypeAlias, Union

import yaml

from specforge.problems import Keys, Problem, Span

Data: TypeAlias = Union[bool, int, float, str, dict[str, "Data"], tuple["Data", ...], None]

MAX_DEPTH = 64
MAX_VALUES = 100_000
_LONGEST_NUMBER = 100

_LOADER = getattr(yaml, "CLoader", yaml.Loader)
LINE_BREAK = re.compile(r"\r\n|\n|\r")
"""The line ends of editors; Unicode has more, and they are not allowed in a spec."""


@dataclass(frozen=True)
class Place:
    """Where a value stands, and the key that it belongs to; entries of lists and the whole spec have no key."""

    key: Span | None
    value: Span


class _Refused(Exception):
    """The text cannot be read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class _Node:
    """A value of the text, from index `start` to `end`. An alias is a list of the one node that it stands for."""

    kind: str
    start: int
    end: int
    scalar: str = ""
    plain: bool = False
    children: list[_Node] = field(default_factory=list)


@dataclass
class Reading:
    """What is known while a text is read."""

    text: str
    places: dict[Keys, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        line = bisect.bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        start = min(start, len(self.text.rstrip()))
        stretch = self.text[start:end].rstrip()
        return Span(*self.position(start), *self.position(start + len(stretch)))

    def problem(self, code: str, message: str, node: _Node, keys: Keys = (), hint: str = "") -> Problem:
        return Problem(code, message, self.span(node.start, node.end), keys, hint)


def top(reading: Reading) -> dict[str, Data] | None:
    """The data of a text; None where it cannot be read, with the reason among the problems of the reading."""
    try:
        root = _compose(reading)
        if root is None or (root.kind == "scalar" and root.plain and scalar(root.scalar) is None):
            empty = Problem("SF001", "the spec is empty", Span(1, 1, 1, 1), hint='start it with "specforge: 1"')
            raise _Refused(empty)
        data = _data(reading, root, ())
    except _Refused as refused:
        reading.problems.append(refused.problem)
        return None
    if isinstance(data, dict):
        reading.places[()] = Place(None, reading.span(root.start, root.end))
        return data
    what = "a list" if isinstance(data, tuple) else "a single value"
    hint = 'start it with "specforge: 1"'
    reading.problems.append(reading.problem("SF001", f"a spec is a section of keys, not {what}", root, hint=hint))
    return None


def _compose(reading: Reading) -> _Node | None:
    """The first document as nodes, without recursion; depth is limited here, before anything recurses."""
    documents = _Node("list", 0, 0)
    stack, anchors = [documents], dict[str, _Node]()
    try:
        for event in yaml.parse(reading.text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent) and documents.children:
                message, at = "a file holds one spec, and here a second one starts", _token(reading.text, event)
                raise _Refused(reading.problem("SF001", message, at))
            if isinstance(event, yaml.CollectionEndEvent):
                _close(stack.pop(), event)
            elif isinstance(event, yaml.NodeEvent):
                _open(reading, event, stack, anchors)
    except yaml.MarkedYAMLError as error:
        raise _Refused(_syntax(reading, error)) from None
    return documents.children[0] if documents.children else None


def _close(node: _Node, event: yaml.CollectionEndEvent) -> None:
    """A section in block style ends with its last value: YAML's own mark is where the next one begins."""
    start, end = _indices(event)
    node.end = end if end > start or not node.children else node.children[-1].end


def _open(reading: Reading, event: yaml.NodeEvent, stack: list[_Node], anchors: dict[str, _Node]) -> None:
    node = _node(reading, event, stack, anchors)
    stack[-1].children.append(node)
    if event.anchor is not None and node.kind != "alias":
        anchors[event.anchor] = node
    if isinstance(event, yaml.CollectionStartEvent):
        stack.append(node)
    if len(stack) > MAX_DEPTH + 1:
        raise _Refused(reading.problem("SF001", f"sections stand in each other more than {MAX_DEPTH} deep", node))


def _node(reading: Reading, event: yaml.NodeEvent, stack: list[_Node], anchors: dict[str, _Node]) -> _Node:
    start, end = _indices(event)
    if isinstance(event, yaml.AliasEvent):
        return _alias(reading, _Node("alias", start, end), anchors.get(event.anchor or ""), stack)
    tag = getattr(event, "tag", None)
    if tag is not None:
        message = f'tag "{tag.replace("tag:yaml.org,2002:", "!!")}" is not allowed, a spec holds plain values only'
        hint = "leave the tag out; a value in quotes is text"
        reading.problems.append(reading.problem("SF001", message, _token(reading.text, event), hint=hint))
    if isinstance(event, yaml.ScalarEvent):
        plain = bool(event.implicit[0]) or (tag is not None and not event.style)
        return _Node("scalar", start, end, event.value, plain)
    return _Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", start, end)


def _alias(reading: Reading, node: _Node, target: _Node | None, stack: list[_Node]) -> _Node:
    name = reading.text[node.start : node.end]
    if target is None:
        hint = 'put a value that starts with "*" in quotes'
        raise _Refused(reading.problem("SF001", f'alias "{name}" stands for nothing', node, hint=hint))
    if any(open_node is target for open_node in stack):
        raise _Refused(reading.problem("SF001", f'alias "{name}" stands for a section that holds it', node))
    node.children.append(target)
    return node


def _token(text: str, event: yaml.Event) -> _Node:
    start, _ = _indices(event)
    match = re.compile(r"\S*").match(text, start)
    return _Node("token", start, match.end() if match else start)


def _indices(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return start.index if start else 0, end.index if end else 0


def _data(reading: Reading, node: _Node, keys: Keys) -> Data:
    reading.values += 1
    if reading.values > MAX_VALUES:
        message = f"the spec holds more than {MAX_VALUES} values, aliases written out"
        raise _Refused(reading.problem("SF001", message, node))
    if len(keys) > MAX_DEPTH:
        message = f"sections stand in each other more than {MAX_DEPTH} deep, aliases written out"
        raise _Refused(reading.problem("SF001", message, node))
    if node.kind == "alias":
        return _data(reading, node.children[0], keys)
    if node.kind == "scalar":
        return scalar(node.scalar) if node.plain else node.scalar
    if node.kind == "map":
        return _mapping(reading, node, keys)
    return tuple(_entry(reading, child, (*keys, i)) for i, child in enumerate(node.children))


def _entry(reading: Reading, node: _Node, keys: Keys, key: Span | None = None) -> Data:
    reading.places[keys] = Place(key, reading.span(node.start, node.end))
    return _data(reading, node, keys)


def _mapping(reading: Reading, node: _Node, keys: Keys) -> dict[str, Data]:
    data: dict[str, Data] = {}
    for key_node, value_node in zip(node.children[::2], node.children[1::2], strict=True):
        key = _data(reading, key_node, keys)
        if not isinstance(key, str):
            reading.problems.append(_key_problem(reading, key, key_node, keys))
        elif key in data:
            first = reading.places[(*keys, key)].key or Span(1, 1, 1, 1)
            hint = f"the first stands at {first.line}:{first.column}"
            reading.problems.append(reading.problem("SF005", f'key "{key}" is repeated', key_node, (*keys, key), hint))
        else:
            span = reading.span(key_node.start, key_node.end)
            data[key] = _entry(reading, value_node, (*keys, key), span)
    return data


def _key_problem(reading: Reading, key: Data, node: _Node, keys: Keys) -> Problem:
    if isinstance(key, dict | tuple):
        message, hint = "a key must be text, not a section or list", "put a value with braces in quotes"
    else:
        written = reading.text[node.start : node.end]
        message, hint = f'a key must be text, not "{written or "nothing"}"', "put the key in quotes"
    return reading.problem("SF003", message, node, keys, hint)


_SCALARS = (
    (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""The core schema of YAML 1.2 (section 10.3.2). Infinity and NaN are read, so that loading can refuse them by name."""


def scalar(text: str) -> Data:
    """What a plain scalar means: `no`, `1:30`, `20%` and dates are text, and so are numbers too long to be meant."""
    if len(text) > _LONGEST_NUMBER:
        return text
    for pattern, convert in _SCALARS:
        if pattern.fullmatch(text):
            value: Data = convert(text)
            return value
    return text


_AT_CONTEXT = True
_FITS = "indent the keys of a section alike, and put a value with quotes or braces in quotes"
_SYNTAX = (
    ("mapping values are not", 'a ":" stands where no key can be', 'put a value that holds ": " in quotes, and indent the keys of a section alike', False),
    ("sequence entries are not", 'a list entry "-" stands where none can be', "start the list on a line of its own, or write [a, b]", False),
    (r"',' or '\]'", '"[" is not closed', 'close it with "]"', _AT_CONTEXT),
    ("',' or '}'", '"{" is not closed', 'close it with "}"', _AT_CONTEXT),
    ("unexpected end of stream", "a quote is not closed", "", _AT_CONTEXT),
    ("escape|hexa?decimal", 'a "\\" in double quotes starts no known escape', "put the value in single quotes", False),
    ("could not find expected ':'", 'a key without ":" after it', "", _AT_CONTEXT),
    ("document start", "text stands after the end of the spec", "", False),
    ("node content", "a value is missing", "", False),
    ("expected key|block end|'-' indicator", "this fits no section above it", _FITS, False),
)  # fmt: skip
"""What the two parsers of PyYAML say, what it means, what to do, and whether the mistake lies where the value began."""


def _syntax(reading: Reading, error: yaml.MarkedYAMLError) -> Problem:
    said = error.problem or "the text ends too early"
    mark = error.problem_mark or error.context_mark
    index = mark.index if mark else 0
    char = reading.text[index : index + 1]
    if char == "\t":
        message = "a tab stands where YAML allows only spaces"
        return Problem("SF001", message, reading.span(index, index + 2), hint="indent with spaces")
    context = error.context_mark
    if context and mark and "',' or " in said and reading.position(context.index)[0] == reading.position(index)[0]:
        message = 'a "," or the closing bracket is missing before this'
        return Problem(
            "SF001", message, reading.span(index, index + 1), hint="put a value with braces or brackets in quotes"
        )
    if "cannot start any token" in said:
        message = f'a value cannot start with "{char}"'
        return Problem("SF001", message, reading.span(index, index + 1), hint="put the value in quotes")
    for pattern, message, hint, at_context in _SYNTAX:
        if re.search(pattern, said):
            index = context.index if at_context and context else index
            return Problem("SF001", message, reading.span(index, index + 1), hint=hint)
    return Problem("SF001", "this is not YAML", reading.span(index, index + 1), hint=said)
