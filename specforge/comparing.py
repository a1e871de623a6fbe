"""Compares two recorded runs on the same test queries, one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import stats

from specforge.errors import UsageError
from specforge.report import tables as report
from specforge.results.record import Json, read_all
from specforge.significance import holm

Floats = NDArray[np.float64]
_RESAMPLES = 10_000
_SEED = 0


def compare(root: Path, a: str, b: str, *, as_json: bool) -> str:
    """What every system of the second run has over the same system of the first, in the primary metric.

    Raises:
        UsageError: there is no such run, or the two cannot be compared (SF508).
    """
    (first, one), (second, other) = found(root, a), found(root, b)
    reasons = different(one, other)
    if reasons:
        raise UsageError(f'"{a}" and "{b}" cannot be compared: {"; ".join(reasons)} [SF508]')
    a_scores, b_scores = scores(first), scores(second)
    rows = differences(a_scores, b_scores, one)
    if as_json:
        return json.dumps({"first": first.stem, "second": second.stem, "differences": rows}, indent=1) + "\n"
    console = report.console()
    with console.capture() as text:
        console.print(report.compared(first.stem, second.stem, rows))
        console.print(
            f"\n{one['queries']} queries, each with itself; p after Holm's correction for {len(rows)} systems"
        )
    return text.get()


def found(root: Path, name: str) -> tuple[Path, Json]:
    """A record by its id, or the latest of a spec by its name.

    Raises:
        UsageError: there is none.
    """
    records = [pair for folder in sorted((root / "results").glob("*")) for pair in read_all(folder)]
    matching = [pair for pair in records if name in (pair[0].stem, pair[0].parent.name)]
    if not matching:
        raise UsageError(f'no result is called "{name}"; "specforge results" lists them')
    return matching[-1]


def scores(record: Path) -> pa.Table:
    """Every query's values, which lie beside a record.

    Raises:
        UsageError: they do not.
    """
    file = record.with_suffix(".scores.parquet")
    if not file.is_file():
        raise UsageError(f'"{record.stem}" has no scores of its queries: "{file.name}" is not beside it')
    return pq.read_table(file)


def different(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Why two results cannot be compared: another task, metric, mode, or other queries, documents or judgments."""
    reasons = [
        f"{word} {one.get(key, usual)} against {other.get(key, usual)}"
        for key, word, usual in _SHARED
        if one.get(key, usual) != other.get(key, usual)
    ]
    if one["evaluation_fingerprint"] != other["evaluation_fingerprint"]:
        reasons = reasons or ["their texts, judgments or depth differ"]
    return reasons


_SHARED = (
    ("task", "task", "retrieval"),
    ("ranked", "candidates:", "corpus"),
    ("primary", "metric", None),
    ("queries", "test queries:", None),
    ("documents", "documents:", None),
)
"""What two results share: its key, how it is said, and what a record without it has."""


def differences(first: pa.Table, second: pa.Table, record: Mapping[str, object]) -> list[dict[str, float | str]]:
    """For each system of both, the figures, the paired difference with its interval, and its p-value, corrected as well.

    Raises:
        UsageError: the metric is none of single queries.
    """
    metric, level = str(record["primary"]), float(str(record["confidence"]))
    columns = [name for name in first.column_names if name.endswith(f" {metric}") and name in second.column_names]
    if not columns:
        raise UsageError(f"{metric} is no mean over queries, so that no query can be compared with itself")
    cluster = _clusters(second)
    rows: list[dict[str, float | str]] = []
    for name in columns:
        a, b = (table[name].to_numpy(zero_copy_only=False).astype(np.float64) for table in (first, second))
        rows.append(
            {
                "system": name.removesuffix(f" {metric}"),
                "first": a.mean(),
                "second": b.mean(),
                **paired(b - a, cluster, level),
            }
        )
    for row, p in zip(rows, holm([float(row["p"]) for row in rows]), strict=True):
        row["p_holm"] = p
    return rows


def _clusters(table: pa.Table) -> NDArray[np.int64]:
    """The number of each query's cluster; a query of none is one by itself."""
    names = table["cluster"].to_pylist() if "cluster" in table.column_names else [None] * len(table)
    return np.unique(
        [f"{name is None} {row if name is None else name}" for row, name in enumerate(names)], return_inverse=True
    )[1]


def paired(values: Floats, cluster: NDArray[np.int64], level: float) -> dict[str, float]:
    """A mean difference with its bootstrap interval and the p-value of its permutations, both over clusters (Field and Welsh
    2007; Smucker et al. 2007), as the generated intervals.py has them."""
    sums, sizes = np.bincount(cluster, values), np.bincount(cluster).astype(np.float64)
    if not sums.any() or len(sums) == 1:
        return {"mean": float(values.mean()), "low": float(values.mean()), "high": float(values.mean()), "p": 1.0}
    interval = stats.bootstrap(
        (sums, sizes),
        lambda total, size, axis=-1: total.sum(axis) / size.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=500,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    flipped = stats.permutation_test(
        (sums,),
        lambda total, axis=-1: total.sum(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=500,
        rng=np.random.default_rng(_SEED),
    )
    return {
        "mean": float(values.mean()),
        "low": float(interval.low),
        "high": float(interval.high),
        "p": float(flipped.pvalue),
    }
