"""The rule about a recorded model on other data: it has not trained on what is held out now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specforge.checks import across
from specforge.checks.prepared import opened
from specforge.checks.texts import pairs_of, shared
from specforge.checks.words import counted
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def check(spec: Spec, source: Source, data: Path, earlier: Path, base: Path) -> Iterator[Problem]:
    """Texts held out now that stand in the training rows which the model had, the tables of its run in `earlier`."""
    keys: Keys = ("split", "by")
    span = source.value_span(keys)
    if not earlier.is_dir():
        message = "whether the recorded model has trained on test queries cannot be told: its tables are gone"
        yield Problem(
            "SF312", message, span, keys, "they were cleaned from the store; run its spec again at its commit"
        )
        return
    if across.queries_return(spec):
        return
    with (
        opened(spec, source, data, base, spec.primary) as now,
        opened(spec, source, earlier, base, spec.primary) as then,
    ):
        same = shared(across.held_out(now), across.trained(then))
    if same:
        stand = "stands" if len(same) == 1 else "stand"
        message = f"{counted(len(same), 'held-out text')} {stand} in what the recorded model trained on"
        hint = "hold out the same: with one split and seed, an id or text stays on its side"
        yield Problem("SF301", message, span, keys, hint, pairs_of(same))
