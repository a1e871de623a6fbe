"""The shapes of training rows: what objectives give, what losses take, and how one becomes another."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Need = Literal["negatives", "several", "teacher", "reranker", "found", "grades"]
"""What makes a coercion possible: a section of the retriever or reranker; `several` is `negatives` that give each row as
many as any other, and more than one; `reranker` is being a reranker's, `found` are negatives that its retriever finds;
`grades` are those of the objective."""

TEACHERS = ("cross_encoder", "bi_encoder")
"""The kinds of teachers."""


@dataclass(frozen=True)
class Shape:
    """A shape of training rows.

    Attributes:
        roles: the columns, by what their values are to the loss; code selects by these names, never by position.
        title: one row, in words.
        contrasts: whether it says what is not relevant.
        untaught: the shape of the same rows before a teacher adds what it makes of them; None where none does.
        teachers: the kinds of teachers that can.
    """

    roles: tuple[str, ...]
    title: str
    contrasts: bool = False
    untaught: str | None = None
    teachers: tuple[str, ...] = ()


SHAPES = {
    "pairs": Shape(("anchor", "positive"), "an anchor and a positive"),
    "triplets": Shape(("anchor", "positive", "negative"), "an anchor, a positive and a negative", True),
    "tuples": Shape(("anchor", "positive", "negatives"), "an anchor, a positive and several negatives", True),
    "lists": Shape(("anchor", "documents", "labels"), "an anchor, documents, and how relevant each of them is", True),
    "labelled_pairs": Shape(("anchor", "document", "label"), "an anchor, a document, and whether it is relevant", True),
    "scored_pairs": Shape(("anchor", "document", "score"), "an anchor, a document, and how similar they are"),
    "graded_pairs": Shape(("anchor", "document", "label"), "an anchor, a document, and its grade", True),
    "classes": Shape(("text", "label"), "a text and its class"),
    "scored_triplets": Shape(
        ("anchor", "positive", "negative", "scores"),
        "an anchor, a positive and a negative, and a teacher's score of each of the two",
        True,
        "triplets",
        TEACHERS,
    ),
    "scored_tuples": Shape(
        ("anchor", "positive", "negatives", "scores"),
        "an anchor, a positive and several negatives, and a teacher's score of each of them",
        True,
        "tuples",
        TEACHERS,
    ),
    "taught_pairs": Shape(
        ("anchor", "document", "score"),
        "an anchor, a document, and a teacher's score of it",
        True,
        "labelled_pairs",
        TEACHERS,
    ),
    "vector_targets": Shape(
        ("anchor", "positive", "label"),
        "an anchor and a positive, and a teacher's vectors of both",
        False,
        "pairs",
        ("bi_encoder",),
    ),
}

PROMPTED = {
    "anchor": "query",
    "positive": "document",
    "negative": "document",
    "negatives": "document",
    "document": "document",
    "text": "document",
}
"""A role that is a text -> which prompt stands before it."""


def prompt_of(column: str) -> str | None:
    """Which prompt stands before the texts of a column; None where it holds none. Several negatives have a column each."""
    return PROMPTED.get("negatives" if column.startswith("negative_") else column)


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
    Coercion("pairs", "triplets", "negatives are found for them", "negatives"),
    Coercion("triplets", "tuples", "the negatives of a pair stand in one row", "several"),
    Coercion("triplets", "pairs", "the negatives are left out"),
    Coercion("triplets", "labelled_pairs", "positives are labelled 1, negatives 0"),
    Coercion("triplets", "tuples", "the negatives of a positive stand in one row", "reranker"),
    Coercion("triplets", "lists", "the documents of an anchor stand in one row", "reranker"),
    Coercion("pairs", "triplets", "what the retriever finds and is not relevant is negative", "found"),
    Coercion("labelled_pairs", "graded_pairs", "what is relevant is labelled with its grade, all else 0", "grades"),
    Coercion("triplets", "scored_triplets", "the teacher scores the documents", "teacher"),
    Coercion("tuples", "scored_tuples", "the teacher scores the documents", "teacher"),
    Coercion("labelled_pairs", "taught_pairs", "the teacher's scores take the place of labels", "teacher"),
    Coercion("pairs", "vector_targets", "the teacher encodes the texts", "teacher"),
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
