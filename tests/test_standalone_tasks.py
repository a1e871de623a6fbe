"""Scripts that measure pairs and clusters run one after another behind the fence, and their figures are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, f1_score, v_measure_score
from test_standalone import FENCE, closure, script
from tiny import SPEC, THEMES, project

from specforge import plan
from specforge.load import load
from specforge.render import render
from specforge.source import read
from specforge.write import write

OBJECTIVE, REST = SPEC[SPEC.index("objectives:") : SPEC.index("split:")], SPEC[SPEC.index("evaluate:") :]
PAIRS = (
    SPEC.replace("{path: data/lines.csv}", "{path: data/rated.csv}")
    .replace(
        OBJECTIVE,
        "objectives:\n  alike: {kind: scored_pairs, rows: lines, first: one, second: other, score: stars, "
        "relevant_from: 4, of: products}\n",
    )
    .replace("checkpoint_steps: 5}", "select: {metric: AP}, seeds: [1, 2]}")
    .replace("index: {kind: flat}\n", "")
    .replace(REST, "evaluate: {primary: AP, metrics: [F1]}\n")
)
CLUSTERS = (
    SPEC.replace("  lines: {path: data/lines.csv}\n", "")
    .replace(OBJECTIVE, "objectives:\n  kinds: {kind: labelled, attribute: kind, of: products}\n")
    .replace("checkpoint_steps: 5}", "select: {metric: VMeasure}}")
    .replace("index: {kind: flat}\n", "")
    .replace(REST, "evaluate: {primary: VMeasure}\n")
)


def rated(folder: Path) -> None:
    """Two products of one theme have five stars, others one; each pair once."""
    titles = {title: theme for theme, words in THEMES.items() for title in words.split()}
    table = pq.read_table(folder / "products.parquet").to_pydict()
    themes = [titles[title] for title in table["title"]]
    draw, lines = np.random.default_rng(0), ["one,other,stars"]
    for one, other in {tuple(sorted(draw.integers(0, len(themes), 2))) for _ in range(3000)}:
        stars = 5 if themes[one] == themes[other] else 1
        lines += [f"{table['product_id'][one]},{table['product_id'][other]},{stars}"] if one != other else []
    (folder / "rated.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def ran(root: Path, text: str) -> Path:
    """The work folder after all scripts have run."""
    path = project(root, text)
    rated(root / "data")
    spec, problems = load(read(path)[0])
    assert spec is not None, problems
    made = plan.make(spec, path)
    (files,) = render([made])
    write(made.folder, files)
    (root / "fence").mkdir()
    allowed = sorted(closure(files["requirements.txt"].split()))
    (root / "fence/sitecustomize.py").write_text(FENCE.format(allowed=allowed), encoding="utf-8")
    for stage in made.stages:
        script(root, stage.script, "--work", str(root / "work"))
    return root / "work"


def scores(work: Path) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = pq.read_table(work / "evaluation/scores.parquet").to_pydict()
    return columns


@pytest.mark.slow
def test_pairs(tmp_path: Path) -> None:
    work = ran(tmp_path, PAIRS)
    metrics = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    found = scores(work)
    relevant = np.array(found["relevant"], dtype=int)
    assert len(relevant) == metrics["rows"] > 100
    for system, values in metrics["systems"].items():
        similar = np.array(found[system], dtype=float)
        assert values["AP"]["mean"] == pytest.approx(average_precision_score(relevant, similar), abs=1e-3)
        said = similar >= metrics["chosen_on_dev"][system]
        assert values["F1"]["mean"] == pytest.approx(f1_score(relevant, said), abs=1e-2)
        assert values["AP"]["low"] <= values["AP"]["mean"] <= values["AP"]["high"]
    assert metrics["systems"]["tuned"]["AP"]["low"] > metrics["systems"]["untuned"]["AP"]["high"]
    assert metrics["repeats"]["2"]["tuned"]["AP"] > metrics["systems"]["untuned"]["AP"]["high"]
    history = json.loads((work / "model/history.json").read_text(encoding="utf-8"))
    assert [one["eval_AP"] for one in history if "eval_AP" in one]
    roles = {row["doc_id"]: row["role"] for row in pq.read_table(work / "data/corpus.parquet").to_pylist()}
    assert {roles[anchor] for anchor in found["anchor_id"]} == {"test"}


@pytest.mark.slow
def test_clusters(tmp_path: Path) -> None:
    work = ran(tmp_path, CLUSTERS)
    metrics = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    found = scores(work)
    assert len(found["doc_id"]) == metrics["queries"] == sum(metrics["classes"])
    for system, values in metrics["systems"].items():
        wanted = v_measure_score(found["label"], found[system])
        assert values["VMeasure"]["mean"] == pytest.approx(wanted)
    assert metrics["systems"]["tuned"]["VMeasure"]["mean"] > metrics["sanity"]["random"]["VMeasure"]
