"""SQL of the user's own reaches nothing: every attempt is refused in words, in the checks and in generated code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from good_spec import good
from variations import changed, planned, rich

from specforge.checks import sandbox, sources
from specforge.templating import render as fill

ENDLESS = "exists (with recursive r as (select 1 as n union all select n + 1 from r) select 1 from r where n < 0)"

REFUSED = {
    "file": ("exists (from read_csv('{folder}/secret.csv'))", "reaches outside of its table"),
    "file_by_name": ("exists (from '{folder}/secret.csv')", "reaches outside of its table"),
    "text_file": ("exists (from read_text('{folder}/secret.csv'))", "reaches outside of its table"),
    "glob": ("exists (from glob('{folder}/*'))", "reaches outside of its table"),
    "address": ("exists (from read_csv('https://example.com/a.csv'))", None),
    "secrets": ("exists (from duckdb_secrets())", "reaches outside of its table"),
    "python_variable": ("exists (from LEAK)", "is no condition over the columns"),
    "copy": ("true); copy rows to '{folder}/written.csv'; select (true", "must be one condition"),
    "copy_as_query": ("exists (from query('copy rows to ''{folder}/written.csv'''))", None),
    "attach": ("true); attach '{folder}/written.db'; select (true", "must be one condition"),
    "set": ("true); set threads = 1; select (true", "must be one condition"),
    "pragma": ("true); pragma version; select (true", "must be one condition"),
    "pragma_inside": ("exists (pragma version)", "is no condition over the columns"),
    "install": ("true); install httpfs; select (true", "must be one condition"),
    "drop": ("true); drop view rows; select (true", "must be one condition"),
    "macro": ("true); create macro lower(x) as x; select (true", "must be one condition"),
    "insert": ("exists (with x as (insert into rows values (9) returning *) from x)", "is no condition over the columns"),
    "delete": ("exists (with x as (delete from rows returning *) from x)", "is no condition over the columns"),
    "union": ("true) union all (select * from rows", "must be one condition"),
    "closing_bracket": ("a > 1) or (a < 1", "must be one condition"),
    "several": ("true; select 1", "is no condition over the columns"),
    "nothing": ("-- nothing", "is no condition over the columns"),
    "open_comment": ("true /*", "is no condition over the columns"),
    "two_values": ("true, false", None),
    "other_rows": ("exists (from rows r where r.a = rows.a + 1)", "looks at other rows"),
    "endless": (ENDLESS, "was stopped after 1 s"),
}  # fmt: skip
"""Name -> a condition, and what is said of it; None where only the refusal counts."""


def refusal(condition: str) -> str:
    """Why a condition is not run, or stopped."""
    rows = pa.table({"a": [1, 2, 3]}).to_reader()
    try:
        query = sandbox.condition(condition)
        with sandbox.select(query, 1, rows=rows) as found:
            found.read_all()
    except sandbox.Failed as failed:
        return f"is no condition over the columns: {failed.hint}"
    except sandbox.Refused as refused:
        return f"{refused}: {refused.hint}"
    return ""


LEAK = pa.table({"secret": [1]})


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    condition, said = REFUSED[name]
    found = refusal(condition.format(folder=tmp_path))
    assert found and found.startswith(said or "")
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("condition", ["a > 1", "a in (1, 2)", "(a) = (2) -- two", "a in (select 2)", "[a] = [2]"])
def test_allowed(condition: str) -> None:
    assert refusal(condition) == ""


def test_a_query_is_one_select_that_writes_nothing() -> None:
    queries = {
        "create table t as select 1": "must be one SELECT",
        "select 1; select 2": "must be one SELECT",
        "with x as (delete from rows returning *) select * from x": "fails",
        "pragma version": "must be one SELECT",
    }
    for query, said in queries.items():
        rows = pa.table({"a": [1]}).to_reader()
        with pytest.raises(sandbox.Refused, match=said), sandbox.select(query, 5, rows=rows) as found:
            found.read_all()


def test_an_endless_condition_is_told_at_its_place(tmp_path: Path) -> None:
    with duckdb.connect() as db:
        for name, columns in (("products", "product_id, brand, description"), ("order_lines", "basket_id, product_id")):
            row = ", ".join(f"'p1' as {column}" for column in columns.split(", "))
            db.sql(f"select {row}").write_parquet(str(tmp_path / f"{name}.parquet"))
    path = "path: products.parquet,"
    spec, source = good((path, f"{path} where: {json.dumps(ENDLESS)}, timeout_s: 1,"))
    [problem] = [one for one in sources.check(spec, source, tmp_path, tmp_path) if one.code != "SF402"]
    assert (problem.code, problem.message) == ("SF003", '"where" was stopped after 1 s')
    assert problem.path == ("sources", "products", "where") and problem.hint


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepare.py of a spec with a condition, as a module."""
    folder = tmp_path_factory.mktemp("generated")
    data = changed(rich(), {"sources.products.where": "price > 0"})
    (file,) = (file for file in planned(data).files if file.name == "prepare.py")
    text, _ = fill(file.template, file.context)
    (folder / "prepare.py").write_text(text, encoding="utf-8")
    return folder


RUN = """\
import sys
import duckdb
import prepare
with duckdb.connect() as db:
    db.execute("create schema sources")
    rows = db.sql("select range as a from range(3)")
    prepare.keep(db, rows, where=sys.argv[1], timeout_s=1, table="sources.kept")
    print(db.cursor().execute("select count(*) from sources.kept").fetchall()[0][0])
"""


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("a > 0", "2"),
        (ENDLESS, "stopped after 1 s"),
        ("true); copy rows to 'written.csv'; select (true", "not one SELECT"),
        ("exists (from read_csv('prepare.py'))", "file system operations are disabled"),
        ("true); attach 'written.db'; select (true", "not one SELECT"),
    ],
)
def test_generated_code_refuses_too(generated: Path, condition: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, condition],
        cwd=generated,
        env={**os.environ, "PYTHONPATH": str(generated)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said in done.stdout + done.stderr
    assert not list(generated.glob("written*"))
