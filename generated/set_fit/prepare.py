"""Read the sources, run objective.sql, and write the tables that the other stages read."""

import argparse
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Every table that is written, and the query that gives it.
TABLES = {
    "rows": "select split, id, text, label from rows order by split, id",
    "classes": "select label, train, drawn, dev, test from classes order by label",
    "disputed": "select id, text, label, times from disputed order by id, times desc, label",
    "summary": "select what, amount from summary order by what",
}


def read_requests(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/requests.csv"),
        header=True,
        delimiter=",",
        dtype={
            "message": "VARCHAR",
            "request_id": "VARCHAR",
            "topic": "VARCHAR",
        },
    )
    rows.create_view("requests")


def read_sources(db: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of all sources."""
    db.execute("set memory_limit = '3GB'")
    db.execute("create schema sources")
    db.execute("use sources")
    read_requests(db)
    db.execute("use main")


def write_tables(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Run objective.sql on the sources: one parquet file a table."""
    db.execute((HERE / "objective.sql").read_text(encoding="utf-8"))
    for name, query in TABLES.items():
        pq.write_table(db.sql(query).to_arrow_table(), folder / f"{name}.parquet")


def main(work: Path) -> None:
    """Make `data/` in the work folder: one parquet file a table."""
    scratch = work / "data.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with duckdb.connect(scratch / "scratch.duckdb") as db:
        read_sources(db)
        write_tables(db, scratch)
    (scratch / "scratch.duckdb").unlink()
    shutil.rmtree(work / "data", ignore_errors=True)
    scratch.rename(work / "data")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
