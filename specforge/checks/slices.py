"""Rules about the parts of the test queries that are measured apart."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.slices import link
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Experiment


def said(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A slice has a column or a condition, and a source that knows the queries of some objective."""
    for name, one in spec.evaluate.told.items():
        keys: Keys = ("evaluate", "slices", name)
        if (one.column is None) == (one.where is None):
            message = f'slice "{name}" needs either "column" or "where"'
            hint = '"column" makes a part of each value, "where" is a condition that parts in two'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)
        if all(link(objective, one.source) is None for objective in spec.objectives.values()):
            keys = (*keys, "source")
            message = f'"{one.source}" says nothing about queries, so it makes no slice'
            hint = "a slice is of the collection, or of the source with the queries, the rows or the events"
            yield Problem("SF003", message, source.value_span(keys), keys, hint)


RULES = (said,)
