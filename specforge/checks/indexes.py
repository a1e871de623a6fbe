"""Rules about an index: whether its parameters fit each other and the vectors that it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specforge.catalog.families import FAMILIES
from specforge.catalog.indexes import Funnel, Hnsw, InCells, Quantised
from specforge.catalog.stores import STORES
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def probed(spec: Spec, source: Source) -> Iterator[Problem]:
    """A query looks into no more cells than there are."""
    index = spec.index
    if isinstance(index, InCells) and index.nlist and index.nprobe and index.nprobe > index.nlist:
        keys: Keys = ("index", "nprobe")
        message = f'"nprobe" is {index.nprobe}, and there are {index.nlist} cells ("nlist")'
        hint = 'with all of them, take "kind: flat": it finds the same'
        yield Problem("SF205", message, source.value_span(keys), keys, hint)


def steps(spec: Spec, source: Source) -> Iterator[Problem]:
    """A funnel goes from few dimensions to more, of vectors that may be cut."""
    index, encoder, keys = spec.index, spec.encoder, ("index", "dimensions")
    if not isinstance(index, Funnel) or encoder is None:
        return
    if encoder.similarity != "cosine":
        message = f'index "funnel" compares by cosine, and the retriever by "{encoder.similarity}"'
        yield Problem(
            "SF205", message, source.value_span(("index", "kind")), ("index", "kind"), 'set "similarity: cosine"'
        )
    if list(index.dimensions) != sorted(set(index.dimensions)):
        message = '"dimensions" of index "funnel" must ascend'
        yield Problem("SF003", message, source.value_span(keys), keys, "each step compares by more of them")
    trained = spec.matryoshka.dimensions if spec.matryoshka else index.dimensions
    missing = [dimension for dimension in index.dimensions if dimension not in trained]
    if missing and spec.train is not None:
        message = f'the index cuts vectors to {_listed(missing)}, which "matryoshka" does not train'
        hint = f"it trains {_listed(trained)}"
        yield Problem("SF205", message, source.value_span(keys), keys, hint)


def _listed(dimensions: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(dimensions)))


def exported(spec: Spec, source: Source) -> Iterator[Problem]:
    """What is handed over has one vector a text, and each store can build the graph that the spec describes."""
    index, keys = spec.index, ("index", "export")
    if index is None or index.export is None or spec.encoder is None:
        return
    family = FAMILIES[spec.encoder.family]
    if not family.dense:
        message = f'an export holds one vector a text, and "{spec.encoder.family}" has {family.title}'
        yield Problem("SF205", message, source.key_span(keys), keys, 'leave "export" out')
    elif isinstance(index, Hnsw):
        for name in dict.fromkeys(index.export):
            yield from _graph(index, name, source)


def _graph(index: Hnsw, name: str, source: Source) -> Iterator[Problem]:
    for key, (least, most) in STORES[name].bounds.items():
        value, keys = getattr(index, key), ("index", key)
        if not least <= value <= most:
            message = f'store "{name}" takes "{key}" from {least:,} to {most:,}, and it is {value:,}'
            yield Problem("SF205", message, source.value_span(keys), keys, f'or leave "{name}" out of "export"')
    if name == "pgvector" and index.ef_construction < 2 * index.m:
        keys = ("index", "ef_construction")
        message = f'store "pgvector" takes an "ef_construction" of twice "m" or more: {2 * index.m:,}'
        yield Problem(
            "SF205", message, source.value_span(keys), keys, f'it is {index.ef_construction:,}, and "m" is {index.m:,}'
        )


RULES = (probed, steps, exported)


def of_model(spec: Spec, source: Source, dimension: int | None) -> Iterator[Problem]:
    """Vectors have the dimensions that the index counts on; `dimension` is the base model's, where it is known."""
    index, own = spec.index, spec.dimension(dimension)
    if own is None:
        return
    if isinstance(index, Funnel) and max(index.dimensions) >= own:
        keys: Keys = ("index", "dimensions")
        message = f'the last step of index "funnel" compares by all dimensions, and a vector has {own}'
        yield Problem("SF205", message, source.value_span(keys), keys, f"name lengths below {own}")
    if isinstance(index, Quantised) and index.m is not None and own % index.m:
        keys = ("index", "m")
        fitting = sorted((m for m in range(1, own + 1) if own % m == 0), key=lambda m: (abs(m - (index.m or 0)), m))
        message = f"vectors of {own} dimensions cannot be cut into {index.m} parts of one length"
        hint = f'take "m: {fitting[0]}"' + (f' or "m: {fitting[1]}"' if len(fitting) > 1 else "")
        yield Problem("SF205", message, source.value_span(keys), keys, hint)
    for name in dict.fromkeys(index.export or () if index is not None else ()):
        longest = STORES[name].dimensions
        if longest is not None and own > longest:
            keys = ("index", "export")
            message = f'the graph of store "{name}" holds up to {longest:,} dimensions, and a vector has {own:,}'
            yield Problem("SF205", message, source.value_span(keys), keys, f'set "truncate_dim", or leave "{name}" out')
