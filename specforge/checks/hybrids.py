"""Rules about a hybrid: what two rankings can be made of."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def two_rankings(spec: Spec, source: Source) -> Iterator[Problem]:
    """There are two rankings, each of all documents and of one collection."""
    if spec.hybrid is None:
        return
    reasons = {
        "the retriever ranks by words already": spec.encoder is None,
        f'metric "{spec.evaluate.primary}" ranks no documents': not spec.ranks,
        "what was shown for a query is ranked, and not what is found": spec.shown,
        "every fold has documents of its own, and the words are indexed once": spec.folds is not None,
        "every objective has documents of its own, and the words are indexed once": bool(spec.others),
    }
    keys: Keys = ("hybrid", "kind")
    for reason in [reason for reason, holds in reasons.items() if holds][:1]:
        message = f'hybrid "{spec.hybrid.kind}" does not fit: {reason}'
        yield Problem("SF113", message, source.value_span(keys), keys, 'leave "hybrid" out')


RULES = (two_rankings,)
