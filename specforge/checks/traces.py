"""The rule about texts that hold traces of where they come from: markup of a page, letters read in a wrong encoding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed, percent
from specforge.problems import Keys, Problem
from specforge.quote import sql

_SHARE = 0.01
_EXAMPLES = 3

_TAGS = "a|b|blockquote|br|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|script|span|strong|style|sub|sup|table|td|th|tr|u|ul"
_MARKUP = rf"(?i)</?({_TAGS})(\s[^<>]*)?/?>|&(#[0-9]+|#x[0-9a-f]+|[a-z]{{2,8}});"
_CONTINUED = "\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018-\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"
_GARBLED = f"[\u00c2\u00c3][{_CONTINUED}]|\u00e2[\u0080\u20ac]|\u00ef\u00bf\u00bd|\ufffd"
"""The first bytes of letters in UTF-8, read as Latin-1 or Windows-1252, each before one that goes on; U+FFFD."""

_CLEAN = 'set "clean: [html]" of the source'
_MEND = "the file was written in one encoding and read in another: export it again in UTF-8"


@dataclass(frozen=True)
class _Trace:
    """What texts may hold: the words for it, a pattern, and the cure."""

    words: str
    pattern: str
    cure: str


_TRACES = (
    _Trace("tags or entities of HTML", _MARKUP, _CLEAN),
    _Trace("letters of a wrong encoding", _GARBLED, _MEND),
)

_TEXTS = """
    select text from embedded union select text from queries union select anchor from pairs
"""


def traces(tables: Tables) -> Iterator[Problem]:
    """Texts with markup, or with letters of a wrong encoding: the model reads them as words."""
    name = tables.spec.objectives[tables.objective].of
    keys: Keys = ("sources", name, "text") if name else ("objectives", tables.objective)
    span = tables.source.value_span(keys) if name else tables.source.key_span(keys)
    for trace in _TRACES:
        holds = f"regexp_matches(text, {sql(trace.pattern)})"
        found, number = tables.row(f"select count(*) filter ({holds}), count(*) from ({_TEXTS})")
        if found <= _SHARE * number:
            continue
        message = f"{percent(found / number)} of the texts hold {trace.words}"
        examples = tables.texts(
            f"select text from ({_TEXTS}) where {holds} order by length(text), text limit {_EXAMPLES}"
        )
        evidence = (
            f"{int(found):,} of {counted(int(number), 'text')}",
            *(listed([clipped(text)]) for text in examples),
        )
        yield Problem("SF206", message, span, keys, trace.cure, evidence)


RULES = (traces,)
