"""Asks databases for rows and for fingerprints of rows; an address is read from the environment and never repeated."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection


class FetchFailure(ValueError):
    """A database or data set that cannot be read; the text says why, in one sentence, and never holds an address."""


@contextmanager
def answers(reader: str, place: str, query: str) -> Iterator[pa.RecordBatchReader]:
    """The rows of a query in batches, as generated code asks for them.

    `place` is a file for the reader `sqlite`, the name of an environment variable for `postgresql`, whose driver puts
    the query in brackets, so that a comment must not be its last line. Raises FetchFailure.
    """
    driver = _driver(reader)
    connection = _sqlite(driver, place) if reader == "sqlite" else _postgresql(driver, place)
    try:
        with connection, connection.cursor() as cursor:
            if reader == "postgresql":
                cursor.execute("set transaction read only")
            cursor.execute(f"{query}\n")
            yield cursor.fetch_record_batch()
    except (driver.Error, OSError) as error:  # the second, where a later batch fails
        raise FetchFailure(_said(error)) from None


def fingerprint(variable: str, query: str) -> str:
    """The number of rows that a query gives and the sum of their hashes, as the server counts them.

    The order of the rows does not matter, and a row that stands twice counts twice. Raises FetchFailure.
    """
    asked = f"select count(*), sum(hashtextextended(r::text, 0)::numeric) from (\n{query}\n) as r"
    with answers("postgresql", variable, asked) as rows:
        (found,) = rows.read_all().to_pylist()
    return " ".join(map(str, found.values()))


def _driver(reader: str) -> ModuleType:
    name = f"adbc_driver_{reader}"
    try:
        return importlib.import_module(f"{name}.dbapi")
    except ImportError:
        distribution = name.replace("_", "-")
        raise FetchFailure(f'"{distribution}" is not installed; "pip install {distribution}" does it') from None


def _sqlite(driver: ModuleType, file: str) -> Connection:
    try:
        connection: Connection = driver.connect(f"{Path(file).resolve().as_uri()}?mode=ro")
    except driver.Error as error:
        raise FetchFailure(_said(error)) from None
    return connection


def _postgresql(driver: ModuleType, variable: str) -> Connection:
    if variable not in os.environ:
        raise FetchFailure(f'the environment variable "{variable}" is not set')
    try:
        connection: Connection = driver.connect(os.environ[variable])
    except driver.Error:
        # what the driver says may repeat the address, and with it the password
        raise FetchFailure(f'no connection to the database that "{variable}" names') from None
    return connection


def _said(error: Exception) -> str:
    """What a driver says, in one line."""
    return " ".join(str(error).split())
