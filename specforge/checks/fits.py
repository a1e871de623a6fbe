"""Rules about a batch in memory and vectors on disk, by the texts that were prepared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from statistics import mean

from specforge import rerankers
from specforge.catalog.indexes import InCells, MultiVector, Opq, Quantised
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.checks.losses import kind_of
from specforge.checks.memory import activations, figures, gib, kept, pairs_at_once, texts_at_once, trainable
from specforge.checks.pairs_cut import pair_lengths
from specforge.checks.prepared import Tables
from specforge.checks.texts import token_counts, tokenizer_file, tokenizer_of
from specforge.checks.words import counted
from specforge.locate import LookupFailure
from specforge.models import Model, model
from specforge.problems import Keys, Problem
from specforge.run import machine
from specforge.spec.document import Spec

_BASE: Keys = ("retriever", "base")
_SAMPLE = 1000
_A_CENTRE = 39
"""Vectors for each centre that an index learns; with fewer, faiss warns."""


def batches(tables: Tables) -> Iterator[Problem]:
    """With the activations of a batch of the retriever's texts, by their real lengths."""
    spec, base = tables.spec, _model(tables)
    if spec.train is None or base is None or spec.static is not None:
        return
    lengths = _lengths(tables)
    active = activations(base, lengths, texts_at_once(spec), spec.encoded.precision)
    what = f"{texts_at_once(spec)} texts with {mean(lengths):.0f} tokens each" if lengths else ""
    yield from _too_large(tables, "retriever", spec.encoded.loss, base, active, what)


def reranker(tables: Tables) -> Iterator[Problem]:
    """The same of the reranker's pairs."""
    spec, section = tables.spec, tables.spec.reranker
    train, file = (
        rerankers.trained(spec),
        tokenizer_of(section.base, section.revision, tables.base) if section else None,
    )
    if section is None or train is None or file is None:
        return
    try:
        base = model(section, tables.base)
    except LookupFailure:
        return
    lengths = [min(length, section.max_length) for length, _, _ in pair_lengths(tables, section, file, _SAMPLE)]
    pairs = pairs_at_once(section, train, rerankers.shape_of(spec, spec.primary))
    active = activations(base, lengths, pairs, section.precision)
    what = f"{pairs} pairs with {mean(lengths):.0f} tokens each" if lengths else ""
    yield from _too_large(tables, "reranker", section.loss, base, active, what)


def _too_large(
    tables: Tables, section: str, loss: Loss | None, base: Model, active: int, what: str
) -> Iterator[Problem]:
    """Weights and states fit, and with the activations of a batch they may not."""
    trained = trainable(tables.spec, (section,), base)
    held, at_hand = kept(base, trained), machine.memory()
    if not base.base.parameters or held + active <= at_hand or held > at_hand:
        return
    keys: Keys = (section, "train", "batch_size")
    message = f"training may need {gib(held + active)}, and the machine has {gib(at_hand)}"
    evidence = (
        *figures(base, trained),
        f"{gib(held)} for these, and about {gib(active)} for a batch of {what} (after Korthikanti et al. 2022)",
    )
    hint = 'lower "batch_size" or "max_length"'
    family = "cross_encoder" if section == "reranker" else tables.spec.encoded.family
    if loss is not None and f"cached_{loss.kind}" in map(kind_of, LOSSES[family]):
        hint += f', or take loss "cached_{loss.kind}", whose memory does not grow with the batch'
    yield Problem("SF405", message, tables.source.value_span(keys), keys, hint, evidence)


def _lengths(tables: Tables) -> list[int]:
    """Tokens of a sample of the texts, as they are cut."""
    file, longest = tokenizer_file(tables), tables.spec.encoded.max_length
    if file is None:
        return []
    sample = f"select id, text from embedded order by hash(id), id limit {_SAMPLE}"
    found = token_counts(tables, file, sample, tables.spec.encoded.prompts.document)
    return [min(length, longest) for length, _, _ in found]


def disk(tables: Tables) -> Iterator[Problem]:
    """The vectors of the documents are written: as vectors and in the index, of the base beside the tuned model's."""
    base = _model(tables)
    dimension = tables.spec.dimension(base.base.dimension if base else None)
    if not dimension:
        return
    [documents] = tables.row("select count(*) from embedded")
    needed, free = copies(tables.spec) * int(documents) * dimension * 4, shutil.disk_usage(tables.base).free
    if needed <= free:
        return
    message = f"the vectors take {gib(needed)} on disk, and {gib(free)} are free"
    evidence = (
        f"{counted(int(documents), 'text')} with {dimension} numbers of 4 bytes each, {copies(tables.spec)} times:"
        " as vectors and in an index, of every model",
    )
    yield Problem(
        "SF405", message, tables.source.value_span(_BASE), _BASE, "free some, or take a smaller model", evidence
    )


def learnt(tables: Tables) -> Iterator[Problem]:
    """An index has vectors to learn from: one for each cell and each name of a part at least, and better 39."""
    index = tables.spec.index
    if not isinstance(index, InCells) or tables.objective != tables.spec.primary:
        return
    [number] = tables.row("select count(*) from embedded")
    if isinstance(index, MultiVector):
        number *= tables.spec.encoded.max_length  # no more tokens than these
    centres = {"nlist": (index.nlist or 0, "cells")}
    if isinstance(index, Quantised):
        bits = max(index.nbits, 8) if isinstance(index, Opq) else index.nbits  # faiss learns the turn with 8
        centres["nbits"] = (2**bits, f"names of {counted(bits, 'bit')}")
    for field, (count, what) in centres.items():
        if number >= count * _A_CENTRE:
            continue
        keys: Keys = ("index", field)
        few = number < count
        message = f"{count:,} {what} {'cannot be learnt' if few else 'are learnt badly'} from {number:,.0f} vectors"
        hint = f'take fewer for less than {count * _A_CENTRE:,} vectors, or "kind: flat", which is exact and fast here'
        yield Problem("SF205" if few else "SF207", message, tables.source.value_span(keys), keys, hint)


def copies(spec: Spec) -> int:
    """How often the vectors of all documents are written: with the index, of the base, and for every seed."""
    train = spec.train
    return 2 if train is None else 3 + len(train.seeds) - 1


def _model(tables: Tables) -> Model | None:
    if tables.spec.encoder is None:
        return None
    try:
        return model(tables.spec.encoded, tables.base)
    except LookupFailure:
        return None


RULES = (batches, reranker, disk, learnt)
