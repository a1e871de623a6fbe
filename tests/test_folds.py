"""Cross-validation: every query is held out once, and no fold trains on what it reports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from preparing import prepared
from test_mixtures import project

FOLDS = """
import sys
from pathlib import Path
import prepare
for fold in range(int(sys.argv[2])):
    (Path(sys.argv[1]) / str(fold)).mkdir()
    prepare.main(Path(sys.argv[1]) / str(fold), fold)
"""


def folds(path: Path, number: int) -> list[duckdb.DuckDBPyConnection]:
    """The tables of every fold."""
    prepared(path).close()
    root = path.parent / "each"
    root.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FOLDS, str(root), str(number)],
        env=os.environ | {"PYTHONPATH": str(path.parent / "generated/mixed")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = []
    for fold in range(number):
        db = duckdb.connect()
        for table in (root / str(fold) / "data").glob("*.parquet"):
            db.read_parquet(str(table)).create_view(table.stem)
        found.append(db)
    return found


def texts(db: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {text for (text,) in db.sql(query).fetchall()}


@pytest.mark.parametrize("number", [2, 4, 8])
def test_every_query_is_held_out_once(tmp_path: Path, number: int) -> None:
    found = folds(project(tmp_path, "cards", split=f"{{by: anchor, folds: {number}, dev: 0.2}}"), number)
    tested = [texts(db, "select text from queries where split = 'test'") for db in found]
    chosen = [texts(db, "select text from queries where split = 'dev'") for db in found]
    trained = [texts(db, "select anchor from pairs") for db in found]
    everything = {f"question {i}" for i in range(100)}
    assert sorted(text for one in tested for text in one) == sorted(everything)
    for parts in zip(tested, chosen, trained, strict=True):
        assert set.union(*parts) == everything
        assert sum(map(len, parts)) == len(everything)
    assert max(map(len, tested)) < 3 * min(map(len, tested))


def test_every_document_is_held_out_once(tmp_path: Path) -> None:
    found = folds(project(tmp_path, "links", split="{by: item, folds: 4, dev: 0.2}"), 4)
    tested = [texts(db, "select text from corpus where role = 'test'") for db in found]
    assert sorted(text for one in tested for text in one) == sorted(f"title {i}" for i in range(40))
    for held_out, db in zip(tested, found, strict=True):
        assert not held_out & texts(db, "select anchor from pairs union select positive from pairs")


def test_the_first_fold_is_the_one_that_runs_alone(tmp_path: Path) -> None:
    path = project(tmp_path, "cards", split="{by: anchor, folds: 4}")
    first = folds(path, 4)[0].sql("from qrels").fetchall()
    with prepared(path) as db:
        assert db.sql("from qrels").fetchall() == first
