"""The rule about several objectives: what one holds out does not train another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

from specforge.checks.dead import trains
from specforge.checks.prepared import Tables, opened
from specforge.checks.texts import HELD_OUT_QUERIES, TRAINED_QUERIES, pairs_of, shared
from specforge.checks.words import counted
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def leaked(spec: Spec, source: Source, data: Path, base: Path) -> Iterator[Problem]:
    """What one objective holds out and another trains on. In a split by time queries return, as in life."""
    if len(spec.objectives) == 1 or queries_return(spec):
        return
    held, train = dict[str, list[str]](), dict[str, list[str]]()
    for name in spec.objectives:
        with opened(spec, source, data, base, name) as tables:
            held[name] = held_out(tables)
            train[name] = trained(tables) if trains(spec, name) else []
    for name, other in permutations(spec.objectives, 2):
        same = shared(held[name], train[other])
        if same:
            keys: Keys = ("split", "by")
            stand = "stands" if len(same) == 1 else "stand"
            message = (
                f'{counted(len(same), "text")} that "{name}" holds out also {stand} in the training rows of "{other}"'
            )
            hint = f'a text is held out with one hash in all objectives: split them by what is equal in both, or set the part of "{other}" in "mixture" to 0'
            yield Problem("SF301", message, source.value_span(keys), keys, hint, pairs_of(same))


def queries_return(spec: Spec) -> bool:
    """Whether what is asked later may have been asked before, as in life."""
    return spec.split.by_time and not spec.split.holds_out_items


def held_out(tables: Tables) -> list[str]:
    """The texts that no training row may have."""
    return tables.texts(_HELD_OUT if tables.spec.split.holds_out_items else HELD_OUT_QUERIES)


def trained(tables: Tables) -> list[str]:
    """The texts of the training rows that these must not be."""
    return tables.texts(_TRAINED if tables.spec.split.holds_out_items else TRAINED_QUERIES)


_HELD_OUT = "select text from queries union select text from corpus where role in ('dev', 'test') order by text"
_TRAINED = "select anchor from pairs union select positive from pairs order by anchor"
