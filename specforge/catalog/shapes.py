"""The shapes of training rows: what objectives give, what losses take, and how one becomes another."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Need = Literal["negatives", "teacher"]
"""A section of the retriever or reranker that makes a coercion possible."""


@dataclass(frozen=True)
class Shape:
    """A shape of training rows.

    Attributes:
        roles: the columns, by what their values are to the loss; code selects by these names, never by position.
        title: one row, in words.
    """

    roles: tuple[str, ...]
    title: str


SHAPES = {
    "pairs": Shape(("anchor", "positive"), "an anchor and a positive"),
    "triplets": Shape(("anchor", "positive", "negative"), "an anchor, a positive and a negative"),
    "labelled_pairs": Shape(("anchor", "document", "label"), "an anchor, a document, and whether it is relevant"),
    "scored_pairs": Shape(("anchor", "document", "score"), "an anchor, a document, and how similar they are"),
    "classes": Shape(("text", "label"), "a text and its class"),
}

PROMPTED = {
    "anchor": "query",
    "positive": "document",
    "negative": "document",
    "document": "document",
    "text": "document",
}
"""A role that is a text -> which prompt stands before it."""


@dataclass(frozen=True)
class Coercion:
    """How rows of one shape become rows of another.

    Attributes:
        does: what is done, in words.
        needs: the section of the spec that makes it possible; None where nothing is needed.
    """

    given: str
    wanted: str
    does: str
    needs: Need | None = None


COERCIONS = (
    Coercion("triplets", "pairs", "the negatives are left out"),
    Coercion("triplets", "labelled_pairs", "positives are labelled 1, negatives 0"),
)


def path(
    given: Iterable[str], takes: Iterable[str], has: Collection[Need] = ()
) -> tuple[str, tuple[Coercion, ...]] | None:
    """The shape that a loss is fed, and the fewest coercions to it; the first shape of `takes` that can be reached.

    None where there is no way.
    """
    reached: dict[str, tuple[Coercion, ...]] = dict.fromkeys(given, ())
    waiting = deque(reached)
    while waiting:
        here = waiting.popleft()
        for one in COERCIONS:
            if one.given == here and one.wanted not in reached and (one.needs is None or one.needs in has):
                reached[one.wanted] = (*reached[here], one)
                waiting.append(one.wanted)
    return next(((shape, reached[shape]) for shape in takes if shape in reached), None)
