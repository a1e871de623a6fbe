"""Opens the sources as generated code does, so that what is wrong with them is told before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge import reading, relations, wording
from specforge.catalog.roles import columns, tables
from specforge.catalog.splits import ByColumn
from specforge.checks import sandbox
from specforge.checks.cleaning import add_cleaners
from specforge.checks.fetching import columns_read_as, rows_of
from specforge.checks.sandbox import first_line
from specforge.checks.words import clipped, listed
from specforge.databases import FetchFailure
from specforge.locate import LookupFailure
from specforge.problems import Keys, Problem
from specforge.quote import identifier
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Experiment

_COLUMNS_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Rows:
    """The sources of a spec, open.

    Attributes:
        base: the folder of the spec's file.
        db: has `sources.NAME` for each source, and `joined.NAME` where columns are taken over.
    """

    spec: Experiment
    source: Source
    base: Path
    db: duckdb.DuckDBPyConnection

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """The rows that a query gives."""
        return self.db.execute(query).fetchall()

    def examples(self, column: str, relation: str) -> str:
        """Three values of a column, in words."""
        name = identifier(column)
        found = self.ask(f"select distinct {name}::varchar from {relation} where {name} is not null limit 3")
        return listed(clipped(value) for (value,) in found)

    def lines(self, columns: Iterable[str], relation: str, condition: str) -> tuple[str, ...]:
        """Three rows for which a condition holds, as `column: value, column: value`."""
        names = list(dict.fromkeys(columns))
        values = ", ".join(f"{identifier(name)}::varchar" for name in names)
        found = self.ask(f"select {values} from {relation} where {condition} limit 3")
        return tuple(
            ", ".join(
                f"{name}: {'null' if value is None else clipped(value)}" for name, value in zip(names, row, strict=True)
            )
            for row in found
        )


def open_all(rows: Rows) -> Iterator[Problem]:
    """Make the tables; a source that cannot be opened, or lacks what the spec names, is told instead."""
    rows.db.execute("set timezone = 'UTC'; create schema fetched; create schema sources; create schema joined")
    rows.db.execute("use sources")
    add_cleaners(rows.db, rows.spec)
    columns: dict[str, list[str]] = {}
    for name in relations.used_sources(rows.spec):
        try:
            columns[name] = _columns(rows, name)
            missing = list(_missing(rows, name, columns))
            yield from missing
            if not missing:
                yield from _make(rows, name, columns)
        except LookupFailure as failure:
            yield _not_found(rows, name, failure)
        except FetchFailure as failure:
            yield _no_answer(rows, name, failure)
        except duckdb.Error as error:
            yield _unreadable(rows, name, error)


def _columns(rows: Rows, name: str) -> list[str]:
    return list(rows_of(name, rows.spec, rows.base, rows.db, []).columns)


def _no_answer(rows: Rows, name: str, failure: Exception) -> Problem:
    table = rows.spec.sources[name]
    keys: Keys = ("sources", name, "query" if table.query else "table" if table.table else "path")
    message = f'"{name}" cannot be read from its {"database" if table.part is None else "data set"}'
    return Problem("SF004", message, rows.source.value_span(keys), keys, str(failure))


def _not_found(rows: Rows, name: str, failure: LookupFailure) -> Problem:
    keys, path = ("sources", name, "path"), rows.spec.sources[name].path
    span = rows.source.value_span(keys)
    if path.startswith(("package:", "sqlite:", "hub:")):
        return Problem("SF004", str(failure), span, keys)
    folder = (rows.base / path).parent
    beside = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    near = nearest(Path(path).name, beside)
    hint = f'did you mean "{Path(path).parent / near}"?' if near else "paths are relative to the spec's own file"
    return Problem("SF004", f'no file "{path}"', span, keys, hint)


def _unreadable(rows: Rows, name: str, error: duckdb.Error) -> Problem:
    keys, path = ("sources", name, "path"), rows.spec.sources[name].path
    message = f'"{path}" cannot be read as {reading.place_of(rows.spec.sources[name]).reader}'
    return Problem("SF004", message, rows.source.value_span(keys), keys, first_line(error))


def needs(spec: Experiment, name: str) -> Iterator[tuple[Keys, str]]:
    """The columns of a source that the spec names, each with its place; those that a join brings are not among them."""
    table, keys = spec.sources[name], ("sources", name)
    brought = set(table.join.columns) if table.join else set[str]()
    named: list[tuple[Keys, str | None]] = [((*keys, "id"), table.id)]
    for place, text in wording.templates(name, spec):
        named += [(place, column) for _, column in wording.fields(text)]
    named += [((*keys, "join", "on"), table.join.on)] if table.join else []
    named += [((*keys, "read_as", column), column) for column in table.read_as]
    named += [
        (("evaluate", "slices", slice, "column"), one.column)
        for slice, one in spec.evaluate.told.items()
        if one.source == name
    ]
    named += _named_by_joins(spec, name) + _named_by_objective(spec, name)
    for place, column in named:
        if column and column not in brought:
            yield place, column


def _named_by_joins(spec: Experiment, name: str) -> list[tuple[Keys, str | None]]:
    """What other sources take over from this one."""
    found: list[tuple[Keys, str | None]] = []
    for other, table in spec.sources.items():
        if table.join is None or table.join.source != name or other not in relations.used_sources(spec):
            continue
        keys: Keys = ("sources", other, "join")
        found.append(((*keys, "key" if table.join.key else "on"), table.join.key or table.join.on))
        found += [((*keys, "columns", row), column) for row, column in enumerate(table.join.columns)]
    return found


def _named_by_objective(spec: Experiment, name: str) -> list[tuple[Keys, str | None]]:
    found: list[tuple[Keys, str | None]] = []
    for objective, value in spec.objectives.items():
        keys: Keys = ("objectives", objective)
        found += [((*keys, one.field), one.column) for one in columns(value) if one.source == name]
        if isinstance(spec.split, ByColumn) and getattr(value, value.main) == name:
            found.append((("split", "column"), spec.split.column))
        unit = getattr(spec.split, "unit", "id")
        if value.of == name and unit not in ("id", "text"):
            found.append((("split", "unit"), unit))
    return found


def is_whole(spec: Experiment, name: str) -> bool:
    """Whether a query of the user's own reads the source, and may name any of its columns."""
    named = (found for value in spec.objectives.values() for found in tables(value))
    return any(role.whole and source == name for _, source, role in named)


def _missing(rows: Rows, name: str, columns: dict[str, list[str]]) -> Iterator[Problem]:
    """Columns that are named and not there, and columns that a join would bring twice."""
    for keys, column in dict.fromkeys(needs(rows.spec, name)):
        if column not in columns[name]:
            yield no_column(rows, keys, column, name, columns[name])
    join = rows.spec.sources[name].join
    for row, column in enumerate(join.columns if join else ()):
        if column.lower() in {own.lower() for own in columns[name]}:
            place: Keys = ("sources", name, "join", "columns", row)
            message = f'"{name}" has a column "{column}" of its own, so a join cannot bring it'
            yield Problem("SF003", message, rows.source.value_span(place), place)


def no_column(rows: Rows, keys: Keys, column: str, name: str, columns: list[str]) -> Problem:
    near = nearest(column, columns)
    shown = listed(columns[:_COLUMNS_SHOWN]) + (" and more" if len(columns) > _COLUMNS_SHOWN else "")
    hint = f'did you mean "{near}"?' if near else f"the columns are {shown}"
    return Problem("SF004", f'no column "{clipped(column)}" in "{name}"', rows.source.value_span(keys), keys, hint)


def _make(rows: Rows, name: str, columns: dict[str, list[str]]) -> Iterator[Problem]:
    """The table of a source: after its limit and its condition, with the columns that are needed."""
    spec = rows.spec.sources[name]
    texts = [column for column in relations.key_columns(name, rows.spec) if column in columns[name]]
    relation = rows_of(name, rows.spec, rows.base, rows.db, texts)
    relation = relation.limit(spec.limit) if spec.limit else relation
    unreadable = list(columns_read_as(rows.source, name, spec, relation))
    yield from unreadable
    if not unreadable:
        yield from _fill(rows, name, reading.typed(name, spec, relation), columns[name])
        yield from _join(rows, name)


def _fill(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation, columns: list[str]) -> Iterator[Problem]:
    """The table, with the columns that are needed."""
    conditions = any(one.source == name and one.where for one in rows.spec.evaluate.told.values())
    whole = conditions or is_whole(rows.spec, name)
    named = columns if whole else [column for _, column in needs(rows.spec, name)]
    wanted = dict.fromkeys(named) or dict.fromkeys(columns[:1])
    columns_kept = ", ".join(map(identifier, wanted))
    if rows.spec.sources[name].where is not None:
        yield from _keep(rows, name, relation, columns_kept)
    elif relation.limit(1).fetchall():
        _store(rows, name, relation.project(columns_kept))
    else:
        keys = ("sources", name, "path")
        yield Problem("SF004", f'"{name}" has no rows', rows.source.value_span(keys), keys)


def _store(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation) -> None:
    """Parquet is read where it lies, column by column; a text is parsed once."""
    if reading.place_of(rows.spec.sources[name]).reader == "parquet":
        relation.create_view(name)
    else:
        relation.create(f"sources.{name}")


def _keep(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation, columns: str) -> Iterator[Problem]:
    """The rows for which the condition holds, tried on no rows first: what fails there is wrong with the condition."""
    spec, keys = rows.spec.sources[name], ("sources", name, "where")
    span, failing = rows.source.value_span(keys), "is no condition over the columns"
    try:
        query = sandbox.condition(spec.where or "")
        with sandbox.select(query, spec.timeout_s, rows=relation.limit(0).to_arrow_reader()) as found:
            found.read_all()
        failing = "fails on some row"
        with sandbox.select(query, spec.timeout_s, rows=relation.to_arrow_reader()) as found:
            rows.db.cursor().from_arrow(found).project(columns).create(f"sources.{name}")
    except sandbox.UnknownColumn as unknown:
        yield no_column(rows, keys, str(unknown), name, list(relation.columns))
    except sandbox.Failed as failed:
        yield Problem("SF003", f'"where" {failing}', span, keys, failed.hint)
    except sandbox.Refused as refused:
        yield Problem("SF003", f'"where" {refused}', span, keys, refused.hint)
    else:
        if not rows.ask(f"select 1 from sources.{identifier(name)} limit 1"):
            yield Problem("SF004", f'"where" leaves no row of "{name}"', span, keys)


def _join(rows: Rows, name: str) -> Iterator[Problem]:
    """The view with the columns taken over; it is not looked into."""
    join = rows.spec.sources[name].join
    if join is None:
        return
    right = relations.relation(join.source, rows.spec)
    taken = ", ".join(f"r.{identifier(column)}" for column in join.columns)
    match = f"r.{identifier(join.key or join.on)} = l.{identifier(join.on)}"
    try:
        rows.db.execute(
            f"create view joined.{identifier(name)} as select l.*, {taken} from sources.{identifier(name)} l join (select distinct on ({identifier(join.key or join.on)}) * from {right}) r on {match}"
        )
    except duckdb.Error as error:
        keys = ("sources", name, "join")
        message = f'"{name}" and "{join.source}" cannot be joined'
        yield Problem("SF003", message, rows.source.key_span(keys), keys, first_line(error))
