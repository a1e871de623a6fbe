"""Metrics by their standard names (rankings: ir-measures), and the task each belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric of the field.

    Attributes:
        task: what it measures: a key of `TASKS`.
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
}

UNRANKED = {
    "Spearman": Metric("similarity", False, "rank correlation of the model's similarity and the score"),
    "Pearson": Metric("similarity", False, "linear correlation of the model's similarity and the score"),
    "AP": Metric("pairs", False, "average precision over all pairs, the most similar first"),
    "F1": Metric("pairs", False, "harmonic mean of precision and recall of the pairs past a threshold chosen on dev"),
    "TripletAccuracy": Metric(
        "triplets", False, "share of triplets whose positive is the nearer one; a tie counts half"
    ),
    "VMeasure": Metric(
        "clustering", False, "harmonic mean of homogeneity and completeness of k-means (Rosenberg and Hirschberg 2007)"
    ),
}
"""What a retriever is measured by where nothing is ranked; some names mean something else with a cutoff, or of classes."""


def parse(name: str) -> tuple[str, int | None] | None:
    """`nDCG@10` as `("nDCG", 10)`; None for what is no metric's name."""
    match = re.fullmatch(r"([A-Za-z0-9]+?)(?:@([1-9]\d{0,3}))?", name)
    if match is None or match[1] not in {**METRICS, **UNRANKED}:
        return None
    if match[2] is None and match[1] in UNRANKED:
        return match[1], None
    if match[1] not in METRICS or METRICS[match[1]].cutoff != (match[2] is not None):
        return None
    return match[1], int(match[2]) if match[2] else None


def of_retriever(name: str) -> Metric | None:
    """What a name means where a retriever is measured: `AP` is of pairs, `AP@10` of rankings."""
    found = parse(name)
    if found is None:
        return None
    return METRICS[found[0]] if found[1] or found[0] not in UNRANKED else UNRANKED[found[0]]


def names(task: str) -> list[str]:
    """The names that fit a task, with the usual cutoff."""
    known = [*METRICS.items(), *UNRANKED.items()]
    return [f"{name}@10" if one.cutoff else name for name, one in known if one.task == task]
