"""Documents in chunks: nothing is lost, chunks are the document's own text, and a document scores as its best chunk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preparing import prepare
from tiny import make_model

from specforge import pipeline
from specforge.templating import TEMPLATES

PARTIALS = ("windows", "sentences", "headings")


def functions() -> dict[str, Any]:
    """The functions of the generated code, with tokens that are words."""
    found: dict[str, Any] = {"Iterator": Iterator, "token_begins": words}
    for name in PARTIALS:
        exec((TEMPLATES / f"python/chunk/{name}.py.jinja").read_text(encoding="utf-8"), found)
    return found


def words(texts: list[str]) -> Iterator[list[int]]:
    """Where the words of each text begin."""
    for text in texts:
        yield [
            place for place, sign in enumerate(text) if not sign.isspace() and (not place or text[place - 1].isspace())
        ]


CODE = functions()
windows: Callable[[str, list[int], int, int], list[str]] = CODE["windows"]


def by_words(text: str, size: int, overlap: int) -> list[str]:
    return [part.strip() for part in windows(text, next(words([text])), size, overlap)]


def by_sentences(text: str, size: int, overlap: int = 0) -> list[str]:
    return [part.strip() for part in next(CODE["by_sentences"]([text], size, overlap))]


def by_headings(text: str, size: int) -> list[str]:
    return [" ".join(part.split()) for part in next(CODE["by_headings"]([text], size))]


def test_windows_by_hand() -> None:
    assert by_words("a b c d e f g", 3, 0) == ["a b c", "d e f", "g"]
    assert by_words("a b c d e f g", 3, 1) == ["a b c", "c d e", "e f g"]
    assert by_words("a b c d", 3, 2) == ["a b c", "b c d"]
    assert by_words("a b c", 3, 2) == ["a b c"]
    assert by_words("a", 3, 2) == ["a"]
    assert by_words("", 3, 2) == [""]
    assert by_words("  größe  ñ 漢字 x ", 2, 0) == ["größe  ñ", "漢字 x"]


def test_sentences_by_hand() -> None:
    text = 'It is 3.5 km, e.g. uphill. "Really?" Yes! Of course… So it goes.'
    assert by_sentences(text, 1) == ["It is 3.5 km, e.g. uphill.", '"Really?"', "Yes!", "Of course…", "So it goes."]
    assert by_sentences(text, 2, 1)[:2] == ['It is 3.5 km, e.g. uphill. "Really?"', '"Really?" Yes!']
    assert by_sentences("これは本です。あれはペンです\uff01そうですか\uff1fはい", 1) == [
        "これは本です。",
        "あれはペンです\uff01",
        "そうですか\uff1f",
        "はい",
    ]
    assert by_sentences("no end", 1) == ["no end"]
    assert by_sentences("A title\n \nThe text\nof it.", 1) == ["A title", "The text\nof it."]


def test_headings_by_hand() -> None:
    text = "before\n# One\na b c d e\n## Two #2\n\nf\n#no heading\n### Three"
    assert by_headings(text, 3) == ["before", "# One a b c", "# One d e", "## Two #2 f #no heading", "### Three"]
    assert by_headings("plain text", 3) == ["plain text"]
    assert by_headings("# Only", 3) == ["# Only"]
    assert by_headings("# Book\n## Chapter\na b\n# End", 3) == ["# Book ## Chapter a b", "# End"]
    fenced = "# Code\n```\n# no heading\n```\n## Next\na"
    assert by_headings(fenced, 9) == ["# Code ``` # no heading ```", "## Next a"]


@given(st.text(max_size=300), st.integers(1, 9), st.integers(0, 8))
def test_nothing_is_lost(text: str, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    for parts in (windows(text, next(words([text])), size, overlap), next(CODE["by_sentences"]([text], size, overlap))):
        assert all(part in text for part in parts)
        assert "".join(parts) == text if overlap == 0 else parts[0] == text[: len(parts[0])]
        place = 0
        for part in parts:  # each begins inside or at the end of what came before
            found = text.find(part, 0 if overlap else place)
            assert 0 <= found <= place
            place = max(place, found + len(part))
        assert parts[-1] == text[len(text) - len(parts[-1]) :]


@given(st.text(alphabet="# ab\n\t.é", max_size=200), st.integers(1, 5))
def test_no_word_of_a_section_is_lost(text: str, size: int) -> None:
    kept = " ".join(by_headings(text, size)).split()
    assert set(text.split()) <= set(kept)
    assert len(kept) >= len(text.split())


SPEC = """\
specforge: 1
name: long
sources:
  books: {path: books.parquet, id: book, text: "{title}\\n{body}", chunk: {by: tokens, size: 8, overlap: 2}}
  asked: {path: asked.parquet}
objectives:
  answers: {kind: question_answer, rows: asked, question: question, answer: book, of: books}
split: {by: column, column: part, dev_share: 0.3}
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  loss: {kind: multiple_negatives_ranking}
index: {kind: flat}
evaluate: {primary: nDCG@10, baselines: [bm25, untuned]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Six books of 30 words, each with one word of its own in the middle, which is what is asked for."""
    make_model(
        tmp_path / "model", {*(f"w{i}" for i in range(30)), *(f"own{i}" for i in range(6)), "book", "what", "about"}
    )
    body = "array_to_string(list_transform(range(30), lambda j: if(j = 20, 'own' || i, 'w' || j)), ' ')"
    with duckdb.connect() as db:
        db.sql(f"select 'b' || i as book, 'book' as title, {body} as body from range(6) t(i)").write_parquet(
            str(tmp_path / "books.parquet")
        )
        db.sql("""
            select 'what about own' || i % 6 || repeat(' about', i // 6) as question, 'b' || i % 6 as book,
                if(i < 48, 'train', 'test') as part
            from range(60) t(i)
        """).write_parquet(str(tmp_path / "asked.parquet"))
    path = tmp_path / "long.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


SCORES = """
import sys
from pathlib import Path
import numpy as np
import baselines, untuned
from ranking import read_corpus, read_queries
work = Path(sys.argv[1])
untuned.main(work)
corpus, queries = read_corpus(work), read_queries(work, "test")
assert len(corpus.ids) == 6 and len(corpus.chunks) == 6 * 5, len(corpus.chunks)
for build in baselines.bm25, baselines.untuned:
    scores = build(work)(queries)
    assert scores.shape == (len(queries.ids), 6)
    print([corpus.ids[row] for row in scores.argmax(axis=1)])
vectors, asked = np.load(work / "untuned/corpus.npy"), np.load(work / "untuned/test.npy")
best = np.stack([(asked @ vectors[corpus.owners == doc].T).max(axis=1) for doc in range(6)], axis=1)
assert np.allclose(scores, best)
"""


def test_a_document_scores_as_its_best_chunk(project: Path) -> None:
    done = prepare(project)
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as db:
        data = project.parent / "work/data"
        chunks = db.sql(f"select chunk_id, text from '{data}/chunks.parquet' where chunk_id like 'b3#%'").fetchall()
        first = ["book", *(f"w{i}" for i in range(30))]
        first[21] = "own3"
        assert chunks == [(f"b3#{place}", " ".join(first[6 * place : 6 * place + 8])) for place in range(5)]
        trained = db.sql(f"select anchor, positive_id, positive from '{data}/pairs.parquet'").fetchall()
        assert len(trained) > 20
        assert all(f"own{book[1:]}" in text.split() for _, book, text in trained), "the chunk that shares the rare word"
        summary = dict(db.sql(f"from '{data}/summary.parquet'").fetchall())
        assert (summary["chunks"], summary["documents_cut"], summary["rows"]) == (30, 6, 60)
        expected = [
            f"b{text.split('own')[1][0]}"
            for (text,) in db.sql(f"select text from '{data}/queries.parquet' where split = 'test'").fetchall()
        ]
    done = subprocess.run(
        [sys.executable, "-c", SCORES, str(project.parent / "work")],
        env=os.environ | {"PYTHONPATH": str(project.parent / "generated/long")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(expected)


def test_chunks_are_read_whole(project: Path) -> None:
    """The model reads 16 tokens: of books of 31 words, but for their chunks."""

    def codes() -> list[str]:
        return [problem.code for problem in pipeline.with_rows(pipeline.read(project)).problems]

    assert "SF204" not in codes()
    project.write_text(SPEC.replace(", chunk: {by: tokens, size: 8, overlap: 2}", ""), encoding="utf-8")
    assert "SF204" in codes()


def test_every_document_has_a_chunk(project: Path) -> None:
    """A line break alone is a text, and nothing is left of it where blanks are one."""
    with duckdb.connect() as db:
        books = project.parent / "books.parquet"
        more = "select 'b20' as book, '' as title, chr(10) as body"
        table = db.sql(f"select * from '{books}' union all {more}").to_arrow_table()
        db.from_arrow(table).write_parquet(str(books))
    text = SPEC.replace(
        '"{title}\\n{body}", chunk: {by: tokens, size: 8, overlap: 2}', '"{body}", chunk: {by: sentences, size: 2}'
    )
    assert text != SPEC
    project.write_text(text, encoding="utf-8")
    done = prepare(project)
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as db:
        data = project.parent / "work/data"
        (documents,) = db.sql(f"select count(*) from '{data}/corpus.parquet'").fetchall()[0]
        (owners,) = db.sql(f"select count(distinct doc) from '{data}/chunks.parquet'").fetchall()[0]
        assert (documents, owners) == (7, 7)
