"""What a spec measures: the system under test, and the baselines beside it."""

from __future__ import annotations

from specforge import rerankers, reranking, rivals
from specforge.catalog.baselines import BASELINES
from specforge.catalog.families import FAMILIES
from specforge.spec.document import Experiment, Spec


def is_tuned(spec: Spec) -> bool:
    """Whether the spec trains anything."""
    return spec.train is not None


def more_seeds(spec: Spec) -> tuple[int, ...]:
    """The seeds that the training is repeated with."""
    return spec.train.seeds[1:] if spec.train else ()


def model_system(spec: Spec) -> str:
    """The name of the system under test."""
    if spec.encoder is None:
        return "bm25"
    return "tuned" if is_tuned(spec) else "untuned"


def retrieval(spec: Spec) -> str:
    """The name of what finds documents: the retriever, or it with the words."""
    return "hybrid" if spec.hybrid else model_system(spec)


def words_place(spec: Spec) -> str:
    """The folder with the index of words: the only one, or one beside that of vectors."""
    return "words" if spec.hybrid else "index"


def system(spec: Spec) -> str:
    """The name of what users get, which the verdict is about: what finds documents, or it with the reranker."""
    return reranking.pipeline(spec, retrieval(spec))


def precision_of(spec: Experiment) -> str:
    """The number format that the model encodes in; nothing where it does not encode."""
    return spec.encoder.precision if spec.encoder else ""


def baselines(spec: Spec) -> list[str]:
    """The baselines beside the system under test, but for the reranker's own."""
    apart = (model_system(spec), rerankers.UNTUNED)
    named = [name for name in dict.fromkeys(asked_baselines(spec)) if name not in apart]
    return [*named, *spec.evaluate.vectors]


def asked_baselines(spec: Spec) -> tuple[str, ...]:
    """The baselines that the spec names, or else all that fit its objectives."""
    if spec.evaluate.baselines is not None:
        return spec.evaluate.baselines
    return tuple(name for name in rivals.fitting(spec) if not BASELINES[name].dense or is_dense(spec))


def is_dense(spec: Spec) -> bool:
    """Whether the retriever makes one vector of a text, as its base does before training."""
    return spec.encoder is not None and FAMILIES[spec.encoder.family].dense


def steps(spec: Spec) -> list[str]:
    """The systems that a pipeline of several steps is made of, the one that users get last; none where it has one step."""
    found = [*(["bm25"] if spec.hybrid else []), model_system(spec), retrieval(spec), system(spec)]
    return list(dict.fromkeys(found)) if spec.ranks and (spec.hybrid or spec.reranker) else []


def reports_index(spec: Spec) -> bool:
    """Whether there is an index to be measured."""
    return spec.ranks and spec.encoder is not None and spec.index is not None


def fused(spec: Spec) -> list[str]:
    """The baselines that are fused with the system under test."""
    return [name for name in dict.fromkeys(spec.evaluate.fuse) if name != model_system(spec)]


def needs_untuned(spec: Spec) -> bool:
    """Whether the base model's vectors are wanted as well as the system's own."""
    named = [*baselines(spec), *fused(spec)]
    return any(name in BASELINES and BASELINES[name].dense for name in named)
