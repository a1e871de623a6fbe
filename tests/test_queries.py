"""An objective that is a query of the user's own: what is said of a wrong one, and that no query reaches anything."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from preparing import amounts, prepared, problems

from specforge import plan
from specforge.load import load
from specforge.render import render
from specforge.run.keys import key_of, key_parts
from specforge.source import read
from specforge.write import write

SPEC = """\
specforge: 1
name: small
sources:
  articles: {{path: articles.parquet, id: id, text: "{{title}}"}}
  tickets: {{path: tickets.parquet{tickets}}}
{more}objectives:
  support:
    kind: sql
    of: articles
    reads: [{reads}]
    query: {query}
    timeout_s: 1
split: {split}
retriever:
  family: bi_encoder
  base: org/model
  revision: 0123456789abcdef0123456789abcdef01234567
  loss: {{kind: multiple_negatives_ranking}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10}}
"""
GOOD = "select subject as query, solved_by as document from tickets"
ENDLESS = "with recursive r as (select 1 as n union all select n + 1 from r) select n::varchar as query, n as document from r where n < 0"


def project(
    root: Path,
    query: str = GOOD,
    reads: str = "tickets",
    split: str = "{by: anchor}",
    tickets: str = "",
    more: str = "",
) -> Path:
    """The spec's file, with its tables beside it."""
    rows = {
        "articles": "select 'a' || n as id, 'title ' || n as title from range(10) r(n)",
        "tickets": "select 'question ' || n as subject, 'a' || n % 12 as solved_by, n % 3 as stars, "
        "date '2024-01-01' + n::integer as day, n % 2 as shop from range(200) r(n)",
    }
    with duckdb.connect() as db:
        for name, made in rows.items():
            db.sql(made).write_parquet(str(root / f"{name}.parquet"))
    path = root / "small.yaml"
    spec = SPEC.format(query=json.dumps(query), reads=reads, split=split, tickets=tickets, more=more)
    path.write_text(spec, encoding="utf-8")
    return path


def said(path: Path) -> list[str]:
    return [problem.message for problem in problems(path)]


WRONG = {
    "several": ("select 1; select 2", "must be one SELECT"),
    "nothing": ("-- nothing", "must be one SELECT"),
    "no_sql": ("give me all tickets", "is no SELECT"),
    "create": ("create table t as select 1", "must be one SELECT"),
    "drop": ("drop table tickets", "must be one SELECT"),
    "view": ("create or replace view tickets as select 1", "must be one SELECT"),
    "macro": ("create macro lower(x) as x", "must be one SELECT"),
    "drop_after": (f"{GOOD}; drop table tickets", "must be one SELECT"),
    "insert": ("with x as (insert into tickets values (1) returning *) select * from x", "fails"),
    "delete": ("with x as (delete from tickets returning *) select * from x", "fails"),
    "copy": ("copy tickets to '{folder}/written.csv'", "must be one SELECT"),
    "copy_as_query": ("from query('copy tickets to ''{folder}/written.csv''')", 'calls "query"'),
    "attach": ("attach '{folder}/written.db'", "must be one SELECT"),
    "install": ("install httpfs", "must be one SELECT"),
    "load": ("load httpfs", "must be one SELECT"),
    "set": ("set threads = 8", "must be one SELECT"),
    "pragma": ("pragma version", "must be one SELECT"),
    "csv": ("from read_csv('{folder}/secret.csv')", 'calls "read_csv"'),
    "file": ("from '{folder}/secret.csv'", "names table"),
    "text": ("from read_text('{folder}/secret.csv')", 'calls "read_text"'),
    "glob": ("from glob('{folder}/*')", 'calls "glob"'),
    "environment": ("select getenv('HOME') as query, 'a1' as document from tickets", "fails"),
    "setting": ("select current_setting('temp_directory') as query from tickets", 'calls "current_setting"'),
    "settings": ("from duckdb_settings()", 'calls "duckdb_settings"'),
    "catalog": ("from information_schema.tables", 'names table "information_schema.tables"'),
    "chance": ("select random()::varchar as query, solved_by as document from tickets", 'calls "random"'),
    "clock": ("select subject as query, solved_by as document from tickets where day < current_date", 'calls "current_date"'),
    "sample": (f"{GOOD} using sample 10", "draws a sample"),
    "variable": ("from LEAK", 'names table "LEAK"'),
    "other_source": ("select id as query, id as document from articles", 'names table "articles"'),
    "column": ("select subjekt as query, solved_by as document from tickets", 'names column "subjekt"'),
    "no_document": ("select subject as query from tickets", 'must give a column "document"'),
    "more": (f"select *, 1 as extra from ({GOOD})", 'gives a column "extra"'),
    "number": ("select stars as query, solved_by as document from tickets", 'gives "query" as BIGINT'),
    "list": ("select subject as query, [solved_by] as document from tickets", 'gives "document" as VARCHAR[]'),
    "grade": (f"select *, 'good' as grade from ({GOOD})", 'gives "grade" as VARCHAR'),
    "no_rows": (f"{GOOD} where false", "gives no row"),
    "unknown": ("select subject as query, 'z' || solved_by as document from tickets", 'gives no "document" that is an id'),
    "weight": (f"select *, -1 as weight from ({GOOD})", 'gives 200 rows whose "weight"'),
    "fails_on_a_row": ("select subject as query, solved_by::integer as document from tickets", "fails"),
    "endless": (ENDLESS, "was stopped after 1 s"),
}  # fmt: skip
"""Name -> a query, and what is said of it after `"query" `."""

LEAK = [("secret",)]
"""What a query could read if it saw the variables of Python."""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_query_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("query,document\n1,a1\n", encoding="utf-8")
    query, message = WRONG[name]
    path = project(tmp_path, query.format(folder=tmp_path))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    found = [problem for problem in problems(path) if problem.path == ("objectives", "support", "query")]
    assert len(found) == 1 and found[0].message.startswith(f'"query" {message}'), found
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "query",
    [
        GOOD,
        f"{GOOD};\n",
        f"-- all of them\n{GOOD} -- and no more",
        f"with t as ({GOOD}) select *, 0.5 as grade, 1 as weight, '2024-01-01'::date as moment, true as side from t",
        "select subject as query, unnest([solved_by, 'a1']) as document from tickets",
        'select subject as query, solved_by as document from tickets, (select max(day) as last from "Tickets") where day < last',
    ],
)
def test_a_right_query_is_not(query: str, tmp_path: Path) -> None:
    assert said(project(tmp_path, query)) == []


def test_a_table_that_is_not_named_has_no_effect(tmp_path: Path) -> None:
    [problem] = problems(project(tmp_path, reads="tickets, articles"))
    assert (problem.code, problem.message) == ("SF401", '"articles" has no effect: the query does not name it')
    assert problem.path == ("objectives", "support", "reads", 1)


def test_a_source_that_is_not_there_is_told_at_its_place(tmp_path: Path) -> None:
    spec, [problem] = load(read(project(tmp_path, reads="tickets, artikles"))[0])
    assert spec is None and problem.hint == 'did you mean "articles"?'
    assert problem.path == ("objectives", "support", "reads", 1)


@pytest.mark.parametrize(
    ("split", "column"),
    [
        ("{by: time, dev: 2024-03-01, test: 2024-04-01}", "moment"),
        ("{by: group}", "side"),
        ("{by: column, column: side}", "side"),
    ],
)
def test_a_split_needs_its_column(split: str, column: str, tmp_path: Path) -> None:
    [message] = said(project(tmp_path, split=split))
    assert message.startswith(f'"query" must give a column "{column}", because the split is by')
    value = {"moment": "day", "side": "shop"}[column]
    assert said(project(tmp_path, GOOD.replace(" from", f", {value} as {column} from"), split=split)) == []


def test_the_rows_are_split_and_counted(tmp_path: Path) -> None:
    query = (
        "select case when day < '2024-01-03' then ' ' else subject end as query, solved_by as document, "
        "nullif(stars, 2) as grade, day as moment from tickets"
    )
    db = prepared(project(tmp_path, query, split="{by: time, dev: 2024-03-01, test: 2024-04-01}"))
    found = amounts(db)
    assert found["judgments"] == 200 and found["judgments_without_grade"] == 66
    assert found["rows"] == 134 == sum(amount for what, amount in found.items() if what.startswith("rows_"))
    assert (found["rows_without_query"], found["rows_without_document"]) == (2, 16)
    assert found["known_train_positive"] and found["known_train_negative"]


def test_the_query_sees_conditions_readings_and_joins(tmp_path: Path) -> None:
    more = "  shops: {path: shops.parquet}\n"
    with duckdb.connect() as db:
        db.sql("select n as shop, 'shop ' || n as label from range(2) r(n)").write_parquet(
            str(tmp_path / "shops.parquet")
        )
    tickets = ", where: stars > '0', read_as: {stars: text}, join: {source: shops, on: shop, columns: [label]}"
    query = "select subject || ' in ' || label as query, solved_by as document, stars = '2' as grade from tickets"
    path = project(tmp_path, query, tickets=tickets, more=more)
    assert said(path) == []
    found = prepared(path)
    assert found.sql("select count(*) from queries where text like 'question % in shop %'").fetchall() != [(0,)]
    assert amounts(found)["judgments"] == 133
    assert (tmp_path / "generated/small/joins.sql").is_file()


def test_the_stage_depends_on_the_query(tmp_path: Path) -> None:
    keys = set()
    for query in (GOOD, f"{GOOD} where stars > 0", f"-- a remark\n{GOOD}"):
        path = project(tmp_path, query)
        spec, _ = load(read(path)[0])
        assert spec is not None
        made = plan.make(spec, path)
        write(made.folder, render([made])[0], force=True)
        keys.add(key_of(key_parts(made.stages[:1], made.folder, made.base, tmp_path / "cache.json")["prepare"]))
    assert len(keys) == 2


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The prepare.py of a spec with a query, as a module."""
    path = project(tmp_path_factory.mktemp("generated"))
    spec, _ = load(read(path)[0])
    assert spec is not None
    made = plan.make(spec, path)
    write(made.folder, render([made])[0], force=True)
    found = importlib.util.spec_from_file_location("prepare_of_a_query", made.folder / "prepare.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


HARMLESS = {"chance", "sample", "clock", "setting", "settings", "catalog", "other_source", "no_document", "no_rows", "unknown",
            "weight", "column", "number", "list"}  # fmt: skip
"""What only the check refuses: it reaches nothing and writes nothing."""


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("create schema sources")
        db.execute(
            "create table sources.tickets as select 'q' as subject, 'a1' as solved_by, 1 as stars, date '2024-01-01' as day"
        )
        yield db


def ask(generated: ModuleType, tables: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Run the query in the folder as generated code does."""
    generated.HERE = folder  # type: ignore[attr-defined]
    reads = {"tickets": "from sources.tickets"}
    generated.ask(tables, "query.sql", "judgments", reads, timeout_s=1, copies=folder / "copies.duckdb")


@pytest.mark.parametrize("name", [name for name in WRONG if name not in HARMLESS])
def test_generated_code_refuses_too(
    name: str, generated: ModuleType, tables: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("query,document\n1,a1\n", encoding="utf-8")
    (tmp_path / "query.sql").write_text(WRONG[name][0].format(folder=tmp_path), encoding="utf-8")
    with pytest.raises((SystemExit, duckdb.Error)) as refused:
        ask(generated, tables, tmp_path)
    assert name != "endless" or "stopped after 1 s" in str(refused.value)
    assert {file.name for file in tmp_path.iterdir()} == {"secret.csv", "query.sql", "copies.duckdb"}
    assert tables.sql("select count(*) from sources.tickets").fetchall() == [(1,)]
    assert tables.sql("select count(*) from judgments").fetchall() == [(0,)]


def test_generated_code_keeps_the_rows(
    generated: ModuleType, tables: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "query.sql").write_text(GOOD, encoding="utf-8")
    ask(generated, tables, tmp_path)
    assert tables.sql("from judgments").fetchall() == [("q", "a1", 1.0, 1.0, None, None)]
