"""What a fault is: a correct spec, and the one change that makes it wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

Row = dict[str, str]
Change = Callable[[str], str | bytes]
"""The text of a table -> what the file holds instead."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    What must be said of it is one of: a problem with `code`; a line of the summary that grows (`counted`), since what
    is wrong is left out; nothing, since it changes nothing (`same`); nothing, since generated code has no place for it
    (`instead`; `code` is then what the attempt to write it gets); that the code on disk is not the spec's (`stale`).

    Attributes:
        says: the fault in a sentence.
        source: where people make it, or warn of it.
        start: the correct spec, a key of `STARTS`.
        edits: (old, new) in the spec's text.
        data: (file to write, file to change, change), of tables below `data/`.
        instead: a file of the start's generated code, and a line of it that leaves the fault no place.
        generated: a file of the generated code, and (old, new) in it.
    """

    name: str
    says: str
    source: str
    start: str
    code: str = ""
    edits: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str, Change], ...] = ()
    counted: str = ""
    same: bool = False
    instead: tuple[str, str] | None = None
    stale: bool = False
    generated: tuple[str, str, str] | None = None


def on(file: str, change: Change) -> tuple[tuple[str, str, Change], ...]:
    """A change of one table, where it lies."""
    return ((file, file, change),)


def by_rows(change: Callable[[list[Row]], list[Row]]) -> Change:
    """A change of the rows of a CSV."""

    def changed(text: str) -> str:
        table = csv.DictReader(io.StringIO(text))
        return _csv(list(table.fieldnames or ()), change(list(table)))

    return changed


def by_row(change: Callable[[int, Row], Row]) -> Change:
    """A change of each row of a CSV, by its place."""
    return by_rows(lambda rows: [change(place, row) for place, row in enumerate(rows)])


def by_value(column: str, change: Callable[[str], str], every: int = 1) -> Change:
    """A change of a column of a CSV, in every so manieth row."""
    return by_row(lambda place, row: row if place % every else {**row, column: change(row[column])})


def by_line(change: Callable[[dict[str, object]], dict[str, object]]) -> Change:
    """A change of each line of a JSON Lines file."""
    return lambda text: "".join(f"{json.dumps(change(json.loads(line)))}\n" for line in text.splitlines())


def as_json(change: Callable[[Row], dict[str, object]]) -> Change:
    """A CSV as JSON Lines."""
    return lambda text: "".join(f"{json.dumps(change(row))}\n" for row in csv.DictReader(io.StringIO(text)))


def in_order(columns: str) -> Change:
    """The columns of a CSV in another order."""

    def changed(text: str) -> str:
        rows = list(csv.DictReader(io.StringIO(text)))
        names = columns.split()
        return _csv(names, [{name: row[name] for name in names} for row in rows])

    return changed


def without_header(text: str) -> str:
    """A CSV whose first line is a row."""
    return text.split("\n", 1)[1]


def _csv(names: list[str], rows: list[Row]) -> str:
    file = io.StringIO()
    table = csv.DictWriter(file, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return file.getvalue()
