"""The values that templates are filled with: all that needs thought is computed here, so that templates stay plain."""

from __future__ import annotations

import string

from specforge import judging, reading, references
from specforge.catalog import metrics, roles
from specforge.catalog.evidence import Evidence, Judged, Sql
from specforge.catalog.objectives import Objective
from specforge.catalog.similarities import SIMILARITIES
from specforge.catalog.slices import Link, link
from specforge.catalog.splits import ByItem, ByTimeThenItem
from specforge.quote import Code, identifier, sql
from specforge.spec.chunks import AnyChunk, ByHeadings
from specforge.spec.document import Spec
from specforge.spec.retriever import Train
from specforge.spec.sources import Source
from specforge.templating import At

Values = dict[str, object]


def common(spec: Spec, folder: str) -> Values:
    """What every template may use. `folder` is the spec's folder relative to the root."""
    at, retriever = At(spec, ""), spec.retriever
    return {
        "evaluate": evaluate(spec),
        "bootstrap": at.evaluate.bootstrap,
        "retriever": at.retriever,
        "prompts": at.retriever.prompts,
        "encoder": encoder(spec, folder),
        "similarity_function": Code(SIMILARITIES[retriever.similarity].function),
        "faiss_metric": Code(SIMILARITIES[spec.index.similarity or retriever.similarity].faiss_metric),
        "index": at.index,
        "index_partial": f"python/index/{spec.index.kind}.py.jinja",
        "split": at.split,
        "split_partial": f"sql/split/{spec.split.by}.sql.jinja",
        "shares": shares(spec),
        "folds": At(getattr(spec.split, "folds", None), "split.folds"),
        "place": Code("bucket" if getattr(spec.split, "folds", None) is None else "place"),
        **training(spec),
        **objective(spec, spec.primary),
        **sources(spec, folder),
        **queries(spec),
        "marks": marks(spec),
        **chunks(spec),
        "mixed": [mixed(name, spec) for name in spec.objectives] if spec.others else None,
        "shown": shown(spec),
        "any_negatives": any(map(_has_negatives, spec.objectives.values())),
        "others": spec.others,
        "asks": asks(spec),
        "asked_joins": asked_joins(spec),
    }


def evaluate(spec: Spec) -> Values:
    """Each metric once."""
    at, section = At(spec.evaluate, "evaluate"), spec.evaluate
    others = [name for name in dict.fromkeys(section.metrics) if name != section.primary]
    return {
        "depth": at.depth,
        "primary": at.primary,
        "metrics": [At(name, at.metrics.trail) for name in others],
    }


def encoder(spec: Spec, folder: str) -> Values:
    """The encoding contract."""
    at, section = At(spec.retriever, "retriever"), spec.retriever
    base = references.parse(section.base, folder, hub=True)
    assert base is not None, "checked before: a malformed reference"
    return {
        "precision_partial": f"python/precision/{section.precision}.py.jinja",
        "base_partial": f"python/place/{reading.place_stem(base)}_model.py.jinja",
        "base": At(base.path, at.base.trail),
        "distribution": At(base.distribution, at.base.trail),
        "packaged": base.kind == "package",
        "revision": at.revision,
        "normalised": SIMILARITIES[section.similarity].normalised,
        "one_prompt": section.prompts.query == section.prompts.document,
    }


_SAMPLERS = {"no_duplicates": Code("NO_DUPLICATES"), "random": Code("BATCH_SAMPLER")}
"""The members of `sentence_transformers.base.sampler.BatchSamplers`."""


def training(spec: Spec) -> Values:
    """The loss and the trainer's arguments; nothing where nothing is trained."""
    loss, train, at = spec.retriever.loss, spec.retriever.train, At(spec.retriever, "retriever")
    if train == "none" or loss is None:
        return {"more_seeds": None}
    return {
        "loss": at.loss,
        "cached": loss.cached,
        "loss_partial": f"python/loss/{loss.kind}.py.jinja",
        "train": at.train,
        "select": at.train.select,
        "select_depth": At(cutoff(train.select.metric), at.train.select.metric.trail) if train.select else None,
        "sampler": _SAMPLERS[train.sampler],
        "saving": saving(train, at.train),
        "seed": At(train.seeds[0], at.train.seeds.trail),
        "more_seeds": At(list(train.seeds[1:]), at.train.seeds.trail),
    }


def saving(train: Train, at: At) -> Values:
    """When a checkpoint is written: when one is measured, else for the sake of killed runs."""
    if train.select is None:
        return {"strategy": "steps", "steps": at.checkpoint_steps}
    if train.select.every == "epoch":
        return {"strategy": At("epoch", at.select.every.trail), "steps": None}
    return {"strategy": "steps", "steps": at.select.every}


def cutoff(metric: str) -> int:
    """The ranks that a metric looks at: 10 for `nDCG@10`."""
    parsed = metrics.parse(metric)
    assert parsed is not None and parsed[1] is not None, "checked before: a metric that is not of retrieval"
    return parsed[1]


_CHUNK_PARTIALS = {
    "tokens": ("windows", "token_begins", "tokens"),
    "sentences": ("windows", "sentences"),
    "headings": ("windows", "token_begins", "headings"),
    "whole": ("whole",),
}
"""How documents are cut -> the functions that it takes."""


def chunks(spec: Spec) -> Values:
    """How the documents of every objective are cut, where some are."""
    found = [_chunk(value, spec) for value in spec.objectives.values()]
    if not any(found):
        return {"chunked": False}
    kinds = dict.fromkeys(one.by if one else "whole" for one in found)
    partials = dict.fromkeys(name for kind in kinds for name in _CHUNK_PARTIALS[kind])
    return {
        "chunked": True,
        "cut": cut(spec.objectives[spec.primary], spec),
        "token_chunks": "token_begins" in partials,
        "chunk_partials": [f"python/chunk/{name}.py.jinja" for name in partials],
    }


def _chunk(objective: Objective, spec: Spec) -> AnyChunk | None:
    return spec.sources[objective.of].chunk if objective.of else None


def cut(objective: Objective, spec: Spec) -> Values:
    """The call that cuts the documents of an objective."""
    chunk, trail = _chunk(objective, spec), f"sources.{objective.of}.chunk"
    if chunk is None:
        return {"function": Code("whole"), "size": None, "overlap": None}
    overlap = getattr(chunk, "overlap", None)
    return {
        "function": Code(f"by_{chunk.by}"),
        "size": At(chunk.size, f"{trail}.size"),
        "overlap": At(overlap, f"{trail}.overlap") if overlap is not None else None,
    }


def slices(spec: Spec, objective: str) -> list[Values]:
    """How each slice tells something of the queries of an objective."""
    value, found = spec.objectives[objective], list[Values]()
    for name, one in spec.evaluate.slices.items():
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


def _marked(name: str, objective: str, spec: Spec) -> str:
    """The table that says of which rows the condition of a slice holds."""
    return f"sliced.{name}_{list(spec.objectives).index(objective)}" if spec.others else f"sliced.{name}"


def _key(objective: Objective, known: Link, source: Source) -> str:
    """The column that names the query, or the document that tells of it."""
    column = getattr(objective, objective.asks or "") if known == "rows" else source.id
    assert isinstance(column, str), "a collection has an id"
    return column


def marks(spec: Spec) -> list[Values]:
    """The conditions of slices, which are tried before the SQL of the objectives."""
    found = list[Values]()
    for name, one in spec.evaluate.slices.items():
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


def queries(spec: Spec) -> Values:
    """Whether queries are documents themselves, and whether those of some objectives are and of others are not."""
    found = {value.queries for value in spec.objectives.values()}
    return {"of_items": "documents" in found, "of_both": len(found) > 1}


def mixed(name: str, spec: Spec) -> Values:
    """One of several objectives: its script and tables, and its part of the training rows."""
    value, train = spec.objectives[name], spec.retriever.train
    parts = train.mixture if train != "none" else None
    return {
        "name": name,
        "folder": "." if name == spec.primary else name,
        "sql": script(name, spec),
        "of_items": value.queries == "documents",
        "negatives": _has_negatives(value),
        "cut": cut(value, spec),
        "part": At(parts[name], f"retriever.train.mixture.{name}") if parts else None,
    }


def shown(spec: Spec) -> bool:
    """Whether what was shown for a query is ranked, and not the whole corpus."""
    if spec.evaluate.candidates is not None:
        return spec.evaluate.candidates == "shown"
    return all(isinstance(value, Evidence) and value.of_exposure for value in spec.objectives.values())


def script(name: str, spec: Spec) -> str:
    """The file with the SQL of an objective."""
    return f"{_own('objective', name, spec)}.sql"


def _own(stem: str, name: str, spec: Spec) -> str:
    """What an objective has of its own: the one that counts gives it the plain name."""
    return stem if name == spec.primary else f"{stem}_{name}"


def scripts(spec: Spec) -> list[tuple[str, str, Values]]:
    """What DuckDB runs: file, template, values. A query of the user's own runs after the joins of its tables."""
    found = [(script(name, spec), "sql/objective.sql.jinja", objective(spec, name)) for name in spec.objectives]
    queries = {name: value for name, value in spec.objectives.items() if isinstance(value, Sql)}
    for name, value in queries.items():
        query = At(Code(own_query(value)), f"objectives.{name}.query")
        found.append((f"{_own('query', name, spec)}.sql", "sql/query.sql.jinja", {"query": query}))
    joins = asked_joins(spec)
    if joins:
        found.append(("joins.sql", "sql/joins.sql.jinja", {"joins": joins}))
    if any(_chunk(value, spec) for value in spec.objectives.values()):
        found.append(("chunks.sql", "sql/chunks.sql.jinja", {}))
    return found


def _has_negatives(value: Objective) -> bool:
    return isinstance(value, Evidence) and value.has_negatives


def objective(spec: Spec, name: str) -> Values:
    """The SQL of what similar means."""
    value = spec.objectives[name]
    asked = value.asked if isinstance(value, Judged) else None
    return {
        "objective_partial": f"sql/objective/{value.sql}.sql.jinja",
        "of_items": value.queries == "documents",
        **own_sources(spec, name),
        "slices": slices(spec, name) if spec.evaluate.slices else None,
        "kind": At(Code(value.kind), f"objectives.{name}.kind"),
        "collection": collection(value.of, spec) if value.of else own_texts(value, spec),
        "asked": collection(asked, spec) if asked else None,
        "judgments": Code(_own("judgments", name, spec)),
        "main": Code(_own("judgments", name, spec))
        if isinstance(value, Sql)
        else relation(getattr(value, value.main), spec),
        **judging.values(name, value, spec.split, lambda source: relation(source, spec)),
    }


def own_query(value: Sql) -> str:
    """A query of the user's own as it is run: within brackets, where no semicolon can end it."""
    return value.query.strip().removesuffix(";").rstrip()


def asks(spec: Spec) -> list[Values]:
    """The queries of the user's own that give judgments, and the tables that they read."""
    found: list[Values] = []
    for name, value in spec.objectives.items():
        if isinstance(value, Sql):
            at = At(value, f"objectives.{name}")
            reads = [{"name": At(one, at.reads.trail), "rows": f"from {relation(one, spec)}"} for one in value.reads]
            file, table = f"{_own('query', name, spec)}.sql", _own("judgments", name, spec)
            found.append({"file": file, "table": table, "reads": reads, "timeout_s": at.timeout_s})
    return found


def asked_joins(spec: Spec) -> list[Values]:
    """The joins, where queries of the user's own need them before any objective does."""
    if not any(isinstance(value, Sql) for value in spec.objectives.values()):
        return []
    return [join(name, spec) for name in used_sources(spec) if spec.sources[name].join]


def collection(name: str, spec: Spec) -> Values:
    """The SQL of the texts, and of what the split hashes."""
    source, at = spec.sources[name], At(spec.sources[name], f"sources.{name}")
    column = family(spec)
    return {
        "name": relation(name, spec),
        "columns": None,
        "id": At(identifier(source.id or ""), at.id.trail),
        "text": At(text_expression(name, source), at.text.trail),
        "family": At(identifier(column) if column else None, "split.unit"),
        "unit": At(unit(spec), "split.unit"),
    }


def own_texts(value: Objective, spec: Spec) -> Values:
    """The same where the rows hold the texts: each value of the columns is a document, and its own id."""
    found = [one for one in roles.columns(value) if one.role.ids]
    return {
        "name": relation(found[0].source, spec),
        "columns": [Code(identifier(one.column)) for one in found],
        "family": None,
        "unit": At(unit(spec), "split.unit"),
    }


def shares(spec: Spec) -> Values:
    """Shares as `bucket()` counts them: in ten thousandths."""
    values = {name: getattr(spec.split, name, None) for name in ("test", "dev", "dev_share", "judging_groups")}
    return {
        name: At(max(1, round(value * 10_000)), f"split.{name}")
        for name, value in values.items()
        if isinstance(value, float)
    }


def fields(template: str) -> list[tuple[str, str]]:
    """A text template as (literal before, column); the text after the last column comes with an empty column."""
    found, before = list[tuple[str, str]](), ""
    for literal, column, _, _ in string.Formatter().parse(template):
        before += literal
        if column:
            found.append((before, column))
            before = ""
    return [*found, (before, "")] if before else found


def text_expression(name: str, source: Source) -> Code:
    """The SQL of a text template: a column that is null or blank takes the text before it along, or is said in words."""
    parts = fields(source.text or "")
    joined = ",\n            ".join(_piece(literal, column, name, source) for literal, column in parts)
    blanks = r"[^\S\n]+" if isinstance(source.chunk, ByHeadings) else r"\s+"
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


def family(spec: Spec) -> str | None:
    """The column of the collection whose values fall on one side of the split, where that is what the split hashes."""
    unit = spec.split.unit if isinstance(spec.split, ByItem | ByTimeThenItem) else "id"
    return None if unit in ("id", "text") else unit


def unit(spec: Spec) -> Code:
    """What a split hashes: the id, the text without case and punctuation, or a column."""
    if family(spec) is not None:
        return Code("coalesce(family, item_id)")
    if getattr(spec.split, "unit", "id") == "text":
        return Code("lower(trim(regexp_replace(text, '[^\\pL\\pN]+', ' ', 'g')))")
    return Code("item_id")


def relation(name: str, spec: Spec) -> Code:
    """The table of a source, after its condition and its join."""
    source = spec.sources[name]
    if source.join:
        return Code(f"joined.{identifier(name)}")
    return Code(f"sources.{identifier(name)}")


def key_columns(name: str, spec: Spec) -> list[str]:
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


def _collection_columns(name: str, spec: Spec) -> set[str]:
    source = spec.sources[name]
    columns = {source.id, family(spec), *(column for _, column in fields(source.text or ""))}
    return {column for column in columns if column}


def used_sources(spec: Spec, *objectives: str) -> list[str]:
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


def sources(spec: Spec, folder: str) -> Values:
    """How each source is read."""
    names = used_sources(spec)
    found = [reading.values(name, spec.sources[name], folder, key_columns(name, spec)) for name in names]
    used = {name: spec.sources[name] for name in names}
    return {
        "sources": found,
        "packaged": any(source["packaged"] for source in found),
        "conditions": any(spec.sources[name].where for name in names),
        "reader_partials": reading.reader_partials(used),
        "cleaners": reading.cleaners(used),
        "timed": any(getattr(value, "time", None) for value in spec.objectives.values()) or reading.has_moments(used),
    }


def own_sources(spec: Spec, objective: str) -> Values:
    """The joins and the cleaning of the sources that an objective reads."""
    used = {name: spec.sources[name] for name in used_sources(spec, objective)}
    return {
        "joins": [join(name, spec) for name, source in used.items() if source.join],
        "cleanings": [reading.cleaning(name, source) for name, source in used.items() if source.clean],
    }


def join(name: str, spec: Spec) -> Values:
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


def baselines(measured: list[str], fused: list[str], model: str) -> Values:
    """The baselines that are measured and those that are fused with the model, and the functions of both."""
    names = list(dict.fromkeys([*measured, *fused]))
    shared = ["partners"] if {"co_occurrence", "neighbour_transfer"} & set(names) else []
    return {
        "baseline_names": At(measured, "evaluate.baselines"),
        "baselines": [{"name": name, "function": Code(name)} for name in measured],
        "baseline_partials": [f"python/baseline/{name}.py.jinja" for name in [*shared, *names]],
        "fused": [
            {"name": At(f"{model}+{name}", "evaluate.fuse"), "build": Code(f"baselines.{name}")} for name in fused
        ],
    }


def embedding(stem: str, tuned: bool) -> Values:
    """The stage that encodes with the tuned model, or with the base model."""
    of_tuned = stem == "embed" and tuned
    output = "vectors" if stem == "embed" else "untuned"
    return {
        "words": Code("tuned" if of_tuned else "base"),
        "model": Code('str(work / "model")' if of_tuned else "encoder.base_model()"),
        "output": output,
        "temporary": f"{output}.tmp",
        "of_tuned": of_tuned,
    }
