"""The rule about the column that says when an event was: it holds moments, and if not, which reading would give some."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb

from specforge import relations
from specforge.catalog.roles import columns
from specforge.checks.opening import Rows
from specforge.checks.words import clipped, counted, listed
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

_ISO = "ISO 8601"
_SECONDS = (100_000_000, 10_000_000_000)
"""Numbers between these are taken for seconds since 1970: 1973 to 2286. A thousand times as many are milliseconds."""


Ask = Callable[[str], list[tuple[object, ...]]]
"""A query -> its rows."""


def times(rows: Rows) -> Iterator[Problem]:
    """The column that says when an event was holds moments. It is never guessed at: the spec says how text is read."""
    for name, value in rows.spec.objectives.items():
        for one in columns(value):
            if one.role.moment:
                yield from _time(rows, ("objectives", name, one.field), one.source, one.column)


def _time(rows: Rows, keys: Keys, events: str, column: str) -> Iterator[Problem]:
    span = rows.source.value_span(keys)
    moment, relation = identifier(column), relations.relation(events, rows.spec)
    bad = f"{moment} is not null and try_cast({moment} as timestamp) is null"
    try:
        found = _bad(rows, moment, relation, bad)
    except duckdb.BinderException:
        found = _bad(rows, moment, relation, f"{moment} is not null")
    message = f'column "{column}" of "{events}" holds what is no moment'
    if not found:
        # DuckDB leaves the offset out when it casts a text to a moment
        zoned = f"regexp_matches({moment}::varchar, ':\\d\\d.*[+-]\\d\\d(:?\\d\\d)?$') and typeof({moment}) = 'VARCHAR'"
        found = _bad(rows, moment, relation, zoned)
        message = f'column "{column}" of "{events}" holds moments with an offset, which would be left out'
    if found:
        fits, number = _fits(rows.ask, relation, column)
        shown = listed(clipped(text) for _, text in found)
        evidence: tuple[str, ...] = (f"{int(str(found[0][0])):,} of {counted(number, 'row')}, for example {shown}",)
        if number not in fits.values() and len(fits) > 1:
            evidence += (", ".join(f"{way} fits {counted(fit, 'row')}" for way, fit in fits.items()),)
        ways = [way for way, fit in fits.items() if fit == number and way != _ISO]
        yield Problem("SF003", message, span, keys, _cure(rows, events, column, ways), evidence)


def _bad(rows: Rows, moment: str, relation: str, condition: str) -> list[tuple[object, ...]]:
    """How many rows fulfil a condition, beside each of some examples."""
    return rows.ask(f"select count(*) over (), {moment}::varchar from {relation} where {condition} limit {_EXAMPLES}")


def _cure(rows: Rows, events: str, column: str, ways: list[str]) -> str:
    """The readings that fit every row."""
    join = rows.spec.sources[events].join
    owner = join.source if join and column in join.columns else events
    if not ways:
        return "a moment is written as 2024-05-31 or 2024-05-31T18:00:00, and no other way fits every row"
    readings = [f'"read_as: {{{column}: {way}}}"' for way in ways]
    return f'add {" or ".join(readings)} to "{owner}"' + (", whichever is meant" if len(ways) > 1 else "")


def fitting(ask: Ask, relation: str, column: str) -> list[str]:
    """What `read_as` may say so that every row of a table holds a moment; patterns are in quotes."""
    fits, number = _fits(ask, relation, column)
    return [way for way, fit in fits.items() if fit == number and way != _ISO]


def _fits(ask: Ask, relation: str, column: str) -> tuple[dict[str, int], int]:
    """How many rows can be read in each way that fits any, and how many there are."""
    text = f"nullif(trim({identifier(column)}::varchar), '')"
    number = f"try_cast({text} as double)"
    low, high = _SECONDS
    conditions = {
        _ISO: f"try_cast({text} as timestamp) is not null",
        "seconds": f"{number} between {low} and {high}",
        "milliseconds": f"{number} between {low * 1000} and {high * 1000}",
        **{f'"{way}"': f"try_strptime({text}, {sql(way)}) is not null" for way in _PATTERNS},
    }
    fits = ", ".join(f"count(*) filter ({condition})" for condition in conditions.values())
    [(total, *counts)] = ask(f"select count(*), {fits} from {relation} where {text} is not null")
    ways = {way: int(str(fit)) for way, fit in zip(conditions, counts, strict=True)}
    return {way: fit for way, fit in ways.items() if fit}, int(str(total))
