"""The rule about several objectives: what one holds out does not train another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

from specforge.checks.dead import trains
from specforge.checks.prepared import connect, folder
from specforge.checks.texts import pairs_of, shared
from specforge.checks.words import counted
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec


def leaked(spec: Spec, source: Source, data: Path) -> Iterator[Problem]:
    """What one objective holds out and another trains on. In a split by time queries return, as in life."""
    for name, other in permutations(spec.objectives, 2):
        if spec.split.by_time and not spec.split.holds_out_items:
            return
        held_out = _texts(data, spec, name, _HELD_OUT if spec.split.holds_out_items else _QUERIES)
        train = _texts(data, spec, other, _TRAINING if spec.split.holds_out_items else _ANCHORS)
        same = shared(held_out, train)
        if same and trains(spec, other):
            keys: Keys = ("split", "by")
            stand = "stands" if len(same) == 1 else "stand"
            message = (
                f'{counted(len(same), "text")} that "{name}" holds out also {stand} in the training rows of "{other}"'
            )
            hint = f'a text is held out with one hash in all objectives: split them by what is equal in both, or set the part of "{other}" in "mixture" to 0'
            yield Problem("SF301", message, source.value_span(keys), keys, hint, pairs_of(same))


_QUERIES = "select distinct text from queries order by text"
_HELD_OUT = f"{_QUERIES.removesuffix(' order by text')} union select text from corpus where role in ('dev', 'test') order by text"
_ANCHORS = "select distinct anchor from pairs order by anchor"
_TRAINING = "select anchor from pairs union select positive from pairs order by anchor"


def _texts(data: Path, spec: Spec, name: str, query: str) -> list[str]:
    with connect(folder(data, spec, name)) as db:
        return [text for (text,) in db.execute(query).fetchall()]
