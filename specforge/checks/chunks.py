"""Rules about collections whose documents are cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.evidence import Judged
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec

_SPECIAL = 2
"""Special tokens around a text, at the least."""


def overlaps(spec: Spec, source: Source) -> Iterator[Problem]:
    """A chunk goes on where the one before ended, or a little earlier."""
    for name, table in spec.sources.items():
        overlap = getattr(table.chunk, "overlap", 0)
        if table.chunk is not None and overlap >= table.chunk.size:
            keys: Keys = ("sources", name, "chunk", "overlap")
            message = f'"overlap" is {overlap}, and a chunk is of {table.chunk.size}'
            yield Problem("SF003", message, source.value_span(keys), keys, 'a fifth of "size" is usual')


def longer_than_read(spec: Spec, source: Source) -> Iterator[Problem]:
    """A chunk that the model does not read whole is cut twice."""
    if spec.encoder is None:
        return
    read = spec.encoder.max_length
    most = read - _SPECIAL
    for name, table in spec.sources.items():
        if table.chunk is not None and table.chunk.by != "sentences" and table.chunk.size > most:
            keys: Keys = ("sources", name, "chunk", "size")
            message = f"chunks of {table.chunk.size} tokens are cut at {read}"
            hint = f'{most} tokens and {_SPECIAL} special ones fit: lower "size", or raise "max_length" of "retriever"'
            yield Problem("SF204", message, source.value_span(keys), keys, hint)


def asked_with_texts(spec: Spec, source: Source) -> Iterator[Problem]:
    """A query is one text: a document that is cut into several cannot be one."""
    for name, objective in spec.objectives.items():
        keys: Keys = ("objectives", name, "of")
        if objective.of and spec.sources[objective.of].chunk and objective.queries == "documents":
            message = f'"{objective.of}" is cut into chunks, and the queries of "{name}" are documents of it'
            hint = f'{objective.kind} compares whole documents: leave "chunk" out, or raise "max_length"'
            yield Problem("SF003", message, source.value_span(keys), keys, hint)
        if isinstance(objective, Judged) and spec.sources[objective.asked].chunk:
            keys = ("objectives", name, "asked")
            message = f'"{objective.asked}" is cut into chunks, and its texts are queries'
            yield Problem("SF003", message, source.value_span(keys), keys, 'leave "chunk" out there')


RULES = (overlaps, longer_than_read, asked_with_texts)
