"""The values for parts: of documents, which are cut into chunks, and of the test queries, which are measured apart."""

from __future__ import annotations

from specforge.catalog.evidence import Judged
from specforge.catalog.objectives import Objective
from specforge.catalog.slices import Link, link
from specforge.quote import Code, identifier
from specforge.relations import relation
from specforge.spec.chunks import AnyChunk
from specforge.spec.document import Experiment, Spec
from specforge.spec.sources import Source
from specforge.templating import At

Values = dict[str, object]


_CHUNK_PARTIALS = {
    "tokens": ("windows", "token_begins", "tokens"),
    "sentences": ("windows", "sentences"),
    "headings": ("windows", "token_begins", "headings"),
    "whole": ("whole",),
}
"""How documents are cut -> the functions that it takes."""


def chunks(spec: Spec) -> Values:
    """How the documents of every objective are cut, where some are."""
    found = [chunk_of(value, spec) for value in spec.objectives.values()]
    if not any(found):
        return {"chunked": False, "token_chunks": False}
    kinds = dict.fromkeys(one.by if one else "whole" for one in found)
    partials = dict.fromkeys(name for kind in kinds for name in _CHUNK_PARTIALS[kind])
    return {
        "chunked": True,
        "cut": cut(spec.objectives[spec.primary], spec),
        "token_chunks": "token_begins" in partials,
        "chunk_partials": [f"python/chunk/{name}.py.jinja" for name in partials],
    }


def chunk_of(objective: Objective, spec: Spec) -> AnyChunk | None:
    return spec.sources[objective.of].chunk if objective.of else None


def cut(objective: Objective, spec: Spec) -> Values:
    """The call that cuts the documents of an objective."""
    chunk, trail = chunk_of(objective, spec), f"sources.{objective.of}.chunk"
    if chunk is None:
        return {"function": Code("whole"), "size": None, "overlap": None}
    overlap = getattr(chunk, "overlap", None)
    return {
        "function": Code(f"by_{chunk.by}"),
        "size": At(chunk.size, f"{trail}.size"),
        "overlap": At(overlap, f"{trail}.overlap") if overlap is not None else None,
    }


def slices(spec: Experiment, objective: str) -> list[Values]:
    """How each slice tells something of the queries of an objective."""
    value = spec.objectives[objective]
    found: list[Values] = [
        {"name": name, "partial": f"sql/slice/{one}.sql.jinja"}
        for name, one in spec.evaluate.slices.items()
        if isinstance(one, str)
    ]
    for name, one in spec.evaluate.told.items():
        known = link(value, one.source)
        if known is None:
            continue
        stem = f"rows_of_{'items' if value.queries == 'documents' else 'texts'}" if known == "rows" else known
        stem = "asked" if known == "rows" and isinstance(value, Judged) else stem
        key = _key(value, known, spec.sources[one.source])
        found.append({
            "name": name,
            "partial": f"sql/slice/{stem}.sql.jinja",
            "table": Code(_marked(name, objective, spec)) if one.where else relation(one.source, spec),
            "key": Code("key") if one.where else identifier(key),
            "value": At(identifier(one.column), f"evaluate.slices.{name}.column") if one.column else Code("value"),
        })  # fmt: skip
    return found


def _marked(name: str, objective: str, spec: Experiment) -> str:
    """The table that says of which rows the condition of a slice holds."""
    return f"sliced.{name}_{list(spec.objectives).index(objective)}" if spec.others else f"sliced.{name}"


def _key(objective: Objective, known: Link, source: Source) -> str:
    """The column that names the query, or the document that tells of it."""
    column = getattr(objective, objective.asks or "") if known == "rows" else source.id
    assert isinstance(column, str), "a collection has an id"
    return column


def marks(spec: Experiment) -> list[Values]:
    """The conditions of slices, which are tried before the SQL of the objectives."""
    found = list[Values]()
    for name, one in spec.evaluate.told.items():
        for objective, value in spec.objectives.items():
            known, source = link(value, one.source), spec.sources[one.source]
            if one.where is not None and known:
                found.append({
                    "source": f"sources.{identifier(one.source)}",
                    "key": str(identifier(_key(value, known, source))),
                    "where": At(one.where, f"evaluate.slices.{name}.where"),
                    "timeout_s": At(source.timeout_s, f"sources.{one.source}.timeout_s"),
                    "table": _marked(name, objective, spec),
                })  # fmt: skip
    return found
