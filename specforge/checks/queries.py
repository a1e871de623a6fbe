"""The rule about objectives that are a query of the user's own: what it names, what it gives, how long it takes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge import context, relations
from specforge.catalog.asked import Sql
from specforge.catalog.splits import ByColumn
from specforge.checks import sandbox
from specforge.checks.opening import Rows
from specforge.checks.words import clipped, counted, listed
from specforge.problems import Keys, Problem
from specforge.quote import identifier
from specforge.shapes import nearest

_WHOLE = tuple(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "", "BIG", "HUGE"))
_WHOLE += ("INTEGER", "UINTEGER")
_NUMBER = (*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
_MOMENT = ("DATE", "TIMESTAMP")
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "query": ("text", ("VARCHAR",)),
    "document": ("text or whole numbers", ("VARCHAR", "UUID", *_WHOLE)),
    "grade": ("numbers", _NUMBER),
    "weight": ("numbers", _NUMBER),
    "moment": ("moments", _MOMENT),
    "side": ("text, whole numbers or true and false", ("VARCHAR", "UUID", "ENUM", "BOOLEAN", *_WHOLE)),
}
"""Column that a query may give -> what it holds, in words and as types of DuckDB."""

_NEEDED = ("query", "document")
_CLOCKS = {"ago", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
"""Words that ask the clock, and are no functions of DuckDB's list or look like columns."""

_ROWS = {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
"""Functions that give a table and reach nothing."""


@dataclass(frozen=True)
class _Asked:
    """A query, and what is said of it.

    Attributes:
        text: the query as it is run.
        given: the tables that it may name.
    """

    rows: Rows
    name: str
    value: Sql
    text: str

    @property
    def given(self) -> Mapping[str, str]:
        return {name: relations.relation(name, self.rows.spec) for name in self.value.reads}

    def problem(self, message: str, hint: str = "", evidence: tuple[str, ...] = (), code: str = "SF003") -> Problem:
        keys: Keys = ("objectives", self.name, "query")
        return Problem(code, f'"query" {message}', self.rows.source.value_span(keys), keys, hint, evidence)


def queries(rows: Rows) -> Iterator[Problem]:
    """A query gives judgments, of the tables that it reads and in its time."""
    for name, value in rows.spec.objectives.items():
        if isinstance(value, Sql):
            yield from _query(_Asked(rows, name, value, context.own_query(value)))


def _query(asked: _Asked) -> Iterator[Problem]:
    """What is wrong with it, the simplest first: what it says, what it would give, what it gives."""
    try:
        query = sandbox.subquery(asked.text)
        found = [*_words(asked)] or [*_columns(asked, _types(asked, query))]
        yield from found or _answers(asked, query)
        yield from _unread(asked)
    except sandbox.UnknownColumn as unknown:
        yield asked.problem(f'names column "{clipped(unknown)}", which its tables do not have', unknown.hint)
    except sandbox.Refused as refused:
        yield asked.problem(str(refused), refused.hint)


def _words(asked: _Asked) -> Iterator[Problem]:
    """Tables that it is not given, and what depends on more than rows: chance, the clock, settings, files."""
    tree = _tree(asked)
    for name in dict.fromkeys(_tables(tree)):
        if name.lower() not in {*asked.given, *_named_inside(tree)}:
            yield _unknown_table(asked, name)
    same = "the same tables must give the same judgments in every run"
    for name in sorted((_called(tree) & _unstable()) | ((_called(tree) | _words_of(tree)) & _CLOCKS)):
        yield asked.problem(f'calls "{name}", which depends on more than the rows of its tables', same)
    if not all(sample["repeatable"] for sample in _samples(tree)):
        yield asked.problem("draws a sample, which is another one in each run", f'{same}: add "repeatable (42)"')


def _unstable() -> set[str]:
    """The functions that give something else in another run, or reach outside of their arguments."""
    condition = "stability <> 'CONSISTENT' or function_type in ('table', 'pragma')"
    with duckdb.connect() as db:
        found = db.execute(f"select function_name from duckdb_functions() where {condition}").fetchall()
    return {name for (name,) in found} - _ROWS


def _unknown_table(asked: _Asked, name: str) -> Problem:
    near = nearest(name, asked.given)
    hint = f'did you mean "{near}"?' if near else f"its tables are {listed(asked.given)}"
    if name in asked.rows.spec.sources:
        hint = f'add "{name}" to "reads"'
    return asked.problem(f'names table "{clipped(name)}", which "reads" does not have', hint)


def _unread(asked: _Asked) -> Iterator[Problem]:
    """Tables that it could name and does not."""
    named = {name.lower() for name in _tables(_tree(asked))}
    for row, name in enumerate(asked.value.reads):
        if name not in named:
            keys: Keys = ("objectives", asked.name, "reads", row)
            message = f'"{name}" has no effect: the query does not name it'
            yield Problem("SF401", message, asked.rows.source.value_span(keys), keys, "leave it out")


def _types(asked: _Asked, query: str) -> dict[str, str]:
    """The columns that it would give, tried on tables without rows."""
    empty = {name: asked.rows.db.sql(f"from {table} limit 0").to_arrow_table() for name, table in asked.given.items()}
    with sandbox.select(f"select * {query} limit 0", asked.value.timeout_s, **empty) as found, duckdb.connect() as db:
        rows = db.from_arrow(found.read_all())
        return {column: str(kind) for column, kind in zip(rows.columns, rows.types, strict=True)}


def _columns(asked: _Asked, types: Mapping[str, str]) -> Iterator[Problem]:
    """Columns that are missing, unknown or of the wrong type."""
    for column in (*_NEEDED, *_of_split(asked)):
        if column not in types:
            why = "" if column in _NEEDED else f", because the split is by {asked.rows.spec.split.by.replace('_', ' ')}"
            yield asked.problem(f'must give a column "{column}"{why}', f'name it, as in "... as {column}"')
    for column, kind in types.items():
        if column not in _KINDS:
            near = nearest(column, _KINDS)
            hint = f'did you mean "{near}"?' if near else f"the columns of a judgment are {listed(_KINDS)}"
            yield asked.problem(f'gives a column "{clipped(column)}", and a judgment has none', hint)
        elif not _fits(kind, _KINDS[column][1]):
            yield asked.problem(f'gives "{column}" as {clipped(kind)}, and it must be {_KINDS[column][0]}', "cast it")


def _fits(kind: str, kinds: tuple[str, ...]) -> bool:
    """Whether a type is one of these, whatever its precision; a list of them is another one."""
    return not kind.endswith("]") and kind.partition("(")[0].partition(" ")[0].partition("_")[0] in kinds


def _of_split(asked: _Asked) -> tuple[str, ...]:
    split = asked.rows.spec.split
    if isinstance(split, ByColumn) or split.by == "group":
        return ("side",)
    return ("moment",) if split.by_time else ()


def _answers(asked: _Asked, query: str) -> Iterator[Problem]:
    """What it gives on the real tables, in its time."""
    with tempfile.TemporaryDirectory() as scratch:
        copies = Path(scratch) / "copies.duckdb"
        with duckdb.connect(copies) as copy:
            for name, table in asked.given.items():
                copy.from_arrow(asked.rows.db.sql(f"from {table}").to_arrow_reader()).create(name)
        with sandbox.select(query, asked.value.timeout_s, copies) as found:
            asked.rows.db.cursor().from_arrow(found).create(f"sources.{_TABLE}")
    yield from _judged(asked)
    asked.rows.db.execute(f"drop table sources.{_TABLE}")


_TABLE = "Judgments"
"""No source can be called so."""


def _judged(asked: _Asked) -> Iterator[Problem]:
    """Rows that say something, of documents that are there."""
    rows, of = asked.rows, asked.value.of
    if not rows.ask(f"select 1 from sources.{_TABLE} limit 1"):
        yield asked.problem("gives no row", code="SF004")
        return
    id = identifier(rows.spec.sources[of].id or "")
    items = relations.relation(of, rows.spec)
    if not rows.ask(
        f"select 1 from sources.{_TABLE} j semi join {items} i on i.{id}::varchar = j.document::varchar limit 1"
    ):
        evidence = (f'"document": {rows.examples("document", f"sources.{_TABLE}")}', f"ids: {rows.examples(id, items)}")
        yield asked.problem(f'gives no "document" that is an id of "{of}"', "", evidence, "SF004")
    for column in ("grade", "weight"):
        if column in rows.db.table(f"sources.{_TABLE}").columns:
            yield from _numbers(asked, column)


def _numbers(asked: _Asked, column: str) -> Iterator[Problem]:
    """Numbers that are none, and weights below nothing."""
    number = f"{column}::double"
    wrong = f"not isfinite({number})" + (f" or {number} < 0" if column == "weight" else "")
    found = asked.rows.ask(f"select count(*), min({number}) from sources.{_TABLE} where {wrong}")
    if found[0][0]:
        number_of = counted(int(str(found[0][0])), "row")
        words = "a number of at least 0" if column == "weight" else "a number"
        yield asked.problem(f'gives {number_of} whose "{column}" is not {words}', "", (f"for example {found[0][1]}",))


def _tree(asked: _Asked) -> object:
    """The syntax tree of the query."""
    return json.loads(str(asked.rows.db.execute("select json_serialize_sql(?)", [asked.text]).fetchall()[0][0]))


def _nodes(tree: object) -> Iterator[dict[str, object]]:
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(part)
    if isinstance(tree, dict):
        yield tree


def _tables(tree: object) -> list[str]:
    """The tables that it names, with their schema where one is named."""
    found = [node for node in _nodes(tree) if node.get("type") == "BASE_TABLE"]
    return [".".join(str(node[key]) for key in ("schema_name", "table_name") if node.get(key)) for node in found]


def _named_inside(tree: object) -> set[str]:
    """The names that it gives to queries inside of it (`with NAME as`)."""
    maps = [node["cte_map"] for node in _nodes(tree) if isinstance(node.get("cte_map"), dict)]
    return {str(entry["key"]).lower() for one in maps for entry in one["map"]}  # type: ignore[index]


def _samples(tree: object) -> list[dict[str, object]]:
    return [node["sample"] for node in _nodes(tree) if isinstance(node.get("sample"), dict)]  # type: ignore[misc]


def _called(tree: object) -> set[str]:
    return {str(node["function_name"]).lower() for node in _nodes(tree) if "function_name" in node}


def _words_of(tree: object) -> set[str]:
    """Columns that are named without their table."""
    named = [node["column_names"] for node in _nodes(tree) if isinstance(node.get("column_names"), list)]
    return {str(names[0]).lower() for names in named if len(names) == 1}  # type: ignore[index, arg-type]
