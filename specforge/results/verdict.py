"""The closing line of a run: what a paired test supports, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from specforge.catalog.tasks import TASKS
from specforge.significance import REFERENCES, Difference, Outcome, detectable, outcomes, over_seeds

_UNITS = {name: task.unit[1].removeprefix("test ") for name, task in TASKS.items()}
"""Task -> what was resampled."""


def verdict(metrics: Mapping[str, object]) -> list[str]:
    """One line for each system under test: against its reference (untuned, or the linear probe) with figures, then what it
    beats, and what it does not, with the smallest difference that would have been seen."""
    told = outcomes(metrics)
    found = sorted(told, key=lambda pair: pair[0]["over"] not in REFERENCES)
    systems = dict.fromkeys(one["system"] for one, _ in told)
    return [_line(system, [pair for pair in found if pair[0]["system"] == system], metrics) for system in systems]


def _line(system: str, found: list[tuple[Difference, Outcome]], metrics: Mapping[str, object]) -> str:
    words: dict[Outcome, list[str]] = {"beats": [], "does not beat": [], "loses to": []}
    for one, outcome in found:
        words[outcome].append(_figures(one, outcome, metrics))
    return f"{system} " + "; ".join(f"{word} {', '.join(names)}" for word, names in words.items() if names)


def _figures(one: Difference, outcome: Outcome, metrics: Mapping[str, object]) -> str:
    least = detectable(one, _confidence(metrics))
    unseen = f"; could have seen {least:.3f}" if outcome == "does not beat" and abs(one["mean"]) < least else ""
    if one["over"] not in REFERENCES:
        return f"{one['over']} ({one['mean']:+.3f}, {one['low']:.3f} to {one['high']:.3f}{unseen})"
    interval = f"{100 * _confidence(metrics):g} % {one['low']:.3f} to {one['high']:.3f}, {measured(metrics)}"
    seeds = over_seeds(one, metrics)
    if len(seeds) > 1:
        interval += f"; over {len(seeds)} seeds {min(seeds):+.3f} to {max(seeds):+.3f}"
    return f"{one['over']} by {one['mean']:+.3f} {one['metric']} ({interval}{unseen})"


def _confidence(metrics: Mapping[str, object]) -> float:
    return cast(float, metrics["confidence"])


def measured(metrics: Mapping[str, object]) -> str:
    """What was resampled, and in how many clusters it was drawn."""
    units = f"{metrics['queries']} {_UNITS[str(metrics.get('task', 'retrieval'))]}"
    return f"{units} in {metrics['clusters']} clusters" if "clusters" in metrics else units
