"""Rules about where the rows of a source lie, and about the fields that only some places have."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from specforge import references
from specforge.checks.words import clipped, listed
from specforge.problems import Keys, Problem
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Experiment
from specforge.spec.sources import Source as Table

NO_PACKAGE = (
    'a "package:" reference is written "package:NAME==VERSION/PATH"',
    'the path lies below the package\'s folder and has no ".."',
)
_COMMIT = r"[0-9a-f]{40}"
_SERVER = r"(?i)[a-z][a-z0-9+.-]*://"
_MALFORMED = {
    "hub": ('"hub:" names no data set', 'write "hub:ORGANISATION/NAME", or "hub:./folder" for one of this machine'),
    "sqlite": ('"sqlite:///" names no file', 'write "sqlite:///shop.db", relative to the spec'),
    "postgresql": (
        '"env:" must be followed by the name of an environment variable, and by nothing else',
        'write "env:DATABASE_URL"',
    ),
}


def paths(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A source is a place that can be read."""
    for name, table in spec.sources.items():
        keys: Keys = ("sources", name, "path")
        mistake = _path_mistake(table)
        if mistake is not None:
            yield Problem("SF003", mistake[0], source.value_span(keys), keys, mistake[1])


def _path_mistake(table: Table) -> tuple[str, str] | None:
    """What is wrong with the path of a source, and the cure."""
    path = table.path
    scheme = next((scheme for scheme in references.SCHEMES if path.startswith(scheme)), None)
    if scheme is None and re.match(_SERVER, path):
        return _address_mistake(path)
    if references.data(path, "", table.format) is not None:
        return None
    if scheme is not None:
        return _MALFORMED[references.SCHEMES[scheme]]
    if references.parse(path, "") is None:
        return NO_PACKAGE
    if path.endswith("/"):
        return '"path" names a folder, and needs "format"', 'say what its files are, as in "format: parquet"'
    return _format_mistake(references.suffix(path))


def _address_mistake(path: str) -> tuple[str, str]:
    """An address may hold a password, so no message repeats it."""
    if re.match(r"(?i)(https?|s3|gs|az|ftp|hf|file)://", path) and "@" not in path:
        return '"path" must be a file, not an address', "download it, and name the file relative to the spec"
    if path.lower().startswith("sqlite:"):
        return _MALFORMED["sqlite"]
    return (
        '"path" must not hold the address of a server, which may hold a password',
        'put the address into an environment variable, and write "env:DATABASE_URL"',
    )


def _format_mistake(suffix: str) -> tuple[str, str]:
    near = nearest(suffix, references.FORMATS) if suffix else None
    hint = f'did you mean "{near}"?' if near else f"the formats are {listed(references.FORMATS)}"
    if not suffix:
        return '"path" names a file without format', hint
    return f'"path" has the unknown format "{clipped(suffix)}"', hint


def hub_fields(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A Hub data set is one part of one commit."""
    for name, table in spec.sources.items():
        place, keys = references.data(table.path, ""), ("sources", name)
        if place is None or place.reader != "hub":
            continue
        if table.part is None:
            hint = 'name the part of the data set, as in "part: train"'
            yield Problem("SF003", f'"{name}" needs "part"', source.key_span(keys), keys, hint)
        if place.at.kind == "hub" and not re.fullmatch(_COMMIT, table.revision or ""):
            yield _unpinned(source, keys, name, table.revision)


def _unpinned(source: Source, keys: Keys, name: str, revision: str | None) -> Problem:
    hint = 'set "revision" to the commit, 40 hex digits, that the Hub shows under "History"'
    if revision is None:
        return Problem("SF403", f'data set "{name}" is not pinned to a commit', source.key_span(keys), keys, hint)
    keys = (*keys, "revision")
    message = f'revision "{clipped(revision)}" is a branch or tag, which may move, and no commit'
    return Problem("SF403", message, source.value_span(keys), keys, hint)


def database_fields(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A database is asked for a table or by a query."""
    for name, table in spec.sources.items():
        place, keys = references.data(table.path, ""), ("sources", name)
        if place is None or not place.is_database or (table.table is None) != (table.query is None):
            continue
        both = table.table is not None
        message = f'"{name}" has both "table" and "query"' if both else f'"{name}" needs "table" or "query"'
        yield Problem("SF003", message, source.key_span(keys), keys, "a database is asked for one of them")


_FIELDS = {
    "format": ("parquet", "csv", "json"),
    "revision": ("hub",),
    "config": ("hub",),
    "part": ("hub",),
    "table": ("sqlite", "postgresql"),
    "query": ("sqlite", "postgresql"),
}
"""Field -> the readers that use it."""

_NEEDED = {
    "timeout_s": ("where", 'there is no "where"'),
    "clean": ("text", 'there is no "text"'),
    "chunk": ("text", 'there is no "text"'),
    "if_empty": ("text", 'there is no "text"'),
}
"""Field -> the field that it serves, and why it has no effect without."""


def idle_fields(spec: Experiment, source: Source) -> Iterator[Problem]:
    """Fields that this kind of place does not have, or that serve a field that is not there."""
    for name, table in spec.sources.items():
        place = references.data(table.path, "", table.format)
        reader = place.reader if place else None
        for field, why in _idle(table, reader):
            keys: Keys = ("sources", name, field)
            if keys in source.places:
                message = f'"{field}" has no effect: {why}'
                yield Problem("SF401", message, source.key_span(keys), keys, "leave it out")


def _idle(table: Table, reader: str | None) -> Iterator[tuple[str, str]]:
    for field, readers in _FIELDS.items():
        if reader is not None and reader not in readers:
            yield field, f'"path" is {_KINDS[reader]}'
    for field, (needed, why) in _NEEDED.items():
        if getattr(table, needed) is None:
            yield field, why
    if reader == "hub" and references.is_local(table.path.removeprefix("hub:")):
        yield "revision", "the data set is a folder of this machine"


_KINDS = {"hub": "a data set", "sqlite": "a database", "postgresql": "a database"} | dict.fromkeys(
    references.FORMATS.values(), "a file"
)


def columns_of_texts(spec: Experiment, source: Source) -> Iterator[Problem]:
    """What stands for an empty column is of a column of the text."""
    for name, table in spec.sources.items():
        known = [column for _, column, _, _ in string.Formatter().parse(table.text or "") if column]
        for column in table.if_empty:
            if table.text is not None and column not in known:
                keys: Keys = ("sources", name, "if_empty", column)
                near = nearest(column, known)
                hint = f'did you mean "{near}"?' if near else f"the columns of the text are {listed(known)}"
                message = f'"text" has no column "{clipped(column)}"'
                yield Problem("SF003", message, source.key_span(keys), keys, hint)


RULES = (paths, hub_fields, database_fields, idle_fields, columns_of_texts)
