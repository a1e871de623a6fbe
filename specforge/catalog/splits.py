"""How evaluation data are kept apart from training data."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Column, Moment, Section, Share, Text


class Split(Section):
    """What all splits declare: `items` are held out, `groups` are held out, or the `cut` is a date."""

    by: str
    """How the data are cut."""

    holds_out_items: ClassVar[bool] = False
    by_time: ClassVar[bool] = False


class _HashedItems(Split):
    holds_out_items: ClassVar[bool] = True

    test: Share = 0.2
    """Share of the items held out to report on, once."""

    dev: Share = 0.1
    """Share of the items held out to choose by: checkpoint, fusion weights."""

    unit: Column = "id"
    """What is hashed: `id`, `text` (equal texts fall on one side) or a column of the collection (a product family falls on one side)."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed gives another split; the same seed keeps last month's test items test items."""


class TextsByItem(_HashedItems):
    """Texts are cut in three by hash: some train, some choose, some report."""

    by: Literal["item"]

    unit: Column = "text"
    """What is hashed: `text` (equal texts fall on one side, case and punctuation aside), `id`, or a column of the collection (all texts of one customer fall on one side)."""


Folds = Literal[2, 4, 5, 8, 10, 20]


class ByItem(_HashedItems):
    """Held-out items are new to the model: everything about them is kept from training. Groups are cut in two by hash: one part trains, the other judges."""

    by: Literal["item"]

    judging_groups: Share = 0.5
    """Share of the groups (carts) that only judge."""

    folds: Folds | None = None
    """For small sets: cross-validation, in which every item is held out once. Each fold is prepared, trained and measured apart, and all are reported as one; the model of the first is indexed."""


class ByGroup(Split):
    """Items are known, groups are new: pairs of the training groups train, pairs of the held-out groups judge."""

    by: Literal["group"]

    test: Share = 0.2
    """Share of the groups held out to report on, once."""

    dev: Share = 0.1
    """Share of the groups held out to choose by."""

    folds: Folds | None = None
    """For small sets: cross-validation, in which every group is held out once. Each fold is prepared, trained and measured apart, and all are reported as one; the model of the first is indexed."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed gives another split."""


class GroupsOfTexts(Split):
    """Texts are cut in three by what the objective names as their `group`, each group whole. A text that stands in several groups is held out."""

    by: Literal["group"]

    test: Share = 0.2
    """Share of the groups held out to report on, once."""

    dev: Share = 0.1
    """Share of the groups held out to choose by."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed gives another split."""


class ByTime(Split):
    """Items are known, events are later: what came before `dev` trains, `dev` to `test` chooses, from `test` on reports."""

    by_time: ClassVar[bool] = True
    by: Literal["time"]

    dev: Moment
    """The first moment of the events to choose by."""

    test: Moment
    """The first moment of the events to report on."""


class ByTimeThenItem(_HashedItems):
    """Held-out items, judged in later events: nothing of the item and nothing of the time was seen in training."""

    by_time: ClassVar[bool] = True
    by: Literal["time_then_item"]

    judged_from: Moment
    """Events before this moment train; events from it on judge."""


class ByAnchor(Split):
    """Queries are new, documents are known: the rows of some queries train, those of the held-out queries judge. Texts that differ in case and blanks alone are one query."""

    by: Literal["anchor"]

    test: Share = 0.2
    """Share of the queries held out to report on, once."""

    dev: Share = 0.1
    """Share of the queries held out to choose by."""

    folds: Folds | None = None
    """For small sets: cross-validation, in which every query is held out once. Each fold is prepared, trained and measured apart, and all are reported as one; the model of the first is indexed."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed gives another split; the same seed keeps last month's test queries test queries."""


class ByColumn(Split):
    """The data say themselves what is held out, as published test collections do. A query that they have on several sides is held out."""

    by: Literal["column"]

    column: Column
    """The column, of the source with the objective's rows."""

    train: Annotated[tuple[Text, ...], Field(min_length=1)] = ("train",)
    """Its values for rows that train."""

    dev: tuple[Text, ...] = ()
    """Its values for rows to choose by; without any, `dev_share` of the queries that would train are taken."""

    test: Annotated[tuple[Text, ...], Field(min_length=1)] = ("test",)
    """Its values for rows to report on, once."""

    dev_share: Share = 0.1
    """Share of the training queries held out to choose by, where the data have no such rows."""


SPLITS: tuple[type[Split], ...] = (ByItem, ByAnchor, ByGroup, ByTime, ByTimeThenItem, ByColumn)

AnySplit = Annotated[Union[ByItem, ByAnchor, ByGroup, ByTime, ByTimeThenItem, ByColumn], Field(discriminator="by")]

AnyTextSplit = Annotated[Union[TextsByItem, GroupsOfTexts, ByColumn], Field(discriminator="by")]
"""The splits of texts that have classes."""
