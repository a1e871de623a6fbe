"""The whole spec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from specforge.catalog.dictionary import AnyObjective
from specforge.catalog.indexes import AnyIndex
from specforge.catalog.losses.base import Loss
from specforge.catalog.metrics import of_retriever
from specforge.catalog.objectives import Objective
from specforge.catalog.splits import AnySplit, ByAnchor, ByGroup, ByItem
from specforge.catalog.tasks import TASKS
from specforge.spec.base import Name, Section, Text
from specforge.spec.evaluate import Evaluate
from specforge.spec.retriever import AnyRetriever, BiEncoder, Retriever, Static, Train
from specforge.spec.sources import Source

_WITHOUT_DATES: dict[str, type[ByItem] | type[ByAnchor] | type[ByGroup]] = {
    "item": ByItem,
    "anchor": ByAnchor,
    "group": ByGroup,
}


def _needed_split(known: dict[str, Any]) -> ByItem | ByAnchor | ByGroup:
    """By what the rows name as a group, else the first split that fits all objectives and needs no date."""
    objectives: list[Objective] = list(known.get("objectives", {}).values())
    grouped = objectives and all("group" in one.model_fields_set and "anchor" in one.splits for one in objectives)
    wanted = [*(["group"] if grouped else []), *(by for one in objectives[:1] for by in one.splits)]
    fitting = [by for by in wanted if by in _WITHOUT_DATES and all(by in one.splits for one in objectives)]
    by = fitting[0] if fitting else "item"
    return _WITHOUT_DATES[by].model_validate({"by": by})


class Spec(Section):
    """One experiment: what similar means, which data show it, what is trained, and how success is measured."""

    specforge: Literal[1]
    """The version of the language."""

    name: Name
    """The name of the experiment; it equals the stem of the file's name."""

    description: str = ""
    """What similar means here, in a sentence."""

    sources: Annotated[dict[Name, Source], Field(min_length=1)]
    """The tables, by name."""

    objectives: Annotated[dict[Name, AnyObjective], Field(min_length=1, max_length=20)]
    """What similar means, by name. Several are trained together; each is measured on its own collection."""

    split: AnySplit = Field(default_factory=_needed_split)
    """How evaluation data are kept apart from training data; without it, the split that the objectives need: by what they name as `group`, else by item where queries are documents and by anchor where they are texts."""

    retriever: AnyRetriever
    """What finds documents for a query."""

    index: AnyIndex | None = None
    """What answers queries with vectors; needed where documents are ranked for them, by every retriever but bm25."""

    evaluate: Evaluate
    """How success is measured."""

    accept: dict[Annotated[str, Field(pattern=r"^SF\d{3}$")], Text] = Field(default_factory=dict)
    """Warnings that are accepted, each by its code with a reason."""

    @property
    def encoder(self) -> Retriever | None:
        """The retriever, where it is a model that encodes texts."""
        return self.retriever if isinstance(self.retriever, Retriever) else None

    @property
    def train(self) -> Train | None:
        """How the retriever is trained; None where it is not."""
        return None if self.encoder is None or self.encoder.train == "none" else self.encoder.train

    @property
    def loss(self) -> Loss | None:
        """What training the retriever minimises; None where it is not trained."""
        return self.encoder.loss if self.encoder is not None and self.train is not None else None

    @property
    def primary(self) -> str:
        """The name of the objective that the verdict is about, whose collection is indexed."""
        return self.evaluate.objective or next(iter(self.objectives))

    @property
    def task(self) -> str:
        """What the retriever is measured at, a key of `TASKS`: the primary metric says it."""
        metric = of_retriever(self.evaluate.primary)
        return metric.task if metric is not None and metric.task in TASKS else "retrieval"

    @property
    def ranks(self) -> bool:
        """Whether documents are ranked for queries, which takes an index."""
        return TASKS[self.task].ranked

    @property
    def encoded(self) -> Retriever:
        """The retriever, where it is known to encode texts."""
        assert self.encoder is not None, "asked of what encodes texts"
        return self.encoder

    @property
    def static(self) -> Static | None:
        """What makes a model without layers; None where the retriever has layers, or encodes nothing."""
        return self.retriever.static if isinstance(self.retriever, BiEncoder) else None

    @property
    def folds(self) -> int | None:
        """How many times the queries are cut anew, where they are cross-validated."""
        found: int | None = getattr(self.split, "folds", None)
        return found

    @property
    def others(self) -> list[str]:
        """The names of the other objectives."""
        return [name for name in self.objectives if name != self.primary]
