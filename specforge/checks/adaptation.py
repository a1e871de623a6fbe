"""Rules about how the base model is adapted: what goes together, and learning rates that cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.catalog.adaptations import LEARNING_RATES
from specforge.checks.words import clipped, listed
from specforge.models import Model
from specforge.problems import Keys, Problem
from specforge.quote import python
from specforge.shapes import nearest
from specforge.source import Source
from specforge.spec.document import Spec

_KEYS: Keys = ("retriever", "adaptation")
_STATIC: Keys = ("retriever", "static")


def learning_rate(spec: Spec, source: Source) -> Iterator[Problem]:
    """Each adaptation learns within a range of its own: LoRA and static embeddings want much more than whole encoders."""
    train = spec.train
    if train is None:
        return
    retriever = spec.encoded
    family, kind = "static" if spec.static else retriever.family, retriever.adaptation.kind
    what = "a static model" if spec.static else _TRAINED[kind]
    keys: Keys = ("retriever", "train", "learning_rate")
    yield from rate_of(source, keys, train.learning_rate, (family, kind), what)


def rate_of(
    source: Source, keys: Keys, rate: float, kind: tuple[str, str], what: str = "a whole encoder"
) -> Iterator[Problem]:
    """A rate outside the range of a family and adaptation."""
    low, high = LEARNING_RATES.get(kind, (0.0, 1.0))
    if low <= rate <= high:
        return
    side = "below" if rate < low else "above"
    message = f"learning rate {python(rate)} is {side} what {what} learns by: {_range(low, high)}"
    hint = "nothing would be learnt" if side == "below" else "the base would be forgotten, or training would not settle"
    yield Problem("SF110", message, source.value_span(keys), keys, hint)


_TRAINED = {"full": "a whole encoder", "freeze": "a part of an encoder", "lora": "LoRA"}


def _range(low: float, high: float) -> str:
    return f"{python(low)} to {python(high)}"


def frozen(spec: Spec, source: Source) -> Iterator[Problem]:
    """Freezing says how much, once."""
    adaptation = spec.encoded.adaptation
    if adaptation.kind != "freeze":
        return
    if adaptation.layers is not None and adaptation.all_but_last is not None:
        keys: Keys = (*_KEYS, "all_but_last")
        message = '"layers" and "all_but_last" both say which layers are frozen'
        yield Problem("SF003", message, source.key_span(keys), keys, "give one of them")
    elif not adaptation.embeddings and adaptation.layers is None and adaptation.all_but_last is None:
        message = '"freeze" leaves the embeddings and every layer to be trained'
        yield Problem(
            "SF003", message, source.key_span(_KEYS), _KEYS, 'set "layers" or "all_but_last", or leave it out'
        )


def static_fits(spec: Spec, source: Source) -> Iterator[Problem]:
    """A model without layers has nothing to freeze, to adapt or to pool, and no batch that could be cut."""
    section, retriever = spec.static, spec.encoded
    if section is None:
        return
    if retriever.adaptation.kind != "full":
        message = f'adaptation "{retriever.adaptation.kind}" needs layers, and a static model has none'
        yield Problem("SF003", message, source.key_span(_KEYS), _KEYS, 'leave "adaptation" out')
    if retriever.loss is not None and retriever.loss.cached and spec.train is not None:
        keys: Keys = ("retriever", "loss", "kind")
        message = f'loss "{retriever.loss.kind}" cuts batches, which those of a static model cannot be'
        own = (
            "multiple_negatives_ranking" if retriever.loss.retokenizes else retriever.loss.kind.removeprefix("cached_")
        )
        hint = f'take loss "{own}": memory is no matter here'
        yield Problem("SF003", message, source.value_span(keys), keys, hint)
    if section.embeddings == "random" and section.dimension is None:
        message = '"static" needs "dimension", because its embeddings are random'
        yield Problem("SF003", message, source.key_span(_STATIC), _STATIC, "256 to 1024 are usual")


def targets(spec: Spec, source: Source, base: Model) -> Iterator[Problem]:
    """The layers that a list names are layers of the model, where the names of its weights are known."""
    adaptation = spec.encoded.adaptation
    if adaptation.kind != "lora" or not isinstance(adaptation.target, tuple) or not base.shapes:
        return
    layers = [name.removesuffix(".weight") for name, shape in base.shapes.items() if len(shape) == 2]
    known = list(dict.fromkeys(layer.rpartition(".")[2] for layer in layers if "embed" not in layer))
    for row, name in enumerate(adaptation.target):
        if not any(f".{layer}".endswith(f".{name}") for layer in layers):
            keys: Keys = (*_KEYS, "target", row)
            near = nearest(name, known)
            hint = f'did you mean "{near}"?' if near else f"its layers are called {listed(known)}"
            yield Problem(
                "SF003", f'the base model has no layer "{clipped(name)}"', source.value_span(keys), keys, hint
            )


RULES = (learning_rate, frozen, static_fits)
