"""The text of a starter spec: what was guessed says so, and what a user must look at is marked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import get_args

import duckdb

from specforge.authoring import completions
from specforge.authoring.completions import Completed
from specforge.authoring.facts import Table, look
from specforge.authoring.guess import Guesses, guess, names_of_sides, roles_of, tables_of
from specforge.catalog.dictionary import OBJECTIVES
from specforge.catalog.objectives import Objective
from specforge.catalog.roles import Of
from specforge.errors import UsageError
from specforge.schema import field_docs
from specforge.shapes import nearest
from specforge.source import scalar

_NAME = r"[a-z][a-z0-9_]{0,62}"
_HEAD = """\
# The start of a spec. What was guessed from the files says so; look at each line that is marked "look".
specforge: 1
name: {name}
description: {description}  # look: say it in the words of your product
"""
_TAIL = """
retriever:
  family: bi_encoder
  base: sentence-transformers/all-MiniLM-L6-v2  # look: or another model; "revision: COMMIT" keeps it the same
  loss: {kind: multiple_negatives_ranking}
  train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}

index: {kind: flat}

evaluate:
  primary: nDCG@10
  metrics: [R@10]
"""
_PLACES = {"of": "documents", "asked": "queries", "reads": "rows"}
"""Field -> what its source is called until the user says it."""


@dataclass(frozen=True)
class Start:
    """A spec to write.

    Attributes:
        folder: where the spec will lie, which paths are relative to.
        roles: the columns that are looked for.
    """

    name: str
    kind: str
    objective: type[Objective]
    folder: Path
    guesses: Guesses
    completed: Completed
    roles: dict[str, Of]


def objective_of(kind: str) -> type[Objective]:
    """The objective that is called so. Raises UsageError."""
    kinds = {
        str(one): objective for objective in OBJECTIVES for one in get_args(objective.model_fields["kind"].annotation)
    }
    if kind not in kinds:
        near = nearest(kind, kinds)
        raise UsageError(
            f'no objective "{kind}"; ' + (f'did you mean "{near}"?' if near else f"they are {', '.join(kinds)}")
        )
    return kinds[kind]


def write(name: str, kind: str, files: Iterable[Path], root: Path) -> Path:
    """Write the starter spec of a name; the file. Raises UsageError where it exists, or a file cannot be read."""
    objective = objective_of(kind)
    if not re.fullmatch(_NAME, name):
        raise UsageError(f'"{name}" is no name: small letters, digits and "_", first a letter')
    folder = root / "specs" if (root / "specs").is_dir() else root
    path = folder / f"{name}.yaml"
    text = compose(name, kind, objective, files, folder)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f'"{path.relative_to(root)}" exists already') from None
    return path.relative_to(root)


def compose(name: str, kind: str, objective: type[Objective], files: Iterable[Path], folder: Path) -> str:
    """The text of the spec."""
    roles = roles_of(objective) or completions.ROLES_OF_A_QUERY
    with duckdb.connect() as db:
        guesses = guess(db, look(db, files), objective, roles)
    start = Start(name, kind, objective, folder, guesses, completions.of(objective, guesses), roles)
    first = cleandoc(objective.__doc__ or "").partition("\n\n")[0].partition(";")[0].partition(":")[0].rstrip(".") + "."
    parts = [
        _HEAD.format(name=name, description=json.dumps(" ".join(first.split()), ensure_ascii=False)),
        "sources:",
        *_sources(start),
        "",
        "objectives:",
        f"  {name}:",
        f"    kind: {kind}",
        *_fields(start),
        "",
        _split(start),
    ]
    return "\n".join(parts) + "\n" + _TAIL


def _sources(start: Start) -> Iterator[str]:
    """Each source once, the collections with what they need."""
    written: set[str] = set()
    for field, role in tables_of(start.objective).items():
        name, table = _source(start, field), start.guesses.tables.get(field)
        if name is None or name in written:
            continue
        written.add(name)
        yield f"  {name}:"
        if table is None:
            yield f"    path: {name}.csv  # look: where the rows lie"
        else:
            yield f"    path: {_plain(Path(os.path.relpath(table.path, start.folder)).as_posix())}"
        yield from _readings(start, table)
        if role.collection:
            yield from _collection(start, table)


def _readings(start: Start, table: Table | None) -> Iterator[str]:
    """How a column that says when is read, where it is needed."""
    for field, role in start.roles.items():
        guessed = start.guesses.columns.get(field)
        if (
            guessed
            and role.moment
            and field in start.completed.needed
            and guessed.column.readings
            and table
            and guessed.column in table.columns
        ):
            one, *more = guessed.column.readings
            mark = f"look: or {' or '.join(more)}" if more else "guessed: every value fits"
            yield f"    read_as: {{{_plain(guessed.column.name)}: {one}}}  # {mark}"


def _collection(start: Start, table: Table | None) -> Iterator[str]:
    if table is None:
        yield "    id: id  # look: the column that names a document"
        yield '    text: "{text}"  # look: the columns that are embedded, each in braces'
        return
    id = start.guesses.ids[table.name]
    texts = [column for column in table.texts if column.name != id.column.name]
    told = start.guesses.columns.get("attribute")
    texts = [column for column in texts if told is None or column.name != told.column.name] or texts
    words = json.dumps(". ".join(f"{{{column.name}}}" for column in texts), ensure_ascii=False)
    yield f"    id: {_plain(id.column.name)}  # guessed: {id.why}"
    yield f"    text: {words}  # guessed: the columns that read like texts"


def _source(start: Start, field: str) -> str | None:
    """The source that a field names; None where it needs none."""
    if field in start.guesses.tables:
        return start.guesses.tables[field].name
    required = start.objective.model_fields[field].is_required()
    taken = {table.name for table in start.guesses.tables.values()}
    name = _PLACES.get(field, field)
    return (f"{name}_of_yours" if name in taken else name) if required else None


def _fields(start: Start) -> Iterator[str]:
    """The fields that are needed, then those that were guessed and may be wanted, as comments."""
    docs, completed = field_docs(start.objective), start.completed
    for field, role in tables_of(start.objective).items():
        source = _source(start, field)
        if source is not None:
            yield f"    {field}: {f'[{source}]' if role.whole else source}"
    for field in start.roles if roles_of(start.objective) else ():
        if start.objective.model_fields[field].is_required() or field in completed.needed:
            yield f"    {field}: {_column(start, field, docs[field])}"
    yield from completed.lines
    for field in start.roles if roles_of(start.objective) else ():
        guessed = start.guesses.columns.get(field)
        optional = not start.objective.model_fields[field].is_required()
        if guessed and optional and field not in completed.needed | completed.idle:
            yield f"    # {field}: {_plain(guessed.column.name)}  # guessed: {guessed.why}; {_doc(docs[field])}"


def _column(start: Start, field: str, doc: str) -> str:
    guessed = start.guesses.columns.get(field)
    if guessed is None:
        nothing = "no column looks like it; " if start.guesses.tables else ""
        return f"{field}  # look: {nothing}{_doc(doc)}"
    return f"{_plain(guessed.column.name)}  # guessed: {guessed.why}"


def _doc(text: str) -> str:
    """What a field means, as the end of a comment."""
    return " ".join(f"{text[:1].lower()}{text[1:]}".split()).removesuffix(".")


def _split(start: Start) -> str:
    """What the data say themselves, or else the split to start with."""
    first, *others = start.objective.splits
    main = start.guesses.tables.get(start.objective.main)
    sides = names_of_sides(main.columns) if main and "column" in others and start.kind != "sql" else None
    if sides is None:
        return f"split: {{by: {first}}}  # look: it may be by {', '.join([first, *others])}"
    column, values = sides
    lists = "".join(
        f", {side}: [{', '.join(map(_plain, names))}]"
        for side, names in values.items()
        if names != [side] or side == "dev"
    )
    return f"split: {{by: column, column: {_plain(column.name)}{lists}}}  # guessed: its values say what trains and what tests"


def _plain(text: str) -> str:
    """A text as YAML, without quotes where it needs none."""
    simple = re.fullmatch(r"[A-Za-z_./][\w./-]*", text, re.ASCII) and isinstance(scalar(text), str)
    return text if simple else json.dumps(text, ensure_ascii=False)
