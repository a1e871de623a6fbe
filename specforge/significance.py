"""What the differences of a run support: corrected p-values, who beats whom, and what would have been seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from statistics import NormalDist
from typing import Literal, TypedDict, cast

POWER = 2.8
"""1.96 + 0.84: standard errors that a test with two sides at 5 % finds in 80 % of all samples (Sakai 2018)."""

EFFECT = 0.05
"""A difference that an evaluation should be able to see."""

REFERENCES = ("untuned", "linear_probe")
"""What a system is measured against first."""

Outcome = Literal["beats", "does not beat", "loses to"]
Json = dict[str, object]


class Interval(TypedDict):
    """A mean with the ends of its interval."""

    mean: float
    low: float
    high: float


class Difference(TypedDict):
    """A paired difference as evaluation.py writes it; the mean is the difference of two figures where it is of no mean."""

    system: str
    over: str
    metric: str
    mean: float
    low: float
    high: float
    p: float


def holm(values: list[float]) -> list[float]:
    """Holm's step-down correction of p-values (Holm 1979), in the order given."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = highest
    return corrected


def of(metrics: Mapping[str, object]) -> list[Difference]:
    """The comparisons of a run in its primary metric: the family that is corrected together."""
    return [one for one in cast(list[Difference], metrics["differences"]) if one["metric"] == metrics["primary"]]


def outcomes(metrics: Mapping[str, object]) -> list[tuple[Difference, Outcome]]:
    """Who beats whom in the primary metric.

    A system beats another where the interval of their paired difference lies above 0, the p-value is below
    1 - confidence after Holm's correction for all comparisons of the run, and the difference is above 0 with every seed
    that the training was repeated with.
    """
    family, alpha = of(metrics), 1 - cast(float, metrics["confidence"])
    corrected = holm([one["p"] for one in family])
    return [(one, _outcome(one, p, alpha, over_seeds(one, metrics))) for one, p in zip(family, corrected, strict=True)]


def _outcome(one: Difference, p: float, alpha: float, seeds: list[float]) -> Outcome:
    if p >= alpha or one["low"] <= 0 <= one["high"] or min(seeds) <= 0 <= max(seeds):
        return "does not beat"
    return "beats" if one["mean"] > 0 else "loses to"


def over_seeds(one: Difference, metrics: Mapping[str, object]) -> list[float]:
    """The mean difference as every seed has it, the first seed's first."""
    metric, found = one["metric"], [one["mean"]]
    for repeat in cast(Mapping[str, Mapping[str, Mapping[str, float]]], metrics.get("repeats", {})).values():
        fixed = cast(Mapping[str, Mapping[str, Interval]], metrics["systems"])[one["over"]]
        other = repeat[one["over"]][metric] if one["over"] in repeat else fixed[metric]["mean"]
        found.append(repeat[one["system"]][metric] - other)
    return found


def error(one: Interval | Difference, confidence: float) -> float:
    """The standard error that an interval says."""
    return (one["high"] - one["low"]) / (2 * NormalDist().inv_cdf((1 + confidence) / 2))


def detectable(one: Interval | Difference, confidence: float) -> float:
    """The smallest true difference that a test would have found in 80 % of all such samples, by the error that was measured."""
    return POWER * error(one, confidence)


def smallest(deviation: float, units: int) -> float:
    """The smallest true difference that a paired test finds in 80 % of all samples of so many units, whose differences
    deviate so much."""
    return POWER * deviation / math.sqrt(units) if units else 0.0


def corrected(metrics: Mapping[str, object]) -> Json:
    """`differences` and `slices` with `p_holm` beside each p-value: of a metric all comparisons of the run are one family,
    of a slice those of all its parts."""
    found: Json = deepcopy({name: metrics[name] for name in ("differences", "slices") if name in metrics})
    differences = cast(list[Json], found["differences"])
    families = [
        [one for one in differences if one["metric"] == metric]
        for metric in dict.fromkeys(str(one["metric"]) for one in differences)
    ]
    for slice in cast(dict[str, dict[str, list[dict[str, Json]]]], found.get("slices", {})).values():
        families.append([cast(Json, one) for part in slice["parts"] for one in part["over"].values()])
    for family in families:
        for one, p in zip(family, holm([cast(float, one["p"]) for one in family]), strict=True):
            one["p_holm"] = p
    return found
