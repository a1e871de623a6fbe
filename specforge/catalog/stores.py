"""Where vectors are loaded for production: what each store needs, and what it does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Store:
    """A database that finds vectors by a graph of near neighbours.

    Attributes:
        place: how a loader is told where it is.
        libraries: the distributions that load it.
        graph: what it takes for the parameters of the graph where nothing is said, by the names of index `hnsw`.
        bounds: the least and the greatest that it takes for them, where it has bounds.
        dimensions: the longest vectors that its graph holds; None where it has no bound.
    """

    place: str
    libraries: tuple[str, ...]
    graph: Mapping[str, int]
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    dimensions: int | None = None


STORES = {
    "pgvector": Store(
        place="--dsn postgresql://USER@HOST/DATABASE",
        libraries=("numpy", "pgvector", "psycopg", "psycopg-binary", "pyarrow", "tqdm"),
        graph={"m": 16, "ef_construction": 64, "ef_search": 40},
        bounds={"m": (2, 100), "ef_construction": (4, 1000), "ef_search": (1, 1000)},
        dimensions=2000,
    ),
    "qdrant": Store(
        place="--url https://HOST:6333",
        libraries=("numpy", "pyarrow", "qdrant-client", "tqdm"),
        graph={"m": 16, "ef_construction": 100, "ef_search": 100},
        bounds={"ef_construction": (4, 10_000)},
    ),
    "lancedb": Store(
        place="--path FOLDER",
        libraries=("lancedb", "numpy", "pyarrow", "tqdm"),
        graph={"m": 20, "ef_construction": 300, "ef_search": 128},
    ),
    "opensearch": Store(
        place="--url https://HOST:9200",
        libraries=("numpy", "opensearch-py", "pyarrow", "tqdm"),
        graph={"m": 16, "ef_construction": 100, "ef_search": 100},
        bounds={"m": (2, 100), "ef_construction": (2, 10_000), "ef_search": (2, 10_000)},
        dimensions=16_000,
    ),
}
"""Every store of the language."""

AnyStore = Literal["pgvector", "qdrant", "lancedb", "opensearch"]
