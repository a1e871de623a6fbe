"""A project around one objective and tables made on the spot: checked, prepared by the generated code, checked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
from preparing import amounts, prepared, problems

from specforge.checks import tables
from specforge.checks.accounts import accounts
from specforge.load import load
from specforge.problems import Problem
from specforge.source import read
from specforge.spec.document import Spec

SPEC = """\
specforge: 1
name: shop
sources:
  docs: {{path: docs.parquet, id: id, text: '{{title}}'}}
  log: {{path: {log}{options}}}
{more}objectives:
  it: {{{objective}}}
split: {split}
retriever:
  family: bi_encoder
  base: org/model
  revision: 0123456789abcdef0123456789abcdef01234567
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: 8, learning_rate: 5e-5}}
index: {{kind: flat}}
evaluate: {evaluate}
"""
RANKED = "{primary: nDCG@10, baselines: [popularity]}"
NEARLY_ALL = "{by: anchor, test: 0.01%, dev: 0.01%}"
DOCS = [(letter, f"text {letter}") for letter in "abcdefgh"]

Rows = Sequence[Sequence[object]]


def shop(
    root: Path,
    objective: str,
    columns: str,
    log: Rows,
    docs: Rows = DOCS,
    split: str = NEARLY_ALL,
    options: str = "",
    more: Mapping[str, tuple[str, Rows]] | None = None,
    evaluate: str = RANKED,
) -> Path:
    """The spec's file; each table lies as parquet beside it. `columns` are those of the log, as SQL."""
    listed = {"docs": ("id varchar, title varchar", docs), "log": (columns, log), **(more or {})}
    with duckdb.connect() as db:
        for name, (typed, rows) in listed.items():
            db.execute(f"create table {name} ({typed})")
            db.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", [list(row) for row in rows])
            db.table(name).write_parquet(str(root / f"{name}.parquet"))
    also = "".join(f"  {name}: {{path: {name}.parquet, id: id, text: '{{title}}'}}\n" for name in more or {})
    path = root / "shop.yaml"
    text = SPEC.format(
        log="log.parquet", options=options, more=also, objective=objective, split=split, evaluate=evaluate
    )
    path.write_text(text, encoding="utf-8")
    return path


def after(path: Path) -> list[Problem]:
    """What the checks say of the tables that the generated prepare.py made."""
    source, _ = read(path)
    spec, found = load(source)
    assert isinstance(spec, Spec), found
    return tables.check(spec, source, path.parent / "work/data", path.parent)


def summary(path: Path) -> dict[str, int]:
    """What became of the rows, which adds up."""
    found = amounts(prepared(path))
    spec, _ = load(read(path)[0])
    assert spec is not None
    [objective] = spec.objectives.values()
    for one in accounts(objective):
        assert one.adds_up(found), (one, found)
    return found


def named(path: Path, code: str) -> Problem:
    """The one problem of a code that is told before anything runs."""
    [problem] = [one for one in problems(path) if one.code == code]
    return problem
