"""What a field of an objective names: a source, or a column of a source that another field names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from specforge.shapes import fields, shape
from specforge.spec.base import Column, Name, Section


@dataclass(frozen=True)
class Table:
    """The field names a source, or a list of them.

    Attributes:
        collection: it needs an `id` and a `text`.
        whole: all of its columns are read, not only those that are named.
    """

    collection: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Of:
    """The field names a column of the source that the field `table` names.

    Attributes:
        key: its values are compared with ids, so they are read as text.
        ids: it names documents of `of`.
        moment: its values say when.
        number: its values are compared as numbers.
        names: the field of another collection that has its ids.
        holds: what its values look like where nothing above says so; a new spec looks for such a column.
    """

    table: str
    key: bool = False
    ids: bool = False
    moment: bool = False
    number: bool = False
    names: str | None = None
    holds: Literal["any", "text", "flag", "words", "rank", "ids"] = "any"


@dataclass(frozen=True)
class Named:
    """A column that an objective names: in which field, of which source."""

    field: str
    column: str
    source: str
    role: Of


SourceName = Annotated[Name, Table()]
SourceNames = Annotated[tuple[Name, ...], Table(whole=True), Field(min_length=1)]
Collection = Annotated[Name, Table(collection=True)]
EventText = Annotated[Column, Of("events", holds="text")]
EventFlag = Annotated[Column, Of("events", holds="flag")]
EventWords = Annotated[Column, Of("events", holds="words")]
EventRank = Annotated[Column, Of("events", number=True, holds="rank")]
EventKey = Annotated[Column, Of("events", key=True)]
EventItem = Annotated[Column, Of("events", key=True, ids=True)]
EventTime = Annotated[Column, Of("events", moment=True)]
RowText = Annotated[Column, Of("rows", holds="text")]
RowKey = Annotated[Column, Of("rows", key=True)]
RowItem = Annotated[Column, Of("rows", key=True, ids=True)]
RowNumber = Annotated[Column, Of("rows", number=True)]
RowTime = Annotated[Column, Of("rows", moment=True)]


def tables(section: Section) -> Iterator[tuple[str, str, Table]]:
    """(Field, source, role) of every source that a section names."""
    for name, role in _roles(type(section), Table):
        value = getattr(section, name)
        for source in (value,) if isinstance(value, str) else value or ():
            yield name, source, role


def columns(section: Section) -> Iterator[Named]:
    """Every column that a section names."""
    for name, role in _roles(type(section), Of):
        value, source = getattr(section, name), getattr(section, role.table)
        if isinstance(value, str) and isinstance(source, str):
            yield Named(name, value, source, role)


Role = TypeVar("Role", Table, Of)


def _roles(section: type[Section], kind: type[Role]) -> Iterator[tuple[str, Role]]:
    for name, of in fields(shape(section)).items():
        yield from ((name, role) for role in of.limits if isinstance(role, kind))
