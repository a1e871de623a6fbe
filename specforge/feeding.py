"""What a spec feeds its loss with: the shape of the training rows, their texts, and what augmentation changes of them."""

from __future__ import annotations

from specforge.catalog import shapes
from specforge.catalog.augmentations import Augmentation
from specforge.catalog.shapes import PROMPTED
from specforge.spec.document import Spec

SIDES = {"anchors": "query", "documents": "document"}
"""Which texts an augmentation changes -> the prompt of their roles."""


def shape_of(spec: Spec, name: str) -> str:
    """The shape of the training rows that an objective is turned into for the loss."""
    loss = spec.loss
    assert loss is not None, "asked of what trains"
    found = shapes.path(spec.objectives[name].gives(), loss.takes)
    assert found is not None, "checked before: a loss that does not fit"
    return found[0]


def is_fed(spec: Spec) -> bool:
    """Whether every objective gives rows that the loss takes."""
    loss = spec.loss
    return loss is not None and all(shapes.path(one.gives(), loss.takes) for one in spec.objectives.values())


def roles_of(spec: Spec) -> list[str]:
    """The columns of the training rows that are texts."""
    found = dict.fromkeys(role for name in spec.objectives for role in shapes.SHAPES[shape_of(spec, name)].roles)
    return [role for role in found if role in PROMPTED]


def augmentations(spec: Spec) -> dict[str, Augmentation]:
    """The augmentations of a spec that trains, by name."""
    return dict(spec.encoder.augmentation) if spec.encoder and spec.train else {}


def changed(value: Augmentation, roles: list[str]) -> list[str]:
    """The columns whose texts it changes, of those that the training rows have."""
    return [role for role in roles if PROMPTED[role] == SIDES[value.of]]
