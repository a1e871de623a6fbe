"""The values that templates are filled with: all that needs thought is computed here, so that templates stay plain."""

from __future__ import annotations

from specforge import augmenting, clusters, families, judging, measuring, parts, reading, relations, training
from specforge.catalog import roles
from specforge.catalog.asked import Sql
from specforge.catalog.baselines import BASELINES
from specforge.catalog.evidence import Evidence, Judged
from specforge.catalog.hybrids import Weighted
from specforge.catalog.indexes import Auto, Binary, Funnel, InCells, Index, MultiVector, Opq, Quantised, ScalarQuantizer
from specforge.catalog.objectives import Objective
from specforge.catalog.similarities import SIMILARITIES
from specforge.quote import Code, identifier
from specforge.spec.document import Experiment, Spec
from specforge.spec.retriever import BiEncoder, Retriever
from specforge.systems import retrieval, words_place
from specforge.templating import At

Values = dict[str, object]


def common(spec: Spec, folder: str) -> Values:
    """What every template may use. `folder` is the spec's folder relative to the root."""
    at = At(spec, "")
    return {
        "of_classes": False,
        "evaluate": evaluate(spec),
        "bootstrap": at.evaluate.bootstrap,
        "dimensions": At(_dimensions(spec), "evaluate.dimensions"),
        "retriever": at.retriever,
        "lexical": spec.encoder is None,
        **(encoding(spec, spec.encoder, folder) if spec.encoder else {}),
        "split": at.split,
        "split_partial": f"sql/split/{spec.split.by}.sql.jinja",
        "shares": shares(spec),
        "folds": At(spec.folds, "split.folds"),
        "place": Code("place" if spec.folds else "bucket"),
        **training.values(spec, folder),
        **objective(spec, spec.primary),
        **sources(spec, folder),
        **queries(spec),
        "marks": parts.marks(spec),
        **parts.chunks(spec),
        "mixed": [mixed(name, spec) for name in spec.objectives] if spec.others else None,
        "shown": spec.shown,
        "any_negatives": any(map(_has_negatives, spec.objectives.values())),
        "others": spec.others,
        "asks": asks(spec),
        "asked_joins": asked_joins(spec),
    }


def hybrid(spec: Spec) -> Values:
    """How two rankings are made one, and where the words are kept."""
    place = words_place(spec)
    return {
        "hybrid": At(spec.hybrid, "hybrid") if spec.hybrid else None,
        "weighted": isinstance(spec.hybrid, Weighted),
        "retrieval_system": retrieval(spec),
        "words": {"folder": Code(place), "output": place, "temporary": f"{place}.tmp"},
    }


def index(spec: Spec) -> Values:
    """What answers queries; nothing where nothing is ranked."""
    if spec.index is None or spec.encoder is None:
        return {}
    at = At(spec.index, "index")
    return {
        "faiss_metric": Code(SIMILARITIES[spec.index.similarity or spec.encoder.similarity].faiss_metric or ""),
        "index": at,
        "index_partial": families.index_partial(spec.encoder, spec.index.kind),
        "exact": spec.index.exact,
        "index_learns": spec.index.learns,
        "cells": isinstance(spec.index, InCells),
        "rotated": isinstance(spec.index, Opq),
        "swept": Code(spec.index.swept) if spec.index.swept else None,
        "binary": isinstance(spec.index, Binary),
        "funnel": isinstance(spec.index, Funnel),
        "auto": isinstance(spec.index, Auto),
        **_kept(spec.index, at),
    }


_KEPT = {"fp32": "Flat", "fp16": "SQfp16", "int8": "SQ8"}
"""Precision of numbers -> the word of faiss for an index that keeps them so."""


def _kept(index: Index, at: At) -> Values:
    """What an index keeps of a vector, or of one that is compared again."""
    if isinstance(index, ScalarQuantizer | MultiVector):
        return {"kept_as": At(_KEPT[index.codes], at.codes.trail)}
    return (
        {"kept_as": At(_KEPT[index.rescore_with], at.rescore_with.trail)}
        if isinstance(index, Binary | Quantised)
        else {}
    )


def evaluate(spec: Spec) -> Values:
    """How rankings are measured."""
    at = At(spec.evaluate, "evaluate")
    others = [At(name, at.metrics.trail) for name in spec.evaluate.measured[1:]]
    return {"depth": at.depth, "primary": at.primary, "metrics": others}


def _dimensions(spec: Spec) -> list[int]:
    """The lengths that vectors are cut to, each once; words in common have none."""
    return list(dict.fromkeys(spec.evaluate.dimensions)) if spec.encoder else []


def encoding(spec: Spec, retriever: Retriever, folder: str) -> Values:
    """What a retriever that encodes texts is, and the index of its vectors."""
    at, similarity = At(spec, ""), SIMILARITIES[retriever.similarity]
    return {
        "prompts": at.retriever.prompts,
        "encoder": encoder(retriever, folder),
        "static": spec.static is not None,
        "truncate_dim": At(spec.truncate_dim, "retriever.truncate_dim"),
        "static_dimension": At(spec.static.dimension if spec.static else None, "retriever.static.dimension"),
        "similarity_function": Code(similarity.function),
        "pairwise_similarity": Code(similarity.pairwise),
        **index(spec),
        **families.values(retriever, spec.index),
    }


def encoder(section: Retriever, folder: str) -> Values:
    """The encoding contract."""
    at = At(section, "retriever")
    return {
        **reading.base(section, at, folder),
        "normalised": SIMILARITIES[section.similarity].normalised,
        "code": at.trust_remote_code,
        **_dense(section),
        "one_prompt": section.prompts.query == section.prompts.document,
    }


_POOLINGS = {"mean": "mean", "cls": "cls", "last_token": "lasttoken"}
"""The library's words."""


def _dense(section: Retriever) -> Values:
    """How the vectors of tokens become one, and what makes a model without layers out of the base."""
    if not isinstance(section, BiEncoder):
        return {"pooling": At(None, ""), "static_partial": None}
    made = section.static is not None and section.static.embeddings != "own"
    return {
        "pooling": At(_POOLINGS.get(section.pooling or ""), "retriever.pooling"),
        "static_partial": f"python/static/{section.static.embeddings}.py.jinja" if made and section.static else None,
    }


def queries(spec: Spec) -> Values:
    """Whether queries are documents themselves, and whether those of some objectives are and of others are not."""
    found = {value.queries for value in spec.objectives.values()}
    return {"of_items": "documents" in found, "of_both": len(found) > 1}


def mixed(name: str, spec: Spec) -> Values:
    """One of several objectives: its script and tables, and its part of the training rows."""
    value, mixture = spec.objectives[name], spec.train.mixture if spec.train else None
    return {
        "name": name,
        "folder": "." if name == spec.primary else name,
        "sql": script(name, spec),
        "of_items": value.queries == "documents",
        "negatives": _has_negatives(value),
        "fed": training.fed(spec, name),
        "other_texts": augmenting.other_texts(value, spec),
        **measuring.of_objective(spec, name),
        "cut": parts.cut(value, spec),
        "part": At(mixture[name], f"retriever.train.mixture.{name}") if mixture else None,
    }


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
    if any(parts.chunk_of(value, spec) for value in spec.objectives.values()):
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
        "counted": not isinstance(value, Evidence),
        **own_sources(spec, name),
        "other_texts": augmenting.other_texts(value, spec),
        **measuring.of_objective(spec, name),
        "slices": parts.slices(spec, name) if spec.evaluate.slices else None,
        "clusters": clusters.values(spec, name) if clusters.clustered(spec) else None,
        "kind": At(Code(value.kind), f"objectives.{name}.kind"),
        "collection": collection(value.of, spec) if value.of else own_texts(value, spec),
        "asked": collection(asked, spec) if asked else None,
        "judgments": Code(_own("judgments", name, spec)),
        "main": Code(_own("judgments", name, spec))
        if isinstance(value, Sql)
        else relations.relation(getattr(value, value.main), spec),
        **judging.values(name, value, spec.split, lambda source: relations.relation(source, spec)),
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
            reads = [
                {"name": At(one, at.reads.trail), "rows": f"from {relations.relation(one, spec)}"}
                for one in value.reads
            ]
            file, table = f"{_own('query', name, spec)}.sql", _own("judgments", name, spec)
            found.append({"file": file, "table": table, "reads": reads, "timeout_s": at.timeout_s})
    return found


def asked_joins(spec: Spec) -> list[Values]:
    """The joins, where queries of the user's own need them before any objective does."""
    if not any(isinstance(value, Sql) for value in spec.objectives.values()):
        return []
    return [relations.join(name, spec) for name in relations.used_sources(spec) if spec.sources[name].join]


def collection(name: str, spec: Experiment) -> Values:
    """The SQL of the texts, and of what the split hashes."""
    source, at = spec.sources[name], At(spec.sources[name], f"sources.{name}")
    column = relations.family(spec)
    return {
        "name": relations.relation(name, spec),
        "columns": None,
        "id": At(identifier(source.id or ""), at.id.trail),
        "text": At(relations.text_expression(name, source), at.text.trail),
        "family": At(identifier(column) if column else None, "split.unit"),
        "unit": At(relations.unit(spec), "split.unit"),
    }


def own_texts(value: Objective, spec: Experiment) -> Values:
    """The same where the rows hold the texts: each value of the columns is a document, and its own id."""
    found = [one for one in roles.columns(value) if one.role.ids]
    return {
        "name": relations.relation(found[0].source, spec),
        "columns": [Code(identifier(one.column)) for one in found],
        "family": None,
        "unit": At(relations.unit(spec), "split.unit"),
    }


def shares(spec: Experiment) -> Values:
    """Shares as `bucket()` counts them: in ten thousandths."""
    values = {name: getattr(spec.split, name, None) for name in ("test", "dev", "dev_share", "judging_groups")}
    return {
        name: At(max(1, round(value * 10_000)), f"split.{name}")
        for name, value in values.items()
        if isinstance(value, float)
    }


def sources(spec: Experiment, folder: str) -> Values:
    """How each source is read."""
    names = relations.used_sources(spec)
    found = [reading.values(name, spec.sources[name], folder, relations.key_columns(name, spec)) for name in names]
    used = {name: spec.sources[name] for name in names}
    return {
        "sources": found,
        "packaged": any(source["packaged"] for source in found),
        "conditions": any(spec.sources[name].where for name in names),
        "reader_partials": reading.reader_partials(used),
        "cleaners": reading.cleaners(used),
        "timed": any(getattr(value, "time", None) for value in spec.objectives.values()) or reading.has_moments(used),
    }


def own_sources(spec: Experiment, objective: str) -> Values:
    """The joins and the cleaning of the sources that an objective reads."""
    used = {name: spec.sources[name] for name in relations.used_sources(spec, objective)}
    return {
        "joins": [relations.join(name, spec) for name, source in used.items() if source.join],
        "cleanings": [reading.cleaning(name, source) for name, source in used.items() if source.clean],
    }


def baselines(spec: Spec, measured: list[str], fused: list[str], model: str, folder: str) -> Values:
    """The baselines that are measured and those that are fused with the model, and the functions of both."""
    own = [name for name in measured if name in BASELINES]
    names = list(dict.fromkeys([*own, *fused]))
    vectors = ["vectors"] if spec.evaluate.vectors and spec.ranks else []
    shared = ["partners"] if {"co_occurrence", "neighbour_transfer"} & set(names) else []
    return {
        "baseline_names": At(measured, "evaluate.baselines"),
        "baselines": [{"name": name, "function": Code(name)} for name in own],
        "baseline_partials": [f"python/baseline/{name}.py.jinja" for name in [*shared, *names, *vectors]],
        **elsewhere(spec, folder),
        "fused": [
            {"name": At(f"{model}+{name}", "evaluate.fuse"), "build": Code(f"baselines.{name}")} for name in fused
        ],
    }


def elsewhere(spec: Spec, folder: str) -> Values:
    """The systems that rank by vectors made elsewhere, and where those lie."""
    found, texts = list[Values](), spec.objectives[spec.primary].queries == "texts"
    for name, one in spec.evaluate.vectors.items():
        at = At(one, f"evaluate.vectors.{name}")
        found.append({
            "name": name,
            "at": at,
            "documents": reading.file(one.path, at.path.trail, folder),
            "queries": reading.file(one.queries, at.queries.trail, folder) if one.queries and texts else None,
            "similarity": At(Code(one.similarity), at.similarity.trail),
        })  # fmt: skip
    similarities = {one.similarity for one in spec.evaluate.vectors.values()}
    paths = [path for one in spec.evaluate.vectors.values() for path in (one.path, one.queries) if path]
    return {
        "elsewhere": found,
        "elsewhere_by_cosine": "cosine" in similarities,
        "elsewhere_by_dot": "dot" in similarities,
        "elsewhere_packaged": any(path.startswith("package:") for path in paths),
        "by_query_id": isinstance(spec.objectives[spec.primary], Judged),
    }


def embedding(stem: str, tuned: bool) -> Values:
    """The stage that encodes with the tuned model, or with the base model."""
    of_tuned = stem == "embed" and tuned
    output = "vectors" if stem == "embed" else "untuned"
    return {
        "words": Code("tuned" if of_tuned else "base"),
        "output": output,
        "folder": Code(output),
        "temporary": f"{output}.tmp",
        "of_tuned": of_tuned,
    }
