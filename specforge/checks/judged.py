"""The rule about pairs that are measured: those that choose or report do not train."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specforge import feeding, rerankers
from specforge.checks.dead import trains
from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed
from specforge.problems import Keys, Problem

_EXAMPLES = 3

_TRAINED = """
    create or replace temp view trained as
    select anchor as one, positive as other from pairs
"""
_WITH_NEGATIVES = f"{_TRAINED} union all select anchor, negative from triplets"

_SCORED = """
    create or replace temp view trained as
    select anchor as one, document as other from scored where split = 'train'
"""

_FORMS = """
    create or replace temp table forms as
    with texts as (
        select one as text from trained
        union select other from trained
        union select anchor from scored where split <> 'train'
        union select document from scored where split <> 'train'
    )
    select text, normalised(text) as form from texts
"""

_SAME = """
    with known as (
        select distinct least(a.form, b.form) as one, greatest(a.form, b.form) as other
        from trained as t join forms as a on a.text = t.one join forms as b on b.text = t.other
        where a.form <> '' and b.form <> ''
    )
    select distinct s.anchor, s.document
    from scored as s join forms as a on a.text = s.anchor join forms as b on b.text = s.document
    join known as k on k.one = least(a.form, b.form) and k.other = greatest(a.form, b.form)
    where s.split <> 'train'
    order by all
"""


def leaked(tables: Tables) -> Iterator[Problem]:
    """A held-out pair that trains, to a reader, in this order or the other. Where documents or anchors are held out whole
    the rules about those find it; in a split by time pairs return, as in life."""
    split = tables.spec.split
    if not _is_measured(tables) or not tables.of_items or split.holds_out_items or split.by_time:
        return
    db = tables.db.cursor()
    db.execute(_trained(tables))
    db.execute(_FORMS)
    found = db.execute(_SAME).fetchall()
    if not found:
        return
    keys: Keys = ("split", "by")
    message = f"{counted(len(found), 'held-out pair')} also {'stands' if len(found) == 1 else 'stand'} in train"
    hint = 'leave such rows out of one side with "where", or split "by: item", which holds documents out whole'
    evidence = tuple(listed([clipped(one), clipped(other)], " and ") for one, other in found[:_EXAMPLES])
    yield Problem("SF301", message, tables.source.value_span(keys), keys, hint, evidence)


def _trained(tables: Tables) -> str:
    """The pairs that train."""
    if feeding.shape_of(tables.spec, tables.objective) == "scored_pairs":
        return _SCORED
    return _WITH_NEGATIVES if _has(tables, "triplets") else _TRAINED


def labels(tables: Tables) -> Iterator[Problem]:
    """Scores lie in the range of the labels that the loss takes."""
    spec, name = tables.spec, tables.objective
    loss, value = spec.loss, spec.objectives[name]
    if loss is None or loss.labels is None or not trains(spec, name) or feeding.shape_of(spec, name) != "scored_pairs":
        return
    low, high = tables.row("select min(score), max(score) from scored where split = 'train'")
    if low is None or loss.labels[0] <= low <= high <= loss.labels[1]:
        return
    keys: Keys = ("objectives", name, "range" if getattr(value, "range", None) else "score")
    message = f'scores go from {low:g} to {high:g}, and loss "{loss.kind}" takes labels from {loss.labels[0]:g} to {loss.labels[1]:g}'
    hint = f'"range: [{math.floor(low)}, {math.ceil(high)}]" makes scores from 0 to 1 of them: the lowest and the highest that there can be'
    yield Problem("SF102", message, tables.source.value_span(keys), keys, hint)


def grades(tables: Tables) -> Iterator[Problem]:
    """Grades are as many as a reranker's loss makes classes of."""
    wanted = rerankers.grades(tables.spec)
    if wanted is None or tables.objective != tables.spec.primary:
        return
    [highest] = tables.row("select max(grade) from known")
    if highest is not None and highest >= wanted:
        keys: Keys = ("reranker", "loss", "grades")
        message = f'the highest grade is {highest:g}, and "grades: {wanted}" has 0 to {wanted - 1}'
        yield Problem("SF102", message, tables.source.value_span(keys), keys, f'set "grades: {highest + 1:g}"')


def _is_measured(tables: Tables) -> bool:
    return _has(tables, "scored") and trains(tables.spec, tables.objective)


def _has(tables: Tables, name: str) -> bool:
    return bool(tables.db.execute("select 1 from duckdb_views() where view_name = ?", [name]).fetchall())


RULES = (leaked, labels, grades)
