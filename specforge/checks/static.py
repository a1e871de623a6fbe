"""Rules across the sections of a spec: what can be known without looking at data or models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from specforge import named, references, rerankers, wording
from specforge.catalog.baselines import BASELINES
from specforge.catalog.evidence import Evidence
from specforge.catalog.metrics import METRICS, UNRANKED, names, of_retriever, parse
from specforge.catalog.objectives import Grouped
from specforge.catalog.roles import columns
from specforge.catalog.splits import ByTime
from specforge.checks import (
    adaptation,
    answers,
    augmentations,
    bases,
    chunks,
    classifiers,
    curves,
    dead,
    evidence,
    families,
    hybrids,
    indexes,
    losses,
    mixtures,
    negatives,
    nested,
    places,
    reranking,
    rivals,
    selections,
    slices,
    tasks,
    teachers,
)
from specforge.checks.words import clipped, listed
from specforge.problems import Keys, Problem, in_order
from specforge.rerankers import trained as reranked
from specforge.rivals import fitting
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Classification, Experiment, Spec

_OTHER_NAMES = {
    "recall": "R",
    "precision": "P",
    "mrr": "RR",
    "map": "AP",
    "hit": "Success",
    "hits": "Success",
    "hitrate": "Success",
    "hit_rate": "Success",
    "hr": "Success",
    "rho": "Spearman",
    "spearmanr": "Spearman",
    "pearsonr": "Pearson",
    "average_precision": "AP",
    "triplet_accuracy": "TripletAccuracy",
    "v_measure": "VMeasure",
}
"""What metrics are called elsewhere -> their name here."""

_RESERVED = ("store", "by_hand")
"""Folders of `runs/` that no run may be called like."""


def check(spec: Experiment, source: Source) -> list[Problem]:
    """Every mistake that the spec alone shows, by place."""
    found = [problem for rule in EVERYWHERE for problem in rule(spec, source)]
    if isinstance(spec, Spec):
        rules = [*RULES, *(OF_ENCODERS if spec.encoder is not None else ())]
        found += [problem for rule in rules for problem in rule(spec, source)]
    if isinstance(spec, Classification):
        found += [problem for rule in classifiers.RULES for problem in rule(spec, source)]
    return in_order(found)


def reserved_name(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A name that a folder of every project has already."""
    if spec.name in _RESERVED:
        message = f'"name" must not be "{spec.name}", which is a folder of "runs"'
        yield Problem("SF003", message, source.value_span(("name",)), ("name",), "give the experiment another name")


def printable(spec: Experiment, source: Source) -> Iterator[Problem]:
    """Names of files and columns are copied into code and messages, where an invisible character misleads."""
    for keys, text in _names_of_data(spec):
        bad = next((character for character in text if not character.isprintable()), None)
        if bad is not None:
            message = f'"{_field(keys)}" holds the character U+{ord(bad):04X}, which does not print'
            yield Problem("SF003", message, source.value_span(keys), keys, "rename the file or column")


def _names_of_data(spec: Experiment) -> Iterator[tuple[Keys, str]]:
    """Every file, model and column that the spec names."""
    yield from ((one.keys, one.model) for one in named.models(spec))
    yield ("split", "unit"), getattr(spec.split, "unit", "id")
    yield ("split", "column"), getattr(spec.split, "column", "")
    for name, objective in spec.objectives.items():
        yield from ((("objectives", name, one.field), one.column) for one in columns(objective))
    for name, table in spec.sources.items():
        keys: Keys = ("sources", name)
        yield (*keys, "path"), table.path
        yield (*keys, "table"), table.table or ""
        yield (*keys, "id"), table.id or ""
        yield from (((*keys, "read_as", column), column) for column in table.read_as)
        for place, text in wording.templates(name, spec):
            yield from ((place, column) for _, column in wording.fields(text))
        if table.join is not None:
            yield (*keys, "join", "on"), table.join.on
            yield (*keys, "join", "key"), table.join.key or ""
            yield from (((*keys, "join", "columns", row), column) for row, column in enumerate(table.join.columns))


def _field(keys: Keys) -> str:
    return next(str(key) for key in reversed(keys) if isinstance(key, str))


def model_reference(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A model shipped by a package is named with the package's version."""
    for one in named.models(spec):
        if references.parse(one.model, "", hub=True) is None:
            message, hint = places.NO_PACKAGE
            yield Problem("SF003", message, source.value_span(one.keys), one.keys, hint)


def time_column(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A split by time needs to know when events were."""
    for name, objective in spec.objectives.items():
        if spec.split.by_time and getattr(objective, "time", None) is None and spec.split.by in objective.splits:
            keys: Keys = ("objectives", name)
            message = f'"{name}" needs "time", because the split is by time'
            hint = f'"time" is the column of "{getattr(objective, objective.main)}" that says when an event was'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)


def group_sizes(spec: Spec, source: Source) -> Iterator[Problem]:
    """Some size of a group must be left."""
    for name, objective in spec.objectives.items():
        keys: Keys = ("objectives", name, "min_items")
        if isinstance(objective, Grouped) and objective.min_items > objective.max_items:
            message = f'"min_items" is {objective.min_items}, more than "max_items", {objective.max_items}'
            yield Problem("SF003", message, source.value_span(keys), keys, "no group would be left")


def shares(spec: Experiment, source: Source) -> Iterator[Problem]:
    """Something must be left to train on."""
    test, dev = getattr(spec.split, "test", None), getattr(spec.split, "dev", None)
    if isinstance(test, float) and isinstance(dev, float) and test + dev >= 1 and not spec.folds:
        keys: Keys = ("split", "test") if ("split", "test") in source.places else ("split", "dev")
        message = f'"test" and "dev" take {100 * (test + dev):g} % together and leave nothing to train on'
        yield Problem("SF003", message, source.value_span(keys), keys)


def folds(spec: Spec, source: Source) -> Iterator[Problem]:
    """Cross-validation repeats a whole run; it is not combined with what repeats or multiplies parts of it."""
    number, keys = spec.folds, ("split", "folds")
    if number is None:
        return
    span, train = source.key_span(keys), spec.train
    if len(spec.objectives) > 1:
        message = f'"folds" are of one objective, and there are {len(spec.objectives)}'
        yield Problem("SF003", message, span, keys, "measure the objectives in specs of their own, or leave it out")
    if train is not None and len(train.seeds) > 1:
        message = '"folds" and several "seeds" both repeat the training'
        hint = "each fold trains a model of its own: their spread is in the intervals already"
        yield Problem("SF003", message, span, keys, hint)
    dev = getattr(spec.split, "dev", 0.0)
    if 1 / number + dev >= 1:
        message = (
            f'a fold of {number} and "dev" take {100 * (1 / number + dev):g} % together and leave nothing to train on'
        )
        yield Problem("SF003", message, span, keys)


def moments_in_order(spec: Spec, source: Source) -> Iterator[Problem]:
    """What chooses comes before what reports."""
    if isinstance(spec.split, ByTime) and dt.datetime.fromisoformat(spec.split.dev) >= dt.datetime.fromisoformat(
        spec.split.test
    ):
        message = f'"dev" must begin before "test", which begins at {spec.split.test}'
        hint = 'what came before "dev" trains, "dev" to "test" chooses, from "test" on reports'
        yield Problem("SF303", message, source.value_span(("split", "dev")), ("split", "dev"), hint)


def metrics(spec: Spec, source: Source) -> Iterator[Problem]:
    """A metric exists, is of the task of the primary one, and looks no further than rankings are kept."""
    for keys, name in _metrics(spec):
        found, (_, cutoff) = of_retriever(name), parse(name) or ("", None)
        code, (message, hint) = "SF002", ("", "")
        if found is None:
            message, hint = _unknown_metric(name, spec.task)
        elif found.task != spec.task:
            code, message = "SF113", f'metric "{name}" is of {found.task}, and this is {spec.task}'
            hint = f"the metrics of {spec.task} are {listed(names(spec.task))}"
        elif cutoff is not None and cutoff > spec.evaluate.depth:
            code, message = "SF113", f'metric "{name}" looks past the {spec.evaluate.depth} documents that are kept'
            hint = f'set "depth: {cutoff}" in "evaluate", or a smaller cutoff'
        if message:
            yield Problem(code, message, source.value_span(keys), keys, hint)


def _metrics(spec: Spec) -> Iterator[tuple[Keys, str]]:
    yield ("evaluate", "primary"), spec.evaluate.primary
    for row, name in enumerate(spec.evaluate.metrics):
        yield ("evaluate", "metrics", row), name
    train = spec.train
    if train is not None and train.select is not None:
        yield ("retriever", "train", "select", "metric"), train.select.metric
    again = reranked(spec)
    if again is not None and again.select is not None:
        yield ("reranker", "train", "select", "metric"), again.select.metric


def _unknown_metric(name: str, task: str) -> tuple[str, str]:
    """What is wrong with the name of a metric, and the nearest that is right."""
    base, at, cutoff = name.partition("@")
    known = {**UNRANKED, **METRICS}
    near = base if base in known else _OTHER_NAMES.get(base.lower()) or nearest(base, known)
    if near is None:
        return f'unknown metric "{clipped(name)}"', f"the metrics of {task} are {listed(names(task))}"
    wanted = near
    if known[near].cutoff:
        wanted = f"{near}@{cutoff}" if parse(f"{near}@{cutoff}") and cutoff else f"{near}@10"
    if near != base:
        return f'unknown metric "{clipped(name)}"', f'did you mean "{wanted}"?'
    if not known[near].cutoff:
        return f'metric "{near}" has no cutoff, not "{clipped(name)}"', f'write "{near}"'
    said = f'not "{clipped(cutoff)}"' if at else f'as in "{wanted}"'
    return f'metric "{near}" needs a cutoff from 1 to 9999, {said}', f'did you mean "{wanted}"?'


def selection(spec: Spec, source: Source) -> Iterator[Problem]:
    """What selects the retriever's checkpoint, and the reranker's."""
    for section, train in (("retriever", spec.train), ("reranker", rerankers.trained(spec))):
        yield from selections.not_by_test(source, section, train.select if train else None, "queries")


def index_similarity(spec: Spec, source: Source) -> Iterator[Problem]:
    """The index ranks by what training made near."""
    if spec.index is None or spec.encoder is None:
        return
    chosen, wanted = spec.index.similarity, spec.encoder.similarity
    if chosen is not None and chosen != wanted:
        keys = ("index", "similarity")
        message = f'the index ranks by "{chosen}", and the retriever compares by "{wanted}"'
        yield Problem("SF205", message, source.value_span(keys), keys, 'leave "similarity" out of "index"')


def split_fits(spec: Spec, source: Source) -> Iterator[Problem]:
    """An objective is split by what it knows."""
    for name, objective in spec.objectives.items():
        if spec.split.by not in objective.splits:
            keys: Keys = ("split", "by")
            message = f'split "by: {spec.split.by}" does not fit "{name}", which is {objective.kind}'
            yield Problem(
                "SF302", message, source.value_span(keys), keys, f"it is split by {listed(objective.splits, ' or ')}"
            )


def group_column(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A split by group needs to know the groups."""
    for name, objective in spec.objectives.items():
        fits = spec.split.by == "group" and "group" in objective.splits
        if fits and not any(getattr(objective, key, None) for key in ("group", "user")):
            keys: Keys = ("objectives", name)
            message = f'"{name}" needs "group", because the split is by group'
            hint = f'"group" is a column of "{getattr(objective, objective.main)}" whose values fall on one side whole'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)


def baselines_fit(spec: Spec, source: Source) -> Iterator[Problem]:
    """Some baselines know items only, and these queries are texts."""
    if not spec.ranks or all(objective.queries == "documents" for objective in spec.objectives.values()):
        return
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if BASELINES[name].of_items:
                keys: Keys = ("evaluate", key, row)
                message = f'baseline "{name}" needs queries that are items, and here they are texts'
                hint = f"those that fit are {listed(fitting(spec))}"
                yield Problem("SF113", message, source.value_span(keys), keys, hint)


def candidates(spec: Spec, source: Source) -> Iterator[Problem]:
    """Only a log that says what did not answer knows what was shown."""
    if not spec.ranks:
        return
    for name, objective in spec.objectives.items():
        if spec.evaluate.candidates == "shown" and not (isinstance(objective, Evidence) and objective.has_negatives):
            keys: Keys = ("evaluate", "candidates")
            message = f'"{name}" does not know what was shown: {objective.kind} has nothing that is not relevant'
            yield Problem("SF113", message, source.value_span(keys), keys, 'leave "candidates" out, or rank the corpus')


EVERYWHERE = (
    reserved_name,
    printable,
    *places.RULES,
    model_reference,
    bases.revision,
    time_column,
    shares,
    group_column,
    *slices.RULES,
    *answers.RULES,
    *dead.EVERYWHERE,
)
"""Rules of all experiments."""

RULES = (
    candidates,
    split_fits,
    group_sizes,
    folds,
    moments_in_order,
    *losses.RULES,
    *negatives.RULES,
    *teachers.RULES,
    *nested.RULES,
    *augmentations.RULES,
    *families.RULES,
    *reranking.RULES,
    metrics,
    selection,
    index_similarity,
    *indexes.RULES,
    *hybrids.RULES,
    baselines_fit,
    *rivals.RULES,
    *evidence.RULES,
    *mixtures.RULES,
    *chunks.RULES,
    *tasks.RULES,
    *curves.RULES,
    *dead.RULES,
)
"""Rules of retrieval."""

OF_ENCODERS = (*bases.RULES, *adaptation.RULES)
"""Rules about retrievers that encode texts."""
