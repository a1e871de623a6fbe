"""How generated code reads a source: the values of its templates, and the SQL of columns that need a word about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from specforge import references
from specforge.quote import Code, identifier, sql
from specforge.references import Place
from specforge.spec.base import READINGS
from specforge.spec.models import OtherModel
from specforge.spec.sources import Source
from specforge.templating import At

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

Values = dict[str, object]


def values(name: str, source: Source, folder: str, text_columns: list[str]) -> Values:
    """How a source is read. `text_columns` are read as text; `folder` is the spec's, relative to the root."""
    at, place = At(source, f"sources.{name}"), place_of(source, folder)
    known = references.partitions(place.at.path) if place.many else set()
    return {
        "read": Code(f"read_{name}"),
        "reader": place.reader,
        "packaged": place.at.kind == "package",
        "place_partial": f"python/place/{place_stem(place.at)}.py.jinja",
        "format_partial": f"python/format/{place.reader}.py.jinja",
        "file": At(place.at.path, at.path.trail),
        "distribution": At(place.at.distribution, at.path.trail),
        "delimiter": place.delimiter,
        "many": place.many,
        "text_columns": [column for column in text_columns if column not in known],
        "config": at.config,
        "revision": at.revision if place.at.kind == "hub" else None,
        "part": at.part,
        "query": At(query(source), (at.query if source.query else at.table).trail),
        "read_as": converted(name, source),
        "where": at.where,
        "timeout_s": at.timeout_s,
        "limit": at.limit,
        "name": name,
        "table": f"sources.{name}",
        "fetched": f"fetched.{name}",
        # rows in the memory of Python are copied, since a view of them would end with the function that has them
        "make": Code("create" if place.reader == "hub" else "create_view"),
    }


class Based(Protocol):
    """A section that names a model."""

    @property
    def base(self) -> str: ...

    @property
    def precision(self) -> str: ...


def base(section: Based, at: At, folder: str) -> Values:
    """Where the model of a section lies that is tuned, or is a system, and how it computes."""
    return _model(section.base, at.base, at.revision, folder) | precision(section.precision)


def model(section: OtherModel, at: At, folder: str) -> Values:
    """The same of one that is read as it comes."""
    return _model(section.model, at.model, at.revision, folder)


def precision(word: str) -> Values:
    """The template of a number format."""
    return {"precision_partial": f"python/precision/{word}.py.jinja"}


def _model(name: str, at: At, revision: At, folder: str) -> Values:
    place = references.parse(name, folder, hub=True)
    assert place is not None, "checked before: a malformed reference"
    return {
        "base_partial": f"python/place/{place_stem(place)}_model.py.jinja",
        "base": At(place.path, at.trail),
        "distribution": At(place.distribution, at.trail),
        "packaged": place.kind == "package",
        "of_hub": place.kind == "hub",
        "local": place.below_root,
        "revision": revision,
    }


def place_of(source: Source, folder: str = "") -> Place:
    """Where the rows of a checked source lie."""
    place = references.data(source.path, folder, source.format)
    assert place is not None, "checked before: a malformed path"
    return place


def file(path: str, trail: str, folder: str) -> Values:
    """Where a file lies that code opens by its name; `folder` is the spec's, relative to the root."""
    at = references.parse(path, folder)
    assert at is not None, "checked before: a malformed path"
    return {
        "place_partial": f"python/place/{place_stem(at)}.py.jinja",
        "file": At(at.path, trail),
        "distribution": At(at.distribution, trail),
    }


def place_stem(at: references.Reference) -> str:
    """How code finds it: below the root, as an absolute path or Hub name is written, or in a distribution."""
    return "file" if at.below_root else "package" if at.kind == "package" else "literal"


def query(source: Source) -> str:
    """What a database is asked."""
    if source.query is not None:
        return source.query
    parts = (source.table or "").split(".")
    return "select * from " + ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def reference(source: Source) -> str:
    """What the key of the stage that reads the source fingerprints."""
    place = place_of(source)
    if place.reader == "postgresql":
        return f"{source.path} {query(source)}"
    if place.reader == "hub":
        name = source.path.removeprefix("hub:")
        return f"{source.path}@{source.revision}" if place.at.kind == "hub" else name
    return source.path


def typed(name: str, source: Source, rows: DuckDBPyRelation) -> DuckDBPyRelation:
    """The rows with the columns that are read as something else."""
    for projection in converted(name, source):
        rows = rows.project(str(projection.value))
    return rows


def converted(name: str, source: Source) -> list[At]:
    """The projections that read columns as something else."""
    return [
        At(f"* replace ({conversion(column, kind)} as {identifier(column)})", f"sources.{name}.read_as.{column}")
        for column, kind in source.read_as.items()
    ]


def conversion(column: str, kind: str) -> Code:
    """The SQL that reads a column as another kind of value."""
    name = identifier(column)
    if kind not in READINGS:
        return Code(f"strptime(nullif(trim({name}::varchar), ''), {sql(kind)})::timestamp")
    return Code(_CONVERSIONS[kind].format(name))


_CONVERSIONS = {
    "text": "{}::varchar",
    "integer": "nullif(trim({}::varchar), '')::bigint",
    "number": "nullif(trim({}::varchar), '')::double",
    "seconds": "epoch_ms((nullif(trim({}::varchar), '')::double * 1000)::bigint)",
    "milliseconds": "epoch_ms(nullif(trim({}::varchar), '')::bigint)",
}


def has_moments(sources: dict[str, Source]) -> bool:
    """Whether some column is read as moments."""
    return any(
        kind not in ("text", "integer", "number") for source in sources.values() for kind in source.read_as.values()
    )


def reader_partials(sources: dict[str, Source]) -> list[str]:
    """The functions and imports that some readers need, each once."""
    readers = {place_of(source).reader for source in sources.values()}
    return [f"python/reader/{name}.py.jinja" for name in ("json", "hub", "sqlite", "postgresql") if name in readers]


CLEANERS = {"html": "unescape", "nfkc": "nfkc"}
"""Step of `clean` -> the Python function that it needs, since DuckDB has none."""

_TAGS = r"<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->|</?[a-z][^>]*>"
_STEPS = {
    "html": f"unescape(regexp_replace({{}}, '{_TAGS}', ' ', 'gis'))",
    "nfkc": "nfkc({})",
    "lowercase": "lower({})",
}


def cleaner(name: str) -> Code:
    """The macro that cleans the columns of a source's text."""
    return Code(f"clean_{name}")


def cleaned(source: Source) -> Code:
    """The SQL of what is done to each column of a text, always in this order: tags, forms of characters, case."""
    value = "value"
    for step, expression in _STEPS.items():
        value = expression.format(value) if step in source.clean else value
    return Code(value)


def cleaning(name: str, source: Source) -> Values:
    """The macro of a source that does it."""
    return {"macro": cleaner(name), "value": At(cleaned(source), f"sources.{name}.clean")}


def cleaners(sources: dict[str, Source]) -> list[Values]:
    """The Python functions that cleaning needs."""
    steps = {step for source in sources.values() for step in source.clean}
    return [
        {"name": function, "function": Code(function), "partial": f"python/clean/{function}.py.jinja"}
        for step, function in CLEANERS.items()
        if step in steps
    ]
