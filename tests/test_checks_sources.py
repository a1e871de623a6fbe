"""Rules that open the sources: small files, one mistake each."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from good_spec import good

from specforge.checks import sources
from specforge.problems import Problem

PRODUCTS = "select * from (values ('p1', 'Acme', 'milk'), ('p2', 'Acme', 'bread')) t (product_id, brand, description)"
LINES = """
    select * from (values ('b1', 'p1', timestamp '2024-01-01'), ('b1', 'p2', timestamp '2024-01-02'))
    t (basket_id, product_id, sold_at)
"""
TABLE = "{path: order_lines.parquet}"
PATH = "path: products.parquet,"
OF = "    of: products\n"
SPLIT = "split: {by: item, test: 20%}"
BASE = "base: sentence-transformers/all-MiniLM-L6-v2"

Change = tuple[str, str]


def found(folder: Path, *changes: Change, products: str = PRODUCTS, lines: str = LINES) -> list[Problem]:
    with duckdb.connect() as db:
        db.sql(products).write_parquet(str(folder / "products.parquet"))
        db.sql(lines).write_parquet(str(folder / "order_lines.parquet"))
    problems = sources.check(*good(*changes), folder, folder)
    return [problem for problem in problems if problem.code != "SF402"]  # the good spec pins no commit: test_bases.py


def the_one(problems: list[Problem]) -> Problem:
    [problem] = problems
    return problem


def test_nothing_is_wrong(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    assert found(tmp_path, (TABLE, "{path: order_lines.parquet, where: sold_at is not null, limit: 5}")) == []


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "json"])
def test_other_formats(tmp_path: Path, suffix: str) -> None:
    rows = PRODUCTS.replace("p1", "001").replace("p2", "002")
    lines = LINES.replace("p1", "001").replace("p2", "002")
    options = {"tsv": "(delimiter '\t')", "json": "(format json)"}.get(suffix, "")
    with duckdb.connect() as db:
        db.execute(f"copy ({rows}) to '{tmp_path}/products.{suffix}' {options}")
    assert found(tmp_path, (PATH, f"path: products.{suffix},"), lines=lines) == []


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("product.parquet", 'no file "product.parquet"', 'did you mean "products.parquet"?'),
        ("data/*.parquet", 'no file "data/*.parquet"', "paths are relative to the spec's own file"),
        ("package:no-such==1.0/a.csv", 'package "no-such" is not installed; "pip install no-such==1.0" does it', ""),
        ("broken.parquet", '"broken.parquet" cannot be read as parquet', None),
        ("broken.json", '"broken.json" cannot be read as json', None),
    ],
)
def test_file(tmp_path: Path, path: str, message: str, hint: str | None) -> None:
    (tmp_path / "broken.parquet").write_text("no parquet at all, but long enough", encoding="utf-8")
    (tmp_path / "broken.json").write_text('{"a":', encoding="utf-8")
    problem = the_one(found(tmp_path, (PATH, f"path: {path},")))
    assert (problem.code, problem.message, problem.path) == ("SF004", message, ("sources", "products", "path"))
    assert hint is None or problem.hint == hint


@pytest.mark.parametrize(
    ("change", "message", "path"),
    [
        (("id: product_id", "id: productid"), 'no column "productid" in "products"', ("sources", "products", "id")),
        (("{description}", "{title}"), 'no column "title" in "products"', ("sources", "products", "text")),
        (("item: product_id", "item: sku"), 'no column "sku" in "order_lines"', ("objectives", "carts", "item")),
        ((SPLIT, "split: {by: item, unit: family}"), 'no column "family" in "products"', ("split", "unit")),
    ],
)
def test_missing_column(tmp_path: Path, change: Change, message: str, path: tuple[str, ...]) -> None:
    problem = the_one(found(tmp_path, change))
    assert (problem.code, problem.message, problem.path) == ("SF004", message, path)
    assert problem.hint


def test_no_rows(tmp_path: Path) -> None:
    assert the_one(found(tmp_path, products=f"{PRODUCTS} limit 0")).message == '"products" has no rows'


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        ("brand = 'none'", "SF004", '"where" leaves no row of "products"'),
        ("bran = 'Acme'", "SF004", 'no column "bran" in "products"'),
        ("brand = ", "SF003", '"where" is no condition over the columns'),
        ("true); drop table rows; select (1", "SF003", '"where" must be one condition'),
        ("exists(select 1 from 'products.parquet')", "SF003", '"where" reaches outside of its tables'),
        ("brand::integer > 1", "SF003", '"where" fails on some row'),
    ],
)
def test_condition(tmp_path: Path, where: str, code: str, message: str) -> None:
    problem = the_one(found(tmp_path, (PATH, f"path: products.parquet, where: {json.dumps(where)},")))
    assert (problem.code, problem.message) == (code, message)


def test_empty_column(tmp_path: Path) -> None:
    problem = the_one(found(tmp_path, products=PRODUCTS.replace("'Acme'", "null")))
    assert (problem.code, problem.message) == ("SF004", 'column "brand" of "products" is empty in every row')


def test_items_of_no_collection(tmp_path: Path) -> None:
    problem = the_one(found(tmp_path, lines=LINES.replace("'p", "'q")))
    assert (problem.code, problem.path) == ("SF004", ("objectives", "carts", "item"))
    assert problem.message == 'no "product_id" of "order_lines" is an id of "products"'
    assert "q1" in problem.evidence[0] and "p1" in problem.evidence[1]


def test_ids_with_several_texts(tmp_path: Path) -> None:
    products = PRODUCTS.replace("'p2'", "'p1'")
    problem, missing = found(tmp_path, products=products)
    assert (missing.code, missing.evidence) == ("SF305", ("1 of 2 ids in rows", "p2: in 1 row"))
    assert (problem.code, problem.message) == ("SF003", '1 id of "products" have rows with different texts')
    assert problem.evidence == ('p1: "Acme bread", "Acme milk"',)
    assert found(tmp_path, (PATH, f"{PATH} repeated_ids: most_common,"), products=products) == [missing]


def joined(names: str) -> tuple[Change, str]:
    table = "{path: order_lines.parquet, join: {source: names, on: sku, columns: [product_id]}}"
    lines = LINES.replace("product_id", "sku")
    return (TABLE, f"{table}\n  names: {{path: {names}}}"), lines


def test_join(tmp_path: Path) -> None:
    change, lines = joined("names.csv")
    names = tmp_path / "names.csv"
    names.write_text("sku,product_id\np1,p1\np2,p2\np2,p2\n", encoding="utf-8")
    assert found(tmp_path, change, lines=lines) == []
    names.write_text("sku,product_id\nx,p1\n", encoding="utf-8")
    problem = the_one([one for one in found(tmp_path, change, lines=lines) if one.path[0] == "sources"])
    assert (problem.code, problem.message) == ("SF004", 'no "sku" of "order_lines" is a "sku" of "names"')
    names.write_text("sku,product_id\np1,p1\np1,p2\np2,p2\n", encoding="utf-8")
    problem = the_one(found(tmp_path, change, lines=lines))
    assert problem.message == '1 key of "names" stand for several rows, which would multiply those of "order_lines"'
    assert problem.evidence == ("p1: 2 rows that differ",)


def test_a_join_that_loses_rows(tmp_path: Path) -> None:
    change, lines = joined("names.csv")
    (tmp_path / "names.csv").write_text("sku,product_id\np1,p1\n", encoding="utf-8")
    problem = the_one([one for one in found(tmp_path, change, lines=lines) if one.path[0] == "sources"])
    assert (problem.code, problem.path) == ("SF305", ("sources", "order_lines", "join", "on"))
    assert problem.message == '50 % of the rows of "order_lines" have no row in "names"'
    assert problem.evidence == ("1 of 2 rows", "p2: 1 row")


@pytest.mark.parametrize(("rows", "expected"), [(50, ("2.0 %", "1 of 50 rows")), (100, None)])
def test_rows_without_an_id(tmp_path: Path, rows: int, expected: tuple[str, str] | None) -> None:
    lines = f"""
        select 'b' || (row // 2) as basket_id, if(row = 0, null, 'p' || (row % 2 + 1)) as product_id,
            timestamp '2024-01-01' + to_days(row::integer) as sold_at
        from range({rows}) as t (row)
    """
    problems = found(tmp_path, lines=lines)
    if expected is None:
        assert problems == []
        return
    problem = the_one(problems)
    assert (problem.code, problem.path) == ("SF305", ("objectives", "carts", "item"))
    assert problem.message == f'{expected[0]} of the rows of "order_lines" have no "product_id"'
    assert problem.evidence == (expected[1],)
    assert found(tmp_path, (TABLE, "{path: order_lines.parquet, where: product_id is not null}"), lines=lines) == []


def test_join_brings_a_column_that_is_there(tmp_path: Path) -> None:
    change, _ = joined("names.csv")
    (tmp_path / "names.csv").write_text("sku,product_id\np1,p1\n", encoding="utf-8")
    lines = f"select *, product_id as sku from ({LINES})"
    problem = the_one(found(tmp_path, change, lines=lines))
    assert problem.message == '"order_lines" has a column "product_id" of its own, so a join cannot bring it'


@pytest.mark.parametrize("times", ["'2024-01-01', 'soon'", "1704067200, 1704153600"])
def test_time_is_no_moment(tmp_path: Path, times: str) -> None:
    first, second = times.split(", ")
    lines = f"select * from (values ('b1', 'p1', {first}), ('b1', 'p2', {second})) t (basket_id, product_id, sold_at)"
    problem = the_one(found(tmp_path, (OF, f"{OF}    time: sold_at\n"), lines=lines))
    assert (problem.code, problem.path) == ("SF003", ("objectives", "carts", "time"))
    assert found(tmp_path, (OF, f"{OF}    time: sold_at\n")) == []


def test_model_folder(tmp_path: Path) -> None:
    change = (BASE, "base: ./model")
    assert the_one(found(tmp_path, change)).message == 'no model "./model"'
    (tmp_path / "model").mkdir()
    assert the_one(found(tmp_path, change)).message == '"./model" holds no model'
    (tmp_path / "model/config.json").write_text('{"max_position_embeddings": 512}', encoding="utf-8")
    assert found(tmp_path, (BASE, "base: ./model\n  pooling: mean")) == []
    long = found(tmp_path, (BASE, "base: ./model\n  pooling: mean\n  max_length: 1024"))
    assert the_one(long).message == '"max_length" is 1024, and the model has positions for 512 tokens'
