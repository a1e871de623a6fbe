"""What the summary of prepare.py adds up to: every row that was read, by what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specforge.catalog.asked import Sql
from specforge.catalog.classes import Labelled
from specforge.catalog.evidence import (
    CitedInAnswer,
    Clicked,
    Evidence,
    Interacted,
    Linked,
    MutualLike,
    SameAttribute,
    ScoredPairs,
    Triplets,
)
from specforge.catalog.objectives import Grouped, Objective


@dataclass(frozen=True)
class Account:
    """A number of the summary and the numbers that it is the sum of.

    Attributes:
        times: how often each row of the total is counted among the parts: twice where it holds both ways.
    """

    total: str
    parts: tuple[str, ...]
    times: int = 1

    def adds_up(self, summary: Mapping[str, int]) -> bool:
        """Whether nothing is lost."""
        return self.times * summary[self.total] == sum(summary.get(part, 0) for part in self.parts)


_COLLECTION = Account(
    "collection_rows",
    (
        "collection_rows_without_id",
        "collection_rows_without_text",
        "collection_rows_of_a_repeated_id",
        "collection_ids_with_the_text_of_another",
        "collection_documents",
    ),
)
_ROWS = Account(
    "rows",
    ("rows_without_query", "rows_without_document", "rows_of_a_document_with_itself", "rows_on_no_side", "rows_kept"),
)
_TEXTS = Account(
    "collection_documents",
    (
        "texts_without_class",
        "texts_on_no_side",
        "texts_left_out_for_a_held_out_text",
        "texts_train",
        "texts_unused",
        "texts_dev",
        "texts_test",
    ),
)
_GROUPED = (
    "events_of_other_actions",
    "events_without_group",
    "events_without_item",
    "events_repeated",
    "events_on_no_side",
    "events_in_groups_cut",
    "events_in_groups_too_small",
    "events_in_groups_too_large",
    "events_of_rare_items",
    "events_kept",
)
_CLICKED = ("impressions_without_search", "impressions_repeated", "below_the_last_click", "rows")
_TAKEN = (
    "events_without_user",
    "events_without_moment",
    "events_without_item",
    "events_repeated",
    "events_beyond_max_events",
    "rows",
)
_LIKED = ("events_repeated", "without_an_answer", "rows")
_PASSAGES = Account("passages", ("uncited_and_left_out", "rows"))


def accounts(objective: Objective) -> Iterator[Account]:
    """The sums of an objective's summary: of the collection, of the source with its rows, of what the rows say."""
    yield _COLLECTION
    if isinstance(objective, Labelled):
        yield _TEXTS
    if isinstance(objective, Grouped):
        yield Account("source_rows", _GROUPED)
    if isinstance(objective, Evidence) and not isinstance(objective, SameAttribute):
        yield _of_source(objective)
    if isinstance(objective, CitedInAnswer):
        yield _PASSAGES
    if isinstance(objective, Evidence):
        yield _ROWS


def _of_source(objective: Evidence) -> Account:
    parts: tuple[str, ...] = ("rows",)
    if isinstance(objective, Clicked):
        parts = _CLICKED
    elif isinstance(objective, MutualLike):
        parts = _LIKED
    elif isinstance(objective, Interacted) and objective.history is not None:
        parts = _TAKEN
    elif isinstance(objective, CitedInAnswer):
        by_answer = objective.one_row == "answer"
        parts = ("answers",) if by_answer else ("passages_without_answer", "passages_repeated", "passages")
    elif isinstance(objective, Sql):
        parts = ("judgments_without_grade", "rows")
    both_ways = isinstance(objective, ScoredPairs | Triplets) or (isinstance(objective, Linked) and objective.symmetric)
    return Account("source_rows", parts, 2 if both_ways else 1)
