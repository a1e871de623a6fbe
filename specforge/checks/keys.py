"""The rule about keys of two sources that meet: text meets text, and numbers meet numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specforge import relations
from specforge.catalog.roles import Named, columns
from specforge.checks.opening import Rows
from specforge.problems import Keys, Problem
from specforge.quote import identifier

_TEXT, _WHOLE, _FRACTION = "text", "whole numbers", "numbers with a fraction"


@dataclass(frozen=True)
class _Key:
    """A column that another one is compared with, and what its values are, in words."""

    source: str
    column: str
    relation: str
    kind: str


def key_kinds(rows: Rows) -> Iterator[Problem]:
    """Keys that look alike and are not: 00123 is another text than 123, and 12345.0 another than 12345."""
    for name in relations.used_sources(rows.spec):
        join = rows.spec.sources[name].join
        if join is not None:
            one = _key(rows, name, join.on, f"sources.{identifier(name)}")
            other = _key(rows, join.source, join.key or join.on, relations.relation(join.source, rows.spec))
            if one.kind != other.kind and _TEXT in (one.kind, other.kind):
                yield _mismatch(rows, ("sources", name, "join", "on"), one, other, (one, other))
    for name, value in rows.spec.objectives.items():
        for named in columns(value):
            if value.of and named.role.ids:
                yield from _ids(rows, ("objectives", name, named.field), named, value.of)


def _ids(rows: Rows, keys: Keys, named: Named, of: str) -> Iterator[Problem]:
    """Items and ids are compared as texts, so that whole numbers meet texts; lists are taken apart later."""
    one = _key(rows, named.source, named.column, relations.relation(named.source, rows.spec))
    other = _key(rows, of, rows.spec.sources[of].id or "", relations.relation(of, rows.spec))
    if one.kind != other.kind and _FRACTION in (one.kind, other.kind) and not one.kind.endswith("[]"):
        yield _mismatch(rows, keys, one, other, ())


def _key(rows: Rows, source: str, column: str, relation: str) -> _Key:
    kind = str(rows.db.sql(f"select {identifier(column)} from {relation}").types[0])
    words = {"VARCHAR": _TEXT, "FLOAT": _FRACTION, "DOUBLE": _FRACTION}
    words |= {f"{sign}{size}": _WHOLE for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")}
    return _Key(source, column, relation, words.get(kind, _FRACTION if kind.startswith("DECIMAL") else kind))


def _mismatch(rows: Rows, keys: Keys, one: _Key, other: _Key, joined: tuple[_Key, ...]) -> Problem:
    """Two keys that do not compare; `joined`: both must be of one kind, and not only look alike as texts."""
    sides = (one, other)
    message = " and ".join(f'"{side.column}" of "{side.source}" holds {side.kind}' for side in sides)
    fractions = [side for side in sides if side.kind == _FRACTION]
    to_read = (joined or fractions) if fractions else [side for side in sides if side.kind != _TEXT]
    kind = "integer" if fractions else "text"
    ways = [f'"read_as: {{{side.column}: {kind}}}" to "{side.source}"' for side in to_read]
    evidence = tuple(
        f'"{side.column}" of "{side.source}": {rows.examples(side.column, side.relation)}' for side in sides
    )
    return Problem("SF003", message, rows.source.value_span(keys), keys, f"add {' and '.join(ways)}", evidence)
