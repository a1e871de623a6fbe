"""Rules about what a retriever is measured at: whether the rows say it, and whether the rest of the spec fits."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.baselines import BASELINES
from specforge.catalog.evidence import ScoredPairs
from specforge.catalog.tasks import TASKS
from specforge.checks.words import listed
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec

_PRIMARY: Keys = ("evaluate", "primary")


def rows(spec: Spec, source: Source) -> Iterator[Problem]:
    """The objective that counts gives the rows that the metric is of."""
    task = TASKS[spec.task]
    if task.needs is not None and task.needs not in spec.objectives[spec.primary].measured():
        message = f'metric "{spec.evaluate.primary}" needs {task.rows}, and "{spec.primary}" does not give them'
        hint = f'{task.cure}; or rank, and measure "nDCG@10"'
        yield Problem("SF113", message, source.value_span(_PRIMARY), _PRIMARY, hint)


def index_given(spec: Spec, source: Source) -> Iterator[Problem]:
    """Documents are ranked by an index."""
    if spec.ranks and spec.encoder is not None and spec.index is None:
        keys: Keys = ("evaluate",)
        message = 'the spec needs "index", because documents are ranked'
        yield Problem("SF003", message, source.key_span(keys), keys, 'add "index: {kind: flat}"')


def threshold_given(spec: Spec, source: Source) -> Iterator[Problem]:
    """What ranks asks from which score on a document is relevant."""
    for name, objective in spec.objectives.items():
        if not isinstance(objective, ScoredPairs) or objective.relevant_from is not None:
            continue
        if spec.ranks:
            keys: Keys = ("objectives", name)
            message = f'"{name}" needs "relevant_from", because documents are ranked'
            hint = '"relevant_from" is the lowest score that makes two documents relevant to each other'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)


def baselines_can(spec: Spec, source: Source) -> Iterator[Problem]:
    """A baseline can do what is measured."""
    fitting = [name for name, baseline in BASELINES.items() if spec.task in baseline.tasks]
    for key in ("baselines", "fuse") if spec.ranks else ("baselines",):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if name not in fitting:
                keys: Keys = ("evaluate", key, row)
                title = TASKS[spec.task].title
                message = f'baseline "{name}" does not fit metric "{spec.evaluate.primary}", where {title}'
                yield Problem("SF113", message, source.value_span(keys), keys, f"those that fit are {listed(fitting)}")


def whole(spec: Spec, source: Source) -> Iterator[Problem]:
    """What repeats or cuts a ranking is of rankings."""
    if spec.ranks:
        return
    why = f'is of rankings, and "{spec.evaluate.primary}" is of {spec.task}'
    if spec.folds:
        keys: Keys = ("split", "folds")
        hint = 'leave it out: "test" is then the share that is held out'
        yield Problem("SF113", f'"folds" {why}', source.key_span(keys), keys, hint)
    for name, table in spec.sources.items():
        if table.chunk is not None:
            keys = ("sources", name, "chunk")
            hint = 'leave it out: texts are read up to "max_length" tokens'
            yield Problem("SF113", f'"chunk" {why}', source.key_span(keys), keys, hint)


RULES = (rows, index_given, threshold_given, baselines_can, whole)
