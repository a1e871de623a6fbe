"""Problems: the mistakes of a spec, as data with a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from specforge.codes import CODES, Severity

__all__ = ["Keys", "Problem", "Severity", "Span", "exit_code", "in_order"]

Keys = tuple[str | int, ...]
"""Where a value stands in the data: keys of mappings and positions in sequences."""


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a text. Lines and columns start at 1; columns count characters, and `end_column` is past the end."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def is_empty(self) -> bool:
        """Whether it holds no character."""
        return (self.line, self.column) == (self.end_line, self.end_column)


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        code: a key of `CODES`, which also says how bad it is.
        message: what is wrong, then what is allowed, in one sentence that stands alone.
        span: the place in the spec's text; None where it has none.
        path: the place in the spec's data.
        hint: what to do about it.
        evidence: figures and rows that show it, one a line.
    """

    code: str
    message: str
    span: Span | None
    path: Keys = ()
    hint: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """How bad it is, by the table of codes."""
        return CODES[self.code].severity


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by place; those without a place come last."""
    return sorted(dict.fromkeys(problems), key=_place)


def exit_code(problems: Iterable[Problem]) -> int:
    """1 if any problem is an error, else 0."""
    return int(any(problem.severity is Severity.ERROR for problem in problems))


def _place(problem: Problem) -> tuple[bool, Span, str, str]:
    span = problem.span or Span(0, 0, 0, 0)
    return problem.span is None, span, problem.code, problem.message
