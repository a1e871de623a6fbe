"""Problems as text for people, and as JSON, GitHub annotations and SARIF for machines."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from urllib.parse import quote

from specforge.codes import CODES, Severity
from specforge.problems import Problem, Span
from specforge.source import Source, lines_of

Found = list[tuple[Source, list[Problem]]]

FORMATS = ("text", "json", "github", "sarif")
WIDTH = 100
_BEFORE = 30
"""Columns of a clipped line that are shown before the caret."""

_SERVER = re.compile(
    r"""(\b(?:postgres|postgresql|mysql|mariadb|mssql|oracle|redshift|mongodb)[+\w]*://)([^\s"'}\]]+)""", re.I
)
_USER = re.compile(r"""(?<=://)[^\s/@"'}\]]+(?=@)""")

_COLORS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_BOLD, _DIM = "1", "2"


def render(problems_by_source: Found, format: str, color: bool) -> str:
    """The problems in one of `FORMATS`, in the order given; the text ends with a line end, or is empty."""
    if format == "text":
        return _text(problems_by_source, color)
    return {"json": _json, "github": _github, "sarif": _sarif}[format](problems_by_source)


def _text(found: Found, color: bool) -> str:
    out: list[str] = []
    for source, problems in found:
        lines = lines_of(source.text)
        for problem in problems:
            out += _problem(source.display, lines, problem, color)
    return "".join(f"{line}\n" for line in out)


def _problem(display: str, lines: list[str], problem: Problem, color: bool) -> list[str]:
    span, tint = problem.span, _COLORS[problem.severity]
    margin = " " * (len(str(span.line)) if span else 2)
    out = [_headline(display, problem, color)]
    if span is not None and span.line <= len(lines):
        shown, caret = _excerpt(_masked(lines[span.line - 1]), span, WIDTH - len(margin) - 3)
        carets = caret.lstrip()
        out.append(_paint(f"{margin} |", _DIM, color))
        out.append(f"{_paint(f'{span.line} |', _DIM, color)} {shown}".rstrip())
        out.append(f"{_paint(f'{margin} |', _DIM, color)} {caret.replace(carets, _paint(carets, tint, color))}")
    for detail in _details(problem):
        out += _wrapped(detail, f"{margin} = ")
    return out


def _masked(line: str) -> str:
    """The line without the addresses of servers in it, which may hold passwords; its length stays."""
    line = _SERVER.sub(lambda match: match[1] + "*" * len(match[2]), line)
    return _USER.sub(lambda match: "*" * len(match[0]), line)


def _headline(display: str, problem: Problem, color: bool) -> str:
    span, severity = problem.span, problem.severity
    place = visible(display) + (f":{span.line}:{span.column}:" if span else ":")
    word = "" if severity is Severity.ERROR else _paint(f"{severity.value}: ", _COLORS[severity], color)
    code = _paint(f"[{problem.code}]", _COLORS[severity], color)
    return f"{_paint(place, _BOLD, color)} {word}{visible(problem.message)} {code}"


def _details(problem: Problem) -> list[str]:
    details = (problem.hint, *problem.evidence)
    return [visible(line) for detail in details if detail for line in detail.splitlines()]


def _wrapped(detail: str, margin: str) -> list[str]:
    return textwrap.wrap(
        detail,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=" " * len(margin),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _excerpt(line: str, span: Span, width: int) -> tuple[str, str]:
    """The line, cut to `width` columns around the span, and the carets below it."""
    cells = [(visible(char), _columns(char)) for char in line]
    start = min(span.column - 1, len(cells))
    end = min(span.end_column - 1, len(cells)) if span.end_line == span.line else len(cells)
    first, last = _window([columns for _, columns in cells], start, width)
    left, right = "..." * (first > 0), "..." * (last < len(cells))
    shown = left + "".join(text for text, _ in cells[first:last]) + right
    indent = len(left) + sum(columns for _, columns in cells[first:start])
    carets = sum(columns for _, columns in cells[start : min(end, last)])
    return shown, " " * indent + "^" * max(carets, 1)


def _window(columns: list[int], start: int, width: int) -> tuple[int, int]:
    """The characters to show, as first and past-the-last index, so that `start` is among them."""
    if sum(columns) <= width:
        return 0, len(columns)
    room = width - 6
    first = start
    while first > 0 and sum(columns[first - 1 : start]) <= _BEFORE:
        first -= 1
    first = 0 if sum(columns[:start]) <= _BEFORE else first
    last, used = first, 0
    while last < len(columns) and used + columns[last] <= room:
        used += columns[last]
        last += 1
    return first, last


def visible(text: str) -> str:
    """The text with control and formatting characters escaped, so that none of them acts on a terminal."""
    return "".join(char if unicodedata.category(char)[0] != "C" else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _columns(char: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.category(char)[0] == "C":
        return len(_escape(char))
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color else text


def _json(found: Found) -> str:
    rows = [_row(source, problem) for source, problems in found for problem in problems]
    return json.dumps(rows, indent=2) + "\n"


def _row(source: Source, problem: Problem) -> dict[str, object]:
    span = problem.span
    return {
        "file": source.display,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "code": problem.code,
        "name": CODES[problem.code].name,
        "severity": problem.severity.value,
        "message": problem.message,
        "path": list(problem.path),
        "hint": problem.hint,
        "evidence": list(problem.evidence),
    }


def _github(found: Found) -> str:
    """Workflow commands; GitHub reads a line end inside one as `%0A`."""
    return "".join(_annotation(source, problem) + "\n" for source, problems in found for problem in problems)


def _annotation(source: Source, problem: Problem) -> str:
    level = {Severity.NOTE: "notice"}.get(problem.severity, problem.severity.value)
    span, where = problem.span, [f"file={_property(source.display)}"]
    if span is not None:
        where += [f"line={span.line}", f"endLine={span.end_line}", f"col={span.column}", f"endColumn={span.end_column}"]
    message = "\n".join([visible(problem.message), *_details(problem)])
    return f"::{level} {','.join(where)},title={problem.code}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(found: Found) -> str:
    results = [_result(source, problem) for source, problems in found for problem in problems]
    driver = {"name": "specforge", "rules": _rules()}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rules() -> list[dict[str, object]]:
    return [
        {
            "id": code.code,
            "name": code.name,
            "shortDescription": {"text": code.title},
            "defaultConfiguration": {"level": code.severity.value},
        }
        for code in CODES.values()
    ]


def _result(source: Source, problem: Problem) -> dict[str, object]:
    location: dict[str, object] = {"artifactLocation": {"uri": quote(source.display)}}
    if problem.span is not None:
        span = problem.span
        location["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return {
        "ruleId": problem.code,
        "ruleIndex": list(CODES).index(problem.code),
        "level": problem.severity.value,
        "message": {"text": "\n".join([problem.message, *filter(None, (problem.hint, *problem.evidence))])},
        "locations": [{"physicalLocation": location}],
    }
