"""A value that changes in the spec changes one line in one file; the manifest says where it stands."""

from __future__ import annotations

import difflib
import json

import pytest
from variations import Edit, edits

NOWHERE = "is not compiled: see test_fields.py"
TABLES = "another table: tables that nothing needs any more are not read"
KIND = "another kind of thing, with lines of its own"

EXCEPTIONS = {
    "rich-description": NOWHERE,
    "rich-accept.SF204": NOWHERE,
    "rich-sources.products.repeated_ids": NOWHERE,
    "rich-index.similarity": NOWHERE,
    "rich_group-retriever.train.select.on": NOWHERE,
    "rich_reranker_over_words-reranker.train.select.on": NOWHERE,
    "rich_reranker_over_words-reranker.train.select.every": "a checkpoint is measured when it is saved: two arguments",
    "rich_reranker-reranker.precision": KIND + ": scores of 16 bits would tie",
    **dict.fromkeys(
        (
            "rich_loss_margin_mse-retriever.teacher.precision",
            "rich_reranker_margin_mse-reranker.teacher.precision",
            "rich_filtered_negatives-retriever.negatives.filter.precision",
        ),
        KIND + ": scores of 16 bits would tie",
    ),
    "rich-sources.products.join.source": TABLES,
    "rich-sources.order_lines.join.source": TABLES,
    "rich_both-sources.makers.format": KIND,
    "rich-objectives.carts.events": TABLES,
    "rich-objectives.carts.of": TABLES,
    "rich-objectives.carts.weight": KIND,
    "rich-retriever.similarity": "the model, the scaling of vectors and the loss each say it in their library's words",
    "rich_static-retriever.static.embeddings": KIND,
    "rich_auto-index.among": KIND + ": each kind is a function",
    "rich-retriever.precision": KIND + ": `auto` asks the machine",
    "rich-evaluate.baselines": KIND + ": each baseline is a function",
    "rich_group-retriever.train.select.every": KIND + ": steps are written out, epochs are not",
    "rich_group-retriever.train.select.metric": "its cutoff is the depth of the ranking as well",
    "rich_time-retriever.train.select.every": "a checkpoint is measured when it is saved: two arguments of the trainer",
    "rich_cited_lists-objectives.texts.uncited": KIND + ": `all` needs no condition",
    "rich_mixture-evaluate.objective": TABLES,
    "rich_clicked-evaluate.candidates": KIND,
    "rich_clicked-evaluate.vectors.vendor.similarity": KIND + ": a function and its name",
    **{f"rich_chunked_{by}-sources.products.chunk.by": KIND for by in ("tokens", "sentences", "headings")},
    **dict.fromkeys(
        (f"rich_{name}-split.folds" for name in ("folds", "folds_of_groups", "folds_shown")),
        "the SQL cuts, folds.py counts",
    ),
    "rich_augmented-retriever.augmentation.short.source": TABLES,
    "rich_folds_of_groups-evaluate.slices.brand.source": KIND + ": rows of a query, or what is relevant to it",
    "rich_sliced-evaluate.slices.reach": KIND,
    "rich_sliced-evaluate.slices.shop.source": KIND + ": rows of a query, or what is relevant to it",
    "rich_sliced-evaluate.slices.cheap.source": KIND + ": rows of a query, or what is relevant to it",
    "rich_late-retriever.query_expansion.strategy": "a fixed length is what is read of a query",
    "rich_mined_negatives-retriever.negatives.model": KIND + ": a model is trained first",
    "rich_mined_negatives-retriever.negatives.sampling_strategy": KIND + ": by lot needs a seed",
    "rich_clusters-retriever.negatives.take": KIND,
    "rich_matryoshka-retriever.matryoshka.layers": KIND,
    "rich_both-split.unit": KIND + ": a column instead of the text",
    "rich_set_fit-classifier.seeds": "the lot and the training start from the first, repeats.py has the others",
    "rich_set_fit-classifier.precision": KIND + ": `auto` asks the machine",
    "rich_set_fit-classifier.train.loss": KIND,
    "rich_set_fit-evaluate.primary": KIND + ": each metric is a function",
    "rich_set_fit-evaluate.metrics": KIND + ": each metric is a function",
    "rich_fine_tune-classifier.freeze.embeddings": KIND,
    "rich_fine_tune-classifier.class_weights": KIND,
    "rich_fine_tune_chosen-classifier.freeze": KIND,
    "rich_fine_tune_chosen-classifier.train.select.metric": KIND,
    "rich_fine_tune_chosen-classifier.train.select.on": NOWHERE,
    "rich_fine_tune_chosen-classifier.train.select.every": "a checkpoint is measured when it is saved: two arguments of the trainer",
    "rich_fine_tune_chosen-split.unit": KIND + ": a column instead of the id",
    "rich_scored-objectives.items.score": "the judgments keep the score beside the grade that it gives",
    "rich_loss_cosent-evaluate.primary": KIND + ": each metric is a function",
    "rich_loss_cosent-evaluate.metrics": KIND + ": each metric is a function",
    "rich_linear_probe-evaluate.slices.maker.source": TABLES,
    "rich_exported-index.export": KIND + ": each store has a loader",
    "rich_scalar_quantizer-index.codes": KIND + ": bytes are learnt, halves are not",
}
"""Rich spec and path -> why a changed value does not change exactly one line."""


OF_OBJECTIVES = {
    **dict.fromkeys(("of", "events", "rows", "answers", "asked"), TABLES),
    **dict.fromkeys(("weight", "symmetric", "one_row"), KIND),
    "action": "it is asked whether an event counts, and whether it is a purchase",
    "bought": "a purchase is an event that counts as well",
}
"""Field of an objective -> the same."""


def is_exception(edit: Edit) -> bool:
    section, field = edit.leaf.path.partition(".")[0], edit.leaf.path.rpartition(".")[2]
    listed = name(edit) in EXCEPTIONS or edit.leaf.path == "evaluate.baselines"
    return listed or (section == "objectives" and field in OF_OBJECTIVES)


def name(edit: Edit) -> str:
    return f"{edit.base}-{edit.leaf.path}"


def changed_lines(edit: Edit) -> list[str]:
    """Each line that is new, gone or changed, as `file: line`; a line in the place of another counts once."""
    found: list[str] = []
    for file in sorted({*edit.files, *edit.edited} - {"manifest.json", "requirements.txt"}):
        before, after = (files.get(file, "").splitlines() for files in (edit.files, edit.edited))
        for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                found += [f"{file}: {line}" for line in (after[c:d] if d - c >= b - a else before[a:b])]
    return found


@pytest.mark.parametrize("edit", edits(), ids=name)
def test_one_value_is_one_line(edit: Edit) -> None:
    lines = changed_lines(edit)
    if is_exception(edit):
        assert len(lines) != 1, f'"{name(edit)}" is no exception any more'
    else:
        assert len(lines) == 1, "\n".join(lines)


def test_exceptions_are_fields_of_the_rich_specs() -> None:
    assert set(EXCEPTIONS) <= {name(edit) for edit in edits()}


UNMAPPED = {
    "name": "stands in the README's heading",
    "retriever.adaptation.embeddings": "a line that is there or not",
    "retriever.train.sampler": "a member of the library's enumeration",
    "reranker.train.sampler": "a member of the library's enumeration",
    "reranker.activation": "a class of the library",
    "reranker.loss.weighting": "a class of the library",
    "retriever.teacher.precision": "a line of the number format, which is no value of the spec",
    "sources.products.text": "the first of several lines is named",
    "retriever.augmentation.short.text": "the first of several lines is named",
    "sources.claims.text": "the first of several lines is named",
    "sources.products.if_empty.size": "a line of the text",
}
"""Paths of which the manifest does not name the line that changes."""


@pytest.mark.parametrize("edit", [edit for edit in edits() if not is_exception(edit)], ids=name)
def test_the_manifest_names_the_line_that_changes(edit: Edit) -> None:
    places = json.loads(edit.edited["manifest.json"])["fields"].get(edit.leaf.path, [])
    assert any(differs(edit, place) for place in places) == (edit.leaf.path not in UNMAPPED), places


def differs(edit: Edit, place: str) -> bool:
    """Whether the line at `file:number` is another one after the edit."""
    file, _, number = place.partition(":")
    before, after = (files[file].splitlines()[int(number) - 1] for files in (edit.files, edit.edited))
    return before != after
