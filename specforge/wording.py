"""The templates that make texts of columns."""

from __future__ import annotations

import string

from specforge.catalog.augmentations import OtherText
from specforge.problems import Keys
from specforge.spec.document import Experiment, Spec


def fields(template: str) -> list[tuple[str, str]]:
    """A text template as (literal before, column); the text after the last column comes with an empty column."""
    found, before = list[tuple[str, str]](), ""
    for literal, column, _, _ in string.Formatter().parse(template):
        before += literal
        if column:
            found.append((before, column))
            before = ""
    return [*found, (before, "")] if before else found


def templates(name: str, spec: Experiment) -> list[tuple[Keys, str]]:
    """The text templates over a source, each with its place in the spec."""
    source, found = spec.sources[name], list[tuple[Keys, str]]()
    if source.text is not None:
        found.append((("sources", name, "text"), source.text))
    for key, one in spec.encoder.augmentation.items() if isinstance(spec, Spec) and spec.encoder else ():
        if isinstance(one, OtherText) and one.source == name:
            found.append((("retriever", "augmentation", key, "text"), one.text))
    return found
