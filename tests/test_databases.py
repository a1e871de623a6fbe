"""Rows of SQLite files and of a PostgreSQL server; the address of the server is repeated nowhere."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from postgresql import PASSWORD, programs, server
from preparing import BY_TIME, PRODUCTS, amounts, corpus, prepare, prepared, problems, project

from specforge import plan
from specforge.load import load
from specforge.locate import LookupFailure, fingerprint
from specforge.output import FORMATS, render
from specforge.problems import Problem
from specforge.run.runner import run, status
from specforge.run.stage import Stage
from specforge.source import read

pytest.importorskip("adbc_driver_sqlite", reason='the extra "databases" is not installed')

FROM_SQLITE = PRODUCTS.replace("products.parquet", "'sqlite:///shop.db', table: products")


def the_one(found: list[Problem]) -> Problem:
    [problem] = found
    return problem


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with an SQLite file."""
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("create table products (sku text, title text, price real)")
        db.executemany("insert into products values (?, ?, ?)", [("00123", "Milk", 1.5), ("00124", "Bread", None)])
        db.execute("create table lines (basket integer, sku text, at text)")
        db.executemany("insert into lines values (?, ?, ?)", [(1, "00123", "2024-01-05"), (1, "00124", "2024-03-05")])
        db.commit()
    return tmp_path


def stage_of(path: Path) -> Stage:
    """The stage that reads the sources."""
    spec, found = load(read(path)[0])
    assert spec is not None, found
    return plan.make(spec, path).stages[0]


def reads_of(path: Path) -> dict[str, str]:
    """What the stage reads -> fingerprint."""
    cache = path.parent / "runs/fingerprints.json"
    return {reference: fingerprint(reference, path.parent, cache) for reference in stage_of(path).reads}


def test_sqlite(shop: Path) -> None:
    lines = "path: 'sqlite:///shop.db', query: \"select basket, sku, at from lines -- all of them\""
    path = project(shop, f"{FROM_SQLITE}, where: price > 1 or title = 'Bread', limit: 9", lines, "at", BY_TIME)
    assert problems(path) == []
    db = prepared(path)
    assert corpus(db) == {"00123": "Milk", "00124": "Bread"}
    assert amounts(db)["events"] == 2 and amounts(db)["events_without_item"] == 0


def test_sqlite_by_an_absolute_path(shop: Path) -> None:
    path = project(shop, FROM_SQLITE.replace("sqlite:///", f"sqlite:///{shop}/"))
    assert problems(path) == []
    assert len(corpus(prepared(path))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("shop.db", "shops.db"), 'no file "'),
        (("table: products", "table: product"), '"products" cannot be read from its database'),
        (("table: products", "query: delete from products returning *"), '"products" cannot be read from its database'),
        (("table: products", "query: select sku from products; drop table products"), None),
        (("table: products", "table: products, query: select 1"), '"products" has both "table" and "query"'),
        ((", table: products", ""), '"products" needs "table" or "query"'),
        (("///shop.db", "//shop.db"), '"sqlite:///" names no file'),
    ],
)
def test_sqlite_mistakes(shop: Path, change: tuple[str, str], message: str | None) -> None:
    found = problems(project(shop, FROM_SQLITE.replace(*change)))
    assert message is None or the_one(found).message.startswith(message)
    with closing(sqlite3.connect(shop / "shop.db")) as db:
        assert db.execute("select count(*) from products").fetchone() == (2,)


def test_ids_of_several_kinds_in_sqlite(shop: Path) -> None:
    with closing(sqlite3.connect(shop / "shop.db")) as db:
        db.execute("create table mixed (sku, title)")
        db.executemany("insert into mixed values (?, ?)", [(1, "Milk"), ("00123", "Bread")])
        db.commit()
        path = project(shop, FROM_SQLITE.replace("table: products", "table: mixed"))
        assert {problem.code for problem in problems(path)} == {"SF305"}
        assert corpus(prepared(path)) == {"00123": "Bread", "1": "Milk"}
        db.executemany("insert into mixed values (?, ?)", [(number, "Rye") for number in range(2, 3000)])
        db.execute("delete from mixed where sku = '00123'")
        db.execute("insert into mixed values ('00123', 'Bread')")
        db.commit()
    found = the_one(problems(path))
    assert found.message == '"products" cannot be read from its database'
    assert found.hint.endswith('; "query" can cast the column')
    cast = "query: 'select cast(sku as text) as sku, title from mixed'"
    path = project(shop, FROM_SQLITE.replace("table: products", cast))
    assert {problem.code for problem in problems(path)} == {"SF305"}
    assert corpus(prepared(path))["00123"] == "Bread"


def test_the_key_of_sqlite_is_its_content_and_reading_leaves_it_alone(shop: Path) -> None:
    with closing(sqlite3.connect(shop / "shop.db")) as db:
        db.execute("pragma journal_mode = wal")
    path = project(shop, FROM_SQLITE)
    first = reads_of(path)
    prepared(path)
    assert reads_of(path) == first
    with closing(sqlite3.connect(shop / "shop.db")) as db:
        db.execute("insert into products values ('00125', 'Rye', 1)")
        db.commit()
        assert reads_of(path) != first  # the row waits in the log beside the file
        assert len(corpus(prepared(path))) == 3


ADDRESSES = (
    f"postgresql://reader:{PASSWORD}@db.example.com/shop",
    f"postgres://db.example.com/shop?password={PASSWORD}",
    f"mysql+pymysql://reader:{PASSWORD}@db/shop",
    f"https://reader:{PASSWORD}@example.com/products.csv",
    f"sqlite://reader:{PASSWORD}@db/shop",
    f"env:postgresql://reader:{PASSWORD}@db/shop",
    f"hub:https://reader:{PASSWORD}@hub/shop",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_a_spec_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    path = project(tmp_path, PRODUCTS.replace("products.parquet", f"'{address}', table: products"))
    found = problems(path)
    assert found and found[0].code == "SF003" and found[0].path == ("sources", "products", "path")
    for format in FORMATS:
        assert PASSWORD not in render([(read(path)[0], found)], format, color=False)


def test_a_missing_variable_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    path = project(tmp_path, FROM_SERVER)
    problem = the_one(problems(path))
    assert (problem.code, problem.hint) == ("SF004", 'the environment variable "SHOP_DATABASE" is not set')
    done = prepare(path, {key: value for key, value in os.environ.items() if key != "SHOP_DATABASE"})
    assert done.returncode == 1 and done.stderr.startswith("the environment variable SHOP_DATABASE is not set")
    with pytest.raises(LookupFailure, match="SHOP_DATABASE"):
        reads_of(path)


def test_a_server_that_is_not_there_is_told_without_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop", f"{PASSWORD} is no address"):
        monkeypatch.setenv("SHOP_DATABASE", address)
        path = project(tmp_path, FROM_SERVER)
        problem = the_one(problems(path))
        assert problem.hint == 'no connection to the database that "SHOP_DATABASE" names'
        done = prepare(path)
        assert done.returncode == 1 and PASSWORD not in done.stdout + done.stderr
        assert done.stderr == "no connection to the database that SHOP_DATABASE names\n"


FROM_SERVER = PRODUCTS.replace("products.parquet", "'env:SHOP_DATABASE', table: shop.products")
MAKE = """
    create schema shop;
    create table shop.products (sku integer, title text, price numeric, seen timestamptz, code uuid, tags text[]);
    insert into shop.products values (123, 'Milk', 1.50, now(), gen_random_uuid(), '{a,b}'), (124, 'Bread', null, null, null, null);
    create table shop.lines (basket bigint, sku text, at timestamp);
    insert into shop.lines values (1, '123', '2024-01-05'), (1, '124', '2024-03-05'), (2, '123', '2024-03-06');
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with two tables."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb, neither on the path nor in /usr/lib/postgresql")
    with server() as found:
        execute(found, MAKE)
        yield found


def execute(address: str, statements: str) -> None:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements.split(";\n"):
            if statement.strip():
                cursor.execute(statement)


@pytest.fixture
def asked(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SHOP_DATABASE", address)
    return address


def test_postgresql(asked: str, tmp_path: Path) -> None:
    lines = "path: 'env:SHOP_DATABASE', query: \"select * from shop.lines where at < '2024-06-01' -- until June\""
    path = project(tmp_path, f"{FROM_SERVER}, where: len(title) > 3, limit: 5", lines, "at", BY_TIME)
    assert problems(path) == []
    db = prepared(path)
    assert corpus(db) == {"123": "Milk", "124": "Bread"}
    assert amounts(db)["events"] == 3 and amounts(db)["events_without_item"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("shop.products", "shop.product"), "shop.product"),
        (("table: shop.products", "query: delete from shop.products returning *"), "read-only"),
        (("table: shop.products", "query: selec 1"), "selec"),
    ],
)
def test_postgresql_mistakes(asked: str, tmp_path: Path, change: tuple[str, str], said: str) -> None:
    problem = the_one(problems(project(tmp_path, FROM_SERVER.replace(*change))))
    assert problem.message == '"products" cannot be read from its database'
    assert said in problem.hint and PASSWORD not in problem.hint


def test_a_wrong_password_is_not_repeated(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", address.replace(PASSWORD, "wr0ng-w0rd"))
    path = project(tmp_path, FROM_SERVER)
    done = prepare(path)
    assert done.returncode == 1 and "wr0ng-w0rd" not in done.stdout + done.stderr
    assert "wr0ng-w0rd" not in str(problems(path))


def test_the_key_of_a_server_is_what_its_rows_come_to(asked: str, tmp_path: Path) -> None:
    path = project(tmp_path, lines="path: 'env:SHOP_DATABASE', table: shop.lines")
    first = reads_of(path)
    execute(asked, "update shop.lines set basket = 2 where sku = '124'")
    assert reads_of(path) != first
    execute(asked, "update shop.lines set basket = 1 where sku = '124'")
    assert reads_of(path) == first
    execute(asked, "insert into shop.lines select * from shop.lines limit 1")
    assert reads_of(path) != first
    execute(asked, "delete from shop.lines where ctid = (select max(ctid) from shop.lines)")


def test_a_stage_that_reads_a_server_runs_again_when_its_rows_change(asked: str, tmp_path: Path) -> None:
    path = project(tmp_path, lines="path: 'env:SHOP_DATABASE', query: select * from shop.lines where basket < 9")
    assert prepare(path).returncode == 0
    stage, code = stage_of(path), tmp_path / "generated/small"
    record = run([stage], code, tmp_path, "small", tmp_path)
    assert [found.state for found in status([stage], code, tmp_path, "small", tmp_path)] == ["done"]
    execute(asked, "insert into shop.lines values (8, '123', now())")
    assert [found.state for found in status([stage], code, tmp_path, "small", tmp_path)] == ["run"]
    execute(asked, "delete from shop.lines where basket = 8")
    assert not record.stages[0].cached
    written = [file for folder in ("generated", "runs") for file in (tmp_path / folder).rglob("*") if file.is_file()]
    assert written and not any(PASSWORD.encode() in file.read_bytes() for file in written)


def test_the_manifest_names_the_variable(tmp_path: Path) -> None:
    prepare(project(tmp_path, FROM_SERVER), _without("SHOP_DATABASE"))
    manifest = json.loads((tmp_path / "generated/small/manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["fields"]) >= {"sources.products.path", "sources.products.table"}
    text = (tmp_path / "generated/small/prepare.py").read_text(encoding="utf-8")
    assert '"SHOP_DATABASE"' in text and "://" not in text


def _without(variable: str) -> Mapping[str, str]:
    return {key: value for key, value in os.environ.items() if key != variable}
