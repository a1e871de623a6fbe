"""Reads a source as generated code does, with the options of the templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import duckdb

from specforge import databases, reading, references
from specforge.checks.sandbox import first_line
from specforge.checks.words import clipped, counted, listed
from specforge.databases import FetchFailure
from specforge.locate import locate
from specforge.problems import Keys, Problem
from specforge.quote import identifier, sql
from specforge.references import Place
from specforge.source import Source
from specforge.spec.base import READINGS
from specforge.spec.document import Experiment
from specforge.spec.sources import Source as Table


class _Many(TypedDict, total=False):
    """The options that read several files as one table."""

    hive_partitioning: bool
    union_by_name: bool


def rows_of(
    name: str, spec: Experiment, base: Path, db: duckdb.DuckDBPyConnection, text_columns: list[str]
) -> duckdb.DuckDBPyRelation:
    """The rows of a source before its limit and condition. What is no file is read once, into the schema `fetched`.

    Raises LookupFailure, FetchFailure and duckdb.Error.
    """
    table = spec.sources[name]
    place = reading.place_of(table)
    if place.is_files:
        return _of_files(table, place, base, db, text_columns)
    if not db.execute(
        "select 1 from duckdb_tables() where schema_name = 'fetched' and table_name = ?", [name]
    ).fetchall():
        _fetch(name, table, place, base, db)
    return db.table(f"fetched.{name}")


def _of_files(
    table: Table, place: Place, base: Path, db: duckdb.DuckDBPyConnection, text_columns: list[str]
) -> duckdb.DuckDBPyRelation:
    files = _files(table, place, base)
    many = _Many(hive_partitioning=True, union_by_name=True) if place.many else _Many()
    if place.reader == "parquet":
        return db.read_parquet(files, **many)
    if place.reader == "json":
        return _without_json(
            db.read_json(files, date_format="%Y-%m-%d", timestamp_format="%Y-%m-%dT%H:%M:%S", **many)  # type: ignore[arg-type]
        )
    texts = {column: "VARCHAR" for column in text_columns if column not in references.partitions(table.path)}
    return db.read_csv(files, header=True, delimiter=place.delimiter, dtype=texts, **many)  # type: ignore[arg-type]


def _files(table: Table, place: Place, base: Path) -> list[str]:
    """Files by name; a glob as it is, since DuckDB and Python differ in what they match."""
    found = locate(table.path, base)
    if table.path.endswith("/") and place.at.kind == "package":
        return [str(found[0] / references.FOLDERS[table.format or ""])]
    return [str(base / place.at.path)] if place.many else [str(path) for path in found]


def _without_json(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    mixed = [identifier(column) for column, kind in zip(rows.columns, rows.types, strict=True) if str(kind) == "JSON"]
    texts = ", ".join(f"{name} ->> '$' as {name}" for name in mixed)
    return rows.project(f"* replace ({texts})") if mixed else rows


def _fetch(name: str, table: Table, place: Place, base: Path, db: duckdb.DuckDBPyConnection) -> None:
    if place.reader == "hub":
        db.from_arrow(_data_set(table, place, base)).create(f"fetched.{name}")
        return
    at = str(locate(table.path, base)[0]) if place.reader == "sqlite" else place.at.path
    with databases.answers(place.reader, at, reading.query(table)) as rows:
        try:
            db.from_arrow(rows).create(f"fetched.{name}")
        except duckdb.Error as error:
            raise FetchFailure(_cured(first_line(error))) from None


def _cured(said: str) -> str:
    """SQLite lets every row of a column be of another type; its driver goes by the first thousand."""
    return f'{said}; "query" can cast the column' if "Type mismatch" in said else said


def _data_set(table: Table, place: Place, base: Path) -> object:
    """The Arrow table of a part of a Hub data set."""
    import datasets

    folder = None if place.at.kind == "hub" else locate(table.path.removeprefix("hub:"), base)[0]
    revision = table.revision if folder is None else None
    datasets.disable_progress_bars()
    try:
        found = datasets.load_dataset(
            str(folder or place.at.path), name=table.config, revision=revision, split=table.part
        )
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise FetchFailure(" ".join(str(error).split()) or type(error).__name__) from None
    finally:
        datasets.enable_progress_bars()
    return found.with_format("arrow")[:]


def columns_read_as(source: Source, name: str, table: Table, rows: duckdb.DuckDBPyRelation) -> Iterator[Problem]:
    """Columns with rows that are not what the spec says they are."""
    for column, kind in table.read_as.items():
        keys: Keys = ("sources", name, "read_as", column)
        text = f"nullif(trim({identifier(column)}::varchar), '')"
        try:
            [(number, one, other)] = (
                rows.filter(f"{text} is not null and {_misfit(text, kind)}")
                .aggregate(f"count(*), min({text}), max({text})")
                .fetchall()
            )
        except duckdb.Error as error:
            message = f'column "{clipped(column)}" cannot be read as "{clipped(kind)}"'
            yield Problem("SF003", message, source.value_span(keys), keys, first_line(error))
            continue
        if number:
            message = f'{counted(number, "row")} of column "{clipped(column)}" cannot be read as "{clipped(kind)}"'
            evidence = (f"for example {listed(map(clipped, dict.fromkeys([one, other])))}",)
            yield Problem("SF003", message, source.value_span(keys), keys, evidence=evidence)


def _misfit(text: str, kind: str) -> str:
    """The condition under which a text is not of a kind; a number with a fraction is no integer."""
    if kind not in READINGS:
        return f"try_strptime({text}, {sql(kind)}) is null"
    return {
        "text": "false",
        "integer": f"coalesce(try_cast({text} as bigint) <> try_cast({text} as double), true)",
        "number": f"try_cast({text} as double) is null",
        "seconds": f"try_cast({text} as double) is null",
        "milliseconds": f"try_cast({text} as bigint) is null",
    }[kind]
