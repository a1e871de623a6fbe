"""Runs SQL of the user's own as generated code does: one SELECT over given tables, that reaches nothing else, for a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

_ONE_ORDER = "set memory_limit = '2GB'; set threads = 1"


class Refused(ValueError):
    """Why a query is not run, or was stopped: the text goes on after the name of its field.

    Attributes:
        hint: what the engine says, or what to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownColumn(Refused):
    """A column that the tables do not have; the text is its name."""


class Failed(Refused):
    """The engine cannot run it; the hint says why."""


@contextmanager
def select(
    query: str, timeout_s: int, database: Path | None = None, /, **tables: pa.RecordBatchReader | pa.Table
) -> Iterator[pa.RecordBatchReader]:
    """The rows of one SELECT over tables, in a connection that reaches no file and no setting and writes nothing.

    The tables are those given, or those of a database. Raises Refused, also where rows that are read from the result fail.
    """
    with duckdb.connect(database or ":memory:", read_only=database is not None) as db:
        timer = threading.Timer(timeout_s, db.interrupt)
        try:
            _check_one_select(db, query)
            for name, table in tables.items():
                db.register(name, table)
            db.execute(_ONE_ORDER if database else "")
            db.execute("set enable_external_access = false; set lock_configuration = true")
            db.execute("begin transaction read only")
            timer.start()
            yield db.sql(query).to_arrow_reader()
        except duckdb.Error as error:
            raise _refusal(error, timeout_s) from None
        finally:
            timer.cancel()


def condition(text: str) -> str:
    """The SELECT of the rows of `rows` for which a condition holds. Raises Refused where the text is no one condition.

    What closes the bracket around it and opens another, `true) or (false`, is no condition between other brackets.
    """
    queries = [f"select * from rows where (\n{text}\n)", f"select [\n{text}\n]"]
    with duckdb.connect() as db:
        for query in queries:
            try:
                if len(db.extract_statements(query)) != 1:
                    raise Refused("must be one condition")
            except duckdb.ParserException as error:
                message = "is no condition over the columns" if query is queries[0] else "must be one condition"
                raise Refused(message, first_line(error)) from None
    return queries[0]


def subquery(text: str) -> str:
    """The SELECT of all rows of a query. Raises Refused where the text is no one SELECT."""
    with duckdb.connect() as db:
        try:
            _check_one_select(db, text)
        except duckdb.ParserException as error:
            raise Refused("is no SELECT", first_line(error)) from None
    return f"from (\n{text}\n)"


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says, without its kind of error and without the lines that show the query."""
    return re.sub(r"^[\w ]+Error: ", "", str(error).strip().splitlines()[0]).strip()


def _check_one_select(db: duckdb.DuckDBPyConnection, query: str) -> None:
    types = [statement.type for statement in db.extract_statements(query)]
    if types != [duckdb.StatementType.SELECT]:
        raise Refused("must be one SELECT", f"it is {', '.join(type.name for type in types) or 'empty'}")


def _refusal(error: duckdb.Error, timeout_s: int) -> Refused:
    unknown = re.search(r'Referenced column "(.+?)" not found', str(error))
    if unknown:
        return UnknownColumn(unknown[1])
    if isinstance(error, duckdb.InterruptException):
        return Refused(f"was stopped after {timeout_s} s", 'raise "timeout_s", if it comes to an end at all')
    if isinstance(error, duckdb.PermissionException):
        return Refused("reaches outside of its tables", first_line(error))
    if "already been consumed" in str(error):
        return Refused("looks at other rows", "a condition is about the columns of one row")
    return Failed("fails", first_line(error))
