"""Rules about the family of a retriever: what can index it, what can stand beside it, and what its base must bring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specforge.catalog.baselines import BASELINES
from specforge.catalog.families import FAMILIES
from specforge.catalog.negatives import Clusters, Mined
from specforge.checks.words import listed
from specforge.models import read_object
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Spec
from specforge.spec.retriever import LateInteraction, Retriever


def index(spec: Spec, source: Source) -> Iterator[Problem]:
    """An index holds what the family makes of a text."""
    if spec.encoder is None or spec.index is None:
        return
    family, keys = FAMILIES[spec.encoder.family], ("index", "kind")
    if spec.index.kind not in family.indexes:
        message = f'index "{spec.index.kind}" holds one vector a text, and "{spec.encoder.family}" has {family.title}'
        hint = f"indexes that fit are {listed(family.indexes)}"
        yield Problem("SF205", message, source.value_span(keys), keys, hint)


def neighbours(spec: Spec, source: Source) -> Iterator[Problem]:
    """Neighbours of documents are found by one vector of each."""
    if spec.encoder is None or FAMILIES[spec.encoder.family].dense:
        return
    family = FAMILIES[spec.encoder.family]
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if BASELINES[name].dense and BASELINES[name].of_items:
                keys: Keys = ("evaluate", key, row)
                message = (
                    f'baseline "{name}" compares one vector a text, and "{spec.encoder.family}" has {family.title}'
                )
                yield Problem("SF113", message, source.value_span(keys), keys, f'leave "{name}" out')


def adapted(spec: Spec, source: Source) -> Iterator[Problem]:
    """A part that begins at random is trained whole."""
    retriever, keys = spec.encoder, ("retriever", "adaptation", "kind")
    if retriever is None or retriever.adaptation.kind in FAMILIES[retriever.family].adaptations:
        return
    message = f'adaptation "{retriever.adaptation.kind}" does not fit family "{retriever.family}"'
    hint = "its last part may begin at random, and is trained with all the rest"
    yield Problem("SF003", message, source.value_span(keys), keys, hint)


def negatives(spec: Spec, source: Source) -> Iterator[Problem]:
    """Negatives are looked for among vectors, one a text."""
    retriever, keys = spec.encoder, ("retriever", "negatives")
    if retriever is None or FAMILIES[retriever.family].dense:
        return
    for one in retriever.kinds_of_negatives:
        if isinstance(one, Mined | Clusters):
            message = f'negatives "{one.kind}" need one vector a text, and family "{retriever.family}" has none'
            yield Problem("SF003", message, source.key_span(keys), keys, 'take "bm25" or "random"')


def measured(spec: Spec, source: Source) -> Iterator[Problem]:
    """Other tasks than ranking compare two vectors."""
    if spec.ranks or spec.encoder is None or FAMILIES[spec.encoder.family].dense:
        return
    keys: Keys = ("evaluate", "primary")
    message = f'metric "{spec.evaluate.primary}" needs one vector a text, and family "{spec.encoder.family}" has none'
    yield Problem("SF113", message, source.value_span(keys), keys, 'rank, and measure "nDCG@10"')


def expansion(spec: Spec, source: Source) -> Iterator[Problem]:
    """A query cannot be filled up to more tokens than are read of it."""
    retriever = spec.encoder
    if not isinstance(retriever, LateInteraction) or retriever.query_expansion in (None, "none"):
        return
    filled = retriever.query_expansion
    assert filled is not None and filled != "none"
    if filled.strategy == "min" and filled.length > retriever.query_length:
        keys: Keys = ("retriever", "query_expansion", "length")
        place = keys if keys in source.places else keys[:2]
        message = f"queries are filled up to {filled.length} tokens, and {retriever.query_length} of a query are read"
        hint = f'set "query_length: {filled.length}", or more'
        yield Problem("SF003", message, source.value_span(place), place, hint)


RULES = (adapted, negatives, measured, index, neighbours, expansion)


def base(spec: Spec, source: Source, folder: Path | None) -> Iterator[Problem]:
    """What the base's own files say of its last part. `folder` is where they lie; None where they are not at hand."""
    retriever = spec.encoder
    if retriever is None or folder is None or not FAMILIES[retriever.family].starts_anew:
        return
    if _ready(retriever, folder):
        return
    keys: Keys = ("retriever", "base")
    for place in _untrained(spec):
        message = f"the base model is no {_MODELS[retriever.family]}: {_RANDOM[retriever.family]} is random until it is trained"
        hint = (
            "an untrained system says nothing about the base; leave it out"
            if place[0] == "evaluate"
            else _HINTS[retriever.family]
        )
        yield Problem("SF407", message, source.value_span(place), place, hint)
    if retriever.family == "sparse_encoder" and spec.train is not None:
        message = "the base model guesses no masked words: what gives words their weights begins at random"
        yield Problem("SF408", message, source.value_span(keys), keys, _HINTS[retriever.family])


_MODELS = {"sparse_encoder": "model of masked words", "late_interaction": "late-interaction model"}
_RANDOM = {"sparse_encoder": "what gives words their weights", "late_interaction": "the projection of its tokens"}
_HINTS = {
    "sparse_encoder": 'take a model with a masked-language head, such as "distilbert/distilbert-base-uncased", or a trained SPLADE',
    "late_interaction": 'train it, or take a trained one, such as "lightonai/GTE-ModernColBERT-v1"',
}


def _untrained(spec: Spec) -> Iterator[Keys]:
    """The places where the spec asks for figures of the base model as it comes."""
    if spec.train is None:
        yield ("retriever", "train")
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if BASELINES[name].dense:
                yield ("evaluate", key, row)


def _ready(retriever: Retriever, folder: Path) -> bool:
    """Whether the base has every part that the family needs, as its files say."""
    architectures = read_object(folder / "config.json").get("architectures")
    names = [str(name) for name in architectures] if isinstance(architectures, list) else []
    kind = read_object(folder / "config_sentence_transformers.json").get("model_type")
    if retriever.family == "sparse_encoder":
        return kind == "SparseEncoder" or any(name.endswith("ForMaskedLM") for name in names)
    own = kind in ("MultiVectorEncoder", "ColBERT") or any(
        name == "HF_ColBERT" or name.endswith("ForRetrieval") for name in names
    )
    wanted = retriever.dimension if isinstance(retriever, LateInteraction) else None
    return own and wanted in (None, _dimension(folder))


def _dimension(folder: Path) -> object:
    """The length of a token's vector: of the last projection."""
    found: object = None
    for config in sorted(folder.glob("*_Dense/config.json")):
        found = read_object(config).get("out_features", found)
    return found
