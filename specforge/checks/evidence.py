"""Rules about objectives whose fields need each other."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.asked import Sql
from specforge.catalog.evidence import CitedInAnswer, Clicked, Interacted
from specforge.catalog.splits import ByAnchor, ByColumn
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def passages(spec: Spec, source: Source) -> Iterator[Problem]:
    """A row a passage: which answer it was retrieved for, and at which rank."""
    for name, value in spec.objectives.items():
        if not isinstance(value, CitedInAnswer):
            continue
        keys: Keys = ("objectives", name)
        if value.one_row == "passage" and value.answer is None:
            message = f'"{name}" needs "answer", because a row is a passage'
            hint = '"answer" is the column with the id of the answer that the passage was retrieved for'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)
        if value.one_row == "passage" and value.uncited == "above_cited" and value.rank is None:
            message = f'"{name}" needs "rank", to know what stood above a cited passage'
            yield Problem("SF003", message, source.key_span(keys), keys, '"rank" is a column, 1 the best')
        for key in ("answer", "rank"):
            if value.one_row == "answer" and getattr(value, key) is not None:
                yield _idle(source, (*keys, key), f'"{key}" has no effect: a row is an answer')


def user_side(spec: Spec, source: Source) -> Iterator[Problem]:
    """A user is a text, or what the user took before."""
    for name, value in spec.objectives.items():
        if not isinstance(value, Interacted):
            continue
        keys: Keys = ("objectives", name)
        if (value.user_text is None) == (value.history is None):
            message = f'"{name}" needs either "user_text" or "history"'
            hint = '"user_text" is a column with the text of the user, "history" a number of items taken before'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)
        elif value.history is not None and value.time is None:
            message = f'"{name}" needs "time", to know what the user took before'
            yield Problem("SF003", message, source.key_span(keys), keys, '"time" is a column of the events')
        elif value.history is None and (*keys, "max_events") in source.places:
            yield _idle(source, (*keys, "max_events"), '"max_events" has no effect without "history"')


def users_apart(spec: Spec, source: Source) -> Iterator[Problem]:
    """What a user took before is other text in every row: split by it, every user stands on both sides."""
    for name, value in spec.objectives.items():
        if isinstance(value, Interacted) and value.history is not None and isinstance(spec.split, ByAnchor):
            keys: Keys = ("split", "by")
            message = f'split "by: anchor" leaves the users of "{name}" on both sides'
            hint = 'split "by: group", so that a user falls on one side, or "by: time"'
            yield Problem("SF302", message, source.value_span(keys), keys, hint)


def dwell(spec: Spec, source: Source) -> Iterator[Problem]:
    """A threshold needs its column, and a column its threshold."""
    for name, value in spec.objectives.items():
        if isinstance(value, Clicked) and (value.dwell is None) != (value.min_dwell is None):
            has, lacks = ("dwell", "min_dwell") if value.min_dwell is None else ("min_dwell", "dwell")
            yield _idle(source, ("objectives", name, has), f'"{has}" has no effect without "{lacks}"')


def query_sides(spec: Spec, source: Source) -> Iterator[Problem]:
    """The rows of a query have one column to be split by."""
    for name, value in spec.objectives.items():
        if isinstance(value, Sql) and isinstance(spec.split, ByColumn) and spec.split.column != value.group:
            keys: Keys = ("split", "column")
            message = f'"column" must be "{value.group}", which the query of "{name}" gives'
            hint = f'have the query name it so: "... as {value.group}"'
            yield Problem("SF003", message, source.value_span(keys), keys, hint)


def _idle(source: Source, keys: Keys, message: str) -> Problem:
    return Problem("SF401", message, source.key_span(keys), keys, "leave it out")


RULES = (passages, user_side, users_apart, dwell, query_sides)
