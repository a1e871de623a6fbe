"""Metrics by their standard names (ir-measures), and the task each belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric of the field.

    Attributes:
        task: what it measures: `retrieval`, `classification` or `similarity`.
        cutoff: whether the name carries a cutoff, as in `nDCG@10`.
        title: what it says, in words.
    """

    task: str
    cutoff: bool
    title: str


METRICS = {
    "nDCG": Metric("retrieval", True, "discounted gain of the first k, over the best possible"),
    "R": Metric("retrieval", True, "share of all relevant documents among the first k"),
    "P": Metric("retrieval", True, "share of the first k that is relevant"),
    "RR": Metric("retrieval", True, "one over the rank of the first relevant document, 0 past k"),
    "AP": Metric("retrieval", True, "average precision over the ranks of the relevant documents"),
    "Success": Metric("retrieval", True, "whether a relevant document stands among the first k"),
    "Accuracy": Metric("classification", False, "share of texts whose class is predicted"),
    "F1": Metric("classification", False, "harmonic mean of precision and recall over the classes"),
    "Spearman": Metric("similarity", False, "rank correlation of cosine and human score"),
    "Pearson": Metric("similarity", False, "linear correlation of cosine and human score"),
}


def parse(name: str) -> tuple[str, int | None] | None:
    """`nDCG@10` as `("nDCG", 10)`; None for what is no metric's name."""
    match = re.fullmatch(r"([A-Za-z0-9]+?)(?:@([1-9]\d{0,3}))?", name)
    if match is None or match[1] not in METRICS:
        return None
    if METRICS[match[1]].cutoff != (match[2] is not None):
        return None
    return match[1], int(match[2]) if match[2] else None


def names(task: str) -> list[str]:
    """The names that fit a task, with the usual cutoff."""
    return [f"{name}@10" if m.cutoff else name for name, m in METRICS.items() if m.task == task]
