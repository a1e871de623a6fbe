"""Rules about classifiers: what can be known without looking at data or models."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from specforge.catalog.classifiers import Differentiable, FineTune, FineTuning, Frozen, LinearProbe, Pairs, SetFit
from specforge.catalog.metrics import METRICS, names, of_retriever
from specforge.checks import adaptation, selections
from specforge.checks.dead import idle, not_of_hub, repeats
from specforge.checks.words import clipped, listed
from specforge.problems import Keys, Problem
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Classification
from specforge.spec.retriever import Select

_OTHER_NAMES = {"acc": "Accuracy", "macro_f1": "F1", "f1_macro": "F1", "macrof1": "F1"}
"""What metrics are called elsewhere -> their name here."""


def metrics(spec: Classification, source: Source) -> Iterator[Problem]:
    """A metric exists, and is of classes."""
    for keys, name in _metrics(spec):
        found, known = of_retriever(name), listed(names("classification"))
        if found is None:
            near = _OTHER_NAMES.get(name.lower()) or nearest(name, METRICS)
            hint = (
                f'did you mean "{near}"?' if near in names("classification") else f"the metrics of classes are {known}"
            )
            yield Problem("SF002", f'unknown metric "{clipped(name)}"', source.value_span(keys), keys, hint)
        elif name not in names("classification"):
            message = f'metric "{name}" is of {found.task}, and this is classification'
            hint = f"the metrics of classes are {known}"
            yield Problem("SF113", message, source.value_span(keys), keys, hint)


def _metrics(spec: Classification) -> Iterator[tuple[Keys, str]]:
    yield ("evaluate", "primary"), spec.evaluate.primary
    for row, name in enumerate(spec.evaluate.metrics):
        yield ("evaluate", "metrics", row), name
    chosen = select_of(spec)
    if chosen is not None:
        yield ("classifier", "train", "select", "metric"), chosen.metric


def select_of(spec: Classification) -> Select | None:
    """What selects the checkpoint, where something does."""
    return spec.classifier.train.select if isinstance(spec.classifier, FineTune) else None


def selection(spec: Classification, source: Source) -> Iterator[Problem]:
    """What selects the checkpoint."""
    yield from selections.not_by_test(source, "classifier", select_of(spec), "texts")


def learning_rate(spec: Classification, source: Source) -> Iterator[Problem]:
    """An encoder that is tuned learns within a range, with a new head or on pairs; a head alone takes any rate."""
    train, keys = getattr(spec.classifier, "train", None), ("classifier", "train", "learning_rate")
    if isinstance(train, FineTuning | Pairs) and getattr(spec.classifier, "freeze", None) != "all_but_head":
        yield from adaptation.rate_of(source, keys, train.learning_rate, (spec.classifier.family, "full"))


def whole_texts(spec: Classification, source: Source) -> Iterator[Problem]:
    """A class is of a whole text."""
    for name, table in spec.sources.items():
        if table.chunk is not None:
            keys: Keys = ("sources", name, "chunk")
            message = f'"{name}" is cut into chunks, and a class is of a whole text'
            hint = 'leave "chunk" out, and raise "max_length" of "classifier" where texts are cut'
            yield Problem("SF003", message, source.key_span(keys), keys, hint)


def in_twos(spec: Classification, source: Source) -> Iterator[Problem]:
    """Batches of the supervised contrastive loss hold texts of each class in twos."""
    if not isinstance(spec.classifier, SetFit) or not supervised(spec):
        return
    size, drawn = spec.classifier.train.batch_size, spec.objectives[spec.primary].per_class
    why = 'and loss "supervised_contrastive" draws texts of a class in twos'
    if size < 4 or size % 2:
        keys: Keys = ("classifier", "train", "batch_size")
        message = f'"batch_size" is {size}, {why}'
        yield Problem("SF003", message, source.value_span(keys), keys, "set an even number from 4 on")
    if drawn == 1:
        keys = ("objectives", spec.primary, "per_class")
        message = f'"per_class" is 1, {why}'
        yield Problem("SF003", message, source.value_span(keys), keys, "draw 2 or more, or take another loss")


def supervised(spec: Classification) -> bool:
    """Whether the model is tuned on texts with their classes, and not on pairs."""
    return isinstance(spec.classifier, SetFit) and spec.classifier.train.loss == "supervised_contrastive"


def _by_iterations(spec: Classification) -> bool:
    return isinstance(spec.classifier, SetFit) and spec.classifier.train.iterations is not None


def _head_alone(spec: Classification) -> bool:
    head = spec.classifier.head if isinstance(spec.classifier, SetFit) else None
    return isinstance(head, Differentiable) and not head.end_to_end


def _constant(spec: Classification) -> bool:
    train = getattr(spec.classifier, "train", None)
    return isinstance(train, FineTuning) and train.schedule == "constant" and train.warmup > 0


def _nothing_frozen(spec: Classification) -> bool:
    frozen = getattr(spec.classifier, "freeze", None)
    return isinstance(frozen, Frozen) and not frozen.embeddings and not frozen.layers


_FIELDS: tuple[tuple[Keys, Callable[[Classification], bool], str], ...] = (
    (("classifier", "revision"), not_of_hub, "the base is no Hub name"),
    (("classifier", "train", "sampling"), _by_iterations, '"iterations" says how many pairs are drawn'),
    (("classifier", "train", "sampling"), supervised, 'loss "supervised_contrastive" draws no pairs'),
    (("classifier", "train", "iterations"), supervised, 'loss "supervised_contrastive" draws no pairs'),
    (("classifier", "head", "body_learning_rate"), _head_alone, 'without "end_to_end", the head is trained alone'),
    (("classifier", "train", "warmup"), _constant, 'schedule "constant" has no warm-up'),
    (("classifier", "train", "checkpoint_steps"), lambda spec: select_of(spec) is not None, '"select" says when to save'),
    (("classifier", "freeze"), _nothing_frozen, "nothing is frozen"),
)  # fmt: skip
"""Field, when it has no effect, and why. A field that is not written is a default, and no mistake."""


def fields(spec: Classification, source: Source) -> Iterator[Problem]:
    """Fields that another choice makes idle."""
    for keys, applies, why in _FIELDS:
        if keys in source.places and applies(spec):
            yield idle(source, keys, f'"{keys[-1]}" has no effect: {why}')


def itself(spec: Classification, source: Source) -> Iterator[Problem]:
    """A linear probe beside itself."""
    for row, name in enumerate(spec.evaluate.baselines or ()):
        keys: Keys = ("evaluate", "baselines", row)
        if name == spec.classifier.family and keys in source.places:
            yield idle(source, keys, f'"{name}" has no effect: it is the system')


def repeated(spec: Classification, source: Source) -> Iterator[Problem]:
    """Entries of a list that stand there already."""
    section = spec.evaluate
    yield from repeats(source, ("evaluate", "metrics"), section.metrics, (section.primary,))
    yield from repeats(source, ("evaluate", "baselines"), section.baselines or (), ())
    yield from repeats(source, ("classifier", "seeds"), spec.classifier.seeds, ())
    if isinstance(spec.classifier, LinearProbe):
        yield from repeats(source, ("classifier", "c"), spec.classifier.c, ())


RULES = (metrics, selection, learning_rate, whole_texts, in_twos, fields, itself, repeated)
