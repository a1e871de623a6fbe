"""What an export adds to the generated code: its stage, a loader for each store, and what those need."""

from __future__ import annotations

from specforge import parts
from specforge.catalog.indexes import Hnsw
from specforge.catalog.similarities import SIMILARITIES
from specforge.catalog.stores import STORES
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Spec
from specforge.systems import is_dense, is_tuned
from specforge.templating import At

Values = dict[str, object]


def is_exported(spec: Spec) -> bool:
    """Whether a stage writes what is handed over."""
    return spec.ranks and is_dense(spec) and spec.index is not None and spec.index.export is not None


def stores(spec: Spec) -> list[str]:
    """The stores that a loader is written for, each once."""
    asked = spec.index.export if spec.index is not None and is_exported(spec) else None
    return list(dict.fromkeys(asked or ()))


def libraries(spec: Spec) -> set[str]:
    """The distributions of the loaders: no stage imports them."""
    return {library for name in stores(spec) for library in STORES[name].libraries}


def files(spec: Spec) -> list[tuple[str, str, Values]]:
    """File, template, values."""
    if not is_exported(spec):
        return []
    key: Values = {"key": Code("chunk_id" if parts.chunks(spec)["chunked"] else "doc_id")}
    return [
        ("export.py", "python/export.py.jinja", {}),
        ("exported.py", "python/exported.py.jinja", key),
        *((f"load_{name}.py", f"python/store/{name}.py.jinja", key | _store(spec, name)) for name in stores(spec)),
        ("EXPORT.md", "text/export.md.jinja", _described(spec)),
    ]


def _store(spec: Spec, name: str) -> Values:
    """The graph, of the spec's index where that is one, and how the store compares."""
    graph, distance = STORES[name].graph, SIMILARITIES[spec.encoded.similarity].stores[name]
    own = At(spec.index, "index") if isinstance(spec.index, Hnsw) else None
    return {
        "store": {
            **{key: value if own is None else getattr(own, key) for key, value in graph.items()},
            "name": distance.name,
            "word": Code(distance.name),
            "operator": Code(distance.operator),
            "means": Code(distance.means),
            "similarity": Code(distance.similarity),
        }
    }


def _described(spec: Spec) -> Values:
    return {
        "model": Code('"model"' if is_tuned(spec) else "encoder.base_model()"),
        "compared": spec.encoded.similarity,
        "stores": [
            {"name": name, "place": Code(STORES[name].place), "libraries": Code(" ".join(STORES[name].libraries))}
            for name in stores(spec)
        ],
    }


def stages(spec: Spec) -> list[Stage]:
    """What writes the export."""
    if not is_exported(spec):
        return []
    needs = ("prepare", "embed", "index")
    return [Stage("export", "export.py", "export", needs, (), (), ("numpy", "pyarrow", "tqdm"))]
