"""What similar means: how judgments are made from raw tables."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specforge.spec.base import Column, Count, Name, Section


class Objective(Section):
    """What all objectives declare: the shape of the judgments that they provide."""

    provides: ClassVar[str]


class Judgments(Section):
    """Which pairs of the judging groups count as relevant."""

    min_count: Count = 5
    """A pair seen in fewer judging groups is not judged relevant."""

    per_query: Count = 20
    """The partners of a query that are relevant: the best by the lower bound of lift."""


class SameGroup(Objective):
    """Items are similar when they occur in the same group more often than chance has it: the same cart, receipt, playlist, session, owner.

    Association is lift, n_ab N / (n_a n_b), taken at the lower end of its confidence interval, so that neither sheer
    popularity (raw counts) nor a handful of coincidences (bare lift) makes a pair.
    """

    provides: ClassVar[str] = "pairs"
    kind: Literal[
        "same_cart",
        "same_receipt",
        "same_playlist",
        "same_session",
        "same_owner",
        "liked_by_same_people",
    ]

    events: Name
    """The source with one row an event: this item stood in that group."""

    group: Column
    """The column of the events that names the group, for example the basket."""

    item: Column
    """The column of the events that names the item; its values are ids of the collection."""

    of: Name
    """The source that is the collection of the items."""

    time: Column | None = None
    """The column of the events that says when; splits by time need it."""

    min_items: Count = 2
    """Groups with fewer distinct items are left out."""

    max_items: Annotated[int, Field(ge=2)] = 60
    """Groups with more distinct items are left out: a wholesaler's cart says little, and its pairs grow with the square."""

    min_groups: Annotated[int, Field(ge=0)] = 0
    """Items in fewer groups are left out of the corpus: what would be judged of them is chance."""

    min_count: Count = 5
    """A pair seen in fewer training groups does not train."""

    pairs_per_item: Count = 20
    """The partners of an item that train: the best by the lower bound of lift."""

    weight: Literal["equal", "lift", "count"] = "equal"
    """How often a pair is drawn in an epoch: all alike, or in proportion to the lower bound of its lift or to its count."""

    judgments: Judgments = Judgments()
    """Which pairs of the judging groups are relevant."""


OBJECTIVES: tuple[type[Objective], ...] = (SameGroup,)

AnyObjective = SameGroup
