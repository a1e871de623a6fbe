"""The rule about what selects a checkpoint, for every section that trains."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.retriever import Select


def not_by_test(source: Source, section: str, select: Select | None, measured: str) -> Iterator[Problem]:
    """What is chosen on the test set looks better than it is. `measured` names what the test set holds."""
    if select is not None and select.on == "test":
        keys: Keys = (section, "train", "select", "on")
        message = f'the test {measured} select the checkpoint, and only "dev" may'
        hint = f"the best of several checkpoints on the test {measured} is partly luck, and the report would hide it"
        yield Problem("SF114", message, source.value_span(keys), keys, hint)
