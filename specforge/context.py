"""The values that templates are filled with: all that needs thought is computed here, so that templates stay plain."""

from __future__ import annotations

import string
from specforge import references
from specforge.catalog.objectives import SameGroup
from specforge.catalog.similarities import SIMILARITIES
from specforge.catalog.splits import Split
from specforge.quote import Code, identifier, sql
from specforge.spec.document import Spec
from specforge.spec.sources import Source
from specforge.templating import At

Values = dict[str, object]


def common(spec: At, folder: str) -> Values:
    """What every template may use. `folder` is the spec's folder relative to the root."""
    retriever, value = spec.retriever, spec.value
    return {
        "name": spec.name,
        "evaluate": evaluate(spec.evaluate),
        "bootstrap": spec.evaluate.bootstrap,
        "retriever": retriever,
        "prompts": retriever.prompts,
        "encoder": encoder(retriever, folder),
        "similarity": At(SIMILARITIES[value.retriever.similarity], "retriever.similarity"),
        "similarity_function": Code(SIMILARITIES[value.retriever.similarity].function),
        "faiss_metric": Code(SIMILARITIES[value.index.similarity or value.retriever.similarity].faiss_metric),
        "index": spec.index,
        "index_partial": f"python/index/{value.index.kind}.py.jinja",
        **training(retriever),
        **objective(spec),
        **sources(spec, folder),
    }


def evaluate(section: At) -> Values:
    """Each metric once, the primary first."""
    value = section.value
    return {
        "depth": section.depth,
        "primary": section.primary,
        "all_metrics": At(list(dict.fromkeys([value.primary, *value.metrics])), "evaluate.metrics"),
    }


def encoder(retriever: At, folder: str) -> Values:
    """The encoding contract."""
    value = retriever.value
    base = references.parse(value.base, folder, hub=True)
    assert base is not None, "checked before: a malformed reference"
    return {
        "precision_partial": f"python/precision/{value.precision}.py.jinja",
        "base_partial": f"python/place/{base.kind}_model.py.jinja",
        "base": At(base.path, "retriever.base"),
        "distribution": At(base.distribution, "retriever.base"),
        "packaged": base.kind == "package",
        "revision": retriever.revision,
        "normalised": SIMILARITIES[value.similarity].normalised,
        "one_prompt": value.prompts.query == value.prompts.document,
    }


def training(retriever: At) -> Values:
    """The loss and the trainer's arguments; nothing where nothing is trained."""
    train = retriever.value.train
    if train == "none" or retriever.value.loss is None:
        return {}
    select = train.select
    epochs = select is not None and select.every == "epoch"
    steps = retriever.train.checkpoint_steps if select is None else retriever.train.select.every
    return {
        "loss": retriever.loss,
        "cached": retriever.value.loss.cached,
        "loss_partial": f"python/loss/{retriever.value.loss.kind}.py.jinja",
        "train": retriever.train,
        "select": retriever.train.select,
        "sampler": Code({"no_duplicates": "NO_DUPLICATES", "random": "BATCH_SAMPLER"}[train.sampler]),
        "saving": {"strategy": "epoch" if epochs else "steps", "steps": None if epochs else steps},
    }


def objective(spec: At) -> Values:
    """The SQL of what similar means."""
    (name, value), *_ = spec.value.objectives.items()
    at = getattr(spec.objectives, name)
    collection = spec.value.sources[value.of]
    return {
        "objective": {
            "events": relation(value.events, spec.value),
            "group": At(identifier(value.group), at.group.trail),
            "item": At(identifier(value.item), at.item.trail),
            "moment": moment(value),
            "min_items": at.min_items,
            "max_items": at.max_items,
            "min_count": at.min_count,
            "pairs_per_item": at.pairs_per_item,
            "weight_partial": f"sql/weight/{value.weight}.sql.jinja",
            "judged_min_count": at.judgments.min_count,
            "min_groups": at.min_groups,
            "judged_per_query": at.judgments.per_query,
        },
        "collection": {
            "name": relation(value.of, spec.value),
            "id": At(identifier(collection.id or ""), f"sources.{value.of}.id"),
            "text": At(text_expression(collection.text or ""), f"sources.{value.of}.text"),
            "unit": At(unit_expression(spec.value.split), "split.unit"),
        },
        "split": split(spec.split),
    }


def moment(value: SameGroup) -> Code:
    """When an event was, for splits by time."""
    return Code(f"{identifier(value.time)}::timestamp" if value.time else "null::timestamp")


def split(at: At) -> Values:
    """Shares as thresholds of `bucket()`, which runs from 0 to 9999."""
    value = at.value
    values: Values = {"partial": f"sql/split/{value.by}.sql.jinja"}
    if hasattr(value, "seed"):
        values |= {
            "item_salt": At(f"item/{value.seed}/", at.seed.trail),
            "group_salt": At(f"group/{value.seed}/", at.seed.trail),
            "test_below": At(_parts(value.test), at.test.trail),
            "dev_below": At(_parts(value.test) + _parts(value.dev), at.dev.trail),
        }
    if value.by == "item":
        values["judge_below"] = At(_parts(value.judging_groups), at.judging_groups.trail)
    if value.by == "time":
        values |= {"dev_from": at.dev, "test_from": at.test}
    if value.by == "time_then_item":
        values["judged_from"] = at.judged_from
    return values


def _parts(share: float) -> int:
    return round(share * 10_000)


def fields(template: str) -> list[tuple[str, str]]:
    """A text template as (literal before, column); the text after the last column comes with an empty column."""
    return [(literal, column or "") for literal, column, _, _ in string.Formatter().parse(template)]


def text_expression(template: str) -> Code:
    """The SQL of a text template: a column that is null or blank takes the text before it along."""
    pieces = [_piece(literal, column) for literal, column in fields(template)]
    joined = ",\n            ".join(pieces)
    text = f"trim(regexp_replace(concat(\n            {joined}\n        ), '\\s+', ' ', 'g'))"
    separators = sql(" ,;:|/-")
    return Code(f"ltrim({text}, {separators})" if len(pieces) > 1 else text)


def _piece(literal: str, column: str) -> str:
    if not column:
        return sql(literal)
    value = f"nullif(trim({identifier(column)}::varchar), '')"
    return f"{sql(literal)} || {value}" if literal else value


def unit_expression(chosen: Split) -> Code:
    """What a split hashes: the id, the text without case and punctuation, or a column."""
    unit = getattr(chosen, "unit", "id")
    if unit == "id":
        return Code("item_id")
    if unit == "text":
        return Code("lower(trim(regexp_replace(text, '[^\\pL\\pN]+', ' ', 'g')))")
    return Code(f"coalesce({identifier(unit)}::varchar, item_id)")


def relation(name: str, spec: Spec) -> Code:
    """The table of a source, after its condition and its join."""
    source = spec.sources[name]
    if source.join:
        return Code(f"joined.{identifier(name)}")
    return Code(f"sources.{identifier(name)}")


def key_columns(name: str, spec: Spec) -> list[str]:
    """The columns of a source that are read as text, so that `00123` stays `00123`."""
    source, keys = spec.sources[name], set[str]()
    if source.id and source.text:
        keys |= {source.id, *(column for _, column in fields(source.text) if column)}
    if source.join:
        keys.add(source.join.on)
    for other in spec.sources.values():
        if other.join and other.join.source == name:
            keys |= {other.join.key or other.join.on, *other.join.columns}
    for value in spec.objectives.values():
        keys |= {value.group, value.item} if value.events == name else set()
    return sorted(keys - (set(source.join.columns) if source.join else set()))


def used_sources(spec: Spec) -> list[str]:
    """The sources that the objective reads, those that others take columns from first."""
    order: list[str] = []

    def visit(name: str) -> None:
        join = spec.sources[name].join
        if join:
            visit(join.source)
        if name not in order:
            order.append(name)

    for value in spec.objectives.values():
        visit(value.of)
        visit(value.events)
    return order


def sources(spec: At, folder: str) -> Values:
    """How each source is read, and the joins."""
    names = used_sources(spec.value)
    found = [one_source(name, spec, folder) for name in names]
    return {
        "sources": found,
        "joins": [join(name, spec) for name in names if spec.value.sources[name].join],
        "packaged": any(source["packaged"] for source in found),
        "conditions": any(spec.value.sources[name].where for name in names),
    }


def one_source(name: str, spec: At, folder: str) -> Values:
    """How a source is read."""
    at = getattr(spec.sources, name)
    source: Source = at.value
    place = references.parse(source.path, folder)
    assert place is not None, "checked before: a malformed reference"
    suffix = references.suffix(place.path)
    return {
        "read": Code(f"read_{name}"),
        "packaged": place.kind == "package",
        "place_partial": f"python/place/{place.kind}.py.jinja",
        "format_partial": f"python/format/{references.FORMATS[suffix]}.py.jinja",
        "file": At(place.path.lstrip("/") if place.kind == "glob" else place.path, at.path.trail),
        "glob_root": Code('Path("/")' if place.path.startswith("/") else "ROOT"),
        "distribution": At(place.distribution, at.path.trail),
        "delimiter": "\t" if suffix == ".tsv" else ",",
        "text_types": dict.fromkeys(key_columns(name, spec.value), "VARCHAR"),
        "where": at.where,
        "limit": at.limit,
        "name": name,
        "table": f"sources.{name}",
    }


def join(name: str, spec: At) -> Values:
    """A view of a source with the columns that it takes over."""
    at = getattr(spec.sources, name).join
    value = at.value
    return {
        "view": Code(f"joined.{identifier(name)}"),
        "left": Code(f"sources.{identifier(name)}"),
        "right": relation(value.source, spec.value),
        "on": At(identifier(value.on), f"sources.{name}.join.on"),
        "key": At(identifier(value.key or value.on), f"sources.{name}.join.key"),
        "columns": [At(identifier(column), f"sources.{name}.join.columns") for column in value.columns],
    }


def baselines(names: list[str]) -> Values:
    """The baselines' partials, with those that they build on before them."""
    shared = ["partners"] if {"co_occurrence", "neighbour_transfer"} & set(names) else []
    return {
        "baselines": [{"name": name, "function": Code(name)} for name in names],
        "baseline_partials": [f"python/baseline/{name}.py.jinja" for name in [*shared, *names]],
    }


def fusions(spec: Spec) -> Values:
    """The systems that fuse the model with a baseline."""
    model = "tuned" if spec.retriever.train != "none" else "untuned"
    return {
        "fused": [
            {"name": At(f"{model}+{name}", "evaluate.fuse"), "scorer": Code(f"baselines.{name}(work)")}
            for name in spec.evaluate.fuse
            if name != model
        ]
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
