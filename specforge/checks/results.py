"""Rules about the figures of a run: whether they are possible, and whether the model was worth its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from specforge import significance, systems
from specforge.catalog.metrics import UNRANKED, parse
from specforge.catalog.tasks import TASKS
from specforge.checks import chance
from specforge.checks.chance import SURE, Metrics
from specforge.checks.words import counted, listed
from specforge.problems import Keys, Problem, in_order
from specforge.source import Source
from specforge.spec.document import Classification, Experiment, Spec

_KEYS: Keys = ("evaluate", "primary")
_ROUNDING = 1e-6
_ORACLE_IS_ONE = ("nDCG", "RR", "Success", "Accuracy", "F1")
_RIVALS = ("untuned", "bm25", "word_overlap", "popularity", "majority", "linear_probe")


def _discount(ranks: int) -> float:
    return sum(1 / math.log2(rank + 1) for rank in range(1, ranks + 1))


_CHANCE: dict[str, Callable[[int, int], float]] = {
    "nDCG": lambda k, relevant: relevant * _discount(k) / _discount(min(k, relevant)),
    "R": lambda k, relevant: k,
    "P": lambda k, relevant: relevant,
    "RR": lambda k, relevant: relevant * sum(1 / rank for rank in range(1, k + 1)),
    "AP": lambda k, relevant: k,
    "Success": lambda k, relevant: relevant * k,
}
"""The most that a random ranking expects, times the number of documents: every rank is relevant with the probability
relevant / documents."""


def check(spec: Experiment, source: Source, metrics: Metrics) -> list[Problem]:
    """Every mistake that evaluation/metrics.json shows."""
    measured = [metrics, *metrics.get("others", {}).values()]
    rules = OF_CLASSES if metrics.get("task") == "classification" else POSSIBLE
    found = [problem for one in measured for rule in rules for problem in rule(spec, source, one)]
    return in_order([*found, *not_better(spec, source, metrics)])


def above_oracle(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """No system is better than the best possible answers."""
    best = metrics["sanity"]["oracle"]
    for name, found in metrics["systems"].items():
        for metric, value in (found or {}).items():
            if value["mean"] > best[metric] + _ROUNDING:
                message = f'"{name}" has {metric} {value["mean"]:.4f}, above the best possible, {best[metric]:.4f}'
                yield _impossible(source, message, "the judgments that measured it are not those that are reported")


def oracle_is_one(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """The best possible answers reach the metric's maximum."""
    best = "ranking has" if "task" not in metrics else "answers have"
    hint = "some query has no relevant document, or ids of the judgments are unknown"
    if "task" in metrics:
        hint = "all judgments of the test rows are alike, or contradict each other"
    for metric, value in metrics["sanity"]["oracle"].items():
        known = parse(metric)
        of_one = known is not None and (known[0] in _ORACLE_IS_ONE or (known[1] is None and known[0] in UNRANKED))
        if of_one and abs(value - 1) > _ROUNDING:
            yield _impossible(source, f"the best possible {best} {metric} {value:.4f}, and must have 1", hint)


def random_is_chance(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """A random ranking, or random answers, are near chance."""
    for metric, value in metrics["sanity"]["random"].items():
        if "task" in metrics:
            what, bound = "random answers have", chance.bound(metric, metrics)
            hint = "rows stand several times in the judgments"
        else:
            what, bound = "a random ranking has", chance_bound(metric, metrics["candidates"])
            hint = "queries or relevant documents stand several times in the judgments"
        if value > bound:
            yield _impossible(source, f"{what} {metric} {value:.4f}, and chance allows {bound:.4f}", hint)


def chance_bound(metric: str, candidates: Sequence[Mapping[str, int]]) -> float:
    """What a random ranking's mean does not exceed: the most that it expects, and five standard deviations of the mean.

    `candidates` says how many queries have so many documents to rank, and so many relevant ones among them. A value
    between 0 and 1 with mean m has at most the variance m (1 - m) (Bhatia and Davis 2000).
    """
    known, queries = parse(metric), sum(one["queries"] for one in candidates)
    if known is None or known[1] is None or not queries:
        return 1.0
    k, chance = known[1], _CHANCE[known[0]]
    expected = [min(1.0, chance(min(k, one["documents"]), one["relevant"]) / one["documents"]) for one in candidates]
    mean = sum(one["queries"] * value for one, value in zip(candidates, expected, strict=True)) / queries
    return min(1.0, mean + SURE * math.sqrt(mean * (1 - mean) / queries))


def shuffled_is_chance(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """The classes in another order are right as often as chance has it: the sum of the squared shares of the classes."""
    texts, value = metrics["queries"], metrics["sanity"]["random"].get("Accuracy", 0.0)
    chance = sum((one["test"] / texts) ** 2 for one in metrics["classes"])
    bound = min(1.0, chance + SURE * math.sqrt(chance * (1 - chance) / texts))
    if value > bound:
        message = f"shuffled classes have Accuracy {value:.4f}, and chance allows {bound:.4f}"
        yield _impossible(source, message, "the classes that were counted are not those of the test texts")


def confusion_is_whole(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """Every test text is taken for one class, and those taken for their own make the accuracy."""
    confusion, model = metrics["confusion"], cast(Classification, spec).classifier.family
    counted_texts = sum(sum(taken.values()) for taken in confusion.values())
    right = sum(taken.get(label, 0) for label, taken in confusion.items()) / max(counted_texts, 1)
    value = metrics["systems"][model].get("Accuracy", {"mean": right})["mean"]
    if counted_texts != metrics["queries"] or abs(right - value) > _ROUNDING:
        message = (
            f"of {counted_texts:,} texts in the confusion matrix {right:.4f} are right, and Accuracy is {value:.4f}"
        )
        yield _impossible(source, message, f"there are {counted(metrics['queries'], 'test text')}")


def _impossible(source: Source, message: str, hint: str) -> Problem:
    return Problem("SF504", message, source.value_span(_KEYS), _KEYS, hint)


def not_better(spec: Experiment, source: Source, metrics: Metrics) -> Iterator[Problem]:
    """The model should beat what costs less."""
    system, primary = _system(spec), metrics["primary"]
    rivals = (*_RIVALS, systems.model_system(spec), systems.retrieval(spec)) if isinstance(spec, Spec) else _RIVALS
    lost = [
        one
        for one, outcome in significance.outcomes(metrics)
        if one["system"] == system and one["over"] in rivals and outcome != "beats"
    ]
    if not lost:
        return
    names = [one["over"] for one in lost]
    message = f'"{system}" does not beat {listed(names, " or ")} on {primary}'
    share = f"{100 * metrics['confidence']:g} %"
    evidence = tuple(
        f"over {one['over']}: {one['mean']:+.4f} ({share} {one['low']:+.4f} to {one['high']:+.4f})" for one in lost
    )
    yield Problem("SF505", message, source.value_span(_KEYS), _KEYS, _reasons(spec, names, metrics), evidence)


def _system(spec: Experiment) -> str:
    """What the verdict is about."""
    if isinstance(spec, Spec):
        return systems.system(spec)
    return spec.classifier.family if isinstance(spec, Classification) else ""


def _reasons(spec: Experiment, names: list[str], metrics: Metrics) -> str:
    """What to look at first, the likeliest before the others."""
    unit = TASKS[metrics.get("task", "retrieval")].unit
    reasons = [f"{counted(int(metrics['queries']), *unit)} may be too few (SF307)"]
    if isinstance(spec, Spec) and spec.reranker is not None and systems.retrieval(spec) in names:
        reasons.append("the reranker may need longer training, or more negatives")
    if "untuned" in names:
        reasons.append("training may be too short, or its negatives false (SF105)")
    if "linear_probe" in names:
        reasons.append("training may be too short, or the vectors of the base tell the classes apart already")
    if "majority" in names:
        reasons.append("one class may have nearly all texts")
    if "popularity" in names:
        reasons.append("the judgments may measure popularity")
    if "bm25" in names or "word_overlap" in names:
        reasons.append("the words may say it all, and the model may cut them (SF204)")
    return "; ".join(reasons)


POSSIBLE = (above_oracle, oracle_is_one, random_is_chance)
OF_CLASSES = (above_oracle, oracle_is_one, shuffled_is_chance, confusion_is_whole)
