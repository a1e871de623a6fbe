"""Rules that open the sources and the model: files, columns, keys, times."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from specforge import models, named, relations
from specforge.catalog.roles import tables
from specforge.checks import (
    adaptation,
    bases,
    elsewhere,
    families,
    heads,
    indexes,
    lost,
    memory,
    nested,
    sandbox,
    teachers,
)
from specforge.checks.keys import key_kinds
from specforge.checks.labels import flags, grades, numbers, thresholds
from specforge.checks.missing import ids_known, lists, single_queries
from specforge.checks.moments import times
from specforge.checks.opening import Rows, needs, no_column, open_all
from specforge.checks.queries import queries
from specforge.checks.sandbox import first_line
from specforge.checks.words import clipped, counted, listed
from specforge.locate import LookupFailure
from specforge.named import Named
from specforge.problems import Keys, Problem, in_order
from specforge.quote import identifier
from specforge.source import Source
from specforge.spec.document import Experiment, Spec

_EXAMPLES = 3


def check(spec: Experiment, source: Source, base: Path, root: Path) -> list[Problem]:
    """Every mistake that the sources and the model show, by place.

    `base` is the folder of the spec's file, which paths are relative to; `root` is the project's. Where a source cannot
    be opened, or lacks a column, what its rows say is not asked.
    """
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect(Path(scratch) / "rows.duckdb") as db:
        rows = Rows(spec, source, base, db)
        found = [*open_all(rows)] or [*key_kinds(rows)]
        if not found:
            found += [problem for rule in RULES for problem in _of_rows(rule(rows), rows)]
    vectors = elsewhere.check(spec, source, base) if isinstance(spec, Spec) else ()
    return in_order([*found, *vectors, *model(spec, source, base)])


def _of_rows(problems: Iterator[Problem], rows: Rows) -> Iterator[Problem]:
    """Rows that turn out to be unreadable in the middle of a file."""
    try:
        yield from problems
    except duckdb.Error as error:
        message, keys = "the rows of the sources cannot be read", ("sources",)
        yield Problem("SF004", message, rows.source.key_span(keys), keys, first_line(error))


def empty_columns(rows: Rows) -> Iterator[Problem]:
    """Columns that are there and hold nothing."""
    for name in relations.used_sources(rows.spec):
        places = {column: keys for keys, column in needs(rows.spec, name)}
        counts = ", ".join(f"count({identifier(column)})" for column in places)
        filled = rows.ask(f"select {counts} from sources.{identifier(name)}")[0] if places else ()
        for (column, keys), number in zip(places.items(), filled, strict=True):
            if number == 0:
                message = f'column "{clipped(column)}" of "{name}" is empty in every row'
                yield Problem("SF004", message, rows.source.value_span(keys), keys)


def joined_keys(rows: Rows) -> Iterator[Problem]:
    """A join whose keys never meet, or meet several rows that say different things."""
    for name in relations.used_sources(rows.spec):
        join = rows.spec.sources[name].join
        if join is None:
            continue
        keys: Keys = ("sources", name, "join", "on")
        span, key, right = rows.source.value_span(keys), join.key or join.on, relations.relation(join.source, rows.spec)
        evidence = (
            f'"{join.on}" of "{name}": {rows.examples(join.on, f"sources.{identifier(name)}")}',
            f'"{key}" of "{join.source}": {rows.examples(key, right)}',
        )
        try:
            meets = rows.ask(f"select 1 from joined.{identifier(name)} limit 1")
        except duckdb.Error as error:
            message = f'"{join.on}" and the key of "{join.source}" cannot be compared'
            yield Problem("SF003", message, span, keys, first_line(error), evidence)
            continue
        if not meets:
            message = f'no "{join.on}" of "{name}" is a "{key}" of "{join.source}"'
            yield Problem("SF004", message, span, keys, evidence=evidence)
        yield from _conflicts(rows, name)


def _conflicts(rows: Rows, name: str) -> Iterator[Problem]:
    """Keys with several rows of different content: each would multiply the rows that meet it."""
    join = rows.spec.sources[name].join
    assert join is not None
    key = identifier(join.key or join.on)
    taken = ", ".join(map(identifier, join.columns))
    found = rows.ask(f"""
        with repeated as (
            select {key}::varchar as key, count(distinct row({taken})) as contents
            from {relations.relation(join.source, rows.spec)}
            where {key} is not null
            group by {key}
            having count(distinct row({taken})) > 1
        )
        select (select count(*) from repeated), key, contents from repeated order by contents desc, key limit {_EXAMPLES}
    """)
    if found:
        keys: Keys = ("sources", name, "join", "source")
        number = counted(int(str(found[0][0])), "key")
        message = f'{number} of "{join.source}" stand for several rows, which would multiply those of "{name}"'
        evidence = tuple(f"{clipped(key)}: {contents} rows that differ" for _, key, contents in found)
        hint = f'join by a key that is unique in "{join.source}"'
        yield Problem("SF003", message, rows.source.value_span(keys), keys, hint, evidence)


def ids_with_texts(rows: Rows) -> Iterator[Problem]:
    """An id has one text, unless the spec says what several mean."""
    collections = (found for value in rows.spec.objectives.values() for found in tables(value))
    for name in dict.fromkeys(name for _, name, role in collections if role.collection):
        table = rows.spec.sources[name]
        if table.repeated_ids != "refuse" or table.id is None or table.text is None:
            continue
        found = rows.ask(f"""
            with texts as (
                select {identifier(table.id)}::varchar as id, {relations.text_expression(name, table)} as text
                from {relations.relation(name, rows.spec)}
            ), repeated as (
                select id, min(text) as one, max(text) as other
                from texts
                where id is not null and text <> ''
                group by id
                having min(text) <> max(text)
            )
            select (select count(*) from repeated), id, one, other from repeated order by id limit {_EXAMPLES}
        """)
        if found:
            keys: Keys = ("sources", name, "id")
            message = f'{counted(int(str(found[0][0])), "id")} of "{name}" have rows with different texts'
            evidence = tuple(f"{clipped(id)}: {listed(map(clipped, texts))}" for _, id, *texts in found)
            hint = 'take another "id", or set "repeated_ids: most_common"'
            yield Problem("SF003", message, rows.source.value_span(keys), keys, hint, evidence)


def conditions(rows: Rows) -> Iterator[Problem]:
    """The conditions of slices, tried on no rows: what fails there is wrong with the condition."""
    for name, one in rows.spec.evaluate.told.items():
        if one.where is None:
            continue
        keys: Keys = ("evaluate", "slices", name, "where")
        span = rows.source.value_span(keys)
        relation = rows.db.table(f"sources.{identifier(one.source)}")
        try:
            query = sandbox.condition(one.where)
            with sandbox.select(query, 1, rows=relation.limit(0).to_arrow_reader()) as found:
                found.read_all()
        except sandbox.UnknownColumn as unknown:
            yield no_column(rows, keys, str(unknown), one.source, relation.columns)
        except sandbox.Refused as refused:
            yield Problem("SF003", f'"where" {refused}', span, keys, refused.hint)


RULES = (
    empty_columns, joined_keys, lists, single_queries, ids_known, ids_with_texts, times, numbers, flags, grades, thresholds,
    conditions, queries, *lost.RULES,
)  # fmt: skip


def model(spec: Experiment, source: Source, base: Path) -> Iterator[Problem]:
    """The base models, by their own files where they are at hand; of the Hub nothing is fetched."""
    sections = {keys: section for keys, _, section in named.others(spec)}
    for one in named.models(spec):
        absent = _there(one, source, base)
        yield from absent
        if absent:
            continue
        yield from bases.without_commit(source, one)
        found = models.named(one.model, one.revision, base)
        yield from memory.memory(spec, source, one, found)
        if isinstance(spec, Spec) and one.section in sections:
            yield from teachers.check(spec, one, sections[one.section], source, found, base)
        elif isinstance(spec, Spec) and spec.reranker is not None and one.section == ("reranker",):
            yield from heads.check(spec, spec.reranker, source, found)
        else:
            yield from _of_encoder(spec, source, found)


def _there(one: Named, source: Source, base: Path) -> list[Problem]:
    """A folder that is not there, or holds no model."""
    name, keys, span = one.model, one.keys, source.value_span(one.keys)
    try:
        folder = models.model_folder(name, base)
    except LookupFailure as failure:
        packaged = name.startswith("package:")
        message = str(failure) if packaged else f'no model "{name}"'
        hint = "" if packaged else "paths are relative to the spec's own file"
        return [Problem("SF004", message, span, keys, hint)]
    if folder is not None and not any((folder / name).is_file() for name in ("modules.json", "config.json")):
        hint = 'it has neither "modules.json" nor "config.json"'
        return [Problem("SF004", f'"{name}" holds no model', span, keys, hint)]
    return []


def _of_encoder(spec: Experiment, source: Source, found: models.Model) -> Iterator[Problem]:
    """What a base gives a retriever or a classifier."""
    if not isinstance(spec, Spec):
        yield from bases.positions(spec, source, found.base)
        return
    yield from families.base(spec, source, found.folder)
    yield from bases.judge(spec, source, found.base)
    yield from adaptation.targets(spec, source, found)
    yield from nested.longer_than_the_model(spec, source, found.base.dimension)
    yield from indexes.of_model(spec, source, found.base.dimension)
