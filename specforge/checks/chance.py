"""What chance gives where nothing is ranked: the most that a figure of random answers reaches, but once in a million."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Metrics = Mapping[str, Any]  # the JSON that evaluation.py writes

SURE = 5
"""Standard deviations between chance and what is no chance: one in three million."""


def correlation(metrics: Metrics) -> float:
    """Of two values that know nothing of each other: its variance is 1 / (rows - 1)."""
    return SURE / math.sqrt(max(1, metrics["rows"] - 1))


def average_precision(metrics: Metrics) -> float:
    """Its mean over all orders (Bestgen 2015), and a variance of m (1 - m) over the relevant pairs or half the rows: it is a
    mean over the relevant, and precisions at two ranks have in common what came before the earlier one."""
    rows, relevant = int(metrics["rows"]), int(metrics["relevant"])
    share = (relevant - 1) / max(1, rows - 1)
    mean = share + sum(1 / rank for rank in range(1, rows + 1)) / rows * (1 - share)
    return mean + SURE * math.sqrt(mean * (1 - mean) / min(relevant, rows / 2))


def f1(metrics: Metrics) -> float:
    """That of saying yes to all, which no other threshold exceeds."""
    rows, relevant = int(metrics["rows"]), int(metrics["relevant"])
    mean = 2 * relevant / (rows + relevant)
    return mean + SURE * math.sqrt(mean * (1 - mean) / max(1, relevant))


def triplet_accuracy(metrics: Metrics) -> float:
    """A half, and the variance of Mann and Whitney (1947) for each anchor, of so many near and so many far ones."""
    anchors = [(one["near"], one["far"], one["anchors"]) for one in metrics["candidates"]]
    triplets = sum(near * far * count for near, far, count in anchors)
    variance = sum(near * far * (near + far + 1) / 12 * count for near, far, count in anchors) / triplets**2
    return 0.5 + SURE * math.sqrt(variance)


def v_measure(metrics: Metrics) -> float:
    """Twice the rows times the entropy that two partitions share by chance is a chi square variable of as many degrees as
    there are cells; where cells are sparse, its mean is up to a fifth higher."""
    sizes, rows = metrics["classes"], metrics["rows"]
    entropy = -sum(size / rows * math.log(size / rows) for size in sizes)
    shared = 1.2 * (len(sizes) ** 2 + SURE * math.sqrt(2) * len(sizes)) / (2 * rows)
    return shared / entropy if entropy else 1.0


_BOUNDS: dict[str, Callable[[Metrics], float]] = {
    "Spearman": correlation,
    "Pearson": correlation,
    "AP": average_precision,
    "F1": f1,
    "TripletAccuracy": triplet_accuracy,
    "VMeasure": v_measure,
}


def bound(metric: str, metrics: Metrics) -> float:
    """What the figure of random answers does not exceed."""
    return min(1.0, _BOUNDS[metric](metrics))
