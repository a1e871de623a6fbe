"""Fields without effect: what a spec says and nothing reads misleads whoever reviews it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from specforge import feeding, references
from specforge.catalog.evidence import Interacted, ScoredPairs
from specforge.catalog.indexes import Quantised
from specforge.catalog.objectives import Grouped, Objective
from specforge.catalog.roles import tables
from specforge.problems import Keys, Problem
from specforge.rerankers import trained as reranked
from specforge.source import Source
from specforge.spec.document import Experiment, Spec
from specforge.spec.retriever import Select


def trains(spec: Spec, objective: str) -> bool:
    """Whether the rows of an objective train."""
    train = spec.train
    return train is not None and (train.mixture is None or train.mixture.get(objective, 0) > 0)


def _select(spec: Spec) -> Select | None:
    train = spec.train
    return train.select if train else None


def _constant(spec: Spec) -> bool:
    train = spec.train
    return train is not None and train.schedule == "constant" and train.warmup > 0


def not_of_hub(spec: Experiment) -> bool:
    """Whether the model is no name on the Hub."""
    return spec.encoder is not None and _lies_elsewhere(spec.encoder.base)


def _lies_elsewhere(model: str) -> bool:
    """Whether it is in a folder or a package; what is malformed is told already."""
    return references.parse(model, "") is not None and references.hub_name(model) is None


def _is_own(spec: Spec) -> bool:
    return spec.static is not None and spec.static.embeddings == "own"


def _fixed_queries(spec: Spec) -> bool:
    filled = getattr(spec.encoder, "query_expansion", None)
    return getattr(filled, "strategy", None) == "fixed"


def _weighs(spec: Spec, others: tuple[str, ...]) -> bool:
    """Whether a regulariser weighs nothing, the `others` left aside."""
    found = getattr(spec.loss, "regulariser", None)
    return found is not None and not any(getattr(found, side) for side in ("document", "query") if side not in others)


def _mixes_one(spec: Spec) -> bool:
    """Whether the parts of a mixture are the parts of one objective, which gives them all."""
    train = spec.train
    return len(spec.objectives) == 1 and train is not None and any((train.mixture or {}).values())


def _reranker_at_rest(spec: Spec) -> bool:
    return spec.reranker is not None and reranked(spec) is None


def _reranker_not_of_hub(spec: Spec) -> bool:
    return spec.reranker is not None and _lies_elsewhere(spec.reranker.base)


def _reranker_constant(spec: Spec) -> bool:
    train = reranked(spec)
    return train is not None and train.schedule == "constant" and train.warmup > 0


def _reranker_selects(spec: Spec) -> bool:
    train = reranked(spec)
    return train is not None and train.select is not None


def _never_rescored(spec: Spec) -> bool:
    return isinstance(spec.index, Quantised) and spec.index.rescore is None


def _none_found(spec: Spec) -> bool:
    return spec.reranker is not None and spec.reranker.negatives.per_positive == 0


def _whole_rows(spec: Spec) -> bool:
    """Whether no objective counts meetings in groups, of which some only judge."""
    return not any(isinstance(objective, Grouped) for objective in spec.objectives.values())


_OF_RANKINGS: tuple[Keys, ...] = (
    ("index",),
    ("evaluate", "candidates"),
    ("evaluate", "fuse"),
    ("evaluate", "depth"),
    ("evaluate", "slices"),
)

_FIELDS: tuple[tuple[Keys, Callable[[Spec], bool], str], ...] = (
    (("retriever", "loss"), lambda spec: spec.train is None, "nothing is trained"),
    (("retriever", "matryoshka"), lambda spec: spec.train is None, "nothing is trained"),
    (("retriever", "negatives"), lambda spec: spec.train is None, "nothing is trained"),
    (("retriever", "revision"), not_of_hub, "the base is no Hub name"),
    (
        ("retriever", "pooling"),
        lambda spec: spec.static is not None,
        "a static model has the mean of its tokens",
    ),
    (("retriever", "static", "dimension"), _is_own, "the base has a dimension of its own"),
    (("retriever", "adaptation"), lambda spec: spec.train is None, "nothing is trained"),
    (("retriever", "query_length"), _fixed_queries, '"query_expansion" fixes the length of queries'),
    (("retriever", "loss", "regulariser", "warmup"), lambda spec: _weighs(spec, ()), "both weights are 0"),
    (
        ("retriever", "loss", "regulariser", "document_threshold"),
        lambda spec: _weighs(spec, ("query",)),
        '"document" has weight 0',
    ),
    (
        ("retriever", "loss", "regulariser", "query_threshold"),
        lambda spec: _weighs(spec, ("document",)),
        '"query" has weight 0',
    ),
    (("index",), lambda spec: spec.encoder is None, "bm25 has no vectors"),
    (("index", "rescore_with"), _never_rescored, 'without "rescore" nothing is compared again'),
    (("reranker", "loss"), _reranker_at_rest, "nothing is trained"),
    (("reranker", "activation"), _reranker_at_rest, "nothing is trained"),
    (("reranker", "negatives"), _reranker_at_rest, "nothing is trained"),
    (("reranker", "revision"), _reranker_not_of_hub, "the base is no Hub name"),
    (("reranker", "negatives", "ranks"), _none_found, '"per_positive" is 0'),
    (("reranker", "train", "mixture"), lambda spec: reranked(spec) is not None, "a reranker is of one objective"),
    (("reranker", "train", "warmup"), _reranker_constant, 'schedule "constant" has no warm-up'),
    (("reranker", "train", "checkpoint_steps"), _reranker_selects, '"select" says when to save'),
    (("split", "test"), lambda spec: bool(spec.folds), '"folds" says what reports'),
    (("evaluate", "objective"), lambda spec: len(spec.objectives) == 1, "there is no other"),
    (("retriever", "train", "mixture"), _mixes_one, "there is one objective"),
    (("split", "judging_groups"), _whole_rows, "no objective counts meetings in groups"),
    (("split", "dev_share"), lambda spec: bool(getattr(spec.split, "dev", ())), '"dev" says what to choose by'),
    (("retriever", "train", "warmup"), _constant, 'schedule "constant" has no warm-up'),
    *((keys, lambda spec: not spec.ranks, "no document is ranked") for keys in _OF_RANKINGS),
    (("retriever", "train", "checkpoint_steps"), lambda spec: _select(spec) is not None, '"select" says when to save'),
)
"""Field, when it has no effect, and why. A field that is not written is a default, and no mistake."""


def fields(spec: Spec, source: Source) -> Iterator[Problem]:
    """Fields that another choice makes idle."""
    for keys, applies, why in _FIELDS:
        if keys in source.places and applies(spec):
            yield idle(source, keys, f'"{keys[-1]}" has no effect: {why}')


def idle(source: Source, keys: Keys, message: str, hint: str = "leave it out") -> Problem:
    """A field without effect."""
    of_a_list = isinstance(keys[-1], int)
    return Problem("SF401", message, source.value_span(keys) if of_a_list else source.key_span(keys), keys, hint)


def sources(spec: Experiment, source: Source) -> Iterator[Problem]:
    """Tables that no objective reads, directly or by a join."""
    used: set[str] = set()
    waiting = [name for one in spec.objectives.values() for _, name, _ in tables(one)]
    while waiting:
        name = waiting.pop()
        used.add(name)
        join = spec.sources[name].join
        waiting += [join.source] if join is not None and join.source not in used else []
    for name in spec.sources:
        if name not in used:
            yield idle(source, ("sources", name), f'source "{name}" has no effect: no objective reads it')


def repeated_ids(spec: Experiment, source: Source) -> Iterator[Problem]:
    """Only the rows of a collection have ids."""
    for name, table in spec.sources.items():
        keys: Keys = ("sources", name, "repeated_ids")
        if table.id is None and keys in source.places:
            yield idle(source, keys, f'"repeated_ids" has no effect: "{name}" has no "id"')


def time(spec: Spec, source: Source) -> Iterator[Problem]:
    """Only splits by time ask when an event was."""
    for name, objective in spec.objectives.items():
        keys: Keys = ("objectives", name, "time")
        if keys in source.places and not spec.split.by_time and not _is_ordered(objective):
            yield idle(source, keys, '"time" has no effect: the split is not by time', _SPLITS)


def _is_ordered(objective: Objective) -> bool:
    """Whether the objective itself asks what came first."""
    return isinstance(objective, Interacted) and objective.history is not None


def group(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A group that is split by hash of its queries stands on both sides; splits by time and by column are the data's own."""
    for name, objective in spec.objectives.items():
        keys: Keys = ("objectives", name, "group")
        if not isinstance(objective, Grouped) and spec.split.by in ("anchor", "item") and keys in source.places:
            message = '"group" keeps nothing apart: the split is not by group'
            hint = 'split "by: group", or accept it where groups are to be drawn together in intervals and no more'
            yield idle(source, keys, message, hint)


_SPLITS = 'leave it out, or split "by: time" or "by: time_then_item"'


def score_range(spec: Spec, source: Source) -> Iterator[Problem]:
    """Only a loss of scores, or a metric of them, reads what they can be."""
    for name, objective in spec.objectives.items():
        keys: Keys = ("objectives", name, "range")
        fed = spec.train is not None and feeding.is_fed(spec) and feeding.shape_of(spec, name) == "scored_pairs"
        measured = name == spec.primary and spec.task == "similarity"
        if keys in source.places and isinstance(objective, ScoredPairs) and not fed and not measured:
            yield idle(source, keys, '"range" has no effect: neither loss nor metric reads the scores')


def mini_batch(spec: Spec, source: Source) -> Iterator[Problem]:
    """A cached loss saves memory only where the batch is larger than what goes through the model at once."""
    train, loss = spec.train, spec.loss
    size = getattr(loss, "mini_batch_size", None)
    if train is None or loss is None or size is None or size < train.batch_size:
        return
    keys: Keys = ("retriever", "loss", "mini_batch_size")
    message = '"mini_batch_size" has no effect: it is no smaller than "batch_size"'
    hint = f'raise "batch_size" above {size}, or take loss "{loss.kind.removeprefix("cached_")}"'
    yield idle(source, keys if keys in source.places else ("retriever", "loss", "kind"), message, hint)


def repeated(spec: Spec, source: Source) -> Iterator[Problem]:
    """Entries of a list that stand there already."""
    section = spec.evaluate
    yield from repeats(source, ("evaluate", "metrics"), section.metrics, (section.primary,))
    yield from repeats(source, ("evaluate", "baselines"), section.baselines or (), ())
    yield from repeats(source, ("evaluate", "dimensions"), section.dimensions, ())
    yield from repeats(source, ("evaluate", "fuse"), section.fuse, ())
    for name, objective in spec.objectives.items():
        yield from repeats(source, ("objectives", name, "reads"), getattr(objective, "reads", ()), ())
    train = spec.train
    yield from repeats(source, ("retriever", "train", "seeds"), train.seeds if train else (), ())


def repeats(source: Source, keys: Keys, names: Iterable[object], before: Iterable[object]) -> Iterator[Problem]:
    """Entries of a list that stand there, or in `before`, already."""
    seen = set[object](before)
    for row, name in enumerate(names):
        if name in seen and keys in source.places:
            yield idle(source, (*keys, row), f'"{name}" has no effect: it is asked for already')
        seen.add(name)


def itself(spec: Spec, source: Source) -> Iterator[Problem]:
    """An untrained model beside, or fused with, itself."""
    if spec.train is not None:
        return
    own, why = ("untuned", "nothing is trained") if spec.encoder else ("bm25", "nothing else retrieves")
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            keys: Keys = ("evaluate", key, row)
            if name == own and keys in source.places:
                yield idle(source, keys, f'"{own}" has no effect: {why}, so it is the system')


def accepted(spec: Experiment, problems: Iterable[Problem]) -> tuple[list[Problem], list[Problem]]:
    """The problems that stand, and those that the spec accepts."""
    found = list(problems)
    return (
        [problem for problem in found if problem.code not in spec.accept],
        [problem for problem in found if problem.code in spec.accept],
    )


_OF_MINED = ("SF106", "SF107")
"""What is known after a stage has found negatives."""


def unused_accepts(spec: Experiment, source: Source, problems: Iterable[Problem]) -> list[Problem]:
    """What the spec accepts and what did not occur; `problems` are all that the checks before a run found."""
    occurred = {problem.code for problem in problems}
    return [
        idle(source, ("accept", code), f'accepting "{code}" has no effect: it does not occur')
        for code in spec.accept
        if code not in occurred
        and not code.startswith("SF5")
        and not (code in _OF_MINED and isinstance(spec, Spec) and feeding.mines(spec))
    ]


EVERYWHERE = (sources, repeated_ids, group)
"""Rules of all experiments."""

RULES = (score_range, fields, time, mini_batch, repeated, itself)
"""Rules of retrieval."""
