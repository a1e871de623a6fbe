"""Intervals of figures and of paired differences, by resampling what was measured with replacement (Sakai 2006)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10000
SEED = 0
BLOCK = 2**24


@dataclass(frozen=True)
class Draws:
    """What chance may do to units: two tables of shape (resamples, units).

    Attributes:
        times: how often each unit is drawn.
        signs: 1 or -1, at even odds.
    """

    times: NDArray[np.uint8]
    signs: NDArray[np.int8]


def resampled(units: int) -> Draws:
    """What happens to each unit; made in blocks of bounded size."""
    draws, shares = np.random.default_rng(SEED), np.full(units, 1 / units)
    sizes = [len(block) for block in np.array_split(np.arange(RESAMPLES), RESAMPLES * units // BLOCK + 1)]
    times = np.concatenate([draws.multinomial(units, shares, size=size).astype(np.uint8) for size in sizes])
    signs = 2 * draws.integers(0, 2, times.shape, dtype=np.int8) - 1
    return Draws(times, signs)


def interval(values: NDArray[np.float64], draws: Draws) -> dict[str, float]:
    """The mean, and the percentile bootstrap interval of it."""
    blocks = np.array_split(draws.times, draws.times.size // BLOCK + 1)
    means = np.concatenate([block @ values for block in blocks]) / len(values)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def paired(a: NDArray[np.float64], b: NDArray[np.float64], draws: Draws) -> dict[str, float]:
    """The mean difference with its interval, and its p-value: how often it is as far from 0 where chance gives units
    their signs (a permutation test; Smucker et al. 2007)."""
    blocks = np.array_split(draws.signs, draws.signs.size // BLOCK + 1)
    by_chance = np.abs(np.concatenate([block @ (a - b) for block in blocks]))
    as_far = np.count_nonzero(by_chance >= (1 - 1e-9) * abs((a - b).sum()))
    return {**interval(a - b, draws), "p": (as_far + 1) / (RESAMPLES + 1)}
