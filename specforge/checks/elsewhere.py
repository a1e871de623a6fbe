"""Rules about vectors that were made elsewhere: whether they can be read, and of which documents and queries they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge.catalog.evidence import Judged
from specforge.checks.prepared import Tables
from specforge.checks.sandbox import first_line
from specforge.checks.words import clipped, counted, listed, percent
from specforge.locate import LookupFailure, locate
from specforge.problems import Keys, Problem
from specforge.quote import identifier, sql
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Spec

_ID = "{}::varchar"
_TEXT = "lower(trim(regexp_replace({}::varchar, '\\s+', ' ', 'g')))"


def check(spec: Spec, source: Source, base: Path) -> Iterator[Problem]:
    """Every file is there, and holds a vector for each key: of one length, all numbers, each key once."""
    for name, one in spec.evaluate.vectors.items():
        place: Keys = ("evaluate", "vectors", name)
        lengths = list(_read(source, base, place, "path", one.path, "id", one.id, one.vector))
        if one.queries is not None and one.query is not None:
            lengths += _read(source, base, place, "queries", one.queries, "query", one.query, one.vector)
        yield from (found for found in lengths if isinstance(found, Problem))
        known = {found for found in lengths if isinstance(found, int)}
        if len(known) > 1:
            keys = (*place, "queries")
            message = f"vectors of queries and of documents differ in length: {' and '.join(map(str, sorted(known)))}"
            yield Problem("SF003", message, source.value_span(keys), keys)


def _read(
    source: Source, base: Path, place: Keys, field: str, path: str, key_field: str, key: str, vector: str
) -> Iterator[Problem | int]:
    """What is wrong with a file, or else the length of its vectors."""
    keys: Keys = (*place, field)
    span = source.value_span(keys)
    try:
        with duckdb.connect() as db:
            rows = db.read_parquet(str(locate(path, base)[0]))
            named = ((key_field, key), ("vector", vector))
            absent = [(at, column) for at, column in named if column not in rows.columns]
            yield from (_no_column(source, (*place, at), column, path, rows.columns) for at, column in absent)
            yield from _wrong(source, place, key_field, path, rows, key, vector) if not absent else ()
    except LookupFailure as failure:
        message = str(failure) if path.startswith("package:") else f'no file "{path}"'
        yield Problem("SF004", message, span, keys, "paths are relative to the spec's own file")
    except duckdb.Error as error:
        yield Problem("SF004", f'"{path}" holds no vectors', span, keys, first_line(error))


def _no_column(source: Source, keys: Keys, column: str, path: str, columns: list[str]) -> Problem:
    near = nearest(column, columns)
    hint = f'did you mean "{near}"?' if near else f"the columns are {listed(columns)}"
    return Problem("SF004", f'no column "{clipped(column)}" in "{path}"', source.value_span(keys), keys, hint)


def _wrong(
    source: Source, place: Keys, key_field: str, path: str, rows: duckdb.DuckDBPyRelation, key: str, vector: str
) -> Iterator[Problem | int]:
    figures = _FIGURES.format(key=identifier(key), vector=identifier(vector))
    [[vectors, known, shortest, longest, broken]] = rows.aggregate(figures).fetchall()
    mistakes = [
        (key_field, vectors > known, f'"{path}" repeats {counted(vectors - known, "key")}'),
        ("vector", not vectors, f'"{path}" has no vector'),
        ("vector", shortest != longest, f'the vectors of "{path}" differ in length: {shortest} to {longest}'),
        ("vector", broken > 0, f'"{path}" has {counted(broken, "vector")} with what is no finite number'),
    ]
    wrong = [(at, message) for at, holds, message in mistakes if holds]
    for at, message in wrong:
        keys = (*place, at)
        yield Problem("SF003", message, source.value_span(keys), keys)
    if not wrong:
        yield int(shortest)


_FIGURES = """
    count(*) filter (where {key} is not null and {vector} is not null),
    count(distinct {key}::varchar) filter (where {vector} is not null),
    min(len({vector})) filter (where {key} is not null), max(len({vector})) filter (where {key} is not null),
    count(*) filter (
        where {key} is not null and {vector} is not null
            and not coalesce(isfinite(list_sum({vector})) and list_count({vector}) = len({vector}), false)
    )
"""


def covered(tables: Tables) -> Iterator[Problem]:
    """Documents and test queries that have no vector."""
    by_id = isinstance(tables.spec.objectives[tables.objective], Judged)
    for name, one in tables.spec.evaluate.vectors.items():
        keys: Keys = ("evaluate", "vectors", name)
        documents = _Asked("corpus", "doc_id", _ID, "document", "documents")
        yield from _without(tables, (*keys, "path"), one.path, (one.id, one.vector), documents)
        if one.queries is not None and one.query is not None:
            known, form = ("query_id", _ID) if by_id else ("text", _TEXT)
            queries = _Asked("(from queries where split = 'test')", known, form, "test query", "test queries")
            yield from _without(tables, (*keys, "queries"), one.queries, (one.query, one.vector), queries)


@dataclass(frozen=True)
class _Asked:
    """What is to have vectors: its rows in SQL, the column of its key, how keys are compared, and its name."""

    rows: str
    key: str
    form: str
    one: str
    many: str


def _without(tables: Tables, keys: Keys, path: str, columns: tuple[str, str], asked: _Asked) -> Iterator[Problem]:
    key, vector = map(identifier, columns)
    lacking = f"""
        from {asked.rows} as a
        where {asked.form.format(f"a.{asked.key}")} not in (
            select {asked.form.format(key)} from read_parquet({sql(str(locate(path, tables.base)[0]))})
            where {key} is not null and {vector} is not null
        )
    """
    [absent] = tables.row(f"select count(*) {lacking}")
    [total] = tables.row(f"select count(*) from {asked.rows}")
    if not absent:
        return
    examples = listed(map(clipped, tables.texts(f"select a.{asked.key} {lacking} order by 1 limit 3")))
    message = f'{percent(absent / total)} of the {asked.many} have no vector in "{path}"'
    hint = "a document without one is ranked last, a query without one finds nothing and counts 0"
    evidence = (f"{absent:,} of {counted(int(total), asked.one, asked.many)}", f"such as {examples}")
    code = "SF311" if absent < total else "SF004"
    yield Problem(code, message, tables.source.value_span(keys), keys, hint, evidence)


RULES = (covered,)
