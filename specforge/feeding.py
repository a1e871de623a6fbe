"""How the rows of an objective reach the loss of a retriever: where their negatives come from, and by which coercions."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog import shapes
from specforge.catalog.augmentations import Augmentation
from specforge.catalog.negatives import Found, Given, Mined, Negatives
from specforge.catalog.objectives import Objective
from specforge.catalog.shapes import SHAPES, Coercion, Need, prompt_of
from specforge.problems import Keys
from specforge.spec.document import Spec
from specforge.spec.models import Judge

SIDES = {"anchors": "query", "documents": "document"}
"""Which texts an augmentation changes -> the prompt of their columns."""

Path = tuple[str, tuple[Coercion, ...]]
"""The shape that a loss is fed, and the coercions to it."""


def kinds(spec: Spec) -> tuple[Negatives, ...]:
    """Where the negatives come from, in the order of the spec; none where nothing is said."""
    return spec.encoder.kinds_of_negatives if spec.encoder is not None else ()


def places(spec: Spec) -> Iterator[tuple[Keys, Negatives]]:
    """The same, each with its place."""
    given = spec.encoder.negatives if spec.encoder is not None else None
    for row, one in enumerate(kinds(spec)):
        keys: Keys = ("retriever", "negatives")
        yield (*keys, row) if isinstance(given, tuple) else keys, one


def path(spec: Spec, objective: Objective, takes: tuple[str, ...] | None = None) -> Path | None:
    """From what an objective gives to what the loss, or another that takes these shapes, is fed; None where no way leads."""
    wanted = takes or (spec.loss.takes if spec.loss is not None else ())
    return shapes.path(_starts(spec, objective), wanted, has(spec))


def has(spec: Spec) -> frozenset[Need]:
    """What of the retriever makes coercions possible."""
    found: set[Need] = set()
    if _looked_for(spec):
        found.add("negatives")
    if negatives_of_a_row(spec) > 1:
        found.add("several")
    if spec.encoder is not None and spec.encoder.teacher is not None:
        found.add("teacher")
    return frozenset(found)


def _starts(spec: Spec, objective: Objective) -> tuple[str, ...]:
    """The objective's own negatives count where they are asked for, or where no others are."""
    own = not _looked_for(spec) or _has_given(spec)
    return tuple(shape for shape in objective.gives() if own or shape != "triplets")


def _looked_for(spec: Spec) -> bool:
    return any(isinstance(one, Found) for one in kinds(spec))


def _has_given(spec: Spec) -> bool:
    return any(isinstance(one, Given) for one in kinds(spec))


def negatives_of_a_row(spec: Spec) -> int:
    """How many each row has, where all shall have as many; the objective's own are more or fewer, which gives 0."""
    return 0 if _has_given(spec) else sum(one.per_positive for one in kinds(spec) if isinstance(one, Found))


def shape_of(spec: Spec, name: str) -> str:
    """The shape of the training rows that an objective is turned into for the loss."""
    found = path(spec, spec.objectives[name])
    assert found is not None, "checked before: a loss that does not fit"
    return found[0]


def untaught(spec: Spec, name: str) -> str:
    """The same before a teacher adds what it makes of the rows."""
    shape = shape_of(spec, name)
    return SHAPES[shape].untaught or shape


def teacher(spec: Spec) -> Judge | None:
    """The teacher, where the loss is fed what it makes of the rows."""
    if spec.encoder is None or spec.loss is None:
        return None
    found = [path(spec, one) for one in spec.objectives.values()]
    is_asked = any(one is not None and SHAPES[one[0]].untaught is not None for one in found)
    return spec.encoder.teacher if is_asked else None


def targets(spec: Spec, name: str) -> list[str]:
    """The columns of an objective's training rows that are no texts."""
    return [role for role in SHAPES[shape_of(spec, name)].roles if prompt_of(role) is None]


def texts(spec: Spec, name: str) -> list[tuple[str, str]]:
    """The columns of an objective's training rows that are texts, each with which prompt stands before it."""
    found: list[str] = []
    for role in SHAPES[shape_of(spec, name)].roles:
        several = [f"negative_{place + 1}" for place in range(negatives_of_a_row(spec))]
        found += several if role == "negatives" else [role]
    return [(column, prompt) for column in found if (prompt := prompt_of(column))]


def columns(spec: Spec, name: str) -> list[str]:
    """The same without the prompts."""
    return [column for column, _ in texts(spec, name)]


def mines(spec: Spec) -> bool:
    """Whether a stage of its own finds negatives: prepare.py knows those alone that the objective gives."""
    if spec.loss is None or not _looked_for(spec):
        return False
    found = [path(spec, objective) for objective in spec.objectives.values()]
    return any(one is not None and SHAPES[one[0]].contrasts for one in found)


def trains_twice(spec: Spec) -> bool:
    """Whether a model is trained first that finds negatives."""
    return mines(spec) and any(isinstance(one, Mined) and one.model == "tuned" for one in kinds(spec))


def is_fed(spec: Spec) -> bool:
    """Whether every objective gives rows that the loss takes."""
    return spec.loss is not None and all(path(spec, one) for one in spec.objectives.values())


def roles_of(spec: Spec) -> list[str]:
    """The columns of the training rows that are texts."""
    return list(dict.fromkeys(column for name in spec.objectives for column in columns(spec, name)))


def augmentations(spec: Spec) -> dict[str, Augmentation]:
    """The augmentations of a spec that trains, by name."""
    return dict(spec.encoder.augmentation) if spec.encoder and spec.train else {}


def changed(value: Augmentation, found: list[str]) -> list[str]:
    """The columns whose texts it changes, of those that the training rows have."""
    return [column for column in found if prompt_of(column) == SIDES[value.of]]
