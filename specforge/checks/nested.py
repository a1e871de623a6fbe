"""The rules about vectors that may be cut to fewer dimensions."""

from __future__ import annotations

from collections.abc import Iterator

from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec
from specforge.spec.retriever import Matryoshka

_KEYS: Keys = ("retriever", "matryoshka")


def _asked(spec: Spec) -> Matryoshka | None:
    return spec.matryoshka if spec.loss is not None else None


def lengths(spec: Spec, source: Source) -> Iterator[Problem]:
    """Each length once, each with a weight, and no more a step than there are."""
    value = _asked(spec)
    if value is None:
        return
    number = len(value.dimensions)
    if len(set(value.dimensions)) < number:
        keys: Keys = (*_KEYS, "dimensions")
        yield Problem("SF003", '"dimensions" has a length twice', source.value_span(keys), keys, "name each once")
    if value.weights is not None and len(value.weights) != number:
        keys = (*_KEYS, "weights")
        message = f'"weights" has {len(value.weights)} entries, and "dimensions" has {number}'
        yield Problem("SF003", message, source.value_span(keys), keys, "each length has a weight")
    if value.dimensions_per_step is not None and value.dimensions_per_step >= number:
        keys = (*_KEYS, "dimensions_per_step")
        message = f'"dimensions_per_step" has no effect: there are {number} lengths, and all are taken'
        yield Problem("SF401", message, source.key_span(keys), keys, "leave it out")


def cached_layers(spec: Spec, source: Source) -> Iterator[Problem]:
    """A loss that goes through the model in mini batches computes its gradients when the layers are hidden again."""
    value, loss = _asked(spec), spec.loss
    if value is None or loss is None or not (value.layers and loss.cached):
        return
    keys: Keys = (*_KEYS, "layers")
    message = f'"layers" cannot train with loss "{loss.kind}", which is cached'
    hint = f'take loss "{loss.kind.removeprefix("cached_")}", or leave "layers" out: dimensions alone fit'
    yield Problem("SF109", message, source.value_span(keys), keys, hint)


def layers_of_none(spec: Spec, source: Source) -> Iterator[Problem]:
    """A static model has no layer before the last."""
    value = _asked(spec)
    if value is not None and value.layers and spec.static is not None:
        keys: Keys = (*_KEYS, "layers")
        message = '"layers" trains layers before the last, and a static model has none'
        yield Problem("SF003", message, source.value_span(keys), keys, 'leave "layers" out: dimensions alone fit')


def scaled(spec: Spec, source: Source) -> Iterator[Problem]:
    """Vectors that are cut are scaled to length 1, so that inner products are cosines."""
    if spec.encoder is None or spec.encoder.similarity == "cosine":
        return
    hint = 'set "similarity: cosine"'
    if spec.truncate_dim is not None:
        keys: Keys = ("retriever", "truncate_dim")
        message = (
            f'"truncate_dim" scales vectors to length 1, and the retriever compares by "{spec.encoder.similarity}"'
        )
        yield Problem("SF112", message, source.key_span(keys), keys, hint)
    if _asked(spec) is not None:
        message = f'"matryoshka" trains cosines, and the retriever compares by "{spec.encoder.similarity}"'
        yield Problem("SF112", message, source.key_span(_KEYS), _KEYS, hint)
    if spec.evaluate.dimensions:
        keys = ("evaluate", "dimensions")
        message = f'"dimensions" compares by cosine, and the retriever by "{spec.encoder.similarity}"'
        yield Problem("SF113", message, source.key_span(keys), keys, hint)


def without_vectors(spec: Spec, source: Source) -> Iterator[Problem]:
    """Words have no dimensions to cut."""
    keys: Keys = ("evaluate", "dimensions")
    if spec.encoder is None and spec.evaluate.dimensions:
        message = f'"dimensions" has no effect: family "{spec.retriever.family}" has no vectors'
        yield Problem("SF401", message, source.key_span(keys), keys, "leave it out")


def longer_than_the_model(spec: Spec, source: Source, dimension: int | None) -> Iterator[Problem]:
    """Vectors are cut, not stretched; `dimension` is the base model's, where it is known."""
    asked, whole = _asked(spec), spec.whole_dimension(dimension)
    places: tuple[tuple[Keys, tuple[int, ...], int | None], ...] = (
        ((*_KEYS, "dimensions"), asked.dimensions if asked else (), whole),
        (("retriever", "truncate_dim"), (spec.truncate_dim,) if spec.truncate_dim else (), whole),
        (("evaluate", "dimensions"), spec.evaluate.dimensions, spec.dimension(dimension)),
    )
    for keys, lengths, most in places:
        if most is not None and lengths and max(lengths) > most:
            whose = "the base model has" if most == whole else '"truncate_dim" leaves'
            message = f'"{keys[-1]}" asks for {max(lengths)}, and {whose} {most}'
            yield Problem("SF003", message, source.value_span(keys), keys, f"name lengths up to {most}")


def cut_as_trained(spec: Spec, source: Source) -> Iterator[Problem]:
    """Vectors are cut to a length at which they were trained to be cut."""
    asked, length = _asked(spec), spec.truncate_dim
    if asked is None or length is None or length in asked.dimensions:
        return
    keys: Keys = ("retriever", "truncate_dim")
    message = f'vectors are cut to {length}, which "matryoshka" does not train'
    lengths = ", ".join(map(str, sorted(asked.dimensions)))
    yield Problem("SF003", message, source.value_span(keys), keys, f"it trains {lengths}")


RULES = (lengths, cached_layers, layers_of_none, scaled, cut_as_trained, without_vectors)
