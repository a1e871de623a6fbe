"""Load the export into a table of PostgreSQL with pgvector, and see that it answers as exact search does.

A query orders by `embedding <=> vector`, which is 1 less the cosine,
in a session with `set hnsw.ef_search`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from psycopg import Connection, sql

from exported import KEY, Export, K, opened, progress, verify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

M = 24
EF_CONSTRUCTION = 200
EF_SEARCH = 96
BLOCK = 1_000
LONGEST_KEY = 2_600
"""Bytes: what the index of a primary key holds."""


def make(db: Connection, table: sql.Identifier, export: Export) -> None:
    """Make the table, where it is not there; its comment says which model the vectors are of.

    Raises:
        ValueError: it is there, and holds other vectors.
    """
    found = db.execute(
        """
        select a.atttypmod, obj_description(a.attrelid, 'pg_class')
        from pg_class as c left join pg_attribute as a on a.attrelid = c.oid and a.attname = 'embedding'
        where c.oid = to_regclass(%s)
        """,
        [table.as_string(db)],
    ).fetchone()
    if found is None:
        db.execute(
            sql.SQL("""
                create table {} (
                    doc_id text primary key,
                    text text not null,
                    embedding vector({}) not null
                )
            """).format(table, sql.Literal(export.dimension))
        )
        db.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(export.model)))
    elif found[0] != export.dimension:
        raise ValueError(f"the table has no vectors of {export.dimension} dimensions; name another")
    elif found[1] != export.model:
        raise ValueError("the table holds vectors of another model; name another [SF507]")


def plain(text: str) -> str:
    """The text without NUL, which PostgreSQL does not keep."""
    return text.replace("\0", "")


def load(db: Connection, table: sql.Identifier, export: Export) -> None:
    """Insert the rows, or bring those that are there up to date.

    Raises:
        ValueError: PostgreSQL cannot keep a key.
    """
    changed = 0
    db.execute(sql.SQL("create temporary table loaded (like {}) on commit drop").format(table))
    with db.cursor().copy("copy loaded from stdin with (format binary)") as copy:
        copy.set_types(["text", "text", "vector"])
        for block in progress(export, BLOCK):
            keys, texts = block[KEY].to_pylist(), block["text"].to_pylist()
            refused = [key for key in keys if "\0" in key or len(key.encode()) > LONGEST_KEY]
            if refused:
                raise ValueError(f"PostgreSQL cannot keep the id {refused[0][:80]!r}: it has NUL, or is too long")
            changed += sum("\0" in text for text in texts)
            vectors = block["vector"].flatten().to_numpy().reshape(len(block), -1)
            for row in zip(keys, map(plain, texts), vectors, strict=True):
                copy.write_row(row)
    db.execute(
        sql.SQL("""
            insert into {} select * from loaded
            on conflict (doc_id) do update set
                text = excluded.text,
                embedding = excluded.embedding
        """).format(table)
    )
    if changed:
        print(f"NUL was left out of {changed:,} texts", file=sys.stderr)


def index(db: Connection, name: str) -> None:
    """Build the graph, where there is none with these parameters."""
    *schema, last = name.split(".")
    graph, own = sql.Identifier(f"{last}_embedding"), sql.Identifier(*schema, f"{last}_embedding")
    options = {"m": M, "ef_construction": EF_CONSTRUCTION}
    built = db.execute("select reloptions from pg_class where oid = to_regclass(%s)", [own.as_string(db)]).fetchone()
    if built == ([f"{option}={value}" for option, value in options.items()],):
        return
    db.execute(sql.SQL("drop index if exists {}").format(own))
    db.execute(
        sql.SQL("""
            create index {} on {} using hnsw (embedding vector_cosine_ops)
            with (m = {}, ef_construction = {})
        """).format(graph, sql.Identifier(*schema, last), *map(sql.Literal, options.values()))
    )


def check(db: Connection, table: sql.Identifier, export: Export) -> None:
    """Ask the graph, and compare."""
    db.execute(sql.SQL("set local hnsw.ef_search = {}").format(sql.Literal(EF_SEARCH)))
    db.execute("set local enable_seqscan = off")  # the graph answers, also where there are few rows
    nearest = sql.SQL("select doc_id, embedding <=> %s as score from {} order by score limit {}").format(
        table, sql.Literal(K)
    )

    def ask(query: NDArray[np.float32]) -> dict[str, float]:
        return {str(key): 1 - score for key, score in db.cursor().execute(nearest, [query])}

    [rows] = db.execute(sql.SQL("select count(*) from {}").format(table)).fetchone() or [0]
    verify(export, int(str(rows)), ask)


def main(work: Path, dsn: str, name: str) -> None:
    """In one transaction: what is refused leaves the table as it was."""
    export, table = opened(work), sql.Identifier(*name.split("."))
    with psycopg.connect(dsn) as db:
        db.execute("create extension if not exists vector")
        register_vector(db)
        make(db, table, export)
        load(db, table, export)
        index(db, name)
        check(db, table, export)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    parser.add_argument("--dsn", default="", help="as libpq reads it; the password is read from PGPASSWORD")
    parser.add_argument("--table", default=HERE.name)
    asked = parser.parse_args()
    try:
        if "password" in psycopg.conninfo.conninfo_to_dict(asked.dsn):
            parser.error("others can read a command line: the password belongs into PGPASSWORD")
        main(asked.work, asked.dsn, asked.table)
    except (ValueError, psycopg.Error) as error:
        sys.exit(str(error))
