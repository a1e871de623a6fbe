"""The rule about texts that say what the model is to tell."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import wording
from specforge.checks.words import clipped
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Experiment


def in_the_text(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A class, or an attribute that makes two documents similar, is read off a text that is made from its column."""
    for objective in spec.objectives.values():
        column, name = getattr(objective, "attribute", None), objective.of
        if column is None or name is None or spec.sources[name].text is None:
            continue
        if column in (field for _, field in wording.fields(spec.sources[name].text or "")):
            keys: Keys = ("sources", name, "text")
            message = f'the text of "{name}" holds "{clipped(column)}", which is what the model is to tell'
            hint = 'leave it out of "text", or accept it where every text will come with it'
            yield Problem("SF310", message, source.value_span(keys), keys, hint)


RULES = (in_the_text,)
