"""Every model that a spec names: where it stands there, what it is for, and which commit of it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specforge import feeding
from specforge.catalog.negatives import Mined
from specforge.problems import Keys
from specforge.references import model
from specforge.spec.document import Experiment, Spec
from specforge.spec.models import OtherModel


@dataclass(frozen=True)
class Named:
    """A model that a spec names.

    Attributes:
        section: the place of the section that names it.
        key: the key of the name in that section.
        role: what it is, in words.
        model: its name.
        revision: its commit, where one is named.
    """

    section: Keys
    key: str
    role: str
    model: str
    revision: str | None

    @property
    def keys(self) -> Keys:
        """The place of the name."""
        return (*self.section, self.key)

    @property
    def reference(self) -> str:
        """What the key of a stage that reads it fingerprints."""
        return model(self.model, self.revision)


def references(spec: Experiment, role: str | None = None) -> tuple[str, ...]:
    """What the key of a stage fingerprints that reads all of them, or those of one role."""
    return tuple(dict.fromkeys(one.reference for one in models(spec) if role in (None, one.role)))


def models(spec: Experiment) -> tuple[Named, ...]:
    """The model that is tuned, or is the system as it comes; the reranker's; and those that they learn from."""
    found = [*_bases(spec), *(_other(keys, role, section) for keys, role, section in others(spec))]
    return tuple(found)


def _bases(spec: Experiment) -> Iterator[Named]:
    if spec.encoder is not None:
        yield Named((spec.trains,), "base", "base model", spec.encoder.base, spec.encoder.revision)
    if isinstance(spec, Spec) and spec.reranker is not None:
        yield Named(("reranker",), "base", "base model", spec.reranker.base, spec.reranker.revision)


def _other(keys: Keys, role: str, section: OtherModel) -> Named:
    return Named(keys, "model", role, section.model, section.revision)


def others(spec: Experiment) -> Iterator[tuple[Keys, str, OtherModel]]:
    """The sections of models that are read as they come, each with its place and what it is."""
    if not isinstance(spec, Spec):
        return
    for name in ("retriever", "reranker"):
        section = getattr(spec, name)
        for keys, role, found in (
            ((name, "loss", "guide"), "guide", getattr(getattr(section, "loss", None), "guide", None)),
            ((name, "teacher"), "teacher", getattr(section, "teacher", None)),
        ):
            if isinstance(found, OtherModel):
                yield keys, role, found
    yield from _filters(spec)
    for name, one in spec.encoder.augmentation.items() if spec.encoder is not None else ():
        if isinstance(one, OtherModel):
            yield ("retriever", "augmentation", name), "masked model", one


def _filters(spec: Spec) -> Iterator[tuple[Keys, str, OtherModel]]:
    for place, one in feeding.places(spec):
        if isinstance(one, Mined) and one.filter is not None:
            yield (*place, "filter"), "filter", one.filter
