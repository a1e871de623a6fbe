"""What a model may be measured at: which rows it takes, what is resampled, how it is said."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A way to measure a model. Of a retriever, the primary metric of a spec chooses it.

    Attributes:
        title: what is measured, in words.
        needs: the shape that an objective must give; None where every objective will do.
        rows: what the rows are, in words.
        cure: the nearest way out where an objective does not give it.
        unit: what is resampled and counted, one and many.
        deviation: assumed: the standard deviation over units of the difference of two systems.
        ranked: whether documents are ranked for queries, which takes an index.
    """

    title: str
    needs: str | None
    rows: str
    cure: str
    unit: tuple[str, str]
    deviation: float
    ranked: bool = False


TASKS = {
    "retrieval": Task(
        title="documents are ranked for queries",
        needs=None,
        rows="queries and what is relevant to them",
        cure="",
        unit=("test query", "test queries"),
        deviation=0.20,
        ranked=True,
    ),
    "similarity": Task(
        title="the similarity of pairs is compared with scores",
        needs="scored_pairs",
        rows="scored pairs",
        cure='"scored_pairs" gives them',
        unit=("test anchor", "test anchors"),
        deviation=0.25,
    ),
    "pairs": Task(
        title="pairs that belong together are told from those that do not",
        needs="triplets",
        rows="pairs that do not belong together as well as pairs that do",
        cure='rows that say no, too, are in "judged" with "grade", "clicked", "mutual_like", "scored_pairs" and "triplets"',
        unit=("test anchor", "test anchors"),
        deviation=0.25,
    ),
    "triplets": Task(
        title="an anchor is nearer to its positive than to its negative",
        needs="triplets",
        rows="negatives as well as positives",
        cure='rows that say no, too, are in "judged" with "grade", "clicked", "mutual_like", "scored_pairs" and "triplets"',
        unit=("test anchor", "test anchors"),
        deviation=0.30,
    ),
    "clustering": Task(
        title="k-means on the vectors finds the classes",
        needs="classes",
        rows="classes of documents",
        cure='"labelled" gives them, and "same_attribute" without "within"',
        unit=("test document", "test documents"),
        deviation=0.30,
    ),
    "classification": Task(
        title="the class of a text is predicted",
        needs="classes",
        rows="classes of texts",
        cure='"labelled" gives them',
        unit=("test text", "test texts"),
        deviation=math.sqrt(0.10),  # one is right and the other is not on a tenth of the texts
    ),
}

OF_RETRIEVER = tuple(name for name in TASKS if name != "classification")
"""What retrievers are measured at; classifiers are measured at the rest."""
