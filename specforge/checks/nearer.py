"""The rule about negatives that look more like answers than the positives do."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.evidence import Evidence
from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed
from specforge.problems import Keys, Problem

_TIMES, _ROWS = 3, 30
"""Told from so many times as many rows on, and from so many rows on."""

_SAMPLE = 20_000

_SHARED = f"""
    with sample as (
        select distinct anchor, positive, negative from triplets order by hash(anchor, positive, negative) limit {_SAMPLE}
    ), words as (
        select *,
            list_distinct(regexp_extract_all(lower(anchor), '[\\pL\\pN]+')) as asked,
            list_distinct(regexp_extract_all(lower(positive), '[\\pL\\pN]+')) as in_positive,
            list_distinct(regexp_extract_all(lower(negative), '[\\pL\\pN]+')) as in_negative
        from sample
    )
    select anchor, positive, negative, len(list_intersect(asked, in_positive)) as good, len(list_intersect(asked, in_negative)) as bad
    from words
"""
"""Rows of the triplets, and how many of the query's words its positive and its negative have."""


def negatives_nearer(tables: Tables) -> Iterator[Problem]:
    """Negatives that share more words with their query than the positives, in most rows: a column may stand for the other."""
    value = tables.spec.objectives[tables.objective]
    if not (isinstance(value, Evidence) and value.has_negatives):
        return
    db = tables.db.cursor()
    db.execute(f"create or replace temp table shared as {_SHARED}")
    found = db.execute("select count(*) filter (bad > good), count(*) filter (good > bad) from shared").fetchone()
    nearer, farther = (int(number) for number in found or (0, 0))
    if nearer < _ROWS or nearer < _TIMES * farther:
        return
    keys: Keys = ("objectives", tables.objective)
    message = f"in {counted(nearer, 'training row')} the negative shares more words with the query than the positive"
    examples = db.execute(
        "select anchor, negative, positive from shared order by bad - good desc, anchor, positive, negative limit 2"
    ).fetchall()
    evidence = (
        f"in {farther:,} it is the other way round",
        *(
            f"{listed([clipped(q)])} against {listed([clipped(bad)])}, and not {listed([clipped(good)])}"
            for q, bad, good in examples
        ),
    )
    hint = "look whether the columns of positives and negatives, or what their flag means, are the right way round"
    yield Problem("SF115", message, tables.source.key_span(keys), keys, hint, evidence)


RULES = (negatives_nearer,)
