"""`specforge new`: a starter spec of every kind passes the checks, and guesses what the example specs say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import get_args

import duckdb
import pytest
from test_cli import specforge

from specforge import pipeline
from specforge.authoring import starter
from specforge.catalog.dictionary import OBJECTIVES
from specforge.catalog.roles import columns, tables
from specforge.errors import UsageError
from specforge.spec.document import Spec

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "specs" / "data"
KINDS = [str(kind) for one in OBJECTIVES for kind in get_args(one.model_fields["kind"].annotation)]
FILES = {
    "cited_in_answer": "articles.csv answers.jsonl",
    "clicked": "articles.csv searches.csv",
    "interacted": "purchases.csv products.csv",
    "judged": "qrels.csv queries.csv articles.csv",
    "labelled": "products.csv",
    "linked": "links.csv articles.csv",
    "mutual_like": "likes.csv hikers.csv",
    "question_answer": "faq.csv articles.csv",
    "same_attribute": "products.csv",
    "scored_pairs": "scores.csv products.csv",
    "sql": "tickets.csv articles.csv",
    "substitutes": "sessions.csv products.csv",
    "triplets": "triplets.csv",
    **dict.fromkeys(
        ("same_cart", "same_receipt", "same_playlist", "same_session", "same_owner", "liked_by_same_people"),
        "sessions.csv products.csv",
    ),
}
UNKNOWN = {
    ("clicked", "dwell"): "a threshold goes with it, which no file says: it is proposed as a comment",
    ("clicked", "time"): "it counts for splits by time, whose dates no file says: it is proposed as a comment",
    ("same_attribute", "attribute"): "theme, style and grams may each be meant; the first is taken",
}
"""Kind and field of an example spec that no file tells."""


def made(root: Path, kind: str, *files: Path) -> Spec:
    """The starter spec of a kind, without problems."""
    path = root / starter.write(kind, kind, files, root)
    checked = pipeline.read(path)
    assert isinstance(checked.spec, Spec) and not checked.problems, pipeline.rendered(checked.source, checked.problems)
    return checked.spec


@pytest.mark.parametrize("kind", KINDS)
def test_without_files_every_kind_passes(kind: str, tmp_path: Path) -> None:
    made(tmp_path, kind)
    text = (tmp_path / f"{kind}.yaml").read_text(encoding="utf-8")
    assert "# guessed" not in text and text.count("# look: where the rows lie") >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_with_files_every_kind_passes_with_their_rows(kind: str, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("make.py"))
    made(tmp_path, kind, *(tmp_path / "data" / name for name in FILES[kind].split()))
    checked = pipeline.with_rows(pipeline.read(tmp_path / "specs" / f"{kind}.yaml"))
    assert not checked.refused, pipeline.rendered(checked.source, checked.problems)


@pytest.mark.parametrize(
    "kind", [kind for kind in FILES if (ROOT / "specs" / f"{kind}.yaml").exists() and kind != "same_cart"]
)
def test_the_guesses_are_what_the_example_says(kind: str, tmp_path: Path) -> None:
    guessed = made(tmp_path, kind, *(DATA / name for name in FILES[kind].split()))
    example = pipeline.read(ROOT / "specs" / f"{kind}.yaml").spec
    assert example is not None
    (ours,), (theirs,) = guessed.objectives.values(), example.objectives.values()
    assert (
        dict(tables_named(ours)).items()
        >= {field: name for field, name in tables_named(theirs) if field != "reads"}.items()
    )
    for one in columns(theirs):
        if (kind, one.field) not in UNKNOWN:
            assert getattr(ours, one.field) == one.column, one.field
    for name, table in example.sources.items():
        source = guessed.sources[name]
        assert (source.id, source.text) == (table.id, table.text)
        assert (tmp_path / source.path).resolve() == (ROOT / "specs" / table.path).resolve()


def tables_named(objective: object) -> list[tuple[str, str]]:
    return [(field, name) for field, name, _ in tables(objective)]  # type: ignore[arg-type]


def test_a_column_of_sides_is_the_split(tmp_path: Path) -> None:
    guessed = made(tmp_path, "judged", *(DATA / name for name in FILES["judged"].split()))
    assert guessed.split.model_dump()["column"] == "part"
    assert guessed.split.model_dump()["dev"] == ("dev",)


def test_each_guess_says_why(tmp_path: Path) -> None:
    made(tmp_path, "clicked", *(DATA / name for name in FILES["clicked"].split()))
    text = (tmp_path / "clicked.yaml").read_text(encoding="utf-8")
    for line in (
        '    document: article_id  # guessed: 100 % of its values are ids of "articles"',
        '    clicked: clicked  # guessed: holds "0" and "1" only',
        "    rank: rank  # guessed: numbers from 1 to 6",
        "    search: search  # guessed: 450 values, each in 6.0 rows on average",
        "    query: query  # guessed: texts of 8.4 words on average",
    ):
        assert line in text.splitlines()


def test_names_do_not_matter_where_values_speak(tmp_path: Path) -> None:
    with duckdb.connect() as db:
        db.sql("select 'd' || n as c1, 'words of a document ' || n as c2 from range(50) r(n)").write_parquet(
            str(tmp_path / "x.parquet")
        )
        db.sql(
            "select 'who ' || n % 7 || ' asks a thing' as document, 'd' || n % 50 as rank, n % 5 + 1 as clicked, "
            "n % 5 = 0 as query, 's' || n // 5 as q from range(200) r(n)"
        ).write_csv(str(tmp_path / "y.csv.gz"), compression="gzip")
    (objective,) = made(tmp_path, "clicked", tmp_path / "y.csv.gz", tmp_path / "x.parquet").objectives.values()
    found = {one.field: one.column for one in columns(objective)}
    assert found == {"search": "q", "query": "document", "document": "rank", "rank": "clicked", "clicked": "query"}


def test_a_row_may_be_a_passage(tmp_path: Path) -> None:
    documents = [{"key": f"0{n}", "body": f"a passage about thing {n}"} for n in range(20)]
    (tmp_path / "passages.json").write_text(json.dumps(documents), encoding="utf-8")
    rows = "asked,answer,passage,used,place\n" + "".join(
        f"what about {n} then?,r{n},0{n + m},{int(m == 0)},{m + 1}\n" for n in range(19) for m in (0, 1)
    )
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    made(tmp_path, "cited_in_answer", tmp_path / "passages.json", tmp_path / "rows.csv")
    text = (tmp_path / "cited_in_answer.yaml").read_text(encoding="utf-8")
    for line in (
        "one_row: passage",
        "retrieved: passage",
        "cited: used",
        "answer: answer",
        "rank: place",
        "question: asked",
    ):
        assert f"    {line}  # guessed" in text, line


def test_lists_may_be_json_in_a_text_and_the_longer_is_what_was_retrieved(tmp_path: Path) -> None:
    documents = [{"key": f"0{n}", "body": f"a passage about thing {n}"} for n in range(20)]
    (tmp_path / "passages.json").write_text(json.dumps(documents), encoding="utf-8")
    log = [
        {"asked": f"what about {n} then?", "cited": json.dumps([f"0{n}", f"0{n + 1}"]), "used": json.dumps([f"0{n}"])}
        for n in range(19)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, log)), encoding="utf-8")
    (objective,) = made(
        tmp_path, "cited_in_answer", tmp_path / "log.jsonl", tmp_path / "passages.json"
    ).objectives.values()
    found = {one.field: one.column for one in columns(objective)}
    assert found == {"question": "asked", "retrieved": "cited", "cited": "used"}


def test_a_moment_is_read_as_it_is_written(tmp_path: Path) -> None:
    log = "who,what,day\n" + "".join(f"u{n // 4},p{n % 9},{n % 28 + 1:02}/0{n % 9 + 1}/2024\n" for n in range(80))
    (tmp_path / "log.csv").write_text(log, encoding="utf-8")
    things = "".join(f"p{n},a thing of sort {n}\n" for n in range(9))
    (tmp_path / "things.csv").write_text("thing,words\n" + things, encoding="utf-8")
    spec = made(tmp_path, "interacted", tmp_path / "log.csv", tmp_path / "things.csv")
    assert spec.sources["log"].read_as == {"day": "%d/%m/%Y"}
    (objective,) = spec.objectives.values()
    assert {one.field: one.column for one in columns(objective)} == {"user": "who", "item": "what", "time": "day"}


def test_an_id_is_unique_past_the_sample_too(tmp_path: Path) -> None:
    with duckdb.connect() as db:
        rows = "select n % 100_001 as short, 'name ' || n as id, 'a text of words ' || n as words, 'kind ' || n % 9 as sort from range(100_100) r(n)"
        db.sql(rows).write_parquet(str(tmp_path / "many.parquet"))
    (source,) = made(tmp_path, "labelled", tmp_path / "many.parquet").sources.values()
    assert source.id == "id"


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    columns_of = ['no: "1"', "it's {x}", "#note", "yes"]
    with duckdb.connect() as db:
        named = ", ".join('"' + name.replace('"', '""') + '"' for name in columns_of)
        db.execute(
            f"create table t as select * from (select 'i' || n, 'three more words', 'some long text', n % 2 from range(9) r(n)) t ({named})"
        )
        db.table("t").write_parquet(str(tmp_path / "9 Odd: name#.parquet"))
    spec = made(tmp_path, "labelled", tmp_path / "9 Odd: name#.parquet")
    (source,) = spec.sources.values()
    assert (source.id, source.text) == ('no: "1"', "{#note}")


def test_nothing_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert specforge("new", "carts", "--objective", "same_cart") == 0
    before = (tmp_path / "carts.yaml").read_bytes()
    assert specforge("new", "carts", "--objective", "linked") == 2
    assert '"carts.yaml" exists already' in capsys.readouterr().err
    assert (tmp_path / "carts.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Carts", "--objective", "same_cart"), '"Carts" is no name'),
        (("carts", "--objective", "same_carts"), 'did you mean "same_cart"?'),
        (("carts", "--objective", "same_cart", "--from", "absent.csv"), "is no file of a known format"),
        (("carts", "--objective", "same_cart", "--from", "notes.txt"), "is no file of a known format"),
        (("carts", "--objective", "same_cart", "--from", "broken.parquet"), 'cannot read "broken.parquet"'),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "broken.parquet"):
        (tmp_path / name).write_text("nothing", encoding="utf-8")
    assert specforge("new", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.yaml"))


def test_an_objective_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="they are same_cart"):
        starter.objective_of("zzzz")
