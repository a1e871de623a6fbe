"""The rule about several objectives in one spec: how large a part each gives."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.checks.words import listed
from specforge.problems import Problem
from specforge.source import Source
from specforge.spec.document import Spec


def parts(spec: Spec, source: Source) -> Iterator[Problem]:
    """Every objective has its part of the training rows, and one of them trains."""
    train = spec.train
    mixture, keys = train.mixture if train else None, ("retriever", "train", "mixture")
    if mixture is None:
        return
    missing = [name for name in spec.objectives if name not in mixture]
    if missing:
        message = f'"mixture" needs a part for {listed(missing)}'
        yield Problem("SF003", message, source.key_span(keys), keys, '"0" is the part of what is measured alone')
    elif not any(mixture.values()):
        yield Problem("SF003", '"mixture" leaves nothing to train', source.key_span(keys), keys, "raise a part above 0")


RULES = (parts,)
