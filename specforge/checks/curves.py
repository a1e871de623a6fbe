"""Rules about learning curves: what they are of, and what they need."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import collected
from specforge.catalog.asked import Sql
from specforge.catalog.evidence import SameAttribute
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec

_KEYS: Keys = ("evaluate", "learning_curve")


def fits(spec: Spec, source: Source) -> Iterator[Problem]:
    """A curve is of one retriever that is trained on one objective, and ranks."""
    if not spec.evaluate.learning_curve:
        return
    for code, message, hint in [*_trained(spec), *_alone(spec), *_counted(spec)]:
        yield Problem(code, f'"learning_curve" {message}', source.key_span(_KEYS), _KEYS, hint)


def _trained(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """Something is trained, and dev chooses between steps."""
    if spec.train is None:
        yield "SF003", "trains on parts of the data, and the retriever is not trained", "leave it out"
    elif spec.train.select is None or spec.train.select.every == "epoch":
        message = "has dev choose the steps of each part, which takes checkpoints every so many steps"
        hint = f'add "select: {{metric: {spec.evaluate.primary}, every: 50}}" to "train"'
        yield "SF003", message, hint


def _alone(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """It repeats the training of one retriever, and not what else repeats or stands on it."""
    if not spec.ranks:
        yield "SF113", f'is of rankings, and "{spec.evaluate.primary}" is of {spec.task}', "leave it out"
    if spec.others:
        message = f"is of one objective, and there are {len(spec.objectives)}"
        yield "SF003", message, "carts and answers are not counted together; give each a spec of its own"
    if spec.folds:
        yield "SF003", 'and "folds" are not combined', "every fold would train every part; leave one of them out"
    for what, section in (("a reranker", spec.reranker), ("a hybrid", spec.hybrid)):
        if section is not None:
            yield "SF003", f"and {what} are not combined", "give the retriever alone a spec of its own"


def _counted(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """Rows are left out of a source of their own, by a column of its own; of a query's judgments, none is."""
    value = spec.objectives[spec.primary]
    name = collected.source(spec, value)
    if isinstance(value, Sql):
        return
    join = spec.sources[name].join
    for column in sorted({*collected.columns(spec, value)} & {*(join.columns if join else ())}):
        message = f'counts {value.collected}, and "{name}" has their "{column}" from another source'
        yield "SF003", message, "a part leaves out rows by a column of their own"
    joined = any(one.join is not None and one.join.source == name for one in spec.sources.values())
    if joined or (value.of == name and not isinstance(value, SameAttribute)):
        message = f'leaves out rows of "{name}", which others are made of as well'
        yield "SF003", message, "name its file once more, as a source of its own for the objective"


RULES = (fits,)
