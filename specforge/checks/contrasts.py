"""The rule about negatives that are positives of the same query."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.evidence import Evidence
from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed, percent
from specforge.problems import Keys, Problem

_EXAMPLES = 3

_FORMS = """
    create or replace temp table forms as
    with texts as (
        select anchor as text from triplets
        union select negative from triplets
        union select anchor from relevant
        union select positive from relevant
    )
    select text, normalised(text) as form from texts
"""

_CONTRADICTED = f"""
    with wanted as (
        select distinct a.form as anchor, p.form as positive, any_value(r.positive_id) as positive_id
        from relevant as r join forms as a on a.text = r.anchor join forms as p on p.text = r.positive
        where p.form <> '' and a.form <> ''
        group by all
    ), found as (
        select t.anchor, t.negative_id, t.negative, w.positive_id, count(*) as rows
        from triplets as t join forms as a on a.text = t.anchor join forms as n on n.text = t.negative
        join wanted as w on w.anchor = a.form and w.positive = n.form
        group by all
    )
    select (select sum(rows) from found), rows, anchor, negative_id, negative, positive_id
    from found
    order by rows desc, anchor, negative_id
    limit {_EXAMPLES}
"""


def contradicted(tables: Tables) -> Iterator[Problem]:
    """A document that is relevant to a query stands among its negatives: the same id, or to a reader the same text, for
    a query that is the same to a reader."""
    value = tables.spec.objectives[tables.objective]
    if isinstance(value, Evidence) and value.has_negatives:
        yield from contradictions(tables, ("objectives", tables.objective))


def contradictions(tables: Tables, keys: Keys) -> Iterator[Problem]:
    """The same of whatever is called `triplets` in the tables; `keys` say who put the negatives there."""
    db = tables.db.cursor()
    db.execute(_FORMS)
    found = db.execute(_CONTRADICTED).fetchall()
    if not found:
        return
    [rows] = tables.row("select count(*) from triplets")
    number = int(found[0][0])
    message = f"{counted(number, 'training row')} ({percent(number / rows)}) {'has' if number == 1 else 'have'} a positive of the query as negative"
    evidence = tuple(
        f"{listed([clipped(anchor)])} against {negative_id}, {listed([clipped(text)])}"
        + (f", and {positive_id} is relevant to it" if positive_id != negative_id else ", which is relevant to it")
        for _, _, anchor, negative_id, text, positive_id in found
    )
    hint = 'unite documents that are one to a reader, or leave rows that contradict each other out with "where"'
    yield Problem("SF106", message, tables.source.key_span(keys), keys, hint, evidence)


RULES = (contradicted,)
