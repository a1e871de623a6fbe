"""Intervals of figures and of paired differences, by resampling what was measured with replacement (Sakai 2006)."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10000
SEED = 0
BLOCK = 2**24


def resampled(units: int) -> NDArray[np.uint8]:
    """How often each unit is drawn, of shape (resamples, units); made in blocks of bounded size."""
    draws, shares = np.random.default_rng(SEED), np.full(units, 1 / units)
    sizes = [len(block) for block in np.array_split(np.arange(RESAMPLES), RESAMPLES * units // BLOCK + 1)]
    return np.concatenate([draws.multinomial(units, shares, size=size).astype(np.uint8) for size in sizes])


def interval(values: NDArray[np.float64], draws: NDArray[np.uint8]) -> dict[str, float]:
    """The mean, and the percentile bootstrap interval of it over units; `draws` has shape (resamples, units)."""
    blocks = np.array_split(draws, draws.size // BLOCK + 1)
    means = np.concatenate([block @ values for block in blocks]) / len(values)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def paired(a: NDArray[np.float64], b: NDArray[np.float64], draws: NDArray[np.uint8]) -> dict[str, float]:
    """The mean difference with its interval, and the p-value of a paired t-test (Urbano et al. 2019)."""
    test = stats.ttest_rel(a, b) if np.any(a != b) else None
    return {**interval(a - b, draws), "p": float(test.pvalue) if test else 1.0}
