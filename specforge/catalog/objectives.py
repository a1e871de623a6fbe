"""What similar means: how judgments are made from raw tables."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specforge.catalog.roles import Collection, EventItem, EventKey, EventTime, EventWords, SourceName, tables
from specforge.spec.base import Count, Section, Text


class Objective(Section):
    """What all objectives declare.

    Attributes:
        provides: the shapes of their training rows, the richest first.
        queries: whether a query is a document of the collection itself, or a text from elsewhere.
        splits: the splits that fit, by their `by`; the first is the one to start with.
        sql: the template of the objective's SQL.
        main: the field that names the source with the rows.
        asks: the field that names the column with the query, its text or its id; None where no column has it.
        unit: the fields that name one of what the user collects, in which a learning curve is counted.
    """

    provides: ClassVar[tuple[str, ...]]
    queries: ClassVar[Literal["documents", "texts"]]
    splits: ClassVar[tuple[str, ...]]
    sql: ClassVar[str]
    main: ClassVar[str] = "events"
    asks: ClassVar[str | None] = None
    unit: ClassVar[tuple[str, ...]] = ()

    of: Collection | None
    """The source that is the collection: what is found."""

    def gives(self) -> tuple[str, ...]:
        """The shapes of its training rows as its fields have it."""
        return self.provides

    def measured(self) -> tuple[str, ...]:
        """The shapes that a model can be measured by, whether they train or not."""
        return self.gives()

    @property
    def collected(self) -> str:
        """What the user collects, in the plural."""
        return COLLECTED[getattr(self, "kind", "")]

    def logs(self) -> list[str]:
        """The sources with the rows: of several, those that are not the collection."""
        named = [source for field, source, _ in tables(self) if field == self.main]
        return [source for source in named if source != self.of] or named


COLLECTED = {
    "same_cart": "carts",
    "same_receipt": "receipts",
    "same_playlist": "playlists",
    "same_session": "sessions",
    "same_owner": "owners",
    "liked_by_same_people": "people",
    "substitutes": "sessions",
    "cited_in_answer": "answers",
    "clicked": "searches",
    "interacted": "users",
    "mutual_like": "people",
    "judged": "queries",
    "question_answer": "questions",
    "linked": "links",
    "same_attribute": "documents",
    "labelled": "documents",
    "scored_pairs": "pairs",
    "triplets": "triplets",
    "sql": "queries",
}
"""Kind of objective -> what the user collects, in the plural."""


class Judgments(Section):
    """Which pairs of the judging groups count as relevant."""

    min_count: Count = 5
    """A pair seen in fewer judging groups is not judged relevant."""

    per_query: Count = 20
    """The partners of a query that are relevant: the best by the lower bound of lift."""


class Grouped(Objective):
    """What objectives share that count how often two items meet in a group."""

    provides: ClassVar[tuple[str, ...]] = ("pairs",)
    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    asks: ClassVar[str | None] = "item"
    unit: ClassVar[tuple[str, ...]] = ("group",)
    splits: ClassVar[tuple[str, ...]] = ("item", "group", "time", "time_then_item")
    sql: ClassVar[str] = "same_group"

    of: Collection
    """The source that is the collection of the items."""

    events: SourceName
    """The source with one row an event: this item stood in that group."""

    group: EventKey
    """The column of the events that names the group, for example the basket."""

    item: EventItem
    """The column of the events that names the item; its values are ids of the collection."""

    time: EventTime | None = None
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

    judgments: Judgments = Judgments.model_construct()
    """Which pairs of the judging groups are relevant."""


class SameGroup(Grouped):
    """Items are similar when they occur in the same group more often than chance has it: the same cart, receipt, playlist, session, owner.

    Association is lift, n_ab N / (n_a n_b), taken at the lower end of its confidence interval, so that neither sheer
    popularity (raw counts) nor a handful of coincidences (bare lift) makes a pair.
    """

    kind: Literal[
        "same_cart",
        "same_receipt",
        "same_playlist",
        "same_session",
        "same_owner",
        "liked_by_same_people",
    ]


class Substitutes(Grouped):
    """Items are substitutes when they are looked at in the same session and not bought in it together; association is lift, as for `same_cart`."""

    kind: Literal["substitutes"]

    action: EventWords
    """The column of the events that says what was done."""

    viewed: Annotated[tuple[Text, ...], Field(min_length=1)] = ("view",)
    """Its values for looking at an item."""

    bought: Annotated[tuple[Text, ...], Field(min_length=1)] = ("purchase",)
    """Its values for buying it. Two items of one session that were both bought are complements there, and do not count."""
