"""Rules about texts: those that the model cannot read whole, and those that are one text or nearly one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

import duckdb

from specforge import models, references
from specforge.catalog.evidence import Interacted
from specforge.checks.near import duplicates, normalised
from specforge.checks.prepared import Tables
from specforge.checks.words import clipped, counted, listed, percent
from specforge.locate import LookupFailure
from specforge.problems import Keys, Problem
from specforge.spec.document import Experiment

_SAMPLE = 20_000
"""Texts that are counted in tokens: the share that is cut is then known to 0.7 points."""

_CUT = 0.01
_NEAR = 0.01
_EXAMPLES = 3

HELD_OUT_QUERIES = "select distinct text from asked order by text"
TRAINED_QUERIES = "select distinct anchor from pairs order by anchor"


class Opened(Protocol):
    """Prepared tables of any experiment."""

    @property
    def spec(self) -> Experiment: ...
    @property
    def base(self) -> Path: ...
    @property
    def db(self) -> duckdb.DuckDBPyConnection: ...


def repeated(tables: Tables) -> Iterator[Problem]:
    """Ids that share one text are one document; nothing in the text tells them apart."""
    ids, texts = tables.row("select count(*), count(distinct doc_id) from aliases")
    if not ids:
        return
    name = tables.spec.objectives[tables.objective].of
    found = tables.db.execute(f"""
        select any_value(c.text), list(a.item_id order by a.item_id), a.doc_id
        from aliases a join corpus c on c.doc_id = a.doc_id
        group by a.doc_id order by count(*) desc, a.doc_id limit {_EXAMPLES}
    """).fetchall()
    keys: Keys = ("sources", name, "text") if name else ("objectives", tables.objective)
    message = f"{counted(int(ids + texts), 'id')} have only {counted(int(texts), 'text')}; each text is one document"
    evidence = tuple(f"{listed([clipped(text)])}: {clipped(', '.join([first, *rest]))}" for text, rest, first in found)
    hint = 'name more columns in "text" where the ids are different things'
    yield Problem("SF304", message, tables.source.value_span(keys), keys, hint, evidence)


def leaked(tables: Tables) -> Iterator[Problem]:
    """Held-out texts that training has seen, but for case and punctuation (an error) or nearly (a warning)."""
    if not tables.spec.split.holds_out_items:
        return
    held_out = _texts(tables, "role in ('dev', 'test')")
    train = _texts(tables, "role = 'train'")
    same = shared(held_out, train)
    near = duplicates([text for text in held_out if text not in same], train)
    yield from _same(tables, same)
    if len(near) > _NEAR * len(held_out):
        keys: Keys = ("split", "unit")
        message = f"{percent(len(near) / len(held_out))} of the held-out texts have a near duplicate in train"
        hint = 'set "unit" in "split" to a column that such variants share'
        yield Problem("SF309", message, tables.source.value_span(keys), keys, hint, nearly(near))


def leaked_queries(tables: Tables) -> Iterator[Problem]:
    """Queries that choose or report and that training has seen. In a split by time they return, as in life, and two users
    may have taken the same items."""
    value = tables.spec.objectives[tables.objective]
    if (
        tables.of_items
        or tables.spec.split.by_time
        or (isinstance(value, Interacted) and tables.spec.split.by == "group")
    ):
        return
    held_out, train = tables.texts(HELD_OUT_QUERIES), tables.texts(TRAINED_QUERIES)
    same = shared(held_out, train)
    near = duplicates([text for text in held_out if text not in same], train)
    keys: Keys = ("split", "by")
    if same:
        message = f"{counted(len(same), 'held-out query', 'held-out queries')} also {'stands' if len(same) == 1 else 'stand'} in train"
        hint = 'split "by: anchor", so that equal queries fall on one side'
        yield Problem("SF301", message, tables.source.value_span(keys), keys, hint, pairs_of(same))
    if len(near) > _NEAR * len(held_out):
        message = f"{percent(len(near) / len(held_out))} of the held-out queries have a near duplicate in train"
        hint = 'split "by: group" with a column that such queries share'
        yield Problem("SF309", message, tables.source.value_span(keys), keys, hint, nearly(near))


def _same(tables: Tables, same: dict[str, str]) -> Iterator[Problem]:
    if not same:
        return
    keys: Keys = ("split", "unit")
    message = f"{counted(len(same), 'held-out text')} also {'stands' if len(same) == 1 else 'stand'} in train"
    hint = 'set "unit: text" in "split", so that equal texts fall on one side'
    if getattr(tables.spec.split, "unit", "id") == "text":
        hint = 'set "unit" to a column that these texts share'
    yield Problem("SF301", message, tables.source.value_span(keys), keys, hint, pairs_of(same))


def pairs_of(shared: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{listed([clipped(text)])} and {listed([clipped(other)])}" for text, other in list(shared.items())[:_EXAMPLES]
    )


def nearly(near: dict[str, str]) -> tuple[str, ...]:
    """Examples, and what they are."""
    shared = "figures and word order aside, they have four in five of their pieces of 5 characters in common"
    return *pairs_of(near), shared


def _texts(tables: Tables, where: str) -> list[str]:
    return tables.texts(f"select text from corpus where {where} order by doc")


def shared(texts: list[str], others: list[str]) -> dict[str, str]:
    """Text -> one of the others that is the same to a reader. Texts without letters and digits are left aside."""
    forms = {text: form for text in texts if (form := normalised(text))}
    wanted = set(forms.values())
    known = {found: text for text in others if (found := normalised(text)) in wanted}
    return {text: known[form] for text, form in forms.items() if form in known}


@dataclass(frozen=True)
class _Side:
    """Texts that are encoded alike.

    Attributes:
        word: what they are in words; `words` are several.
        texts: a query for them.
        prompt: what stands before each.
        field: what of the retriever says how many tokens are read.
    """

    word: str
    words: str
    texts: str
    prompt: str
    field: tuple[str, ...]
    longest: int


def _sides(tables: Tables) -> Iterator[_Side]:
    """Queries that are documents are read whole where documents are, unless they have another prompt."""
    documents, encoder = "from embedded", tables.spec.encoder
    assert encoder is not None, "asked of what encodes"
    prompts, of_query, of_document = encoder.prompts, encoder.query_limit, (("max_length",), encoder.max_length)
    yield _Side("text", "texts", documents, prompts.document, *of_document)
    if not tables.of_items:
        yield _Side("query", "queries", _QUERIES, prompts.query, *of_query)
    elif (prompts.query, of_query) != (prompts.document, of_document):
        yield _Side("text as query", "texts as queries", documents, prompts.query, *of_query)


_QUERIES = """
    select query_id as id, text from queries union select anchor_id, anchor from pairs
"""


def cut(tables: Tables) -> Iterator[Problem]:
    """Texts with more tokens than the model is set to read, counted by its own tokenizer."""
    file = tokenizer_file(tables)
    if file is not None and tables.spec.encoder is not None:
        for side in _sides(tables):
            yield from _cut(tables, side, token_counts(tables, file, side.texts, side.prompt))


def _cut(tables: Tables, side: _Side, counts: list[tuple[int, str, str]]) -> Iterator[Problem]:
    lengths = sorted(length for length, _, _ in counts)
    share = sum(length > side.longest for length in lengths) / max(len(lengths), 1)
    if share <= _CUT:
        return
    keys: Keys = ("retriever", *side.field)
    message = f"{percent(share)} of the {side.words} have more than {side.longest} tokens and are cut"
    [number] = tables.row(f"select count(*) from ({side.texts})")
    evidence = (
        f"half of the {side.words} have at most {round(median(lengths))} tokens, the longest has {lengths[-1]}",
        f"counted on {counted(len(lengths), side.word, side.words)} of {int(number):,}",
        *(f"{clipped(id)}: {length:,} tokens, {listed([clipped(text)])}" for length, id, text in counts[:_EXAMPLES]),
    )
    assert tables.spec.encoder is not None, "asked of what encodes"
    hint = whole(side.words, side.field[-1], lengths[int(0.9 * (len(lengths) - 1))], tables.spec.encoder, tables.base)
    yield Problem("SF204", message, tables.source.value_span(keys), keys, hint, evidence)


def whole(what: str, field: str, wanted: int, section: models.Based, spec_folder: Path) -> str:
    """How nine in ten are read whole; a model reads no more tokens than it has positions for."""
    most = models.model(section, spec_folder).base.positions
    if most is None or wanted <= most:
        return f'nine in ten {what} are whole at "{field}: {wanted}"'
    many = f"nine in ten {what} have up to {wanted:,} tokens, and the model has positions for {most:,}"
    return f"{many}: put what matters first, or split the texts"


def token_counts(tables: Opened, file: Path, texts: str, prompt: str) -> list[tuple[int, str, str]]:
    """(Tokens, id, text) of a sample, the longest first; prompt and special tokens are counted among them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sample = tables.db.execute(f"select id, text from ({texts}) order by hash(id), id limit {_SAMPLE}").fetchall()
    # One by one: a batch would start threads, and the stages are forked from this process.
    found = [(len(tokenizer.encode(prompt + text).ids), id, text) for id, text in sample]
    return sorted(found, key=lambda one: (-one[0], one[1]))


def tokenizer_file(tables: Opened) -> Path | None:
    """The base model's tokenizer, where there is one at hand."""
    encoder = tables.spec.encoder
    return None if encoder is None else tokenizer_of(encoder.base, encoder.revision, tables.base)


def tokenizer_of(model: str, revision: str | None, base: Path) -> Path | None:
    """The tokenizer of a model, where it is at hand; `base` is the folder of the spec."""
    try:
        folder = models.model_folder(model, base)
    except LookupFailure:
        return None
    if folder is not None:
        return _in_folder(folder)
    return models.cached_file(references.hub_name(model) or "", revision, "tokenizer.json")


def _in_folder(folder: Path) -> Path | None:
    """At the top, or with the first module of the model."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        first = str(modules[0]["path"])
    except (OSError, ValueError, LookupError, TypeError):
        first = ""
    found = (folder / "tokenizer.json", folder / first / "tokenizer.json")
    return next((file for file in found if file.is_file()), None)


RULES = (repeated, leaked, leaked_queries, cut)
