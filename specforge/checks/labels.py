"""The rules about labels: numbers, flags, grades and scores that an objective can take."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import relations
from specforge.catalog.evidence import CitedInAnswer, Clicked, Judged, MutualLike, SameAttribute, ScoredPairs
from specforge.catalog.objectives import Objective
from specforge.catalog.roles import Named, columns
from specforge.checks.opening import Rows
from specforge.checks.words import counted
from specforge.problems import Keys, Problem
from specforge.quote import identifier


def numbers(rows: Rows) -> Iterator[Problem]:
    """Columns that are compared as numbers hold numbers: as texts, 10 comes before 9."""
    for name, value in rows.spec.objectives.items():
        for one in columns(value):
            if not (one.role.number or _is_tolerance(value, one)) or _kind(rows, one) not in ("VARCHAR", "BOOLEAN"):
                continue
            column = identifier(one.column)
            bad = f"{column} is not null and try_cast({column}::varchar as double) is null"
            found = list(_misfits(rows, name, value, one, bad, "no number"))
            yield from found
            if not found:
                keys: Keys = ("objectives", name, one.field)
                message = f'column "{one.column}" of "{one.source}" holds numbers as text'
                hint = f'add "read_as: {{{one.column}: number}}" to "{one.source}"'
                yield Problem("SF102", message, rows.source.value_span(keys), keys, hint)


def _is_tolerance(value: Objective, one: Named) -> bool:
    return isinstance(value, SameAttribute) and value.within is not None and one.field == "attribute"


def flags(rows: Rows) -> Iterator[Problem]:
    """Columns that say yes or no hold true or false, 1 or 0; a rating is no flag."""
    for name, value in rows.spec.objectives.items():
        for one in columns(value):
            if one.field not in _flags(value):
                continue
            column = identifier(one.column)
            bad = f"{column} not in (0, 1)"
            if _kind(rows, one) in ("VARCHAR", "BOOLEAN"):
                bad = f"{column} is not null and try_cast({column} as boolean) is null"
            yield from _misfits(rows, name, value, one, bad, "neither true nor false, neither 1 nor 0")


def _flags(value: Objective) -> tuple[str, ...]:
    if isinstance(value, CitedInAnswer):
        return ("cited",) if value.one_row == "passage" else ()
    return {Clicked: ("clicked",), MutualLike: ("liked",)}.get(type(value), ())


def grades(rows: Rows) -> Iterator[Problem]:
    """Grades are 0, 1, 2 and so on; ranks begin at 1 where they weigh; nobody stays for less than no time."""
    for name, value in rows.spec.objectives.items():
        for one in columns(value):
            if not _is_number(_kind(rows, one)):
                continue
            for condition, words in _ranges(value, one.field):
                yield from _misfits(rows, name, value, one, condition.format(identifier(one.column)), words)


def _ranges(value: Objective, field: str) -> tuple[tuple[str, str], ...]:
    """What a column must not hold: a condition on it, and the words for it."""
    if isinstance(value, Judged) and field == "grade":
        return ("{} < 0", "a grade below 0"), ("{0} <> floor({0})", "no whole number"), ("{} is null", "no grade")
    if isinstance(value, Clicked) and field == "rank":
        lowest = 0 if value.position_weights == "none" else 1
        return (f"{{}} < {lowest}", f"a rank below {lowest}"), ("{} is null", "no rank")
    if isinstance(value, CitedInAnswer) and field == "rank":
        return (("{} < 0", "a rank below 0"),)
    if isinstance(value, Clicked) and field == "dwell":
        return (("{} < 0", "a time below 0"),)
    if isinstance(value, ScoredPairs) and field == "score":
        return ("{} is null", "no score"), ("isnan({}::double)", "no number")
    return ()


def thresholds(rows: Rows) -> Iterator[Problem]:
    """A threshold lies between the scores: something is relevant, and something is not."""
    for name, value in rows.spec.objectives.items():
        if not isinstance(value, ScoredPairs) or value.relevant_from is None:
            continue
        [one] = [found for found in columns(value) if found.field == "score"]
        if not _is_number(_kind(rows, one)):
            continue
        column, relation = identifier(one.column), relations.relation(one.source, rows.spec)
        [(low, high)] = rows.ask(f"select min({column})::double, max({column})::double from {relation}")
        if low is None or high is None or float(str(low)) < value.relevant_from <= float(str(high)):
            continue
        keys: Keys = ("objectives", name, "relevant_from")
        every = "every" if float(str(low)) >= value.relevant_from else "no"
        message = f'"relevant_from" is {value.relevant_from:g}, and {every} score is as high'
        evidence = (f'the scores of "{one.column}" run from {float(str(low)):g} to {float(str(high)):g}',)
        yield Problem("SF102", message, rows.source.value_span(keys), keys, "choose a score between them", evidence)


def _misfits(rows: Rows, name: str, value: Objective, one: Named, bad: str, words: str) -> Iterator[Problem]:
    relation, keys = relations.relation(one.source, rows.spec), ("objectives", name, one.field)
    [(found, number)] = rows.ask(f"select count(*) filter ({bad}), count(*) from {relation}")
    if not found:
        return
    message = f'{counted(int(str(found)), "row")} of "{one.source}" {_verb(found)} {words} in "{one.column}"'
    beside = [other for other in columns(value) if other.source == one.source and not other.role.moment]
    beside.sort(key=lambda other: not (other.role.key or other.role.ids))
    named = [other.column for other in beside if other.column != one.column]
    evidence = (f"of {counted(int(str(number)), 'row')}", *rows.lines([*named[:_NAMED], one.column], relation, bad))
    hint = 'mend them where they come from, or leave them out with "where"'
    yield Problem("SF102", message, rows.source.value_span(keys), keys, hint, evidence)


_NAMED = 3
"""Other columns of a row that are shown."""


def _verb(number: object) -> str:
    return "has" if number == 1 else "have"


def _kind(rows: Rows, one: Named) -> str:
    """DuckDB's name of a column's type."""
    return str(
        rows.db.sql(f"select {identifier(one.column)} from {relations.relation(one.source, rows.spec)}").types[0]
    )


def _is_number(kind: str) -> bool:
    return kind.endswith("INT") or kind in ("INTEGER", "UINTEGER", "FLOAT", "DOUBLE") or kind.startswith("DECIMAL")
