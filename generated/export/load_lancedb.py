"""Load the export into a table of LanceDB, and see that it answers as exact search does.

The `_distance` that it answers with is 1 less the cosine.
"""

import argparse
import sys
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import HnswFlat
from lancedb.table import Table
from numpy.typing import NDArray

from exported import KEY, Export, K, opened, progress, verify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

M = 24
EF_CONSTRUCTION = 200
EF_SEARCH = 96
BLOCK = 1_000


def make(db: lancedb.DBConnection, name: str, export: Export) -> Table:
    """The table, made where it is not there; its metadata say which model the vectors are of.

    Raises:
        ValueError: it is there, and holds other vectors.
    """
    columns = {
        "doc_id": pa.string(),
        "text": pa.string(),
        "vector": pa.list_(pa.float32(), export.dimension),
    }
    schema = pa.schema(columns, metadata={"model": export.model})
    if name not in db.list_tables().tables:
        return db.create_table(name, schema=schema)
    table = db.open_table(name)
    if table.schema.names != schema.names or table.schema.types != schema.types:
        raise ValueError(f'"{name}" has no vectors of {export.dimension} dimensions, or other columns; name another')
    if table.schema.metadata != schema.metadata:
        raise ValueError(f'"{name}" holds vectors of another model; name another [SF507]')
    return table


def load(table: Table, export: Export) -> None:
    """Insert the rows, or bring those that are there up to date, as one version of the table; then build the graph."""
    rows = pa.RecordBatchReader.from_batches(
        table.schema, (pa.record_batch(block.columns, schema=table.schema) for block in progress(export, BLOCK))
    )
    table.merge_insert(KEY).when_matched_update_all().when_not_matched_insert_all().execute(rows)
    graph = HnswFlat(
        distance_type="cosine",
        num_partitions=1,
        m=M,
        ef_construction=EF_CONSTRUCTION,
    )
    table.create_index("vector", config=graph)


def check(table: Table, export: Export) -> None:
    """Ask, and compare."""

    def ask(query: NDArray[np.float32]) -> dict[str, float]:
        nearest = table.search(query, vector_column_name="vector").distance_type("cosine").ef(EF_SEARCH).limit(K)
        found = nearest.select([KEY, "_distance"]).to_list()
        scores = {row[KEY]: row["_distance"] for row in found}
        return {key: 1 - score for key, score in scores.items()}

    verify(export, table.count_rows(), ask)


def main(work: Path, path: str, name: str) -> None:
    """Load and compare."""
    export = opened(work)
    table = make(lancedb.connect(path), name, export)
    load(table, export)
    check(table, export)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    parser.add_argument("--path", required=True, help="a folder, or the address of an object store")
    parser.add_argument("--table", default=HERE.name)
    asked = parser.parse_args()
    try:
        main(asked.work, asked.path, asked.table)
    except ValueError as error:
        sys.exit(str(error))
