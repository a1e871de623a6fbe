"""Read the sources, run objective.sql, and write the tables that the other stages read."""

import argparse
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import encoder

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
    "summary": """
        select what, amount from summary
        union all
        select 'chunks', count(*) from chunks
        union all
        select 'documents_cut', count(distinct doc) from chunks where place > 0
        order by what
    """,
    "pairs": """
        select q.query_id as anchor_id, d.doc_id as positive_id, q.text as anchor, d.text as positive
        from training as t join questions as q on q.query = t.anchor
        join passages as d on d.query = t.anchor and d.doc = t.positive
        order by t.anchor, t.positive
    """,
    "positives": """
        select q.query_id as anchor_id, d.doc_id as positive_id
        from relevant as r join questions as q on q.query = r.query join documents as d on d.doc = r.doc
        order by r.query, r.doc
    """,
    "chunks": """
        select c.doc, d.doc_id || '#' || c.place as chunk_id, c.text
        from chunks as c join documents as d on d.doc = c.doc
        order by c.doc, c.place
    """,
}


def windows(text: str, begins: list[int], size: int, overlap: int) -> list[str]:
    """The text in parts of `size` units, which begin at `begins`; `overlap` of them stand in the part before, too."""
    starts = list(range(0, max(len(begins) - overlap, 1), size - overlap))
    cuts = [0, *begins[1:], len(text)]
    return [text[cuts[start] : cuts[min(start + size, len(cuts) - 1)]] for start in starts]


def token_begins(texts: list[str]) -> Iterator[list[int]]:
    """Where the tokens of the base model begin in each text."""
    tokenizer = encoder.load(encoder.base_model()).tokenizer
    for start in range(0, len(texts), 1000):
        found = tokenizer(
            texts[start : start + 1000],
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        for offsets in found["offset_mapping"]:
            yield [begin for begin, _ in offsets]


HEADING = re.compile(r"^#{1,6}[ \t].*$", re.MULTILINE)


def by_headings(texts: list[str], size: int) -> Iterator[list[str]]:
    """Sections, each under its heading; a long one in windows of tokens."""
    sections = [list(sections_of(text)) for text in texts]
    begins = token_begins([body for found in sections for _, body in found])
    for found in sections:
        yield [f"{heading}\n{part}" for heading, body in found for part in windows(body, next(begins), size, 0)]


def sections_of(text: str) -> Iterator[tuple[str, str]]:
    """Heading and body; what stands before the first heading has none."""
    headings = list(HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)]
    if text[: ends[0]].strip():
        yield "", text[: ends[0]]
    for heading, end in zip(headings, ends[1:], strict=True):
        yield heading[0], text[heading.end() : end]


def make_chunks(db: duckdb.DuckDBPyConnection, cut: Callable[[list[str]], Iterable[list[str]]]) -> None:
    """Make the table of chunks, the parts of each document in order, and choose those that train."""
    documents = db.execute("select doc, text from documents order by doc").fetchall()
    rows = [
        {"doc": doc, "place": place, "text": part}
        for (doc, _), parts in zip(documents, cut([text for _, text in documents]), strict=True)
        for place, part in enumerate(filter(None, (" ".join(part.split()) for part in parts)))
    ]
    schema = pa.schema([("doc", pa.int32()), ("place", pa.int32()), ("text", pa.string())])
    db.from_arrow(pa.Table.from_pylist(rows, schema=schema)).create("chunks")
    db.execute((HERE / "chunks.sql").read_text(encoding="utf-8"))


def read_guides(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/guides.csv"),
        header=True,
        delimiter=",",
        dtype={
            "guide_id": "VARCHAR",
            "text": "VARCHAR",
        },
    )
    rows.create_view("guides")


def read_questions(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of a source."""
    rows = db.read_csv(
        str(ROOT / "specs/data/guide_questions.csv"),
        header=True,
        delimiter=",",
        dtype={
            "guide_id": "VARCHAR",
        },
    )
    rows.create_view("questions")


def main(work: Path) -> None:
    """Make `data/` in the work folder: one parquet file a table."""
    scratch = work / "data.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with duckdb.connect(scratch / "scratch.duckdb") as db:
        db.execute("set memory_limit = '3GB'")
        db.execute("create schema sources")
        db.execute("use sources")
        read_guides(db)
        read_questions(db)
        db.execute("use main")
        db.execute((HERE / "objective.sql").read_text(encoding="utf-8"))
        make_chunks(db, partial(by_headings, size=60))
        for name, query in TABLES.items():
            pq.write_table(db.sql(query).to_arrow_table(), scratch / f"{name}.parquet")
    (scratch / "scratch.duckdb").unlink()
    shutil.rmtree(work / "data", ignore_errors=True)
    scratch.rename(work / "data")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
