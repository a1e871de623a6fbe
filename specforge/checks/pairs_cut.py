"""The rule about what a reranker reads at once: a query and a document, which have to fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from specforge.checks.prepared import Tables
from specforge.checks.texts import tokenizer_of, whole
from specforge.checks.words import clipped, counted, listed, percent
from specforge.problems import Keys, Problem
from specforge.spec.reranker import CrossEncoder

_SAMPLE = 20_000
_CUT = 0.01
_EXAMPLES = 3


def cut(tables: Tables) -> Iterator[Problem]:
    """Queries with a relevant document that have more tokens together than the reranker is set to read."""
    section = tables.spec.reranker
    file = tokenizer_of(section.base, section.revision, tables.base) if section else None
    if section is None or file is None:
        return
    found = pair_lengths(tables, section, file, _SAMPLE)
    share = sum(length > section.max_length for length, _, _ in found) / max(len(found), 1)
    if share <= _CUT:
        return
    lengths = [length for length, _, _ in found]
    keys: Keys = ("reranker", "max_length")
    keys = keys if keys in tables.source.places else ("reranker",)
    message = f"{percent(share)} of the pairs have more than {section.max_length} tokens together and are cut"
    evidence = (
        f"half of the pairs have at most {round(median(lengths))} tokens, the longest has {lengths[0]}",
        f"counted on {counted(len(found), 'pair')} of a query and what is relevant to it",
        *(f"{length:,} tokens: {listed([clipped(query), clipped(text)])}" for length, query, text in found[:_EXAMPLES]),
    )
    hint = whole("pairs", "max_length", lengths[len(lengths) // 10], section, tables.base)
    span = tables.source.value_span(keys) if keys[-1] == "max_length" else tables.source.key_span(keys)
    yield Problem("SF204", message, span, keys, hint, evidence)


def pair_lengths(tables: Tables, section: CrossEncoder, file: Path, sample: int) -> list[tuple[int, str, str]]:
    """Tokens of queries together with a relevant document, and both texts; the longest first."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pairs = tables.db.execute(
        f"select distinct anchor, positive from pairs order by hash(anchor || positive), anchor, positive limit {sample}"
    ).fetchall()
    # One by one: a batch would start threads, and the stages are forked from this process.
    lengths = (
        (len(tokenizer.encode(section.prompt + query, document).ids), query, document) for query, document in pairs
    )
    return sorted(lengths, key=lambda one: -one[0])


RULES = (cut,)
