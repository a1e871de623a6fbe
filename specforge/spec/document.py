"""The whole spec: the two documents of the language, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from specforge.catalog.classes import Labelled
from specforge.catalog.classifiers import AnyClassifier
from specforge.catalog.dictionary import AnyObjective
from specforge.catalog.evidence import Evidence
from specforge.catalog.hybrids import AnyHybrid
from specforge.catalog.indexes import AnyIndex
from specforge.catalog.losses.base import Loss
from specforge.catalog.metrics import of_retriever
from specforge.catalog.objectives import Objective
from specforge.catalog.splits import (
    AnySplit,
    AnyTextSplit,
    ByAnchor,
    ByGroup,
    ByItem,
    GroupsOfTexts,
    Split,
    TextsByItem,
)
from specforge.catalog.tasks import OF_RETRIEVER, TASKS
from specforge.spec.base import Name, Section, Text
from specforge.spec.evaluate import Evaluate, EvaluateClasses, Measures
from specforge.spec.reranker import CrossEncoder
from specforge.spec.retriever import AnyRetriever, BiEncoder, Matryoshka, Retriever, Static, Train
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


def _text_split(known: dict[str, Any]) -> TextsByItem | GroupsOfTexts:
    """By what the rows name as a group, else by text."""
    grouped = any(one.group is not None for one in known.get("objectives", {}).values())
    return GroupsOfTexts(by="group") if grouped else TextsByItem(by="item")


class Experiment(Section):
    """What every experiment says: which data there are, what they mean, what is held out, and what is measured."""

    trains: ClassVar[str]
    """The key of the section with the model."""

    specforge: Literal[1]
    """The version of the language."""

    name: Name
    """The name of the experiment; it equals the stem of the file's name."""

    description: str = ""
    """What similar means here, in a sentence."""

    sources: Annotated[dict[Name, Source], Field(min_length=1)]
    """The tables, by name."""

    objectives: Mapping[Name, Objective]
    """What is learnt from the tables, by name."""

    split: Split
    """How evaluation data are kept apart from training data."""

    evaluate: Measures
    """How success is measured."""

    accept: dict[Annotated[str, Field(pattern=r"^SF\d{3}$")], Text] = Field(default_factory=dict)
    """Warnings that are accepted, each by its code with a reason."""

    @property
    def encoder(self) -> Retriever | AnyClassifier | None:
        """The section with the model that reads texts, where there is one."""
        raise NotImplementedError

    @property
    def task(self) -> str:
        """What the model is measured at, a key of `TASKS`; of a retriever the primary metric says it."""
        raise NotImplementedError

    @property
    def seeds(self) -> tuple[int, ...]:
        """What the training is repeated with; nothing where nothing is trained."""
        return ()

    @property
    def primary(self) -> str:
        """The name of the objective that the verdict is about."""
        return next(iter(self.objectives))

    @property
    def folds(self) -> int | None:
        """How many times the queries are cut anew, where they are cross-validated."""
        found: int | None = getattr(self.split, "folds", None)
        return found

    @property
    def others(self) -> list[str]:
        """The names of the other objectives."""
        return [name for name in self.objectives if name != self.primary]


class Spec(Experiment):
    """A retriever: what similar means, which data show it, what is trained, and how success is measured."""

    trains: ClassVar[str] = "retriever"

    objectives: Annotated[dict[Name, AnyObjective], Field(min_length=1, max_length=20)]
    """What similar means, by name. Several are trained together; each is measured on its own collection."""

    split: AnySplit = Field(default_factory=_needed_split)
    """How evaluation data are kept apart from training data; without it, the split that the objectives need: by what they name as `group`, else by item where queries are documents and by anchor where they are texts."""

    retriever: AnyRetriever
    """What finds documents for a query."""

    reranker: CrossEncoder | None = None
    """The model that orders anew what the retriever found."""

    hybrid: AnyHybrid | None = None
    """How the retriever's ranking and that of the words in common are made one; without it, the retriever answers alone. The reranker orders what comes of it."""

    index: AnyIndex | None = None
    """What answers queries with vectors; needed where documents are ranked for them, by every retriever but bm25."""

    evaluate: Evaluate
    """How success is measured."""

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.train.seeds if self.train else ()

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
        metric = of_retriever(self.evaluate.primary)
        return metric.task if metric is not None and metric.task in OF_RETRIEVER else "retrieval"

    @property
    def ranks(self) -> bool:
        """Whether documents are ranked for queries, which takes an index."""
        return TASKS[self.task].ranked

    @property
    def shown(self) -> bool:
        """Whether what was shown for a query is ranked, and not the whole corpus."""
        if self.evaluate.candidates is not None:
            return self.evaluate.candidates == "shown"
        return all(isinstance(value, Evidence) and value.of_exposure for value in self.objectives.values())

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
    def matryoshka(self) -> Matryoshka | None:
        """At which lengths of the vectors the loss is computed; None where at the whole length alone."""
        return self.retriever.matryoshka if isinstance(self.retriever, BiEncoder) else None

    @property
    def truncate_dim(self) -> int | None:
        """How many dimensions of a vector are kept; None where they stay whole."""
        return self.retriever.truncate_dim if isinstance(self.retriever, BiEncoder) else None

    def whole_dimension(self, of_base: int | None) -> int | None:
        """The length of a vector before it is cut; None where the base's is not known."""
        return (self.static.dimension if self.static else None) or of_base

    def dimension(self, of_base: int | None) -> int | None:
        """The length of a vector in the index; None where the base's is not known."""
        return self.truncate_dim or self.whole_dimension(of_base)


class Classification(Experiment):
    """A classifier: which texts are of which class, what tells the classes apart, and how often it is right."""

    trains: ClassVar[str] = "classifier"

    objectives: Annotated[dict[Name, Labelled], Field(min_length=1, max_length=1)]
    """Which text is of which class; its name is yours."""

    split: AnyTextSplit = Field(default_factory=_text_split)
    """How evaluation data are kept apart from training data; without it, by group where the objective names one, else by item."""

    classifier: AnyClassifier
    """The model that gives a text its class."""

    evaluate: EvaluateClasses
    """How success is measured."""

    @property
    def encoder(self) -> AnyClassifier:
        return self.classifier

    @property
    def task(self) -> str:
        return "classification"

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.classifier.seeds
