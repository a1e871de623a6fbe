"""The functions that clean texts, for the checks that look at them before generated code does."""

from __future__ import annotations

import html
import unicodedata

import duckdb

from specforge import reading, relations
from specforge.spec.document import Experiment


def add_cleaners(db: duckdb.DuckDBPyConnection, spec: Experiment) -> None:
    """Make the functions and macros that the texts of the sources use."""
    used = {name: spec.sources[name] for name in relations.used_sources(spec)}
    for cleaner in reading.cleaners(used):
        function = {"unescape": _unescape, "nfkc": _nfkc}[str(cleaner["name"])]
        db.create_function(str(cleaner["name"]), function)
    for name, source in used.items():
        if source.clean:
            db.execute(f"create macro {reading.cleaner(name)}(value) as {reading.cleaned(source)}")


def _unescape(text: str) -> str:
    return html.unescape(text).replace("\N{NO-BREAK SPACE}", " ")


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
