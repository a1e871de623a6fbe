"""The sources in SQL: the table of each, the columns that are read, the text of a collection."""

from __future__ import annotations

from specforge import reading
from specforge.catalog import roles
from specforge.catalog.splits import ByItem, ByTimeThenItem, TextsByItem
from specforge.quote import Code, identifier, sql
from specforge.spec.document import Experiment
from specforge.spec.sources import Source
from specforge.templating import At
from specforge.wording import fields, templates

Values = dict[str, object]


def text_expression(name: str, source: Source, template: str | None = None) -> Code:
    """The SQL of a text template: a column that is null or blank takes the text before it along, or is said in words. `template` stands for another than the source's own."""
    parts = fields(template or source.text or "")
    joined = ",\n            ".join(_piece(literal, column, name, source) for literal, column in parts)
    blanks = r"[^\S\n]+" if source.chunk is not None and source.chunk.by != "tokens" else r"\s+"
    text = f"trim(regexp_replace(concat(\n            {joined}\n        ), '{blanks}', ' ', 'g'))"
    begins_with_column = not parts[0][0].strip()
    return Code(f"ltrim({text}, {sql(' ,;:|/-')})" if len(parts) > 1 and begins_with_column else text)


def _piece(literal: str, column: str, name: str, source: Source) -> str:
    if not column:
        return sql(literal)
    text = f"{identifier(column)}::varchar"
    text = f"{reading.cleaner(name)}({text})" if source.clean else text
    value = f"nullif(trim({text}), '')"
    if column in source.if_empty:
        value = f"coalesce({value}, {sql(source.if_empty[column])})"
    return f"{sql(literal)} || {value}" if literal else value


def family(spec: Experiment) -> str | None:
    """The column of the collection whose values fall on one side of the split, where that is what the split hashes."""
    unit = spec.split.unit if isinstance(spec.split, ByItem | ByTimeThenItem | TextsByItem) else "id"
    return None if unit in ("id", "text") else unit


def unit(spec: Experiment) -> Code:
    """What a split hashes: the id, the text without case and punctuation, or a column."""
    if family(spec) is not None:
        return Code("coalesce(family, item_id)")
    if getattr(spec.split, "unit", "id") == "text":
        return Code("lower(trim(regexp_replace(text, '[^\\pL\\pN]+', ' ', 'g')))")
    return Code("item_id")


def relation(name: str, spec: Experiment) -> Code:
    """The table of a source, after its condition and its join."""
    source = spec.sources[name]
    if source.join:
        return Code(f"joined.{identifier(name)}")
    return Code(f"sources.{identifier(name)}")


def key_columns(name: str, spec: Experiment) -> list[str]:
    """The columns of a source that are read as text, so that `00123` stays `00123` and no moment is guessed at."""
    source = spec.sources[name]
    keys = {source.join.on} if source.join else set()
    for other in spec.sources.values():
        if other.join and other.join.source == name:
            keys |= {other.join.key or other.join.on, *other.join.columns}
    for value in spec.objectives.values():
        keys |= {one.column for one in roles.columns(value) if one.source == name and (one.role.key or one.role.moment)}
        for _, source_name, role in roles.tables(value):
            keys |= _collection_columns(name, spec) if role.collection and source_name == name else set()
    keys |= set(source.read_as)
    return sorted(keys - (set(source.join.columns) if source.join else set()))


def _collection_columns(name: str, spec: Experiment) -> set[str]:
    source = spec.sources[name]
    columns = {source.id, family(spec), *(column for _, text in templates(name, spec) for _, column in fields(text))}
    return {column for column in columns if column}


def used_sources(spec: Experiment, *objectives: str) -> list[str]:
    """The sources that objectives, or all of them, read; those that others take columns from first."""
    order: list[str] = []

    def visit(name: str) -> None:
        join = spec.sources[name].join
        if join:
            visit(join.source)
        if name not in order:
            order.append(name)

    for one in objectives or spec.objectives:
        for _, name, _ in roles.tables(spec.objectives[one]):
            visit(name)
    return order


def join(name: str, spec: Experiment) -> Values:
    """A view of a source with the columns that it takes over."""
    value, trail = spec.sources[name].join, f"sources.{name}.join"
    assert value is not None
    return {
        "view": Code(f"joined.{identifier(name)}"),
        "left": Code(f"sources.{identifier(name)}"),
        "right": relation(value.source, spec),
        "lost": f"{name}_without_{value.source}",
        "on": At(identifier(value.on), f"{trail}.on"),
        "key": At(identifier(value.key or value.on), f"{trail}.key"),
        "columns": [At(identifier(column), f"{trail}.columns") for column in value.columns],
    }
