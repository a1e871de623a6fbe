"""Load the export into an index of OpenSearch (2.19 or later), and see that it answers as exact search does.

Its `_score` is 1 more than the inner product, or 1 / (1 - the inner product) where that is below 0.
A document's `_id` is made of its own id, which stands beside its text.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch, OpenSearchException, helpers

from exported import KEY, Export, K, matrix, opened, progress, verify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

M = 24
EF_CONSTRUCTION = 200
EF_SEARCH = 96
BLOCK = 500


def make(client: OpenSearch, name: str, export: Export) -> None:
    """Make the index, where it is not there; its `_meta` say which model the vectors are of.

    Raises:
        ValueError: it is there, and holds other vectors.
    """
    vector = {
        "type": "knn_vector",
        "dimension": export.dimension,
        "method": {
            "name": "hnsw",
            "engine": "faiss",
            "space_type": "innerproduct",
            "parameters": {"m": M, "ef_construction": EF_CONSTRUCTION},
        },
    }
    exact = {"type": "keyword", "ignore_above": 8191}
    fields = {
        "doc_id": exact,
        "text": {"type": "text"},
        "vector": vector,
    }
    mappings = {"_meta": {"model": export.model}, "properties": fields}
    if not client.indices.exists(index=name):
        client.indices.create(index=name, body={"settings": {"index": {"knn": True}}, "mappings": mappings})
        return
    found = client.indices.get_mapping(index=name)[name]["mappings"]
    if found.get("properties", {}).get("vector", {}).get("dimension") != export.dimension:
        raise ValueError(f'"{name}" has no vectors of {export.dimension} dimensions; name another')
    if found.get("_meta", {}).get("model") != export.model:
        raise ValueError(f'"{name}" holds vectors of another model; name another [SF507]')


def documents(export: Export) -> Iterator[dict[str, Any]]:
    """What the bulk request says of each row."""
    for block in progress(export, BLOCK):
        payloads = block.drop_columns(["vector"]).to_pylist()
        for payload, vector in zip(payloads, matrix(block).tolist(), strict=True):
            key = str(uuid.uuid5(uuid.NAMESPACE_URL, payload[KEY]))
            yield {"_op_type": "index", "_id": key, "_source": {**payload, "vector": vector}}


def check(client: OpenSearch, name: str, export: Export) -> None:
    """Ask, and compare."""

    def ask(query: NDArray[np.float32]) -> dict[str, float]:
        nearest = {"vector": query.tolist(), "k": K, "method_parameters": {"ef_search": EF_SEARCH}}
        body = {"size": K, "_source": [KEY], "query": {"knn": {"vector": nearest}}}
        found = client.search(index=name, body=body)["hits"]["hits"]
        scores = {hit["_source"][KEY]: hit["_score"] for hit in found}
        return {key: score - 1 if score >= 1 else 1 - 1 / score for key, score in scores.items()}

    verify(export, client.count(index=name)["count"], ask)


def main(work: Path, client: OpenSearch, name: str) -> None:
    """Load and compare."""
    export = opened(work)
    make(client, name, export)
    helpers.bulk(client, documents(export), index=name, chunk_size=BLOCK)
    client.indices.refresh(index=name)
    check(client, name, export)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    parser.add_argument(
        "--url", required=True, help="of a server; OPENSEARCH_USER and OPENSEARCH_PASSWORD say who asks"
    )
    parser.add_argument("--index", default=HERE.name)
    asked = parser.parse_args()
    user = os.environ.get("OPENSEARCH_USER")
    login = (user, os.environ["OPENSEARCH_PASSWORD"]) if user else None
    try:
        main(asked.work, OpenSearch(asked.url, http_auth=login, timeout=60), asked.index)
    except (ValueError, OpenSearchException) as error:
        sys.exit(str(error))
