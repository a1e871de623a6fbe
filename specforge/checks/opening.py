"""Opens the sources as generated code does, so that what is wrong with them is told before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge import context, references
from specforge.catalog.roles import columns
from specforge.catalog.splits import ByColumn
from specforge.checks.words import clipped, listed
from specforge.locate import LookupFailure, locate
from specforge.problems import Keys, Problem
from specforge.quote import identifier
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Spec

_COLUMNS_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Rows:
    """The sources of a spec, open.

    Attributes:
        base: the folder of the spec's file.
        db: has `sources.NAME` for each source, and `joined.NAME` where columns are taken over.
    """

    spec: Spec
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


def open_all(rows: Rows) -> Iterator[Problem]:
    """Make the tables; a source that cannot be opened, or lacks what the spec names, is told instead."""
    rows.db.execute("create schema sources; create schema joined; use sources")
    columns: dict[str, list[str]] = {}
    for name in context.used_sources(rows.spec):
        try:
            columns[name] = _columns(rows, name)
            missing = list(_missing(rows, name, columns))
            yield from missing
            if not missing:
                yield from _make(rows, name, columns)
        except LookupFailure as failure:
            yield _not_found(rows, name, failure)
        except duckdb.Error as error:
            yield _unreadable(rows, name, error)


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says, without its kind of error and without the lines that show the query."""
    return re.sub(r"^[\w ]+Error: ", "", str(error).strip().splitlines()[0]).strip()


def _files(rows: Rows, name: str) -> list[str]:
    return [str(path) for path in locate(rows.spec.sources[name].path, rows.base)]


def _read(rows: Rows, name: str, text_columns: list[str]) -> duckdb.DuckDBPyRelation:
    """The file's rows, with the options of the generated code."""
    suffix = references.suffix(rows.spec.sources[name].path)
    files = _files(rows, name)
    if references.FORMATS[suffix] == "parquet":
        return rows.db.read_parquet(files)
    if references.FORMATS[suffix] == "json":
        return rows.db.read_json(files)  # type: ignore[arg-type]
    delimiter = "\t" if suffix == ".tsv" else ","
    return rows.db.read_csv(files, header=True, delimiter=delimiter, dtype=dict.fromkeys(text_columns, "VARCHAR"))  # type: ignore[arg-type]


def _columns(rows: Rows, name: str) -> list[str]:
    return list(_read(rows, name, []).columns)


def _not_found(rows: Rows, name: str, failure: LookupFailure) -> Problem:
    keys, path = ("sources", name, "path"), rows.spec.sources[name].path
    span = rows.source.value_span(keys)
    if path.startswith("package:"):
        return Problem("SF004", str(failure), span, keys)
    folder = (rows.base / path).parent
    beside = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    near = nearest(Path(path).name, beside)
    hint = f'did you mean "{Path(path).parent / near}"?' if near else "paths are relative to the spec's own file"
    return Problem("SF004", f'no file "{path}"', span, keys, hint)


def _unreadable(rows: Rows, name: str, error: duckdb.Error) -> Problem:
    keys, path = ("sources", name, "path"), rows.spec.sources[name].path
    message = f'"{path}" cannot be read as {references.FORMATS[references.suffix(path)]}'
    return Problem("SF004", message, rows.source.value_span(keys), keys, first_line(error))


def needs(spec: Spec, name: str) -> Iterator[tuple[Keys, str]]:
    """The columns of a source that the spec names, each with its place; those that a join brings are not among them."""
    table, keys = spec.sources[name], ("sources", name)
    brought = set(table.join.columns) if table.join else set[str]()
    named: list[tuple[Keys, str | None]] = [((*keys, "id"), table.id)]
    named += [((*keys, "text"), column) for _, column in context.fields(table.text or "")]
    named += [((*keys, "join", "on"), table.join.on)] if table.join else []
    named += _named_by_joins(spec, name) + _named_by_objective(spec, name)
    for place, column in named:
        if column and column not in brought:
            yield place, column


def _named_by_joins(spec: Spec, name: str) -> list[tuple[Keys, str | None]]:
    """What other sources take over from this one."""
    found: list[tuple[Keys, str | None]] = []
    for other, table in spec.sources.items():
        if table.join is None or table.join.source != name or other not in context.used_sources(spec):
            continue
        keys: Keys = ("sources", other, "join")
        found.append(((*keys, "key" if table.join.key else "on"), table.join.key or table.join.on))
        found += [((*keys, "columns", row), column) for row, column in enumerate(table.join.columns)]
    return found


def _named_by_objective(spec: Spec, name: str) -> list[tuple[Keys, str | None]]:
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


def _missing(rows: Rows, name: str, columns: dict[str, list[str]]) -> Iterator[Problem]:
    """Columns that are named and not there, and columns that a join would bring twice."""
    for keys, column in dict.fromkeys(needs(rows.spec, name)):
        if column not in columns[name]:
            yield _no_column(rows, keys, column, name, columns[name])
    join = rows.spec.sources[name].join
    for row, column in enumerate(join.columns if join else ()):
        if column.lower() in {own.lower() for own in columns[name]}:
            place: Keys = ("sources", name, "join", "columns", row)
            message = f'"{name}" has a column "{column}" of its own, so a join cannot bring it'
            yield Problem("SF003", message, rows.source.value_span(place), place)


def _no_column(rows: Rows, keys: Keys, column: str, name: str, columns: list[str]) -> Problem:
    near = nearest(column, columns)
    shown = listed(columns[:_COLUMNS_SHOWN]) + (" and more" if len(columns) > _COLUMNS_SHOWN else "")
    hint = f'did you mean "{near}"?' if near else f"the columns are {shown}"
    return Problem("SF004", f'no column "{clipped(column)}" in "{name}"', rows.source.value_span(keys), keys, hint)


def _make(rows: Rows, name: str, columns: dict[str, list[str]]) -> Iterator[Problem]:
    """The table of a source: after its limit and its condition, with the columns that are needed."""
    spec = rows.spec.sources[name]
    texts = [column for column in context.key_columns(name, rows.spec) if column in columns[name]]
    relation = _read(rows, name, texts)
    relation = relation.limit(spec.limit) if spec.limit else relation
    wanted = dict.fromkeys(column for _, column in needs(rows.spec, name)) or dict.fromkeys(columns[name][:1])
    columns_kept = ", ".join(map(identifier, wanted))
    mistake = _condition_mistake(rows, name, relation)
    if mistake is not None:
        yield mistake
    elif spec.where is not None:
        yield from _keep(rows, name, relation, columns_kept)
    elif relation.limit(1).fetchall():
        _store(rows, name, relation.project(columns_kept))
    else:
        keys = ("sources", name, "path")
        yield Problem("SF004", f'"{name}" has no rows', rows.source.value_span(keys), keys)
    yield from _join(rows, name)


def _store(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation) -> None:
    """Parquet is read where it lies, column by column; a text is parsed once."""
    if references.FORMATS[references.suffix(rows.spec.sources[name].path)] == "parquet":
        relation.create_view(name)
    else:
        relation.create(f"sources.{name}")


def _locked() -> duckdb.DuckDBPyConnection:
    """A connection that reaches no file and no setting."""
    return duckdb.connect(config={"enable_external_access": "false", "lock_configuration": "true"})


def _condition_mistake(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation) -> Problem | None:
    """Whether a condition is one, tried on no rows, as generated code runs it."""
    where, keys = rows.spec.sources[name].where, ("sources", name, "where")
    if where is None:
        return None
    query, span = f"select * from rows where (\n{where}\n)", rows.source.value_span(keys)
    with _locked() as db:
        db.register("rows", relation.limit(0).to_arrow_table())
        try:
            if len(db.extract_statements(query)) != 1:
                return Problem("SF003", '"where" must be one condition', span, keys)
            db.sql(query).fetchall()
        except duckdb.Error as error:
            unknown = re.search(r'Referenced column "(.+?)" not found', str(error))
            if unknown:
                return _no_column(rows, keys, unknown[1], name, list(relation.columns))
            return Problem("SF003", '"where" is no condition over the columns', span, keys, first_line(error))
    return None


def _keep(rows: Rows, name: str, relation: duckdb.DuckDBPyRelation, columns: str) -> Iterator[Problem]:
    """The rows for which the condition holds."""
    where, keys = rows.spec.sources[name].where, ("sources", name, "where")
    span = rows.source.value_span(keys)
    with _locked() as db:
        db.register("rows", relation.to_arrow_reader())
        try:
            found = db.sql(f"select * from rows where (\n{where}\n)").project(columns)
            rows.db.cursor().from_arrow(found.to_arrow_reader()).create(f"sources.{name}")
        except duckdb.Error as error:
            yield Problem("SF003", '"where" fails on some row', span, keys, first_line(error))
            return
    if not rows.ask(f"select 1 from sources.{identifier(name)} limit 1"):
        yield Problem("SF004", f'"where" leaves no row of "{name}"', span, keys)


def _join(rows: Rows, name: str) -> Iterator[Problem]:
    """The view with the columns taken over; it is not looked into."""
    join = rows.spec.sources[name].join
    if join is None:
        return
    right = context.relation(join.source, rows.spec)
    taken = ", ".join(f"r.{identifier(column)}" for column in join.columns)
    match = f"r.{identifier(join.key or join.on)} = l.{identifier(join.on)}"
    try:
        rows.db.execute(
            f"create view joined.{identifier(name)} as select l.*, {taken} from sources.{identifier(name)} l join {right} r on {match}"
        )
    except duckdb.Error as error:
        keys = ("sources", name, "join")
        message = f'"{name}" and "{join.source}" cannot be joined'
        yield Problem("SF003", message, rows.source.key_span(keys), keys, first_line(error))
