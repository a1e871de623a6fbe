"""Numbers that another value of the spec bounds more narrowly than their own type does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from specforge.catalog.classifiers import SetFit
from specforge.catalog.indexes import Hnsw, InCells
from specforge.catalog.negatives import Mined
from specforge.catalog.objectives import Grouped
from specforge.catalog.stores import STORES
from specforge.problems import Keys
from specforge.source import Data
from specforge.spec.base import Section
from specforge.spec.document import Classification, Spec
from specforge.spec.retriever import LateInteraction, QueryExpansion

Number = int | float


@dataclass(frozen=True)
class Bound:
    """A number with such a bound.

    Attributes:
        place: where it stands.
        fit: the nearest to a number that the rest of the spec allows, the number itself where it does.
        code: what refuses another.
        others: the places, besides its own, that may be named.
    """

    place: str
    fit: Callable[[Section, Number], Number]
    code: str = "SF003"
    others: tuple[str, ...] = ()

    @property
    def keys(self) -> Keys:
        return tuple(self.place.split("."))


def least_and_most(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec)
    value = spec.objectives["it"]
    return min(number, value.max_items) if isinstance(value, Grouped) else number


def something_trains(spec: Section, number: Number) -> Number:
    """Test and dev leave a part of the data; of folds each is a test."""
    folds, test = getattr(spec, "folds", None), getattr(getattr(spec, "split", None), "test", 0.0)
    return min(number, 0.99 * (1 - (1 / folds if folds else test)))


def reachable(spec: Section, number: Number) -> Number:
    """Distances differ by no more than the loss says."""
    gap = spec.loss.gap if isinstance(spec, Spec) and spec.loss is not None else None
    return number if gap is None else min(number, 0.99 * gap)


def sharp(spec: Section, number: Number) -> Number:
    """With cosines from -1 to 1 the loss of the best model, log(1 + (n - 1) / e^2s), is a tenth of log(n) at most."""
    assert isinstance(spec, Spec)
    loss, train, encoder = spec.loss, spec.train, spec.encoder
    if loss is None or train is None or encoder is None or not loss.in_batch or encoder.similarity != "cosine":
        return number
    least = math.log((train.batch_size - 1) / (train.batch_size**0.1 - 1)) / 2
    return max(number, 1.01 * least)


def cold(spec: Section, number: Number) -> Number:
    """The same of a temperature, by which cosines are divided."""
    scale = 1 / number
    wanted = sharp(spec, scale)
    return number if wanted == scale else 1 / wanted


def shorter_than_chunks(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec | Classification)
    chunk = spec.sources["docs"].chunk
    return number if chunk is None else min(number, chunk.size - 1)


def no_longer_than_read(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec)
    retriever = spec.retriever
    filled = retriever.query_expansion if isinstance(retriever, LateInteraction) else None
    by_least = isinstance(filled, QueryExpansion) and filled.strategy == "min"
    return min(number, retriever.query_length) if by_least and isinstance(retriever, LateInteraction) else number


def below_the_highest(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec)
    found = spec.encoder.negatives if spec.encoder is not None and spec.train is not None else None
    return min(number, found.max_score) if isinstance(found, Mined) and found.max_score is not None else number


def no_more_than_ranked(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec)
    return min(number, spec.evaluate.depth)


def no_more_than_found(spec: Section, number: Number) -> Number:
    assert isinstance(spec, Spec) and spec.reranker is not None
    first, last = spec.reranker.negatives.ranks
    return number if spec.reranker.train == "none" else min(number, last - first + 1)


def no_more_than_cells(spec: Section, number: Number) -> Number:
    index = spec.index if isinstance(spec, Spec) else None
    return min(number, index.nlist) if isinstance(index, InCells) and index.nlist else number


def of_stores(key: str) -> Callable[[Section, Number], Number]:
    """What every store can build that the vectors are exported to."""

    def fit(spec: Section, number: Number) -> Number:
        index = spec.index if isinstance(spec, Spec) else None
        names = index.export or () if isinstance(index, Hnsw) else ()
        for least, most in (STORES[name].bounds[key] for name in names if key in STORES[name].bounds):
            number = min(max(number, least), most)
        twice = key == "ef_construction" and "pgvector" in names and isinstance(index, Hnsw)
        return max(number, 2 * index.m) if twice and isinstance(index, Hnsw) else number

    return fit


def as_trained(spec: Section, number: Number) -> Number:
    """Vectors are cut to a length at which they were trained to be cut."""
    asked = spec.matryoshka if isinstance(spec, Spec) and spec.loss is not None else None
    return number if asked is None or number in asked.dimensions else max(asked.dimensions)


def in_twos(spec: Section, number: Number) -> Number:
    return max(4, number - number % 2) if is_supervised(spec) else number


def two_or_more(spec: Section, number: Number) -> Number:
    return max(2, number) if is_supervised(spec) else number


def is_supervised(spec: Section) -> bool:
    """Whether batches hold texts of each class in twos."""
    model = spec.classifier if isinstance(spec, Classification) else None
    return isinstance(model, SetFit) and model.train.loss == "supervised_contrastive"


BOUNDS = (
    Bound("objectives.it.min_items", least_and_most),
    Bound("split.dev", something_trains, others=("split.test", "split.folds")),
    Bound("retriever.loss.margin", reachable, "SF112"),
    Bound("retriever.loss.scale", sharp, "SF112"),
    Bound("retriever.loss.temperature", cold, "SF112"),
    Bound("sources.docs.chunk.overlap", shorter_than_chunks),
    Bound("retriever.query_expansion.length", no_longer_than_read),
    Bound("retriever.negatives.min_score", below_the_highest),
    Bound("retriever.truncate_dim", as_trained),
    Bound("index.nprobe", no_more_than_cells, "SF205"),
    Bound("index.m", of_stores("m"), "SF205", others=("index.ef_construction",)),
    Bound("index.ef_construction", of_stores("ef_construction"), "SF205"),
    Bound("index.ef_search", of_stores("ef_search"), "SF205"),
    Bound("reranker.over", no_more_than_ranked),
    Bound("reranker.negatives.per_positive", no_more_than_found),
    Bound("classifier.train.batch_size", in_twos),
    Bound("objectives.it.per_class", two_or_more),
)


def fitted(model: type[Section], data: dict[str, Data]) -> dict[str, Data]:
    """The same with every such number within its bounds; what is no spec stays as it is."""
    spec = validated(model, data)
    for bound in BOUNDS if spec is not None else ():
        assert spec is not None
        number = number_at(spec, bound.keys)
        wanted = number if number is None else bound.fit(spec, number)
        if wanted is not None and wanted != number:
            data = put(data, bound.keys, wanted)
            spec = model.model_validate(data)
    return data


def validated(model: type[Section], data: Data) -> Section | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def number_at(spec: object, keys: Keys) -> Number | None:
    """The number at a place of a spec, written or by default; None where there is none."""
    for key in keys:
        spec = spec.get(key) if isinstance(spec, Mapping) else getattr(spec, str(key), None)
    return spec if isinstance(spec, int | float) and not isinstance(spec, bool) else None


def put(data: dict[str, Data], keys: Keys, value: Data) -> dict[str, Data]:
    """A copy with another value at a place below sections."""
    first, *rest = keys
    inner = data.get(str(first))
    return {**data, str(first): put(inner if isinstance(inner, dict) else {}, tuple(rest), value) if rest else value}
