"""Looks at files: what the columns of each hold, as figures that guesses rest on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge import references
from specforge.checks.moments import fitting
from specforge.checks.sandbox import first_line
from specforge.errors import UsageError
from specforge.quote import identifier, sql

_SAMPLE = 100_000
_FEW_ROWS = 1_000
_VALUES = 20
_FLAGS = ("0", "1", "true", "false", "yes", "no", "t", "f", "y", "n")


@dataclass(frozen=True)
class Column:
    """What a column holds, in a sample of the rows.

    Attributes:
        kind: its type in DuckDB; the columns of a csv file are texts.
        filled: rows with a value.
        distinct: different values.
        words: of a value, on average.
        numbers, whole, flags, moments, lists: shares of the values that are such.
        low, high, upper: the least and the greatest number, and the one that a quarter reaches.
        values: the most frequent ones, where there are few.
        readings: what `read_as` would have to say for its values to be moments, where they are none as they stand.
    """

    name: str
    kind: str
    values: tuple[str, ...]
    readings: tuple[str, ...]
    rows: int
    filled: int
    distinct: int
    words: float
    length: float
    numbers: float
    whole: float
    flags: float
    moments: float
    lists: float
    low: float | None
    high: float | None
    upper: float | None

    @property
    def is_unique(self) -> bool:
        return self.rows == self.filled == self.distinct > 0

    @property
    def is_list(self) -> bool:
        return self.lists == 1

    @property
    def is_number(self) -> bool:
        return self.numbers > 0.99

    @property
    def is_moment(self) -> bool:
        return self.moments > 0.99

    @property
    def is_flag(self) -> bool:
        return self.flags == 1 and 1 <= self.distinct <= 2

    @property
    def is_text(self) -> bool:
        """Whether it holds words, and no numbers, moments, lists or flags."""
        plain = not (self.is_list or self.is_number or self.is_moment or self.is_flag or self.readings)
        return plain and self.kind == "VARCHAR" and self.filled > 0


@dataclass(frozen=True)
class Table:
    """A file, and what its columns hold."""

    name: str
    path: Path
    columns: tuple[Column, ...]

    @property
    def texts(self) -> list[Column]:
        """The columns that read like a text, or else the one that comes nearest."""
        found = [column for column in self.columns if column.is_text and not re.search(r"[{}\[\].!:]", column.name)]
        return [column for column in found if column.words >= 1.5] or sorted(found, key=lambda one: -one.length)[:1]


def look(db: duckdb.DuckDBPyConnection, paths: Iterable[Path]) -> list[Table]:
    """Each file as a table of the database, with what its columns hold. Raises UsageError where one cannot be read."""
    tables: list[Table] = []
    for path in paths:
        name = _name(path, {table.name for table in tables})
        try:
            _open(db, path).create_view(name)
            tables.append(Table(name, path, tuple(_columns(db, name))))
        except duckdb.Error as error:
            raise UsageError(f'cannot read "{path}": {first_line(error)}') from None
    return tables


def _name(path: Path, taken: set[str]) -> str:
    """A name of the language for a file, of its own."""
    stem = re.sub(r"[^a-z0-9]+", "_", path.name.partition(".")[0].lower()).strip("_")[:50]
    name = stem if re.match(r"[a-z]", stem) else f"table_{stem}".rstrip("_")
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 99))) if one not in taken)


def _open(db: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    place = references.data(path.as_posix(), "")
    if place is None or not path.is_file():
        raise UsageError(f'"{path}" is no file of a known format: {", ".join(references.FORMATS)}')
    if place.reader == "parquet":
        return db.read_parquet(str(path))
    if place.reader == "json":
        return db.read_json(str(path))
    return db.read_csv(str(path), header=True, delimiter=place.delimiter, all_varchar=True)


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> Iterable[Column]:
    rows = db.table(table)
    for name, kind in zip(rows.columns, map(str, rows.types), strict=True):
        yield _column(db, table, name, kind)


_FIGURES = f"""
    select
        count(*), count(value), count(distinct value),
        coalesce(avg(length(regexp_replace(value, '\\S+', '', 'g')) + 1), 0), coalesce(avg(length(value)), 0),
        {{numbers}}, {{whole}}, {{flags}}, {{moments}}, {{lists}},
        min(try_cast(value as double)), max(try_cast(value as double)), quantile_cont(try_cast(value as double), 0.75)
    from (select nullif(trim({{column}}::varchar), '') as value from {{table}} limit {_SAMPLE})
"""
_SHARES = {
    "numbers": "isfinite(try_cast(value as double))",
    "whole": "try_cast(value as double) = try_cast(value as bigint)",
    "flags": f"lower(value) in ({', '.join(map(sql, _FLAGS))})",
    "moments": "try_cast(value as timestamp) is not null and try_cast(value as double) is null",
}


def _column(db: duckdb.DuckDBPyConnection, table: str, name: str, kind: str) -> Column:
    shares = {
        key: f"coalesce(avg((coalesce({condition}, false) )::integer) filter (value is not null), 0)"
        for key, condition in _SHARES.items()
    }
    listed = "value like '[%]' and json_valid(value)"
    shares["lists"] = (
        "1" if kind.endswith("[]") else f"coalesce(avg(({listed})::integer) filter (value is not null), 0)"
    )
    query = _FIGURES.format(column=identifier(name), table=identifier(table), **shares)
    [figures] = db.execute(query).fetchall()
    values = f"select {identifier(name)}::varchar as v from {identifier(table)} where v is not null group by v order by count(*) desc, v"
    found = db.execute(values).fetchall() if figures[2] <= _VALUES else []
    readings = _readings(db, table, name) if kind == "VARCHAR" and figures[2] and figures[8] < 1 else ()
    return Column(name, kind, tuple(value for (value,) in found), readings, *figures)


def _readings(db: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[str, ...]:
    """The ways to read a text as a moment that fit each of the first rows."""
    first = f"(select {identifier(column)} from {identifier(table)} limit {_FEW_ROWS})"
    return tuple(fitting(lambda query: db.execute(query).fetchall(), first, column))


def rows_of_ids(db: duckdb.DuckDBPyConnection, table: str, column: Column) -> int:
    """The rows of a table where the column is unique and filled in each of them, past the sample too; else 0."""
    name = identifier(column.name)
    query = f"select count(*), count({name}), count(distinct {name}) from {identifier(table)}"
    [(rows, filled, distinct)] = db.execute(query).fetchall()
    return int(rows) if rows == filled == distinct else 0


def share_of_ids(db: duckdb.DuckDBPyConnection, table: str, column: Column, collection: str, id: str) -> float:
    """The share of a column's different values, or of the entries of its lists, that are ids of a collection."""
    name = identifier(column.name)
    value = f"unnest({name})" if column.kind.endswith("[]") else name
    value = f"unnest(from_json({name}, '[\"varchar\"]'))" if column.is_list and column.kind == "VARCHAR" else value
    [[share]] = db.execute(f"""
        with found as (select distinct {value}::varchar as value from (from {identifier(table)} limit {_SAMPLE}))
        select coalesce(avg((value in (select {identifier(id)}::varchar from {identifier(collection)}))::integer), 0)
        from found
        where value is not null
    """).fetchall()
    return float(share)
