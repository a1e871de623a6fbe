"""Two recorded runs, query by query: what is compared, what is refused, and that the figures are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from test_clusters import small
from test_intervals import module

from specforge import comparing
from specforge.errors import UsageError
from specforge.foresight import stated
from specforge.load import load
from specforge.source import read

METRIC = "nDCG@10"
FIRST: dict[str, Any] = {
    "primary": METRIC, "confidence": 0.95, "queries": 60, "documents": 500, "ranked": "corpus", "systems": {},
    "evaluation_fingerprint": "0123456789abcdef", "differences": [],
}  # fmt: skip


def recorded(root: Path, name: str, columns: dict[str, Any], **changes: object) -> None:
    folder = root / "results" / name
    folder.mkdir(parents=True)
    (folder / "20260101T000000Z-00000000.json").write_text(json.dumps({**FIRST, **changes}), encoding="utf-8")
    pq.write_table(pa.table(columns), folder / "20260101T000000Z-00000000.scores.parquet")


def scores(seed: int, gain: float) -> dict[str, Any]:
    """60 queries of 20 users; both systems vary far more over queries than between runs."""
    hard = np.random.default_rng(0).uniform(0.2, 0.6, 60)
    noise = np.random.default_rng(seed).normal(0, 0.02, 60)
    return {
        "query_id": [f"q{row:02}" for row in range(60)],
        "cluster": [f"u{row // 3}" for row in range(60)],
        f"tuned {METRIC}": pa.array(hard + gain + noise, pa.float32()),
        f"bm25 {METRIC}": pa.array(hard, pa.float32()),
    }


def test_each_query_is_compared_with_itself(tmp_path: Path) -> None:
    recorded(tmp_path, "a", scores(1, 0.0))
    recorded(tmp_path, "b", scores(2, 0.05))
    found = json.loads(comparing.compare(tmp_path, "a", "b", as_json=True))["differences"]
    tuned, bm25 = found
    assert (tuned["system"], bm25["system"]) == ("tuned", "bm25")
    assert 0.04 < tuned["low"] < tuned["mean"] < tuned["high"] < 0.07 and tuned["p_holm"] < 0.001
    assert (bm25["mean"], bm25["low"], bm25["high"], bm25["p"]) == (0, 0, 0, 1)
    text = comparing.compare(tmp_path, "a", "b", as_json=False)
    assert "tuned" in text and "60 queries" in text


def test_the_figures_are_those_of_a_run() -> None:
    """The same differences have the interval and p-value that the generated intervals.py gives them."""
    draw, cluster = np.random.default_rng(5), np.repeat(np.arange(40), 5)
    values = 0.4 * draw.normal(size=40)[cluster] + draw.normal(0.1, 1, 200)
    made = module(clustered=True, resamples=10_000)
    theirs = made["paired"](values, np.zeros(200), made["resampled"](cluster))
    assert comparing.paired(values, cluster, 0.95) == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ranked": "shown", "evaluation_fingerprint": "f"}, "candidates: corpus against shown"),
        ({"queries": 61, "evaluation_fingerprint": "f"}, "test queries: 60 against 61"),
        ({"documents": 501, "evaluation_fingerprint": "f"}, "documents: 500 against 501"),
        ({"primary": "R@10"}, "metric nDCG@10 against R@10"),
        ({"task": "similarity", "evaluation_fingerprint": "f"}, "task retrieval against similarity"),
        ({"evaluation_fingerprint": "f"}, "their texts, judgments or depth differ"),
    ],
)
def test_what_cannot_be_compared(changes: dict[str, object], reason: str, tmp_path: Path) -> None:
    recorded(tmp_path, "a", scores(1, 0.0))
    recorded(tmp_path, "b", scores(2, 0.0), **changes)
    with pytest.raises(UsageError) as told:
        comparing.compare(tmp_path, "a", "b", as_json=False)
    assert str(told.value) == f'"a" and "b" cannot be compared: {reason} [SF508]'


def test_what_has_no_scores_of_queries(tmp_path: Path) -> None:
    for name in ("a", "b"):
        recorded(tmp_path, name, {"query_id": ["q"], "tuned": [0.5]})
    with pytest.raises(UsageError, match="no mean over queries"):
        comparing.compare(tmp_path, "a", "b", as_json=False)
    (tmp_path / "results/b/20260101T000000Z-00000000.scores.parquet").unlink()
    with pytest.raises(UsageError, match="has no scores of its queries"):
        comparing.compare(tmp_path, "a", "b", as_json=False)
    with pytest.raises(UsageError, match='no result is called "c"'):
        comparing.compare(tmp_path, "a", "c", as_json=False)


CLICKED = "kind: clicked, events: rows, search: talk, query: text, document: a, rank: place, clicked: hit"


def test_candidates_are_a_named_mode(tmp_path: Path) -> None:
    """What was shown, and the whole corpus: another name, another fingerprint, and so SF508."""
    found = {}
    for mode in ("shown", "corpus"):
        path = small(tmp_path / mode, CLICKED, "by: anchor, test: 0.6")
        path.write_text(path.read_text(encoding="utf-8").replace("baselines: []", f"baselines: [], candidates: {mode}"))
        rows = [f"d{row % 60},ask {row // 4},t{row // 4},{row % 4 + 1},{int(row % 4 == 2)}" for row in range(400)]
        (path.parent / "rows.csv").write_text("\n".join(["a,text,talk,place,hit", *rows]), encoding="utf-8")
        stages.run(stages.compiled(path), path.parent / "work", "prepare.py", "index.py", "evaluation.py")
        found[mode] = json.loads((path.parent / "work/evaluation/metrics.json").read_text(encoding="utf-8"))
        assert found[mode]["ranked"] == mode
    assert found["shown"]["fingerprint"] != found["corpus"]["fingerprint"]
    records = [one | {"evaluation_fingerprint": one["fingerprint"]} for one in found.values()]
    assert comparing.different(*records)[0] == "candidates: shown against corpus"
    assert comparing.different(records[0], records[0]) == []


def test_what_was_measured_says_what_will_be_seen(tmp_path: Path) -> None:
    """An interval of 95 % from -0.0196 to 0.0196 over 100 clusters is a deviation of 0.1 over each; now there are 20."""
    spec, _ = load(read(small(tmp_path, "kind: linked, rows: rows, item: a, linked_to: b", "by: item"))[0])
    assert spec is not None
    data = tmp_path / "data"
    stages.run(stages.compiled(tmp_path / "small.yaml"), tmp_path, "prepare.py")
    queries = len(pq.read_table(data / "queries.parquet", filters=[("split", "=", "test")]))
    one = {"system": "tuned", "over": "untuned", "metric": METRIC, "mean": 0.0, "low": -0.0196, "high": 0.0196, "p": 1}
    recorded(tmp_path, "small", {"query_id": []}, differences=[one], clusters=100)
    assert stated(spec, data, tmp_path / "results/small") == (
        f"{queries} test queries can show a difference of {2.8 * 0.1 / queries**0.5:.3f} nDCG@10 and more (80 % power, "
        '5 % error, if it deviates by 0.10 over queries: measured, "tuned" over "untuned")'
    )
