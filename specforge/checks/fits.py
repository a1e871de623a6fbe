"""Rules about a batch in memory and vectors on disk, by the texts that were prepared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from specforge.catalog.losses import LOSSES
from specforge.checks.losses import kind_of
from specforge.checks.memory import activations, figures, gib, kept, texts_at_once
from specforge.checks.prepared import Tables
from specforge.checks.texts import token_counts, tokenizer_file
from specforge.checks.words import counted
from specforge.locate import LookupFailure
from specforge.models import Model, model
from specforge.problems import Keys, Problem
from specforge.run import machine
from specforge.spec.document import Spec

_BASE: Keys = ("retriever", "base")
_BATCH: Keys = ("retriever", "train", "batch_size")
_SAMPLE = 1000


def batches(tables: Tables) -> Iterator[Problem]:
    """With the activations of a batch of these texts, by their real lengths."""
    train, base = tables.spec.train, _model(tables)
    if train is None or base is None or not base.base.parameters or tables.spec.static is not None:
        return
    held, lengths = kept(tables.spec, base), _lengths(tables)
    active, at_hand = activations(tables.spec, base, lengths), machine.memory()
    if held + active <= at_hand or held > at_hand:
        return
    message = f"training may need {gib(held + active)}, and the machine has {gib(at_hand)}"
    evidence = (
        *figures(tables.spec, base),
        f"{gib(held)} for these, and about {gib(active)} for a batch of {texts_at_once(tables.spec)} texts with"
        f" {sum(lengths) / len(lengths):.0f} tokens each (after Korthikanti et al. 2022)",
    )
    hint = 'lower "batch_size" or "max_length"'
    loss = tables.spec.encoded.loss
    if loss is not None and f"cached_{loss.kind}" in map(kind_of, LOSSES[tables.spec.encoded.family]):
        hint += f', or take loss "cached_{loss.kind}", whose memory does not grow with the batch'
    yield Problem("SF405", message, tables.source.value_span(_BATCH), _BATCH, hint, evidence)


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
    static = tables.spec.static
    dimension = (static.dimension if static else None) or (base.base.dimension if base else None)
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


RULES = (batches, disk)
