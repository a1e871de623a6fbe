"""Read the sources, run objective.sql, and write the tables that the other stages read."""

import argparse
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Every table that is written, and the query that gives it. `doc` is a row of the corpus, from 0.
TABLES = {
    "corpus": "select doc, doc_id, text, role from documents order by doc",
    "aliases": """
        select i.item_id, i.doc_id
        from items as i join documents as d on d.doc_id = i.doc_id
        where i.item_id <> i.doc_id
        order by i.item_id
    """,
    "queries": """
        select distinct r.split, q.query_id, q.text, q.doc, r.query
        from qrels as r join questions as q on q.query = r.query
        order by r.split, r.query
    """,
    "qrels": """
        select r.split, q.query_id, d.doc_id, r.grade as relevance
        from qrels as r join questions as q on q.query = r.query join documents as d on d.doc = r.doc
        order by r.split, r.query, r.doc
    """,
    "popularity": "select doc, seen from popularity order by doc",
    "summary": "select what, amount from summary order by what",
}

# The SQL of each objective, the folder of its tables, and those tables that not every objective has.
OBJECTIVES = {
    "clicks": (
        "objective.sql",
        ".",
        {
            "pairs": """
        select q.query_id as anchor_id, d.doc_id as positive_id, q.text as anchor, d.text as positive,
            exists (from contrasted as c where c.anchor = t.anchor and c.positive = t.positive) as contrasted
        from training as t join questions as q on q.query = t.anchor join documents as d on d.doc = t.positive
        order by t.anchor, t.positive
    """,
            "triplets": """
        select
            q.query_id as anchor_id, d.doc_id as positive_id, n.doc_id as negative_id,
            q.text as anchor, d.text as positive, n.text as negative
        from contrasted as t join questions as q on q.query = t.anchor
        join documents as d on d.doc = t.positive join documents as n on n.doc = t.negative
        order by t.anchor, t.positive, t.negative
    """,
            "positives": """
        select q.query_id as anchor_id, d.doc_id as positive_id
        from relevant as r join questions as q on q.query = r.query join documents as d on d.doc = r.doc
        order by r.query, r.doc
    """,
            "logged": """
        select q.query_id, r.doc, r.score
        from logged as r join questions as q on q.query = r.query
        order by r.query, r.score desc, r.doc
    """,
        },
    ),
    "answers": (
        "objective_answers.sql",
        "answers",
        {
            "pairs": """
        select q.query_id as anchor_id, d.doc_id as positive_id, q.text as anchor, d.text as positive
        from training as t join questions as q on q.query = t.anchor join documents as d on d.doc = t.positive
        order by t.anchor, t.positive
    """,
            "positives": """
        select q.query_id as anchor_id, d.doc_id as positive_id
        from relevant as r join questions as q on q.query = r.query join documents as d on d.doc = r.doc
        order by r.query, r.doc
    """,
        },
    ),
}


def read_articles(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/articles.csv"),
        header=True,
        delimiter=",",
        dtype={
            "article_id": "VARCHAR",
            "text": "VARCHAR",
            "title": "VARCHAR",
        },
    )
    rows.create_view("articles")


def read_searches(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/searches.csv"),
        header=True,
        delimiter=",",
        dtype={
            "article_id": "VARCHAR",
            "search": "VARCHAR",
        },
    )
    rows.create_view("searches")


def read_faq(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/faq.csv"),
        header=True,
        delimiter=",",
        dtype={
            "article_id": "VARCHAR",
        },
    )
    rows.create_view("faq")


def read_sources(db: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of all sources."""
    db.execute("set memory_limit = '3GB'")
    db.execute("create schema sources")
    db.execute("use sources")
    read_articles(db)
    read_searches(db)
    read_faq(db)
    db.execute("use main")


def main(work: Path) -> None:
    """Make `data/` in the work folder: one parquet file a table."""
    scratch = work / "data.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with duckdb.connect(scratch / "scratch.duckdb") as db:
        read_sources(db)
        for script, folder, own in OBJECTIVES.values():
            db.begin()
            db.execute((HERE / script).read_text(encoding="utf-8"))
            (scratch / folder).mkdir(exist_ok=True)
            for name, query in (TABLES | own).items():
                pq.write_table(db.sql(query).to_arrow_table(), scratch / folder / f"{name}.parquet")
            db.rollback()  # the next objective starts from the sources alone
    (scratch / "scratch.duckdb").unlink()
    shutil.rmtree(work / "data", ignore_errors=True)
    scratch.rename(work / "data")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
