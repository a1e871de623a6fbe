"""Some choices of a spec, what follows from them by the catalog, and the rules that they may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from grown import ABSENT, GIVEN, SECOND, Choices, Label, Point, objective
from pydantic import TypeAdapter

from specforge.catalog import shapes
from specforge.catalog.asked import Sql
from specforge.catalog.dictionary import OBJECTIVES, AnyObjective
from specforge.catalog.evidence import CitedInAnswer, Judged
from specforge.catalog.families import FAMILIES
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.cross_encoder import CrossEncoderLoss
from specforge.catalog.metrics import of_retriever
from specforge.catalog.objectives import Objective
from specforge.catalog.shapes import COERCIONS, Coercion, Need
from specforge.catalog.splits import SPLITS, Split
from specforge.catalog.tasks import OF_RETRIEVER, TASKS
from specforge.shapes import choices, fields, members, shape
from specforge.spec.base import Section
from specforge.spec.retriever import Retriever

Kind = TypeVar("Kind", bound=Section)

NEEDS = tuple(dict.fromkeys(one.needs for one in COERCIONS if one.needs is not None))
OF_RETRIEVERS: tuple[Need, ...] = ("negatives", "several")
OF_RERANKERS: tuple[Need, ...] = ("reranker", "found", "grades")
"""What makes coercions possible for one of them alone. Of what else there is, each has a section with a kind."""


def needed(loss: type[Loss]) -> list[Need]:
    """What may lead to the rows that a loss takes: a teacher, where it learns from one."""
    taught = any(shapes.SHAPES[one].untaught for one in loss.takes)
    return [need for need in NEEDS if taught or need != "teacher"]


class Undecided(Exception):
    """A rule asks for what is not chosen yet."""

    def __init__(self, path: str) -> None:
        self.path = path


@dataclass(frozen=True)
class Chosen:
    """Some choices of a spec, and what is known of the others."""

    model: type[Section]
    ways: dict[str, tuple[Point, ...]]
    labels: Choices
    asked: set[str] = field(default_factory=set)

    def __getitem__(self, path: str) -> Label:
        """What is chosen at a path; `ABSENT` where the other choices leave no such place."""
        self.asked.add(path)
        if path in self.labels:
            return self.labels[path]
        if self._is_possible(path):
            raise Undecided(path)
        self.asked.update(at for point in self.ways.get(path, ()) for at, _ in point.when)
        return ABSENT

    def _is_possible(self, path: str) -> bool:
        return any(all(self._may_be(at, label) for at, label in point.when) for point in self.ways.get(path, ()))

    def _may_be(self, path: str, label: Label) -> bool:
        return self.labels[path] == label if path in self.labels else self._is_possible(path)

    def has(self, path: str) -> bool:
        return self[path] != ABSENT

    @property
    def encodes(self) -> bool:
        """Whether the retriever is a model that encodes texts."""
        return self.family in _encoders(self.model)

    @property
    def is_dense(self) -> bool:
        """Whether a text is one vector."""
        return self.encodes and FAMILIES[self.family].dense

    @property
    def similarity(self) -> str:
        """What texts are compared by; a family that has one way leaves no choice."""
        chosen = self["retriever.similarity"]
        return (
            str(chosen)
            if chosen != ABSENT
            else str(_encoders(self.model)[self.family].model_fields["similarity"].default)
        )

    @property
    def task(self) -> str:
        """What the retriever is measured at."""
        metric = of_retriever(str(self["evaluate.primary"]))
        assert metric is not None
        return metric.task if metric.task in OF_RETRIEVER else "retrieval"

    @property
    def ranks(self) -> bool:
        return TASKS[self.task].ranked

    @property
    def is_trained(self) -> bool:
        return self.encodes and self["retriever.train"] != "none"

    @property
    def loss(self) -> type[Loss] | None:
        """What training minimises; None where nothing is trained."""
        kind = self["retriever.loss.kind"]
        return None if kind == ABSENT or not self.is_trained else of_kind(LOSSES[self.family], "kind", kind)

    @property
    def reranks(self) -> bool:
        return self.has("reranker")

    @property
    def trains_reranker(self) -> bool:
        return self.reranks and self["reranker.train"] != "none"

    @property
    def reranker_loss(self) -> type[CrossEncoderLoss] | None:
        """What training the reranker minimises; None where nothing is trained."""
        kind = self["reranker.loss.kind"] if self.trains_reranker else ABSENT
        found = None if kind == ABSENT else of_kind(LOSSES["cross_encoder"], "kind", kind)
        assert found is None or issubclass(found, CrossEncoderLoss)
        return found

    def reranker_path(self, loss: type[Loss]) -> tuple[str, tuple[Coercion, ...]] | None:
        """From what the objective gives to what the reranker's loss takes, with what the retriever finds."""
        return shapes.path(self.shapes("it"), loss.takes, [need for need in needed(loss) if self._reranker_meets(need)])

    def _reranker_meets(self, need: Need) -> bool:
        """The same of the reranker, which looks for negatives in its own way."""
        if need in OF_RETRIEVERS:
            return False
        if need == "grades":
            return self.is_graded
        if need in OF_RERANKERS:
            return need == "reranker" or self["reranker.negatives.per_positive"] != 0
        return self.has(f"reranker.{need}.kind")

    @property
    def is_graded(self) -> bool:
        """Whether the rows tell more relevant from less relevant documents."""
        return self.kind("it") is Sql or (self.kind("it") is Judged and self.has("objectives.it.grade"))

    @property
    def negatives(self) -> Label:
        """Where the negatives of training rows come from; several kinds are `GIVEN`."""
        return self["retriever.negatives"] if self.is_trained else ABSENT

    @property
    def family(self) -> str:
        return str(self["retriever.family"])

    @property
    def by(self) -> str:
        """How it is split: without a word of it, by what the objectives need."""
        by = self["split.by"]
        return str(by) if by != ABSENT else self._needed_split()

    def _needed_split(self) -> str:
        kinds = list(self.kinds())
        grouped = all("anchor" in kind.splits for kind in kinds) and all(map(self.names_group, self.names))
        wanted = ["group"] if grouped else []
        wanted += [by for by in kinds[0].splits if by in ("item", "anchor", "group")]
        return next((by for by in wanted if all(by in kind.splits for kind in kinds)), "item")

    def names_group(self, name: str) -> bool:
        """Whether an objective says what falls on one side whole; a second one does where the split is written."""
        kind = self.kind(name)
        assert kind is not None
        if "group" not in kind.model_fields:
            return False
        if kind.model_fields["group"].is_required():
            return True
        return self.has("objectives.it.group") if name == "it" else self["split.by"] == "group"

    @property
    def split(self) -> type[Split]:
        return of_kind(SPLITS, "by", self.by)

    @property
    def names(self) -> list[str]:
        """The names of the objectives."""
        return ["it", "too"] if self.has(SECOND) else ["it"]

    def kind(self, name: str) -> type[Objective] | None:
        """The class of an objective."""
        word = self[f"objectives.{name}.kind"]
        return None if word == ABSENT else of_kind(OBJECTIVES, "kind", word)

    def objective(self, name: str, *more: str) -> Objective:
        """An objective with what it may have or lack, as far as that tells which rows it gives; `more` fields do, too."""
        kind = self.kind(name)
        assert kind is not None
        known = {f"objectives.{name}.kind": self[f"objectives.{name}.kind"]}
        telling = (*_telling(self.model, known[f"objectives.{name}.kind"]), *more) if name == "it" else ()
        known |= {(path := f"objectives.it.{one}"): self[path] for one in telling}
        return _objective(self.model, name, tuple(known.items()))

    def fed(self, name: str) -> tuple[str, ...]:
        """The columns of the rows that an objective gives to the loss."""
        found = self.path(name, self.loss) if self.loss is not None else None
        return shapes.SHAPES[found[0]].roles if found is not None else ()

    def path(self, name: str, loss: type[Loss]) -> tuple[str, tuple[Coercion, ...]] | None:
        """From what an objective gives to what the loss takes, with the negatives that are looked for."""
        found = self.negatives not in (ABSENT, "given")
        given = [one for one in self.shapes(name) if not (found and one == "triplets")]
        return shapes.path(given, loss.takes, [need for need in needed(loss) if self._meets(need)])

    def _meets(self, need: Need) -> bool:
        """Whether the retriever has what makes a coercion possible: a section of that name, where no other word is here."""
        found = self.negatives not in (ABSENT, "given")
        if need == "negatives":
            return found
        if need == "several":
            return found and (self.negatives == GIVEN or self.has("retriever.negatives.per_positive"))
        return need not in OF_RERANKERS and self.has(f"retriever.{need}.kind")

    def kinds(self) -> Iterator[type[Objective]]:
        yield from (kind for name in ("it", "too") if (kind := self.kind(name)) is not None)

    def shapes(self, name: str) -> tuple[str, ...]:
        """The shapes of an objective's rows."""
        kind = self.kind(name)
        assert kind is not None
        return kind.provides if kind.gives is Objective.gives else self.objective(name).gives()

    def measured(self) -> tuple[str, ...]:
        """The shapes that the primary objective can be measured by."""
        kind = self.kind("it")
        assert kind is not None
        if kind.measured is Objective.measured:
            return self.shapes("it")
        return self.objective("it", *(["uncited"] if kind is CitedInAnswer else [])).measured()


@cache
def _encoders(model: type[Section]) -> dict[str, type[Retriever]]:
    families = members(fields(shape(model))["retriever"]) if "retriever" in model.model_fields else ()
    encoding = [one for one in families if issubclass(one.type, Retriever)]
    return {str(word): one.type for one in encoding for word in choices(fields(one)["family"])}


@cache
def _objective(model: type[Section], name: str, known: tuple[tuple[str, Label], ...]) -> Objective:
    found: Objective = _ADAPTER.validate_python(objective(model, name, dict(known)))
    return found


@cache
def _telling(model: type[Section], kind: Label) -> tuple[str, ...]:
    """The fields without a default of which the presence changes the rows that an objective gives, or is measured by."""

    def rows(*fields: str) -> tuple[tuple[str, ...], ...]:
        known = [("objectives.it.kind", kind), *((f"objectives.it.{field}", GIVEN) for field in fields)]
        found = _objective(model, "it", tuple(known))
        return found.gives(), found.measured()

    declared = of_kind(OBJECTIVES, "kind", kind).model_fields
    return tuple(name for name, info in declared.items() if info.default is None and rows(name) != rows())


_ADAPTER = TypeAdapter[Objective](AnyObjective)


@cache
def of_kind(kinds: tuple[type[Kind], ...], tag: str, word: Label) -> type[Kind]:
    """The class that a word of the language stands for."""
    return next(kind for kind in kinds if word in choices(fields(shape(kind))[tag]))


@dataclass(frozen=True)
class Rule:
    """What must not be chosen together.

    Attributes:
        code: what refuses it.
        at: the places of which one is named.
        breaks: whether the choices break it; it may raise `Undecided`.
        searched: whether specs that break it alone are looked for; where they are rare that takes too long.
    """

    name: str
    code: str
    at: tuple[str, ...]
    breaks: Callable[[Chosen], bool]
    searched: bool = True


def has_optional(kind: type[Objective], name: str) -> bool:
    return name in kind.model_fields and not kind.model_fields[name].is_required()


def has_collection(c: Chosen, name: str) -> bool:
    """Whether what an objective finds are documents of a collection."""
    kind = c.kind(name)
    assert kind is not None
    return not has_optional(kind, "of") or (name == "it" and c.has("objectives.it.of"))


def metric(label: Label) -> str:
    """The metric that is chosen; of a list the first."""
    return str(label).partition(", ")[0]
