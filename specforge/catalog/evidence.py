"""Objectives whose rows say themselves which document answers which query: grades, clicks, citations, links."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specforge.catalog.objectives import Objective
from specforge.catalog.roles import (
    Collection,
    EventFlag,
    EventItem,
    EventKey,
    EventRank,
    EventText,
    EventTime,
    Of,
    RowItem,
    RowKey,
    RowNumber,
    RowText,
    RowTime,
    SourceName,
)
from specforge.spec.base import Column, Count

_TEXT_SPLITS = ("anchor", "group", "time", "column")
_ITEM_SPLITS = ("item", "column", "group", "time", "time_then_item")


class Evidence(Objective):
    """What all of these share.

    Attributes:
        has_negatives: whether rows may say that a document does not answer a query.
        of_exposure: whether the log knows what people were shown, and nothing of all else.
        notes: whether the SQL counts more than the shared part does.
    """

    sql: ClassVar[str] = "evidence"
    provides: ClassVar[tuple[str, ...]] = ("pairs",)
    has_negatives: ClassVar[bool] = False
    of_exposure: ClassVar[bool] = False
    notes: ClassVar[bool] = False
    queries: ClassVar[Literal["documents", "texts"]] = "texts"
    splits: ClassVar[tuple[str, ...]] = _TEXT_SPLITS

    positives_per_query: Count = 20
    """The documents of a query that train: those with the highest grade, then with the most weight."""

    weight: Literal["equal", "count"] = "equal"
    """How often a pair is drawn in an epoch: all alike, or in proportion to its weight, how often it was seen."""

    @property
    def ranks(self) -> bool:
        """Whether the log says at which rank a document was shown."""
        return False


class _OfRows(Evidence):
    main: ClassVar[str] = "rows"

    rows: SourceName
    """The source with the rows."""

    time: RowTime | None = None
    """The column that says when; splits by time need it."""

    group: RowKey | None = None
    """The column of what falls on one side of the split whole, such as a conversation; splits by group need it, and its queries are drawn together when intervals are made."""


class _OfEvents(Evidence):
    events: SourceName
    """The source with the log."""

    time: EventTime | None = None
    """The column that says when; splits by time need it."""

    group: EventKey | None = None
    """The column of what falls on one side of the split whole, such as a user; splits by group need it, and its queries are drawn together when intervals are made."""


class Judged(_OfRows):
    """A document is relevant to a query as far as someone graded it: qrels, editorial ratings, test collections."""

    has_negatives: ClassVar[bool] = True
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    asks: ClassVar[str | None] = "query"
    unit: ClassVar[tuple[str, ...]] = ("query",)
    kind: Literal["judged"]

    of: Collection
    """The source that is the collection: what is found."""

    asked: Collection
    """The source that is the collection of the queries."""

    query: Annotated[Column, Of("rows", key=True, names="asked")]
    """The column with the query's id."""

    document: RowItem
    """The column with the document's id."""

    grade: RowNumber | None = None
    """The column with the grade, 0 for "not relevant"; without it every row says "relevant"."""

    min_grade: Count = 1
    """The lowest grade that trains."""

    negatives_per_positive: Count = 1
    """Documents graded 0 that a positive is trained against; each makes a row."""

    def measured(self) -> tuple[str, ...]:
        """Without a grade, no row says that a document is not relevant."""
        return self.provides if self.grade is not None else ("pairs",)


class QuestionAnswer(_OfRows):
    """A document is relevant to the question that it answers: question to passage, summary, table, code or tool."""

    asks: ClassVar[str | None] = "question"
    unit: ClassVar[tuple[str, ...]] = ("question",)
    kind: Literal["question_answer"]

    of: Collection | None = None
    """The source that is the collection: what is found. Without it, the values of the columns are the texts themselves."""

    question: RowText
    """The column with the question's text."""

    answer: RowItem
    """The column with the id of the document that answers it."""


class Linked(_OfRows):
    """A document is relevant to the one that links to it: cites, see also, duplicate of."""

    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    splits: ClassVar[tuple[str, ...]] = _ITEM_SPLITS
    asks: ClassVar[str | None] = "item"
    unit: ClassVar[tuple[str, ...]] = ("item", "linked_to")
    kind: Literal["linked"]

    of: Collection
    """The source that is the collection: what is found."""

    item: RowItem
    """The column with the id of the document that links."""

    linked_to: RowItem
    """The column with the id of the document that it links to."""

    symmetric: bool = False
    """Whether a link holds both ways, as "duplicate of" does."""


class CitedInAnswer(Evidence):
    """A passage is relevant to a question when the answer cited it; what was retrieved and not cited is a hard negative."""

    has_negatives: ClassVar[bool] = True
    notes: ClassVar[bool] = True
    main: ClassVar[str] = "answers"
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    asks: ClassVar[str | None] = "question"
    unit: ClassVar[tuple[str, ...]] = ("question", "retrieved", "cited")
    kind: Literal["cited_in_answer"]

    of: Collection
    """The source that is the collection: what is found."""

    answers: SourceName
    """The source with the log of answers."""

    one_row: Literal["answer", "passage"] = "answer"
    """What a row is: an answer with lists of ids, or a passage that was retrieved for an answer."""

    question: Annotated[Column, Of("answers", holds="text")]
    """The column with the question's text."""

    retrieved: Annotated[Column, Of("answers", ids=True)]
    """The column with what was retrieved: a list of ids, best first (a list, or JSON text), or one id where a row is a passage."""

    cited: Annotated[Column, Of("answers", holds="ids")]
    """The column with what was cited: a list of ids, or a flag where a row is a passage."""

    answer: Annotated[Column, Of("answers", key=True)] | None = None
    """The column with the answer's id; needed where a row is a passage."""

    rank: Annotated[Column, Of("answers", number=True, holds="rank")] | None = None
    """The column with the rank of a passage, 1 the best; needed for `above_cited` where a row is a passage."""

    uncited: Literal["all", "above_cited", "none"] = "all"
    """Which retrieved and uncited passages are negatives: all, those ranked above a cited one, or none."""

    negatives_per_positive: Count = 1
    """Negatives that a positive is trained against; each makes a row."""

    time: Annotated[Column, Of("answers", moment=True)] | None = None
    """The column that says when; splits by time need it."""

    group: Annotated[Column, Of("answers", key=True)] | None = None
    """The column of what falls on one side of the split whole, such as a conversation; splits by group need it, and its queries are drawn together when intervals are made."""

    def measured(self) -> tuple[str, ...]:
        """Where no uncited passage is a negative, there is none."""
        return self.provides if self.uncited != "none" else ("pairs",)

    @property
    def ranks(self) -> bool:
        """A list says it by its order."""
        return self.one_row == "answer" or self.rank is not None


class Clicked(_OfEvents):
    """A document is relevant to a query when it was clicked; one shown above a click and passed over is not, and below the last click nothing is known (Joachims 2002)."""

    has_negatives: ClassVar[bool] = True
    of_exposure: ClassVar[bool] = True
    notes: ClassVar[bool] = True
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    asks: ClassVar[str | None] = "query"
    unit: ClassVar[tuple[str, ...]] = ("search",)
    kind: Literal["clicked"]

    of: Collection
    """The source that is the collection: what is found."""

    search: EventKey
    """The column that names the search: the rows of one list of results."""

    query: EventText
    """The column with the query's text."""

    document: EventItem
    """The column with the id of the document that was shown."""

    rank: EventRank
    """The column with the place where it was shown, 1 the first."""

    clicked: EventFlag
    """The column that says whether it was clicked: true or 1."""

    dwell: Annotated[Column, Of("events", number=True)] | None = None
    """The column with the seconds that the reader stayed."""

    min_dwell: Annotated[float, Field(gt=0)] | None = None
    """A click on which the reader stayed for fewer seconds is none."""

    min_clicks: Count = 1
    """A document clicked less often for a query is not held to be relevant."""

    position_weights: Literal["none", "inverse"] = "none"
    """Whether a click further down weighs more, by its rank: lower places are looked at less (inverse propensity 1 / rank; Joachims et al. 2017)."""

    negatives_per_positive: Count = 1
    """Skipped documents that a positive is trained against; each makes a row."""

    @property
    def ranks(self) -> bool:
        return True


class Interacted(_OfEvents):
    """An item is relevant to a user who took it: bought, played, liked, added."""

    notes: ClassVar[bool] = True
    splits: ClassVar[tuple[str, ...]] = ("group", "time", "anchor", "column")
    asks: ClassVar[str | None] = "user_text"
    unit: ClassVar[tuple[str, ...]] = ("user",)
    kind: Literal["interacted"]

    of: Collection
    """The source that is the collection: what is found."""

    user: EventKey
    """The column that names the user, whose queries are drawn together when intervals are made."""

    item: EventItem
    """The column with the id of the item."""

    user_text: EventText | None = None
    """The column with the text of the user; or give `history`."""

    history: Annotated[int, Field(ge=1, le=100)] | None = None
    """The user's text is made of the last so many items that the same user took before; or give `user_text`."""

    max_events: Annotated[int, Field(ge=2)] = 200
    """With `history`: the latest events of a user that count."""


class MutualLike(_OfEvents):
    """Two profiles fit when both said yes; where one alone did, they do not."""

    has_negatives: ClassVar[bool] = True
    of_exposure: ClassVar[bool] = True
    notes: ClassVar[bool] = True
    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    splits: ClassVar[tuple[str, ...]] = ("item", "time_then_item")
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    asks: ClassVar[str | None] = "person"
    unit: ClassVar[tuple[str, ...]] = ("person",)
    kind: Literal["mutual_like"]

    of: Collection
    """The source that is the collection: what is found."""

    person: EventItem
    """The column with the id of the one who said something."""

    other: EventItem
    """The column with the id of the one it was said of."""

    liked: EventFlag
    """The column with what was said: true or 1 for yes."""

    negatives_per_positive: Count = 1
    """One-sided likes that a positive is trained against; each makes a row."""


class SameAttribute(Evidence):
    """Documents are similar when they share a value: the same style, genre, label, or a number within a tolerance."""

    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    splits: ClassVar[tuple[str, ...]] = ("item", "column")
    provides: ClassVar[tuple[str, ...]] = ("pairs", "classes")
    main: ClassVar[str] = "of"
    kind: Literal["same_attribute", "labelled"]

    of: Collection
    """The source that is the collection: what is found."""

    attribute: Annotated[Column, Of("of", holds="words")]
    """The column of the collection with the value, or the label."""

    within: Annotated[float, Field(gt=0)] | None = None
    """For numbers: values that differ by no more are the same, such as 5 beats per minute."""

    def gives(self) -> tuple[str, ...]:
        """Values that are the same within a tolerance make no classes."""
        return self.provides if self.within is None else ("pairs",)


class ScoredPairs(_OfRows):
    """Two documents are similar as far as someone scored them; from a score on they are relevant to each other."""

    has_negatives: ClassVar[bool] = True
    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    splits: ClassVar[tuple[str, ...]] = _ITEM_SPLITS
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs", "scored_pairs")
    asks: ClassVar[str | None] = "first"
    unit: ClassVar[tuple[str, ...]] = ("first", "second")
    kind: Literal["scored_pairs"]

    of: Collection | None = None
    """The source that is the collection: what is found. Without it, the values of the columns are the texts themselves."""

    first: RowItem
    """The column with the id of one document."""

    second: RowItem
    """The column with the id of the other."""

    score: RowNumber
    """The column with the score."""

    relevant_from: float | None = None
    """The lowest score that makes two documents relevant to each other. What trains on relevance, or ranks, needs it; what is compared with the scores themselves does not."""

    range: tuple[float, float] | None = None
    """The lowest and the highest score that there can be, such as `[0, 5]`: losses and metrics then read scores from 0 to 1. Without it, they read the scores as they are."""

    negatives_per_positive: Count = 1
    """Documents scored lower that a positive is trained against; each makes a row."""

    def gives(self) -> tuple[str, ...]:
        """Without a threshold, the scores alone."""
        return self.provides if self.relevant_from is not None else ("scored_pairs",)


class Triplets(_OfRows):
    """The positive is relevant to the anchor's text, the negative is not: as given."""

    has_negatives: ClassVar[bool] = True
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    asks: ClassVar[str | None] = "anchor"
    unit: ClassVar[tuple[str, ...]] = ("anchor", "positive", "negative")
    kind: Literal["triplets"]

    of: Collection | None = None
    """The source that is the collection: what is found. Without it, the values of the columns are the texts themselves."""

    anchor: RowText
    """The column with the anchor's text."""

    positive: RowItem
    """The column with the id of the positive."""

    negative: RowItem
    """The column with the id of the negative."""

    negatives_per_positive: Count = 5
    """Negatives that a positive is trained against; each makes a row."""
