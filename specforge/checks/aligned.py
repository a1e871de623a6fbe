"""The rule about answers that belong to other questions: they have no more words of their query than those of others."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specforge.catalog.evidence import Evidence, Interacted
from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed
from specforge.problems import Keys, Problem

_PAIRS, _SAMPLE = 100, 5_000
"""Told from so many pairs on, counted on so many at most."""

_ERRORS = 2.0
"""Standard errors by which an answer's own query must be ahead of another's."""

_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\pL\pN]+"
"""A word, or a letter of a script that sets no blanks."""

_COMMON = f"""
    with known as (
        select anchor, positive from relevant
        union
        select q.text, c.text
        from qrels as r join queries as q on q.query_id = r.query_id and q.split = r.split join corpus as c on c.doc_id = r.doc_id
    ), sample as (
        from known order by hash(anchor, positive), anchor, positive limit {_SAMPLE}
    ), placed as (
        select
            anchor,
            positive,
            row_number() over (order by hash(positive, anchor), anchor, positive) as place,
            count(*) over () as number
        from sample
    ), words as (
        select
            p.anchor,
            p.positive,
            list_distinct(regexp_extract_all(lower(p.anchor), '{_WORD}')) as asked,
            list_distinct(regexp_extract_all(lower(p.positive), '{_WORD}')) as own,
            list_distinct(regexp_extract_all(lower(o.positive), '{_WORD}')) as other
        from placed as p
        join placed as o on o.place = p.place % p.number + 1
    )
    select anchor, positive, len(list_intersect(asked, own)) as own, len(list_intersect(asked, other)) as other from words
"""
"""Queries with what is relevant to them: how many of the query's words that has, and what is relevant to another query."""


def answers_of_others(tables: Tables) -> Iterator[Problem]:
    """What is relevant to a query is no more like it than what is relevant to another: a column was sorted or shuffled
    without the other, or ids are those of another numbering. A user's history says what was taken, in no words of it."""
    value = tables.spec.objectives[tables.objective]
    if tables.of_items or not isinstance(value, Evidence) or isinstance(value, Interacted):
        return
    db = tables.db.cursor()
    db.execute(f"create or replace temp table common as {_COMMON}")
    found = db.execute("select count(*), avg(own - other), stddev_samp(own - other), avg(own), avg(other) from common")
    number, ahead, deviation, own, other = found.fetchone() or (0, 0.0, 0.0, 0.0, 0.0)
    if number < _PAIRS or ahead > _ERRORS * deviation / math.sqrt(number):
        return
    keys: Keys = ("objectives", tables.objective)
    message = "what is relevant to a query has no more of its words than what is relevant to another query"
    examples = db.execute("select anchor, positive from common order by own, anchor, positive limit 2").fetchall()
    evidence = (
        f"{own:.2f} words of its own query, {other:.2f} of another, over {counted(int(number), 'pair')}",
        *(listed([clipped(query), clipped(text)], " and ") for query, text in examples),
    )
    hint = "look whether the rows still belong together, and whether ids are those of this collection"
    yield Problem("SF116", message, tables.source.key_span(keys), keys, hint, evidence)


RULES = (answers_of_others,)
