"""The closing line of a run: what a paired test supports, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

from specforge.catalog.tasks import TASKS

_UNITS = {name: task.unit[1].removeprefix("test ") for name, task in TASKS.items()}
"""Task -> what was resampled."""
_REFERENCES = ("untuned", "linear_probe")
"""What a system is measured against first."""


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


def verdict(metrics: Mapping[str, object]) -> list[str]:
    """One line for each system under test: against its reference (untuned, or the linear probe) with figures, then what it
    beats, and what it does not.

    A system beats another where the interval of their paired difference lies above 0, the p-value is below
    1 - confidence after Holm's correction (Holm 1979) for all comparisons of that system, and the difference is above 0
    with every seed that the training was repeated with.
    """
    primary = str(metrics["primary"])
    differences = [one for one in cast(list[Difference], metrics["differences"]) if one["metric"] == primary]
    alpha = 1 - cast(float, metrics["confidence"])
    systems = dict.fromkeys(one["system"] for one in differences)
    return [
        _line(system, [one for one in differences if one["system"] == system], alpha, metrics) for system in systems
    ]


def _line(system: str, differences: list[Difference], alpha: float, metrics: Mapping[str, object]) -> str:
    corrected = holm([one["p"] for one in differences])
    found: dict[str, list[str]] = {"beats": [], "does not beat": [], "loses to": []}
    for one, p in sorted(zip(differences, corrected, strict=True), key=lambda pair: pair[0]["over"] not in _REFERENCES):
        found[_outcome(one, p, alpha, over_seeds(one, metrics))].append(_figures(one, metrics))
    return f"{system} " + "; ".join(f"{word} {', '.join(names)}" for word, names in found.items() if names)


def over_seeds(one: Difference, metrics: Mapping[str, object]) -> list[float]:
    """The mean difference as every seed has it, the first seed's first."""
    metric, found = one["metric"], [one["mean"]]
    for repeat in cast(Mapping[str, Mapping[str, Mapping[str, float]]], metrics.get("repeats", {})).values():
        fixed = cast(Mapping[str, Mapping[str, Interval]], metrics["systems"])[one["over"]]
        other = repeat[one["over"]][metric] if one["over"] in repeat else fixed[metric]["mean"]
        found.append(repeat[one["system"]][metric] - other)
    return found


def _outcome(one: Difference, p: float, alpha: float, seeds: list[float]) -> str:
    if p >= alpha or one["low"] <= 0 <= one["high"] or min(seeds) <= 0 <= max(seeds):
        return "does not beat"
    return "beats" if one["mean"] > 0 else "loses to"


def _figures(one: Difference, metrics: Mapping[str, object]) -> str:
    if one["over"] not in _REFERENCES:
        return f"{one['over']} ({one['mean']:+.3f}, {one['low']:.3f} to {one['high']:.3f})"
    share = f"{100 * cast(float, metrics['confidence']):g} %"
    interval = f"{share} {one['low']:.3f} to {one['high']:.3f}, {metrics['queries']} {_UNITS[str(metrics.get('task', 'retrieval'))]}"
    seeds = over_seeds(one, metrics)
    if len(seeds) > 1:
        interval += f"; over {len(seeds)} seeds {min(seeds):+.3f} to {max(seeds):+.3f}"
    return f"{one['over']} by {one['mean']:+.3f} {one['metric']} ({interval})"


def holm(values: list[float]) -> list[float]:
    """Holm's step-down correction of p-values, in the order given."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = highest
    return corrected
