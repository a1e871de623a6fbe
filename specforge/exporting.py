"""What an export adds to the generated code: its stage, a loader for each store, and what those need."""

from __future__ import annotations

from specforge.catalog.indexes import Hnsw, Index
from specforge.catalog.similarities import SIMILARITIES
from specforge.catalog.stores import STORES
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Spec
from specforge.systems import is_dense, is_tuned
from specforge.templating import At

Values = dict[str, object]

_PLACES = {
    "pgvector": "--dsn postgresql://USER@HOST/DATABASE",
    "qdrant": "--url https://HOST:6333",
    "lancedb": "--path FOLDER",
    "opensearch": "--url https://HOST:9200",
}
"""How a loader is told where its store is."""


def is_exported(spec: Spec) -> bool:
    """Whether a stage writes what is handed over."""
    return spec.ranks and is_dense(spec) and spec.index is not None and spec.index.export is not None


def stores(spec: Spec) -> list[str]:
    """The stores that a loader is written for."""
    asked = spec.index.export if spec.index is not None and is_exported(spec) else None
    return list(dict.fromkeys(asked or ()))


def libraries(spec: Spec) -> set[str]:
    """The distributions of the loaders: no stage imports them."""
    return {library for name in stores(spec) for library in STORES[name].libraries}


def files(spec: Spec) -> list[tuple[str, str, Values]]:
    """File, template, values."""
    if not is_exported(spec) or spec.index is None:
        return []
    similarity = spec.index.similarity or spec.encoded.similarity
    return [
        ("export.py", "python/export.py.jinja", {}),
        ("exported.py", "python/exported.py.jinja", {}),
        *((f"load_{name}.py", f"python/store/{name}.py.jinja", _loader(spec.index, name, similarity)) for name in stores(spec)),
        ("EXPORT.md", "text/export.md.jinja", _described(spec, similarity)),
    ]


def _loader(index: Index, name: str, similarity: str) -> Values:
    """The graph, of the spec's index where it is one, and how the store compares."""
    own, distance = STORES[name].graph, SIMILARITIES[similarity].stores[name]
    graph = {key: getattr(At(index, "index"), key) if isinstance(index, Hnsw) else own[key] for key in own}
    return {
        "store": {
            **graph,
            "name": distance.name,
            "word": Code(distance.name),
            "operators": Code(distance.name),
            "operator": Code(distance.operator),
            "means": Code(distance.means),
            "similarity": Code(distance.similarity),
        }
    }


def _described(spec: Spec, similarity: str) -> Values:
    return {
        "name": spec.name,
        "tuned": is_tuned(spec),
        "model": Code('"model"' if is_tuned(spec) else "encoder.base_model()"),
        "compared": similarity,
        "by_faiss": spec.index is not None and not spec.index.own,
        "stores": [{"name": name, "place": Code(_PLACES[name])} for name in stores(spec)],
    }


def stages(spec: Spec) -> list[Stage]:
    """What writes the export."""
    if not is_exported(spec):
        return []
    needs = ("prepare", "embed", "index")
    return [Stage("export", "export.py", "export", needs, (), (), ("numpy", "pyarrow", "tqdm"))]
