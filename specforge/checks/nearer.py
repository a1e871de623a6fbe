"""Rules about negatives that look more like answers than the positives do, and scores that are high where texts are not alike."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specforge.catalog.evidence import Evidence, ScoredPairs
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


_PAIRS, _AGAINST = 100, 4.0
"""Told from so many pairs on, and from a correlation below 0 by so many standard errors on."""

_LEAST = 0.1
"""A correlation nearer to 0 says little, however many the pairs."""

_ALIKE = f"""
    with sample as (
        select distinct anchor, document, score from scored where score is not null
        order by hash(anchor, document), anchor, document limit {_SAMPLE}
    ), words as (
        select *,
            list_distinct(regexp_extract_all(lower(anchor), '[\\pL\\pN]+')) as one,
            list_distinct(regexp_extract_all(lower(document), '[\\pL\\pN]+')) as other
        from sample
    )
    select *, len(list_intersect(one, other)) / greatest(len(list_distinct(list_concat(one, other))), 1) as alike from words
"""
"""Pairs with their scores, and the share of all their words that both have (Jaccard)."""


def scores_reversed(tables: Tables) -> Iterator[Problem]:
    """Scores that are the higher the fewer words two texts have in common: they may be distances."""
    value = tables.spec.objectives[tables.objective]
    there = tables.db.execute("select 1 from duckdb_views() where view_name = 'scored'").fetchall()
    if not there or not isinstance(value, ScoredPairs) or value.relevant_from is not None:
        return
    db = tables.db.cursor()
    db.execute(f"create or replace temp table alike as {_ALIKE}")
    pairs, correlation = db.execute("select count(*), corr(alike, score) from alike").fetchone() or (0, None)
    if pairs < _PAIRS or correlation is None or correlation > -max(_LEAST, _AGAINST / math.sqrt(pairs)):
        return
    keys: Keys = ("objectives", tables.objective, "score")
    message = f"texts have the fewer words in common the higher their score (correlation {correlation:.2f})"
    order = "select score, anchor, document from alike order by (alike - avg(alike) over ()) * (score - avg(score) over ()), anchor limit 2"
    evidence = (
        f"over {counted(int(pairs), 'pair')}",
        *(
            f"{score:g}: {listed([clipped(one), clipped(other)], ' and ')}"
            for score, one, other in db.execute(order).fetchall()
        ),
    )
    hint = "look whether the column says how far two texts are apart, and not how near they are"
    yield Problem("SF115", message, tables.source.value_span(keys), keys, hint, evidence)


RULES = (negatives_nearer, scores_reversed)
