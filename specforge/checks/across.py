"""The rule about several objectives: what one holds out does not train another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

from specforge.checks.dead import trains
from specforge.checks.prepared import opened
from specforge.checks.texts import HELD_OUT_QUERIES, TRAINED_QUERIES, pairs_of, shared
from specforge.checks.words import counted
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def leaked(spec: Spec, source: Source, data: Path, base: Path) -> Iterator[Problem]:
    """What one objective holds out and another trains on. In a split by time queries return, as in life."""
    of_items = spec.split.holds_out_items
    if len(spec.objectives) == 1 or (spec.split.by_time and not of_items):
        return
    held_out, train = dict[str, list[str]](), dict[str, list[str]]()
    for name in spec.objectives:
        with opened(spec, source, data, base, name) as tables:
            held_out[name] = tables.texts(_HELD_OUT if of_items else HELD_OUT_QUERIES)
            train[name] = tables.texts(_TRAINED if of_items else TRAINED_QUERIES) if trains(spec, name) else []
    for name, other in permutations(spec.objectives, 2):
        same = shared(held_out[name], train[other])
        if same:
            keys: Keys = ("split", "by")
            stand = "stands" if len(same) == 1 else "stand"
            message = (
                f'{counted(len(same), "text")} that "{name}" holds out also {stand} in the training rows of "{other}"'
            )
            hint = f'a text is held out with one hash in all objectives: split them by what is equal in both, or set the part of "{other}" in "mixture" to 0'
            yield Problem("SF301", message, source.value_span(keys), keys, hint, pairs_of(same))


_HELD_OUT = "select text from queries union select text from corpus where role in ('dev', 'test') order by text"
_TRAINED = "select anchor from pairs union select positive from pairs order by anchor"
