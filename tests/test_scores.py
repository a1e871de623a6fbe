"""Scores as labels: their range, as SQL and as a check."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import stages

from specforge import pipeline
from specforge.checks import tables
from specforge.pipeline import Checked
from specforge.spec.document import Spec

SPEC = """\
specforge: 1
name: small
sources:
  docs: {path: docs.csv, id: id, text: "{title}"}
  rows: {path: rows.csv}
objectives:
  it: {kind: scored_pairs, rows: rows, first: a, second: b, score: score, RANGE of: docs}
split: {by: item, test: 20%, dev: 20%}
retriever:
  family: bi_encoder
  base: ./model
  loss: {kind: cosine_similarity}
evaluate: {primary: Spearman, baselines: []}
"""


def checked(root: Path, given: str) -> Checked:
    rows = [f"d{row},d{(row + step) % 60},{step}" for row in range(60) for step in (1, 3, 5)]
    (root / "rows.csv").write_text("a,b,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    docs = [f"d{row},text {row}" for row in range(60)]
    (root / "docs.csv").write_text("id,title\n" + "\n".join(docs) + "\n", encoding="utf-8")
    (root / "small.yaml").write_text(SPEC.replace("RANGE", given), encoding="utf-8")
    return pipeline.read(root / "small.yaml")


@pytest.mark.parametrize(
    ("given", "scores", "told"),
    [
        ("", {1.0, 3.0, 5.0}, ['scores go from 1 to 5, and loss "cosine_similarity" takes labels from -1 to 1']),
        ("range: [0, 5],", {0.2, 0.6, 1.0}, []),
        ("range: [1, 5],", {0.0, 0.5, 1.0}, []),
        (
            "range: [1, 2],",
            {0.0, 2.0, 4.0},
            ['scores go from 0 to 4, and loss "cosine_similarity" takes labels from -1 to 1'],
        ),
    ],
)
def test_scores_become_labels(given: str, scores: set[float], told: list[str], tmp_path: Path) -> None:
    found = checked(tmp_path, given)
    assert isinstance(found.spec, Spec), [problem.message for problem in found.problems]
    stages.run(stages.compiled(tmp_path / "small.yaml"), tmp_path / "work", "prepare.py")
    with duckdb.connect() as db:
        [(written,)] = db.execute(f"select list(distinct score) from '{tmp_path}/work/data/scored.parquet'").fetchall()
    assert {round(score, 6) for score in written} == scores
    problems = tables.check(found.spec, found.source, tmp_path / "work/data", tmp_path)
    assert [problem.message for problem in problems if problem.code == "SF102"] == told
