"""Load the export into a collection of Qdrant, and see that it answers as exact search does.

The score that it answers with is the cosine.
A point's id is made of the document's, which stands in its payload.
"""

import argparse
import os
import sys
import time
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from exported import KEY, Export, K, matrix, opened, progress, verify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

M = 24
EF_CONSTRUCTION = 200
EF_SEARCH = 96
BLOCK = 500


def make(client: QdrantClient, name: str, export: Export) -> None:
    """Make the collection, where it is not there; its metadata say which model the vectors are of.

    Raises:
        ValueError: it is there, and holds other vectors.
    """
    graph = models.HnswConfigDiff(m=M, ef_construct=EF_CONSTRUCTION)
    vectors = models.VectorParams(size=export.dimension, distance=models.Distance.COSINE)
    if not client.collection_exists(name):
        client.create_collection(name, vectors, hnsw_config=graph, metadata={"model": export.model})
        return
    found = client.get_collection(name).config
    own = found.params.vectors
    if not isinstance(own, models.VectorParams) or (own.size, own.distance) != (vectors.size, vectors.distance):
        raise ValueError(f'"{name}" has no vectors of {vectors.size} dimensions for {vectors.distance}; name another')
    if (found.metadata or {}).get("model") != export.model:
        raise ValueError(f'"{name}" holds vectors of another model; name another [SF507]')
    client.update_collection(name, hnsw_config=graph)


def load(client: QdrantClient, name: str, export: Export) -> None:
    """Insert the points, or bring those that are there up to date, and wait for the graph."""
    for block in progress(export, BLOCK):
        payloads = block.drop_columns(["vector"]).to_pylist()
        points = models.Batch(
            ids=[str(uuid.uuid5(uuid.NAMESPACE_URL, payload[KEY])) for payload in payloads],
            vectors=matrix(block).tolist(),
            payloads=payloads,
        )
        client.upsert(name, points, wait=True)
    while client.get_collection(name).status == models.CollectionStatus.YELLOW:
        time.sleep(1)


def check(client: QdrantClient, name: str, export: Export) -> None:
    """Ask, and compare."""
    settings = models.SearchParams(hnsw_ef=EF_SEARCH)

    def ask(query: NDArray[np.float32]) -> dict[str, float]:
        found = client.query_points(name, query.tolist(), limit=K, search_params=settings, with_payload=[KEY])
        return {point.payload[KEY]: point.score for point in found.points if point.payload}

    verify(export, client.count(name, exact=True).count, ask)


def main(work: Path, client: QdrantClient, name: str) -> None:
    """Load and compare."""
    export = opened(work)
    make(client, name, export)
    load(client, name, export)
    check(client, name, export)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--url", help="of a server; its key is read from QDRANT_API_KEY")
    place.add_argument("--path", help="of a folder, for Qdrant without a server")
    parser.add_argument("--collection", default=HERE.name)
    asked = parser.parse_args()
    client = QdrantClient(url=asked.url, path=asked.path, api_key=os.environ.get("QDRANT_API_KEY"), timeout=60)
    try:
        main(asked.work, client, asked.collection)
    except (ValueError, ApiException) as error:
        sys.exit(str(error))
    finally:
        client.close()
