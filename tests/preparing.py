"""Two small tables of any kind as a project: the checks look at it, then the generated prepare.py reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

from specforge import plan
from specforge.checks import sources, static
from specforge.load import load
from specforge.problems import Problem, in_order
from specforge.render import render
from specforge.source import read
from specforge.write import write

SPEC = """\
specforge: 1
name: small
sources:
  products: {{{products}}}
  lines: {{{lines}}}
{more}objectives:
  carts: {{kind: same_cart, events: lines, group: basket, item: sku, of: products{time}}}
split: {split}
retriever:
  family: bi_encoder
  base: org/model
  revision: 0123456789abcdef0123456789abcdef01234567
  loss: {{kind: multiple_negatives_ranking}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10}}
"""
PRODUCTS = "path: products.parquet, id: sku, text: '{title}'"
LINES = "path: lines.parquet"
BY_TIME = "{by: time, dev: 2024-02-01, test: 2024-03-01}"


def project(
    root: Path,
    products: str = PRODUCTS,
    lines: str = LINES,
    time: str = "",
    split: str = "{by: item}",
    more: str = "",
) -> Path:
    """The spec's file. Products and lines lie as parquet beside it, unless they are there already."""
    rows = {
        "products": "select * from (values ('00123', 'Milk'), ('00124', 'Bread')) t (sku, title)",
        "lines": "select * from (values ('b1', '00123'), ('b1', '00124'), ('b2', '00123')) t (basket, sku)",
    }
    with duckdb.connect() as db:
        for name, query in rows.items():
            if not (root / f"{name}.parquet").exists():
                db.sql(query).write_parquet(str(root / f"{name}.parquet"))
    path, at = root / "small.yaml", f", time: {time}" if time else ""
    path.write_text(SPEC.format(products=products, lines=lines, time=at, split=split, more=more), encoding="utf-8")
    return path


def problems(path: Path) -> list[Problem]:
    """What the checks say before anything runs."""
    text, found = read(path)
    spec, mistakes = load(text)
    found = [*found, *mistakes, *(static.check(spec, text) if spec else [])]
    return in_order([*found, *(sources.check(spec, text, path.parent, path.parent) if spec and not found else [])])


def prepared(path: Path, environment: Mapping[str, str] = os.environ) -> duckdb.DuckDBPyConnection:
    """The tables that the generated prepare.py makes, as views."""
    done = prepare(path, environment)
    assert done.returncode == 0, done.stderr
    db = duckdb.connect()
    for table in (path.parent / "work/data").glob("*.parquet"):
        db.read_parquet(str(table)).create_view(table.stem)
    return db


def prepare(path: Path, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    """Run the generated prepare.py by itself."""
    spec, found = load(read(path)[0])
    assert spec is not None, found
    made = plan.make(spec, path)
    write(made.folder, render([made])[0], force=True)
    script = [sys.executable, str(made.folder / "prepare.py"), "--work", str(path.parent / "work")]
    return subprocess.run(script, env=dict(environment), capture_output=True, text=True, timeout=120, check=False)


def corpus(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Id -> text of every document."""
    return dict(db.execute("select doc_id, text from corpus order by doc_id").fetchall())


def amounts(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What became of the events."""
    return dict(db.execute("select what, amount from summary").fetchall())
