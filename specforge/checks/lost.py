"""Rules about rows that take no part: those without an id, and those whose key has no partner in the table that is joined."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from specforge import relations
from specforge.checks.missing import ids_of
from specforge.checks.opening import Rows
from specforge.checks.words import clipped, counted, percent
from specforge.problems import Keys, Problem
from specforge.quote import identifier

_SHARE = 0.01
"""The share of rows that may be lost without a word."""

_EXAMPLES = 3


def without_id(rows: Rows) -> Iterator[Problem]:
    """Rows that name no document, or no query."""
    for one in ids_of(rows):
        if one.lists:
            continue
        column, relation = identifier(one.column), relations.relation(one.source, rows.spec)
        lost, number = _counted(rows, f"select count(*) - count({column}), count(*) from {relation}")
        if lost <= _SHARE * number or lost == number:
            continue
        message = f'{percent(lost / number)} of the rows of "{one.source}" have no "{one.column}"'
        hint = f'they are left out; leave them out yourself by "where: {one.column} is not null", or accept it'
        evidence = (f"{lost:,} of {counted(number, 'row')}",)
        yield Problem("SF305", message, rows.source.value_span(one.keys), one.keys, hint, evidence)


def without_partner(rows: Rows) -> Iterator[Problem]:
    """Rows that a join drops."""
    for name in relations.used_sources(rows.spec):
        join = rows.spec.sources[name].join
        if join is None:
            continue
        left, key = f"sources.{identifier(name)}", identifier(join.on)
        right, other = relations.relation(join.source, rows.spec), identifier(join.key or join.on)
        alone = f"{key} is null or {key} not in (select {other} from {right} where {other} is not null)"
        try:
            lost, number = _counted(rows, f"select count(*) filter ({alone}), count(*) from {left}")
        except duckdb.Error:
            continue  # they cannot be compared, which is told elsewhere
        if lost <= _SHARE * number or lost == number:
            continue
        keys: Keys = ("sources", name, "join", "on")
        message = f'{percent(lost / number)} of the rows of "{name}" have no row in "{join.source}"'
        hint = f'they are left out; add what is missing to "{join.source}", or accept it'
        most = rows.ask(
            f"select {key}::varchar, count(*) from {left} where {alone} group by all order by 2 desc, 1 limit {_EXAMPLES}"
        )
        evidence = (
            f"{lost:,} of {counted(number, 'row')}",
            *(
                f"{'without a key' if value is None else clipped(value)}: {counted(int(str(times)), 'row')}"
                for value, times in most
            ),
        )
        yield Problem("SF305", message, rows.source.value_span(keys), keys, hint, evidence)


def _counted(rows: Rows, query: str) -> tuple[int, int]:
    [(lost, number)] = rows.ask(query)
    return int(str(lost)), int(str(number))


RULES = (without_id, without_partner)
