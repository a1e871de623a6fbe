"""Guesses what tables and columns are for, by what they hold; names decide only between equals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from specforge.authoring.facts import Column, Table, rows_of_ids, share_of_ids
from specforge.catalog.objectives import Objective
from specforge.catalog.roles import Of
from specforge.catalog.roles import Table as TableRole
from specforge.checks.words import clipped, counted, listed, percent
from specforge.shapes import fields, shape

_LEAST = 0.15
_CANDIDATES = 3
_WORDS_OF_A_TEXT = 3
_REFERS = 0.5
"""The share of a column's values that must be ids of a collection, for the column to name its documents."""


@dataclass(frozen=True)
class Guess:
    """A column for a field, and what speaks for it."""

    column: Column
    why: str


@dataclass
class Guesses:
    """What was guessed.

    Attributes:
        tables: field of the objective that names a source -> the source.
        columns: field that names a column -> the column.
        ids: collection -> the column with its ids.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    columns: dict[str, Guess] = field(default_factory=dict)
    ids: dict[str, Guess] = field(default_factory=dict)


def roles_of(objective: type[Objective]) -> dict[str, Of]:
    """The fields of an objective that name columns."""
    found = {
        name: [role for role in of.limits if isinstance(role, Of)] for name, of in fields(shape(objective)).items()
    }
    return {name: roles[0] for name, roles in found.items() if roles}


def tables_of(objective: type[Objective]) -> dict[str, TableRole]:
    """The fields of an objective that name sources."""
    limits = {name: of.limits for name, of in fields(shape(objective)).items()}
    found = {name: [role for role in one if isinstance(role, TableRole)] for name, one in limits.items()}
    return {name: roles[0] for name, roles in found.items() if roles}


def guess(
    db: duckdb.DuckDBPyConnection, tables: list[Table], objective: type[Objective], roles: Mapping[str, Of]
) -> Guesses:
    """What each table and column is for. What nothing speaks for is left out."""
    found = Guesses()
    ids, links = _links(db, tables)
    _name_tables(found, tables, objective, ids, links)
    needed = {
        name for name in roles if name not in objective.model_fields or objective.model_fields[name].is_required()
    }
    for source in dict.fromkeys(role.table for role in roles.values()):
        if source in found.tables:
            own = sorted((name for name in roles if roles[name].table == source), key=lambda name: name not in needed)
            _name_columns(found, source, {name: (name not in needed, roles[name]) for name in own}, links)
    return found


Links = Mapping[tuple[str, str, str], float]
"""Table, its column, and a collection -> the share of values that are ids of the collection."""


def _links(db: duckdb.DuckDBPyConnection, tables: list[Table]) -> tuple[dict[str, Column], Links]:
    """The ids of each table that may be a collection, those that others refer to most, and who refers to them."""
    ids: dict[str, Column] = {}
    links: dict[tuple[str, str, str], float] = {}
    for other in tables:
        unique = [id for id in _possible_ids(other)[:_CANDIDATES] if rows_of_ids(db, other.name, id)]
        found = {id.name: _shares(db, tables, other, id.name) for id in unique}
        best = max(found, key=lambda name: max(found[name].values(), default=0), default=None)
        if best is not None:
            ids[other.name] = next(column for column in other.columns if column.name == best)
            links |= {(*key, other.name): share for key, share in found[best].items()}
    return ids, links


def _shares(db: duckdb.DuckDBPyConnection, tables: list[Table], other: Table, id: str) -> dict[tuple[str, str], float]:
    return {
        (table.name, column.name): share_of_ids(db, table.name, column, other.name, id)
        for table in tables
        if table is not other
        for column in table.columns
        if column.is_list or not (column.is_moment or column.is_flag or column.words >= _WORDS_OF_A_TEXT)
    }


def _possible_ids(table: Table) -> list[Column]:
    """Columns that are unique and filled, the shortest first; what is no number nor text comes last."""
    return sorted(
        (column for column in table.columns if column.is_unique and not column.is_list), key=lambda one: one.length
    )


def _name_tables(
    found: Guesses, tables: list[Table], objective: type[Objective], ids: Mapping[str, Column], links: Links
) -> None:
    """The collections are what other tables refer to, the one with the longest texts first; the rows are the rest."""
    wanted = tables_of(objective)
    referred = {other for (_, _, other), share in links.items() if share >= _REFERS}
    possible = [table for table in tables if table.name in ids and table.texts]
    collections = sorted(
        possible, key=lambda table: (table.name not in referred, -max(one.length for one in table.texts))
    )
    if not objective.model_fields["of"].is_required():
        collections = [table for table in collections if table.name in referred]
    names = [name for name, role in wanted.items() if role.collection]
    for name, table in zip(sorted(names, key=lambda one: one != "of"), collections, strict=False):
        found.tables[name] = table
        id = ids[table.name]
        found.ids[table.name] = Guess(id, "unique, and filled in every row")
    rest = [table for table in tables if table.name not in found.ids]
    for name in (name for name in wanted if name not in names):
        if rest:
            found.tables[name] = max(rest, key=lambda table: (_refers(found, table, links), table.columns[0].rows))


def _refers(found: Guesses, table: Table, links: Links) -> int:
    """The collections that a table refers to."""
    return sum(
        any(links.get((table.name, one.name, other), 0) >= _REFERS for one in table.columns) for other in found.ids
    )


def _name_columns(found: Guesses, source: str, roles: Mapping[str, tuple[bool, Of]], links: Links) -> None:
    """Fields that are needed choose first, and of them those whose values say most; of equal columns, the one that is
    called so, or stands first. `roles` says of each field whether it is optional.
    """
    table = found.tables[source]
    taken = {found.ids[table.name].column.name} if table.name in found.ids else set[str]()
    for name in sorted(roles, key=lambda name: (roles[name][0], _order(roles[name][1], found))):
        scored: list[tuple[float, Guess]] = []
        for column in table.columns:
            shares = {other: links.get((table.name, column.name, other), 0.0) for other in found.ids}
            score, why = _fit(roles[name][1], column, shares, found)
            if column.name not in taken and score >= _LEAST:
                called_so = name in column.name.lower().replace("-", "_").split("_") or name == column.name.lower()
                scored.append((score + 0.05 * called_so, Guess(column, why)))
        if scored:
            best = max(scored, key=lambda one: one[0])[1]
            found.columns[name] = best
            taken.add(best.column.name)


def _order(role: Of, found: Guesses) -> int:
    """Which fields choose first: ids are found by the collection, keys by little more than that they repeat."""
    kinds = [bool(role.ids or role.names) and "of" in found.tables, role.holds == "ids", role.moment, role.holds == "flag",
             role.holds == "rank", role.holds == "text" or role.ids, role.holds == "words", role.number]  # fmt: skip
    return kinds.index(True) if True in kinds else len(kinds)


def _fit(role: Of, column: Column, shares: Mapping[str, float], found: Guesses) -> tuple[float, str]:
    """How well a column fits a role, from 0 to 1, and what speaks for it."""
    named = role.names or "of"
    if (role.ids or role.names) and named in found.tables:
        return _as_ids(column, shares, found.tables[named].name)
    if role.holds == "ids":
        of = found.tables["of"].name if "of" in found.tables else ""
        return _as_ids(column, shares, of) if column.is_list else _as_flag(column)
    if max(shares.values(), default=0) > 0.9:
        return 0.0, ""
    if role.moment:
        readings = f"moments, written as {' or '.join(column.readings)}"
        return (1.0, "moments") if column.is_moment else (0.6 * bool(column.readings), readings)
    if role.holds == "flag":
        return _as_flag(column)
    if role.holds == "text" or role.ids:
        return _as_text(column)
    if role.holds == "words":
        return _as_words(column)
    return _as_number(column, role) if role.number else _as_key(column)


def _as_ids(column: Column, shares: Mapping[str, float], of: str) -> tuple[float, str]:
    share = shares.get(of, 0.0)
    what = "the entries of its lists" if column.is_list else "its values"
    return share if share >= _REFERS else 0.0, f'{percent(share)} of {what} are ids of "{of}"'


def _as_flag(column: Column) -> tuple[float, str]:
    return float(column.is_flag), f"holds {listed(map(clipped, column.values), ' and ')} only"


def _as_text(column: Column) -> tuple[float, str]:
    return min(1.0, column.words / 4) if column.is_text else 0.0, f"texts of {column.words:.1f} words on average"


def _as_words(column: Column) -> tuple[float, str]:
    few = 2 <= column.distinct <= column.filled / 2
    score = (
        (1.0 if column.is_text and column.words < 3 else 0.3)
        if few and not column.is_moment and not column.is_list
        else 0.0
    )
    return (
        score,
        f"{counted(column.distinct, 'value')}, each in {column.filled / max(column.distinct, 1):.1f} rows on average",
    )


def _as_number(column: Column, role: Of) -> tuple[float, str]:
    why = f"numbers from {_short(column.low)} to {_short(column.high)}"
    if not column.is_number or column.is_unique:
        return 0.0, why
    if role.holds == "rank":
        return (1.0 if column.low == 1 else 0.5) if column.whole == 1 and not column.is_flag else 0.2, why
    return 0.5 if column.is_flag else 0.9, why


def _as_key(column: Column) -> tuple[float, str]:
    why = f"{counted(column.distinct, 'value')}, each in {column.filled / max(column.distinct, 1):.1f} rows on average"
    if column.distinct < 2 or column.is_moment or column.is_list or column.is_flag:
        return 0.0, why
    if column.is_unique or (column.is_number and column.whole < 1):
        return 0.0, why
    score = 0.5 + 0.5 * column.distinct / column.filled  # the finest of those that repeat
    return score * (0.8 if column.is_number else 1.0) * (0.1 if column.distinct <= 10 else 1.0) * (
        0.5 if column.words > 3 else 1.0
    ), why


def _short(number: float | None) -> str:
    return "?" if number is None else f"{number:g}"


def names_of_sides(columns: Iterable[Column]) -> tuple[Column, dict[str, list[str]]] | None:
    """A column that says what trains and what tests, with its values for each side."""
    sides = {"train": ("train", "training"), "dev": ("dev", "valid", "validation", "val"), "test": ("test", "testing")}
    for column in columns:
        found = {side: [value for value in column.values if value.lower() in words] for side, words in sides.items()}
        if found["train"] and found["test"] and sum(map(len, found.values())) == len(column.values):
            return column, {side: values for side, values in found.items() if values}
    return None
