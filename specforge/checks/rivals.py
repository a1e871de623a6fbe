"""Rules about systems beside the model that are no code of this project: a logged ranking, vectors made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import references
from specforge.catalog.baselines import BASELINES, TUNED
from specforge.checks.places import NO_PACKAGE
from specforge.problems import Keys, Problem
from specforge.rivals import logs_ranks
from specforge.source import Source
from specforge.spec.document import Spec

_TAKEN = (*BASELINES, TUNED, "hybrid", "oracle", "random", "ceiling")
"""Names that mean a system, or a ranking that figures are held against."""


def logged(spec: Spec, source: Source) -> Iterator[Problem]:
    """A log that says at which rank a document was shown; of queries that were asked before, and of no others."""
    for key in ("baselines", "fuse") if spec.ranks else ():
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            keys: Keys = ("evaluate", key, row)
            if not BASELINES[name].of_ranks:
                continue
            if key == "fuse":
                message = f'baseline "{name}" cannot be fused: it knows nothing of a query that nobody has asked'
                yield Problem("SF113", message, source.value_span(keys), keys, 'measure it among "baselines"')
            elif not logs_ranks(spec):
                message = f'baseline "{name}" needs a log with ranks, and the objective has none'
                hint = '"clicked" has ranks, and "cited_in_answer": lists of ids, or "rank" where a row is a passage'
                yield Problem("SF113", message, source.value_span(keys), keys, hint)


def name_is_free(spec: Spec, source: Source) -> Iterator[Problem]:
    """A system has a name of its own."""
    for name in spec.evaluate.vectors:
        if name in _TAKEN:
            keys: Keys = ("evaluate", "vectors", name)
            yield Problem("SF003", f'"{name}" is the name of another system', source.key_span(keys), keys, "rename it")


def files(spec: Spec, source: Source) -> Iterator[Problem]:
    """Vectors lie in one parquet file."""
    for name, one in spec.evaluate.vectors.items():
        for key in ("path", "queries"):
            path, keys = getattr(one, key), ("evaluate", "vectors", name, key)
            if path is None:
                continue
            if references.parse(path, "") is None:
                yield Problem("SF003", NO_PACKAGE[0], source.value_span(keys), keys, NO_PACKAGE[1])
            elif not path.endswith(".parquet") or references.is_glob(path):
                message = f'"{key}" must be one parquet file'
                hint = "write ids and vectors as two columns, as pyarrow.parquet.write_table does"
                yield Problem("SF003", message, source.value_span(keys), keys, hint)


def of_queries(spec: Spec, source: Source) -> Iterator[Problem]:
    """Queries that are no documents have vectors of their own."""
    if len(spec.objectives) > 1 or not spec.ranks:
        return
    texts = spec.objectives[spec.primary].queries == "texts"
    for name, one in spec.evaluate.vectors.items():
        keys: Keys = ("evaluate", "vectors", name)
        given = [key for key in ("queries", "query") if getattr(one, key) is not None]
        if texts and len(given) < 2:
            lacks = "queries" if "queries" not in given else "query"
            message = f'"{name}" needs "{lacks}", because queries are no documents'
            hint = '"queries" is the file with their vectors, "query" its column with their ids or texts'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)
        for key in () if texts else given:
            message = f'"{key}" has no effect: queries are documents, and have their vectors'
            yield Problem("SF401", message, source.key_span((*keys, key)), (*keys, key), "leave it out")


def of_one_collection(spec: Spec, source: Source) -> Iterator[Problem]:
    """Vectors rank documents, those of one objective."""
    keys: Keys = ("evaluate", "vectors")
    if spec.evaluate.vectors and not spec.ranks:
        message = f'vectors made elsewhere rank documents, and "{spec.evaluate.primary}" is of {spec.task}'
        yield Problem("SF113", message, source.key_span(keys), keys, "leave them out")
    elif spec.evaluate.vectors and len(spec.objectives) > 1:
        message = "vectors made elsewhere are of one collection, and the spec has several objectives"
        yield Problem("SF113", message, source.key_span(keys), keys, "compare them in a spec of one objective")


RULES = (logged, name_is_free, files, of_queries, of_one_collection)
