"""The rule about the column that says when an event was: it holds moments, and if not, which reading would give some."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb

from specforge import context
from specforge.catalog.roles import columns
from specforge.checks.opening import Rows
from specforge.checks.words import clipped, listed
from specforge.problems import Keys, Problem
from specforge.quote import identifier, sql

_EXAMPLES = 3
_PATTERNS = (
    *(f"{date}{time}" for date in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d")
      for time in ("", " %H:%M", " %H:%M:%S")),
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S%z",
)  # fmt: skip
"""Ways to write a moment that are met in exports, besides ISO 8601."""

_SECONDS = (100_000_000, 10_000_000_000)
"""Numbers between these are taken for seconds since 1970: 1973 to 2286. A thousand times as many are milliseconds."""


def times(rows: Rows) -> Iterator[Problem]:
    """The column that says when an event was holds moments. It is never guessed at: the spec says how text is read."""
    for name, value in rows.spec.objectives.items():
        for one in columns(value):
            if one.role.moment:
                yield from _time(rows, ("objectives", name, one.field), one.source, one.column)


def _time(rows: Rows, keys: Keys, events: str, column: str) -> Iterator[Problem]:
    span = rows.source.value_span(keys)
    moment, relation = identifier(column), context.relation(events, rows.spec)
    bad = f"{moment} is not null and try_cast({moment} as timestamp) is null"
    try:
        found = rows.ask(f"select {moment}::varchar from {relation} where {bad} limit {_EXAMPLES}")
    except duckdb.BinderException:
        found = rows.ask(f"select {moment}::varchar from {relation} where {moment} is not null limit {_EXAMPLES}")
    message = f'column "{column}" of "{events}" holds what is no moment'
    if not found:
        # DuckDB leaves the offset out when it casts a text to a moment
        zoned = f"regexp_matches({moment}::varchar, ':\\d\\d.*[+-]\\d\\d(:?\\d\\d)?$') and typeof({moment}) = 'VARCHAR'"
        found = rows.ask(f"select {moment}::varchar from {relation} where {zoned} limit {_EXAMPLES}")
        message = f'column "{column}" of "{events}" holds moments with an offset, which would be left out'
    if found:
        evidence = (f"for example {listed(clipped(text) for (text,) in found)}",)
        yield Problem("SF003", message, span, keys, _cure(rows, events, column), evidence)


def _cure(rows: Rows, events: str, column: str) -> str:
    """The readings that fit every row."""
    join = rows.spec.sources[events].join
    owner = join.source if join and column in join.columns else events
    found = fitting(rows.ask, context.relation(events, rows.spec), column)
    if not found:
        return "a moment is written as 2024-05-31 or 2024-05-31T18:00:00, and no other way fits every row"
    ways = [f'"read_as: {{{column}: {way}}}"' for way in found]
    return f'add {" or ".join(ways)} to "{owner}"' + (", whichever is meant" if len(ways) > 1 else "")


def fitting(ask: Callable[[str], list[tuple[object, ...]]], relation: str, column: str) -> list[str]:
    """What `read_as` may say so that every row of a table holds a moment; patterns are in quotes."""
    text = f"nullif(trim({identifier(column)}::varchar), '')"
    number = f"try_cast({text} as double)"
    low, high = _SECONDS
    conditions = {
        "seconds": f"{number} between {low} and {high}",
        "milliseconds": f"{number} between {low * 1000} and {high * 1000}",
        **{f'"{way}"': f"try_strptime({text}, {sql(way)}) is not null" for way in _PATTERNS},
    }
    fits = ", ".join(f"bool_and(coalesce({condition}, false))" for condition in conditions.values())
    (found,) = ask(f"select {fits} from {relation} where {text} is not null")
    return [way for way, fit in zip(conditions, found, strict=True) if fit]
