"""Sources of every kind are read by the checks and by generated code, and both see the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from preparing import BY_TIME, LINES, PRODUCTS, amounts, corpus, prepared, problems, project

from specforge.problems import Problem
from specforge.quote import identifier

CORPUS = {"00123": "Milk", "00124": "Bread"}


def copy(query: str, to: Path, options: str = "") -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute(f"copy ({query}) to '{to}' {options}")


def table(rows: str, columns: str) -> str:
    names = ", ".join(map(identifier, columns.split(", ")))
    return f"select * from (values {rows}) t ({names})"


def the_one(found: list[Problem]) -> Problem:
    [problem] = found
    return problem


def all_known(path: Path) -> None:
    """Every item of an event is in the corpus."""
    assert problems(path) == []
    db = prepared(path)
    assert corpus(db) == CORPUS
    assert amounts(db)["events"] == 3 and amounts(db)["events_without_item"] == 0


ROWS = table("('00123', 'Milk'), ('00124', 'Bread')", "sku, title")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("products.csv", ""),
        ("products.csv.gz", ""),
        ("products.csv.zst", "(compression zstd)"),
        ("products.tsv", "(delimiter '\t')"),
        ("products.jsonl", "(format json)"),
        ("products.jsonl.zst", "(format json, compression zstd)"),
        ("products.json", "(format json, array true)"),
    ],
)
def test_files(tmp_path: Path, name: str, options: str) -> None:
    copy(ROWS, tmp_path / name, options)
    all_known(project(tmp_path, PRODUCTS.replace("products.parquet", name)))


def test_a_format_that_no_suffix_says(tmp_path: Path) -> None:
    copy(ROWS, tmp_path / "export.txt", "(format csv, delimiter '\t')")
    all_known(project(tmp_path, PRODUCTS.replace("products.parquet", "export.txt, format: tsv")))


@pytest.mark.parametrize("format", ["parquet", "csv", "json"])
def test_a_folder_gives_the_columns_of_its_names_and_of_all_its_files(tmp_path: Path, format: str) -> None:
    folder = tmp_path / "lines"
    copy(table("('b1', '00123')", "basket, sku"), folder / f"shop=a/month=2024-01/1.{format}")
    copy(
        table("('b1', '00124', 'x'), ('b2', '00124', 'y')", "basket, sku, note"),
        folder / f"shop=b/month=2024-02/2.{format}",
    )
    copy(table("('b3', 'none')", "basket, sku"), folder / f"shop=c/month=2024-02/3.{format}")
    path = project(tmp_path, lines=f"path: lines/, format: {format}, where: shop <> 'c' and note is distinct from 'z'")
    all_known(path)
    glob = f'path: "lines/shop=*/**/*.{format}", where: "shop < \'c\'"'
    all_known(project(tmp_path, lines=glob))


def test_a_folder_needs_a_format(tmp_path: Path) -> None:
    problem = the_one(problems(project(tmp_path, lines="path: lines/")))
    assert (problem.code, problem.message) == ("SF003", '"path" names a folder, and needs "format"')
    problem = the_one(problems(project(tmp_path, lines="path: lines/, format: csv")))
    assert (problem.code, problem.message) == ("SF004", 'no file "lines/"')


def test_a_data_set_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    copy(ROWS, tmp_path / "products/data/train-00000-of-00001.parquet")
    copy(f"{ROWS} limit 1", tmp_path / "products/data/test-00000-of-00001.parquet")
    hub = PRODUCTS.replace("products.parquet", "hub:./products, part: train")
    all_known(project(tmp_path, hub))
    path = project(tmp_path, hub.replace("part: train", "part: test, where: title <> 'x', limit: 5"))
    assert corpus(prepared(path)) == {"00123": "Milk"}
    problem = the_one(problems(project(tmp_path, hub.replace("part: train", "part: dev"))))
    assert (problem.code, problem.message) == ("SF004", '"products" cannot be read from its data set')
    assert "dev" in problem.hint


def test_keys_are_texts_also_where_json_holds_numbers_and_texts(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text(
        '{"basket": 1, "sku": "00123"}\n{"basket": "b", "sku": 124}\n{"basket": "b", "sku": "00123"}\n',
        encoding="utf-8",
    )
    copy(table("('00123', 'Milk'), ('124', 'Bread')", "sku, title"), tmp_path / "products.parquet")
    path = project(tmp_path, lines="path: lines.jsonl")
    assert problems(path) == []
    assert amounts(prepared(path))["events_without_item"] == 0


@pytest.mark.parametrize(("ids", "items"), [("'123'", "123"), ("123", "'123'"), ("123::smallint", "123::bigint")])
def test_whole_numbers_meet_texts(tmp_path: Path, ids: str, items: str) -> None:
    copy(table(f"({ids}, 'Milk')", "sku, title"), tmp_path / "products.parquet")
    copy(table(f"('b1', {items})", "basket, sku"), tmp_path / "lines.parquet")
    path = project(tmp_path)
    assert problems(path) == []
    assert amounts(prepared(path))["events_without_item"] == 0


@pytest.mark.parametrize("ids", ["'123'", "123"])
def test_numbers_with_a_fraction_are_told_and_can_be_read_as_whole(tmp_path: Path, ids: str) -> None:
    copy(table(f"({ids}, 'Milk')", "sku, title"), tmp_path / "products.parquet")
    copy(table("('b1', 123.0::double), ('b2', null)", "basket, sku"), tmp_path / "lines.parquet")
    problem = the_one(problems(project(tmp_path)))
    assert problem.code == "SF003" and problem.path == ("objectives", "carts", "item")
    assert '"sku" of "lines" holds numbers with a fraction' in problem.message
    assert problem.hint == 'add "read_as: {sku: integer}" to "lines"'
    path = project(tmp_path, lines=f"{LINES}, read_as: {{sku: integer}}")
    problem = the_one(problems(path))
    assert problem.code == "SF305" and problem.message == '50 % of the rows of "lines" have no "sku"'
    assert amounts(prepared(path))["events_without_item"] == 1


def test_a_fraction_is_no_whole_number(tmp_path: Path) -> None:
    copy(table("('b1', 123.5::double), ('b2', 123.0)", "basket, sku"), tmp_path / "lines.parquet")
    problem = the_one(problems(project(tmp_path, lines=f"{LINES}, read_as: {{sku: integer}}")))
    assert problem.message == '1 row of column "sku" cannot be read as "integer"'
    assert problem.evidence == ('for example "123.5"',)


def test_keys_of_a_join_are_of_one_kind(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("number,sku\n0007,00123\n0008,00124\n", encoding="utf-8")
    copy(table("('b1', 7), ('b1', 8), ('b2', 7)", "basket, number"), tmp_path / "lines.parquet")
    lines, names = f"{LINES}, join: {{source: names, on: number, columns: [sku]}}", "  names: {path: names.csv}\n"
    problem = the_one(problems(project(tmp_path, lines=lines, more=names)))
    assert problem.message == '"number" of "lines" holds whole numbers and "number" of "names" holds text'
    assert problem.hint == 'add "read_as: {number: text}" to "lines"'
    whole = "  names: {path: names.csv, read_as: {number: integer}}\n"
    all_known(project(tmp_path, lines=lines, more=whole))


MOMENTS = {
    "iso": (("2024-01-05", "2024-02-05 18:00", "2024-03-05T06:00:00"), None),
    "day_first": (("31/01/2024 18:00", "15/02/2024 18:00", "05/03/2024 18:00"), '"%d/%m/%Y %H:%M"'),
    "seconds": (("1704448800", "1707127200", "1709632800"), "seconds"),
    "milliseconds": (("1704448800000", "1707127200000", "1709632800000"), "milliseconds"),
    "offset": (
        ("2024-01-05T18:00:00+02:00", "2024-02-05T18:00:00+02:00", "2024-03-05T18:00:00-05:00"), '"%Y-%m-%dT%H:%M:%S%z"'
    ),
}  # fmt: skip
"""How moments are written -> three of them, and the reading that they need."""


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("name", MOMENTS)
def test_moments(tmp_path: Path, name: str, suffix: str) -> None:
    moments, reading = MOMENTS[name]
    rows = ", ".join(f"('b{row}', '00123', '{moment}')" for row, moment in enumerate(moments))
    copy(table(rows, "basket, sku, at"), tmp_path / f"lines.{suffix}", "(format json)" if suffix == "jsonl" else "")
    lines = f"path: lines.{suffix}"
    if reading is not None:
        problem = the_one(problems(project(tmp_path, lines=lines, time="at", split=BY_TIME)))
        assert (problem.code, problem.path) == ("SF003", ("objectives", "carts", "time"))
        assert f'"read_as: {{at: {reading}}}" to "lines"' in problem.hint
        lines += f", read_as: {{at: {reading}}}"
    path = project(tmp_path, lines=lines, time="at", split=BY_TIME)
    assert problems(path) == []
    found = amounts(prepared(path))
    first = {"offset": "2024-01-05 16:00", "day_first": "2024-01-31 18:00", "iso": "2024-01-05"}
    with duckdb.connect() as db:
        [(wanted,)] = db.execute(f"select epoch_us(timestamp '{first.get(name, '2024-01-05 10:00')}')").fetchall()
    assert found["first_moment"] == wanted


def test_a_day_that_could_be_a_month_is_asked_for(tmp_path: Path) -> None:
    copy(table("('b1', '00123', '03/02/2024')", "basket, sku, at"), tmp_path / "lines.csv")
    problem = the_one(problems(project(tmp_path, lines="path: lines.csv", time="at", split=BY_TIME)))
    assert problem.hint == (
        'add "read_as: {at: "%d/%m/%Y"}" or "read_as: {at: "%m/%d/%Y"}" to "lines", whichever is meant'
    )


def test_moments_in_several_ways(tmp_path: Path) -> None:
    rows = "('b1', '00123', '2024-05-31'), ('b2', '00123', '31/05/2024 18:00'), ('b3', '00123', '1717178400')"
    copy(table(rows, "basket, sku, at"), tmp_path / "lines.csv")
    problem = the_one(problems(project(tmp_path, lines="path: lines.csv", time="at", split=BY_TIME)))
    assert problem.message == 'column "at" of "lines" holds what is no moment'
    assert problem.hint.endswith("no other way fits every row") and "31/05/2024 18:00" in problem.evidence[0]
    problem = the_one(
        problems(project(tmp_path, lines="path: lines.csv, read_as: {at: seconds}", time="at", split=BY_TIME))
    )
    assert problem.message == '2 rows of column "at" cannot be read as "seconds"'


def test_moments_do_not_depend_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "('b1', '00123', timestamptz '2024-02-01 00:30:00+00')"
    copy(table(rows, "basket, sku, at"), tmp_path / "lines.parquet")
    path = project(tmp_path, time="at", split=BY_TIME)
    found = set[int]()
    for zone in ("UTC", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        found.add(amounts(prepared(path))["first_moment"])
    assert len(found) == 1


CLEANED = {
    "html": ("html", "<b>Milk</b>&nbsp;&amp; more<script>x()</script><br/>a < b", "Milk & more a < b"),
    "nfkc": ("nfkc", "\uff2d\uff49lk \ufb01ne \u00b2", "Milk fine 2"),
    "lowercase": ("lowercase", "MILK \u00c4", "milk \u00e4"),
    "all": ("html, nfkc, lowercase", "<p>\uff2dILK</p> &Auml;", "milk \u00e4"),
    "order": ("lowercase, html", "<P>M&AMP;M</P>", "m&m"),
}


@pytest.mark.parametrize("name", CLEANED)
def test_clean(tmp_path: Path, name: str) -> None:
    steps, raw, wanted = CLEANED[name]
    (tmp_path / "products.jsonl").write_text(json.dumps({"sku": "00123", "title": raw}) + "\n", encoding="utf-8")
    products = f"{PRODUCTS.replace('products.parquet', 'products.jsonl')}, clean: [{steps}]"
    path = project(tmp_path, products)
    assert {problem.code for problem in problems(path)} == {"SF305"}
    assert corpus(prepared(path)) == {"00123": wanted}


def test_an_empty_column_is_said_in_words(tmp_path: Path) -> None:
    rows = "('00123', 'Milk', null), ('00124', 'Bread', '  '), ('00125', 'Rye', 'Acme'), ('00126', '<p></p>', 'Acme')"
    copy(table(rows, "sku, title, brand"), tmp_path / "products.parquet")
    products = PRODUCTS.replace("{title}", "{title}, by {brand}") + ", clean: [html], if_empty: {brand: somebody}"
    assert corpus(prepared(project(tmp_path, products))) == {
        "00123": "Milk, by somebody", "00124": "Bread, by somebody", "00125": "Rye, by Acme", "00126": "by Acme"
    }  # fmt: skip
