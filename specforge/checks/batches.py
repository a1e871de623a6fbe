"""Rules about training batches: whether they fill, and whether their negatives are negative."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from specforge.catalog.evidence import SameAttribute
from specforge.catalog.objectives import Grouped
from specforge.checks.prepared import Tables
from specforge.checks.words import counted, percent
from specforge.problems import Keys, Problem

_KEYS: Keys = ("retriever", "train", "batch_size")
_FALSE_NEGATIVES = 0.01
"""Warned from here: at batch size 128 every row then has a false negative more often than not."""


def fillable(tables: Tables) -> Iterator[Problem]:
    """The sampler lets a text into a batch once, so a text that is frequent asks for many batches.

    As `NoDuplicatesBatchSampler` of sentence-transformers 6.2 has it: a row that meets one of its texts in the batch is
    put off, and what is left goes out in short batches. The trainer takes no more than rows / batch size of them.
    """
    train, pairs = tables.spec.train, tables.profile.pairs
    encoder = tables.spec.encoder
    if train is None or encoder is None or encoder.sampler != "no_duplicates" or not pairs:
        return
    span, size = tables.source.value_span(_KEYS), train.batch_size
    if pairs < size:
        message = f"a batch wants {size} pairs, and there are {pairs}"
        yield Problem("SF104", message, span, _KEYS, f'set "batch_size" to {max(2, pairs // 8)} or less')
        return
    steps, (most, distinct) = math.ceil(pairs / size), _frequencies(tables)
    needed = max(most, math.ceil(pairs / max(distinct // 2, 1)))
    if needed > steps:
        yield _unfillable(tables, steps, most, distinct)


def _frequencies(tables: Tables) -> tuple[int, int]:
    """The pairs of the most frequent text, and the number of distinct texts."""
    most, distinct = tables.row("""
        select max(times), count(*)
        from (select text, count(*) as times from (select anchor as text from pairs union all select positive from pairs) group by text)
    """)
    return int(most), int(distinct)


def _unfillable(tables: Tables, steps: int, most: int, distinct: int) -> Problem:
    pairs = tables.profile.pairs
    left_out = max(pairs - steps * (distinct // 2), most - steps)
    full = min(distinct // 2, pairs // most)
    message = f"an epoch has {counted(steps, 'step')}, and one text stands in {counted(most, 'pair')}"
    if most <= steps:
        message = f"a batch holds {distinct // 2} pairs at most, because there are {distinct} texts"
    evidence = (f"at least {left_out:,} of {counted(pairs, 'pair')} are left out of an epoch",)
    cure = f'set "batch_size" to {full} or less, or' if full >= 2 else "no batch size helps;"
    hint = f'a text stands in a batch once: {cure} lower "{_cap(tables)}"'
    return Problem("SF104", message, tables.source.value_span(_KEYS), _KEYS, hint, evidence)


_ROWS_OF = """
    with rows_of as (
        select anchor_id as anchor, positive_id as positive, count(*)::double as n from anchored group by all
    )"""
"""Each pair of texts that trains, and how many rows it has; the start of a query."""

_OVERLAPS = f"""{_ROWS_OF}, times as (
        select doc, sum(n) as n
        from (select anchor as doc, n from rows_of union all select positive, n from rows_of)
        group by doc
    ), couples as (
        select sum(n) as n from rows_of group by least(anchor, positive), greatest(anchor, positive)
    )
    select
        (select sum(n) from rows_of),
        (select sum(n * n) from times) - (select sum(n * n) from couples)
"""
"""Rows, and ordered pairs of rows that share a text (a row and itself among them)."""

_FALSE = f"""{_ROWS_OF}, as_anchor as (
        select anchor as doc, sum(n) as n from rows_of group by anchor
    ), as_positive as (
        select positive as doc, sum(n) as n from rows_of group by positive
    ), by_way as (
        select one.anchor, two.positive, sum(one.n * two.n) as n
        from rows_of one join rows_of two on two.anchor = one.positive
        group by all
    ), by_anchor as (
        select
            any_value(a.n) as n,
            sum(a.n * p.n - coalesce(r.n, 0) * (p.n + a.n) + coalesce(r.n * r.n, 0) - coalesce(w.n, 0)) as met
        from graph g
        join as_anchor a on a.doc = g.anchor_id
        join as_positive p on p.doc = g.positive_id
        left join rows_of r on r.anchor = g.anchor_id and r.positive = g.positive_id
        left join by_way w on w.anchor = g.anchor_id and w.positive = g.positive_id
        group by g.anchor_id
    )
    select sum(met), sum(n * (1 - pow(1 - least(1, met / n / $others), $rest))) from by_anchor
"""
"""Ordered pairs of rows that share no text and of which the second's positive is a partner of the first's anchor, and
the rows that expect at least one such negative. Of a(x) p(y) pairs of rows those that share a text are taken off:
the same positive, the same anchor (both: once only), or the second's anchor as the first's positive."""


def false_negatives(tables: Tables) -> Iterator[Problem]:
    """How many in-batch negatives are positive in the graph before it was pruned to the pairs that train.

    Exact for two rows drawn at random from those that may stand in one batch, which share no text.
    """
    train, loss = tables.spec.train, tables.spec.loss
    if train is None or loss is None or not loss.in_batch or not tables.profile.pairs:
        return
    share, rows = (_shares_of_classes if _by_class(tables) else _shares)(tables, train.batch_size)
    if share <= _FALSE_NEGATIVES:
        return
    message = f"{percent(share)} of the in-batch negatives are expected to be positives"
    evidence = (
        f"{percent(rows)} of the rows have at least one at batch size {train.batch_size}",
        "measured on all documents of one value"
        if _by_class(tables)
        else f'measured on all partners of training, not on the best "{_cap(tables)}" alone',
    )
    hint = 'a smaller "batch_size" has fewer of them'
    if _cap(tables) == "pairs_per_item":
        hint += ', and a higher "min_count" keeps chance partners out of the count'
    yield Problem("SF105", message, tables.source.value_span(_KEYS), _KEYS, hint, evidence)


def _cap(tables: Tables) -> str:
    """The field that says how many pairs of one anchor train."""
    return "pairs_per_item" if isinstance(tables.spec.objectives[tables.objective], Grouped) else "positives_per_query"


def _shares(tables: Tables, size: int) -> tuple[float, float]:
    """The share of negatives that are positives, and of rows with at least one in a batch."""
    rows, overlapping = tables.row(_OVERLAPS)
    apart = rows * rows - overlapping
    if apart <= 0:
        return 0.0, 0.0
    found = tables.db.execute(_FALSE, {"others": apart / rows, "rest": size - 1}).fetchone()
    met, hit = found or (0.0, 0.0)
    return (met or 0.0) / apart, (hit or 0.0) / rows


def _by_class(tables: Tables) -> bool:
    """Whether all documents of one value are positives of each other, though each meets only the next ones in a row."""
    value = tables.spec.objectives[tables.objective]
    return isinstance(value, SameAttribute) and value.within is None


def _shares_of_classes(tables: Tables, size: int) -> tuple[float, float]:
    """The same where every document of a class is positive for every other."""
    pairs = tables.db.execute(f"{_ROWS_OF} select anchor, positive, n from rows_of").fetchall()
    rows, overlapping = tables.row(_OVERLAPS)
    apart = rows * rows - overlapping
    if apart <= 0:
        return 0.0, 0.0
    met, hit = 0.0, 0.0
    for members in _classes(pairs):
        number = sum(n for *_, n in members)
        false = number * number - _overlaps(members)
        met += false
        hit += number * (1 - (1 - min(1, false / number * rows / apart)) ** (size - 1))
    return met / apart, hit / rows


_Row = tuple[str, str, float]
"""Anchor, positive, and how often the pair is drawn."""


def _classes(rows: list[_Row]) -> list[list[_Row]]:
    """The rows by connected component: documents of one value stand in a line, each with the next ones."""
    above: dict[str, str] = {}

    def first(doc: str) -> str:
        while (up := above.setdefault(doc, doc)) != doc:
            above[doc] = doc = above[up]
        return doc

    for anchor, positive, _ in rows:
        above[first(anchor)] = first(positive)
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(first(row[0]), []).append(row)
    return list(found.values())


def _overlaps(rows: list[_Row]) -> float:
    """Ordered pairs of rows that share a text, a row and itself among them."""
    times, couples = Counter[str](), Counter[frozenset[str]]()
    for anchor, positive, n in rows:
        times[anchor] += int(n)
        times[positive] += int(n)
        couples[frozenset((anchor, positive))] += int(n)
    return sum(n * n for n in times.values()) - sum(n * n for n in couples.values())


RULES = (fillable, false_negatives)
