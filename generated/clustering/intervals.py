"""Intervals of figures and of paired differences, by resampling what was measured with replacement (Sakai 2006)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10000
SEED = 0
BLOCK = 2**20

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]
"""Weights of what is resampled, of shape (resamples, units) -> the figure on each resample."""


def resampled(units: int) -> NDArray[np.uint8]:
    """How often each unit is drawn, of shape (resamples, units); made in blocks of bounded size."""
    draws, shares = np.random.default_rng(SEED), np.full(units, 1 / units)
    sizes = [len(block) for block in np.array_split(np.arange(RESAMPLES), RESAMPLES * units // BLOCK + 1)]
    times = np.concatenate([draws.multinomial(units, shares, size=size).astype(np.uint8) for size in sizes])
    return times


def on_all(figure: Figure, units: int) -> float:
    """The figure of everything that was measured, each unit once."""
    return float(figure(np.ones((1, units)))[0])


def on_resamples(figure: Figure, draws: NDArray[np.uint8]) -> Floats:
    """The figure on each resample, computed anew; `draws` has shape (resamples, units)."""
    blocks = np.array_split(draws, draws.size // BLOCK + 1)
    return np.concatenate([figure(block.astype(np.float64)) for block in blocks])


def interval(value: float, samples: Floats) -> dict[str, float]:
    """A figure, and the percentile bootstrap interval of it; `samples` are its values on the resamples."""
    low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"mean": value, "low": float(low), "high": float(high)}


def paired(difference: float, samples: Floats) -> dict[str, float]:
    """A difference with its interval, and its p-value: twice the share of resamples on the rarer side of 0 (Efron and
    Tibshirani 1993, section 15.4), `samples` being its values on the resamples."""
    rarer = min(np.count_nonzero(samples <= 0), np.count_nonzero(samples >= 0))
    return {**interval(difference, samples), "p": min(1.0, 2 * (rarer + 1) / (len(samples) + 1))}


def compared(systems: dict[str, dict[str, Figure]], model: str, units: int) -> dict[str, object]:
    """The figures of all systems, and what the model has over each other: those parts of metrics.json."""
    draws = resampled(units)
    values = {name: {metric: on_all(one, units) for metric, one in found.items()} for name, found in systems.items()}
    samples = {
        name: {metric: on_resamples(one, draws) for metric, one in found.items()} for name, found in systems.items()
    }
    return {
        "confidence": CONFIDENCE,
        "systems": {
            name: {metric: interval(value, samples[name][metric]) for metric, value in found.items()}
            for name, found in values.items()
        },
        "differences": [
            {
                "system": model,
                "over": name,
                "metric": metric,
                **paired(values[model][metric] - value, samples[model][metric] - samples[name][metric]),
            }
            for name, found in values.items()
            if name != model
            for metric, value in found.items()
        ],
    }
