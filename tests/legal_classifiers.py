"""Which choices of classifiers go together: what is measured, what is split, and what batches hold."""

from __future__ import annotations

from collections.abc import Callable

from chosen import Chosen, Rule, metric

from specforge.catalog.metrics import names


def wrong_metric(path: str) -> Callable[[Chosen], bool]:
    return lambda c: c.has(path) and metric(c[path]) not in names("classification")


RULES = (
    *(Rule(f"a metric is of classes: {one}", "SF113", (one,), wrong_metric(one)) for one in (
        "evaluate.primary", "evaluate.metrics", "classifier.train.select.metric")),
    Rule("test does not select", "SF114", ("classifier.train.select.on",), lambda c: c["classifier.train.select.on"] == "test"),
    Rule("a class is of a whole text", "SF003", ("sources.docs.chunk",), lambda c: c.has("sources.docs.chunk.by")),
    Rule("a split by group has groups", "SF003", ("objectives.it",), lambda c: c["split.by"] == "group"
        and not c.has("objectives.it.group")),
    Rule("a slice says something", "SF003", ("evaluate.slices.part.source",), lambda c: c["evaluate.slices.part.source"]
        == "rows"),
)  # fmt: skip
"""Rules of classifiers."""
