"""The rules about augmentation: it changes something that trains, and can read what it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import feeding
from specforge.catalog.augmentations import OtherText
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def sides(spec: Spec, source: Source) -> Iterator[Problem]:
    """The training rows have texts of the side that is changed."""
    if not feeding.augmentations(spec) or not feeding.is_fed(spec):
        return
    roles = feeding.roles_of(spec)
    for name, value in feeding.augmentations(spec).items():
        if not feeding.changed(value, roles):
            keys: Keys = ("retriever", "augmentation", name)
            message = f'"{name}" changes {value.of}, and the training rows have none'
            yield Problem("SF003", message, source.key_span(keys), keys, 'add "of: documents"')


def templates(spec: Spec, source: Source) -> Iterator[Problem]:
    """Another template is of a collection that is embedded whole."""
    for name, value in spec.encoder.augmentation.items() if spec.encoder else ():
        if not isinstance(value, OtherText) or value.source not in spec.sources:
            continue
        keys: Keys = ("retriever", "augmentation", name, "source")
        if value.source not in _collections(spec):
            message = f'source "{value.source}" is no collection of an objective, and "{name}" needs one'
            yield Problem("SF003", message, source.value_span(keys), keys)
        elif spec.sources[value.source].chunk is not None:
            message = f'"{name}" says whole documents by another template, and "{value.source}" is cut into chunks'
            yield Problem("SF003", message, source.value_span(keys), keys, "take another augmentation")


def _collections(spec: Spec) -> set[str | None]:
    return {name for one in spec.objectives.values() for name in (one.of, getattr(one, "asked", None))}


def idle(spec: Spec, source: Source) -> Iterator[Problem]:
    """Nothing is augmented where nothing trains."""
    keys: Keys = ("retriever", "augmentation")
    if spec.encoder and spec.encoder.augmentation and not feeding.augmentations(spec):
        message = '"augmentation" has no effect: nothing is trained'
        yield Problem("SF401", message, source.key_span(keys), keys, "leave it out")


RULES = (sides, templates, idle)
