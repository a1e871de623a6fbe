"""The objective of a classifier: which text is of which class."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from specforge.catalog.objectives import Objective
from specforge.catalog.roles import Collection, Of
from specforge.spec.base import Column, Count


class Labelled(Objective):
    """A text is of the class that its row names: intent, topic, style, genre, sentiment."""

    provides: ClassVar[tuple[str, ...]] = ("classes",)
    queries: ClassVar[Literal["documents", "texts"]] = "documents"
    splits: ClassVar[tuple[str, ...]] = ("item", "column", "group")
    sql: ClassVar[str] = "classes"
    main: ClassVar[str] = "of"
    kind: Literal["labelled"]

    of: Collection
    """The source that is the collection: the texts that have classes."""

    attribute: Annotated[Column, Of("of", key=True, holds="words")]
    """The column of the collection with the class."""

    group: Annotated[Column, Of("of", key=True)] | None = None
    """The column of what falls on one side of the split whole, such as a customer or a conversation; splits by group need it, and its texts are drawn together when intervals are made."""

    per_class: Count | None = None
    """For few-shot learning: so many texts of each class train, drawn by lot; the others of the training side are unused. Without it, all train."""
