"""Rules about ids in the rows: they are read, and their documents are in the collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from specforge import relations
from specforge.catalog.evidence import CitedInAnswer, Clicked, Judged
from specforge.catalog.objectives import Objective
from specforge.catalog.roles import Named, columns
from specforge.checks.opening import Rows
from specforge.checks.words import clipped, counted, listed, percent
from specforge.problems import Keys, Problem
from specforge.quote import identifier

_EXAMPLES = 3

_FEW = 0.05
"""With a smaller share of ids that are known, the rows and the collection do not belong together."""


@dataclass(frozen=True)
class Ids:
    """A column with ids: in which field, of which source, of which collection; `lists`: a value is a list of them."""

    keys: Keys
    column: str
    source: str
    of: str
    lists: bool


def ids_of(rows: Rows) -> Iterator[Ids]:
    """Every column of the objectives that holds ids of a collection."""
    for name, value in rows.spec.objectives.items():
        listing = isinstance(value, CitedInAnswer) and value.one_row == "answer"
        for one in columns(value):
            of = _collection(value, one.field, one.role.ids or (listing and one.field == "cited"))
            if of is not None:
                yield Ids(("objectives", name, one.field), one.column, one.source, of, listing)


def _collection(value: Objective, field: str, of_documents: bool) -> str | None:
    """The collection that a field names ids of."""
    if isinstance(value, Judged) and field == "query":
        return value.asked
    return value.of if of_documents else None


def single_queries(rows: Rows) -> Iterator[Problem]:
    """A search, or an answer, has one query: an id of a session or a conversation would unite several."""
    for name, value in rows.spec.objectives.items():
        found = {one.field: one for one in columns(value)}
        by_passage = isinstance(value, CitedInAnswer) and value.one_row == "passage"
        pair = ("search", "query") if isinstance(value, Clicked) else ("answer", "question") if by_passage else None
        if pair is not None and pair[0] in found:
            yield from _several(rows, ("objectives", name, pair[0]), found[pair[0]], found[pair[1]])


def _several(rows: Rows, keys: Keys, key: Named, query: Named) -> Iterator[Problem]:
    id, text = identifier(key.column), f"{identifier(query.column)}::varchar"
    found = rows.ask(f"""
        with repeated as (
            select {id}::varchar as id, min({text}) as one, max({text}) as other
            from {relations.relation(key.source, rows.spec)}
            where {id} is not null
            group by {id}
            having min({text}) <> max({text})
        )
        select (select count(*) from repeated), * from repeated order by id limit {_EXAMPLES}
    """)
    if found:
        number = int(str(found[0][0]))
        have = "has" if number == 1 else "have"
        message = (
            f'{counted(number, "value")} of "{key.column}" in "{key.source}" {have} several queries in "{query.column}"'
        )
        evidence = tuple(f"{clipped(id)}: {listed(map(clipped, texts))}" for _, id, *texts in found)
        hint = f'"{keys[-1]}" is the column whose values each have one query'
        yield Problem("SF003", message, rows.source.value_span(keys), keys, hint, evidence)


def lists(rows: Rows) -> Iterator[Problem]:
    """Columns with lists of ids hold lists, or JSON text that reads as one."""
    for one in ids_of(rows):
        if not one.lists:
            continue
        name, relation = identifier(one.column), relations.relation(one.source, rows.spec)
        bad = f"{name} is not null and try_cast({name} as varchar[]) is null"
        try:
            [(number,)] = rows.ask(f"select count(*) from {relation} where {bad}")
        except duckdb.Error:
            bad = f"{name} is not null"
            [(number,)] = rows.ask(f"select count({name}) from {relation}")
        if number:
            holds = "holds" if number == 1 else "hold"
            message = f'{counted(int(str(number)), "row")} of "{one.source}" {holds} no list of ids in "{one.column}"'
            hint = 'a list is a list column, or JSON text such as \'["a", "b"]\''
            evidence = rows.lines([one.column], relation, bad)
            yield Problem("SF003", message, rows.source.value_span(one.keys), one.keys, hint, evidence)


def ids_known(rows: Rows) -> Iterator[Problem]:
    """The ids of the rows are ids of documents that have a text."""
    for one in ids_of(rows):
        try:
            yield from _known(rows, one)
        except duckdb.ConversionException:
            continue  # no list, which is told elsewhere


def _known(rows: Rows, one: Ids) -> Iterator[Problem]:
    found = rows.ask(_counting(rows, one))
    if not found:
        return
    named, missing, ids = (int(str(number)) for number in found[0][:3])
    span, what = rows.source.value_span(one.keys), f'"{one.column}" of "{one.source}"'
    if missing == named:
        relation = relations.relation(one.of, rows.spec)
        id = rows.spec.sources[one.of].id or ""
        evidence: tuple[str, ...] = (
            f"{what}: {rows.examples(one.column, relations.relation(one.source, rows.spec))}",
            f'"{id}" of "{one.of}": {rows.examples(id, relation)}',
        )
        yield Problem("SF004", f'no {what} is an id of "{one.of}"', span, one.keys, evidence=evidence)
        return
    evidence = (
        f"{missing:,} of {named:,} ids in rows",
        *(f"{clipped(id)}: in {counted(int(str(times)), 'row')}{', without a text' if there else ''}"
          for *_, id, times, there in found),
    )  # fmt: skip
    if named - missing < _FEW * named:
        message = f'only {percent(1 - missing / named)} of {what} are ids of "{one.of}" with a text'
        yield Problem("SF004", message, span, one.keys, f'do they belong to "{one.of}"?', evidence)
        return
    message = f'{percent(missing / named)} of {what} are not in "{one.of}": {counted(ids, "id")}'
    hint = f'their rows are left out; add what is missing to "{one.of}", or accept it'
    yield Problem("SF305", message, span, one.keys, hint, evidence)


def _counting(rows: Rows, one: Ids) -> str:
    """Ids in rows, those that are missing, how many they are, and the most frequent of them."""
    table, column = rows.spec.sources[one.of], identifier(one.column)
    id = identifier(table.id or "")
    value = f"unnest({column}::varchar[])" if one.lists else f"{column}::varchar"
    return f"""
        with given as (
            select {value} as id from {relations.relation(one.source, rows.spec)}
        ), named as (
            select id, count(*) as times from given where id is not null group by id
        ), collection as (
            select {id}::varchar as id, bool_or({relations.text_expression(one.of, table)} <> '') as has_text
            from {relations.relation(one.of, rows.spec)}
            where {id} is not null
            group by {id}
        ), missing as (
            select n.id, n.times, c.id is not null as there
            from named as n left join collection as c on c.id = n.id
            where not coalesce(c.has_text, false)
        )
        select
            (select sum(times) from named), (select sum(times) from missing), (select count(*) from missing), *
        from missing
        order by times desc, id
        limit {_EXAMPLES}
    """
