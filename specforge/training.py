"""The values that the stage that trains a retriever is filled with: the loss, its rows, and the trainer's arguments."""

from __future__ import annotations

from specforge import adapting, augmenting, families, feeding, mining
from specforge.catalog import metrics
from specforge.catalog.families import FAMILIES
from specforge.feeding import roles_of
from specforge.quote import Code
from specforge.spec.document import Spec
from specforge.spec.retriever import Select
from specforge.templating import At

Values = dict[str, object]

SAMPLERS = {
    "no_duplicates": Code("NO_DUPLICATES"),
    "group_by_label": Code("GROUP_BY_LABEL"),
    "random": Code("BATCH_SAMPLER"),
}
"""The members of `sentence_transformers.base.sampler.BatchSamplers`."""


def values(spec: Spec, folder: str) -> Values:
    """The loss and the trainer's arguments; nothing where nothing is trained."""
    retriever, at = spec.encoder, At(spec.retriever, "retriever")
    loss, train = spec.loss, spec.train
    if retriever is None or train is None or loss is None or retriever.sampler is None:
        return {
            "more_seeds": None,
            "fed": None,
            "augmentations": [],
            "mining": None,
            "twice": False,
            "taught": False,
        }
    return {
        "loss": at.loss,
        **_nesting(spec),
        "fed": fed(spec, spec.primary),
        "mining": mining.values(spec),
        "twice": feeding.trains_twice(spec),
        "taught": feeding.teacher(spec) is not None,
        "rows_folder": _rows_folder(spec),
        "pair_columns": _pair_columns(spec),
        "roles": _roles_fed(spec),
        **augmenting.values(spec, roles_of(spec), folder),
        "row_partials": _row_partials(spec),
        "regularised": hasattr(loss, "regulariser"),
        "loss_partial": families.loss_partial(retriever, loss.kind),
        **adapting.values(retriever.adaptation, FAMILIES[retriever.family].trainer, at.adaptation),
        "train": at.train,
        "select": at.train.select,
        "select_depth": At(_cutoff(train.select.metric), at.train.select.metric.trail) if train.select else None,
        "sampler": SAMPLERS[retriever.sampler],
        "saving": saving(train.select, at.train),
        "seed": At(train.seeds[0], at.train.seeds.trail),
        "more_seeds": At(list(train.seeds[1:]), at.train.seeds.trail),
    }


def _rows_folder(spec: Spec) -> str:
    """Where the training rows lie: with what a teacher says of them, else where negatives were found, else as given."""
    if feeding.teacher(spec) is not None:
        return "labels"
    return "mined" if feeding.mines(spec) else "data"


_READ_AS_THEY_ARE = ("pairs", "triplets", "tuples", "scored_triplets", "scored_tuples")
"""Shapes whose rows are trained on as a stage before wrote them."""


def fed(spec: Spec, name: str) -> Values | None:
    """How the rows of an objective reach the loss; None where nothing trains."""
    loss = spec.loss
    if loss is None:
        return None
    shape = feeding.shape_of(spec, name)
    return {
        "shape": shape,
        "read": Code(shape),
        "as_it_is": shape in _READ_AS_THEY_ARE,
        "columns": feeding.columns(spec, name) + feeding.targets(spec, name),
        "rest": shape in ("triplets", "tuples") and "pairs" in loss.takes,
    }


def _pair_columns(spec: Spec) -> list[str]:
    """The columns of rows that are read as they are, of all objectives."""
    names = [name for name in spec.objectives if feeding.shape_of(spec, name) in _READ_AS_THEY_ARE]
    found = (column for name in names for column in feeding.columns(spec, name) + feeding.targets(spec, name))
    return list(dict.fromkeys(found))


def _row_partials(spec: Spec) -> list[str]:
    """The functions that make training rows of other shapes than those that a stage before wrote."""
    found = dict.fromkeys(feeding.shape_of(spec, name) for name in spec.objectives)
    return [f"python/rows/{shape}.py.jinja" for shape in found if shape not in _READ_AS_THEY_ARE]


def _roles_fed(spec: Spec) -> list[Values]:
    """The columns of the training rows that are texts, and the prompt of each."""
    found = dict.fromkeys(one for name in spec.objectives for one in feeding.texts(spec, name))
    return [{"name": column, "prompt": prompt} for column, prompt in found]


def _nesting(spec: Spec) -> Values:
    """At which lengths of the vectors the loss is computed, where at several. Layers are looked at one by one, which takes
    the library's own way through the columns of a batch."""
    value, trail = spec.matryoshka, "retriever.matryoshka"
    found: Values = {"nested_partial": None, "by_length": value is None or not value.layers}
    if value is None:
        return found
    weights = value.weights or [1.0] * len(value.dimensions)
    return found | {
        "nested_partial": f"python/nested/{'layers' if value.layers else 'dimensions'}.py.jinja",
        "nested_dimensions": At(list(value.dimensions), f"{trail}.dimensions"),
        "nested_weights": At(list(weights), f"{trail}.weights"),
        "nested_per_step": At(value.dimensions_per_step or -1, f"{trail}.dimensions_per_step"),
    }


def saving(select: Select | None, at: At) -> Values:
    """When a checkpoint is written: when one is measured, else for the sake of killed runs."""
    if select is None:
        return {"strategy": "steps", "steps": at.checkpoint_steps}
    if select.every == "epoch":
        return {"strategy": At("epoch", at.select.every.trail), "steps": None}
    return {"strategy": "steps", "steps": at.select.every}


def _cutoff(metric: str) -> int | None:
    """The ranks that a metric looks at: 10 for `nDCG@10`; None where nothing is ranked."""
    parsed = metrics.parse(metric)
    assert parsed is not None, "checked before: an unknown metric"
    return parsed[1]
