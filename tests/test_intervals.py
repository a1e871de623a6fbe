"""Intervals and tests of means: what they cover, what they call a difference, and what clusters change."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specforge.templating import render

Floats = NDArray[np.float64]
CLUSTERS, SIZE, TIMES = 40, 6, 300


def module(*, clustered: bool, resamples: int = 4000, recomputed: bool = False) -> dict[str, Any]:
    """The generated intervals.py."""
    bootstrap = {"confidence": 0.95, "resamples": resamples, "seed": 0}
    names: dict[str, Any] = {"__name__": __name__}  # where a dataclass looks up its annotations
    values = {"bootstrap": bootstrap, "recomputed": recomputed, "clustered": clustered}
    exec(render("python/intervals.py.jinja", values)[0], names)
    return names


def exact(differences: Floats) -> float:
    """The share of all signs that bring the sum as far from 0."""
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=len(differences))]
    return float(np.mean(np.array(sums) >= abs(differences.sum()) - 1e-9))


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 1.0, 1.0, 1.0], 2 / 16),  # all alike, or all turned
        ([1.0, 1.0, 1.0, -1.0], 10 / 16),  # a sum of 2 and more: 2 of 4, 8 of 2
        ([3.0, 1.0, 1.0, 0.0], 4 / 16),  # 5 on either side, whatever becomes of the 0
        ([0.0, 0.0, 0.0, 0.0], 1.0),
    ],
)
def test_permutations_by_hand(differences: list[float], p: float) -> None:
    made, values = module(clustered=False, resamples=40_000), np.array(differences)
    assert exact(values) == p
    assert made["paired"](values, np.zeros(4), made["resampled"](4))["p"] == pytest.approx(p, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_permutations_are_those_that_are_counted_out(seed: int) -> None:
    made, values = module(clustered=False, resamples=40_000), np.random.default_rng(seed).normal(0.4, 1, 12)
    found = made["paired"](values, np.zeros(12), made["resampled"](12))
    assert found["p"] == pytest.approx(exact(values), abs=0.01)


def test_clusters_change_sides_together() -> None:
    """Three clusters of sums 2, 3 and -1: of 8 signs, 4 bring 4 or more."""
    made = module(clustered=True, resamples=40_000)
    values, cluster = np.array([2.0, 0.0, 3.0, -1.0]), made["numbered"](["a", "a", None, "b"])
    assert cluster.tolist() == [0, 0, 1, 2]
    found = made["paired"](values, np.zeros(4), made["resampled"](cluster))
    assert exact(np.array([2.0, 3.0, -1.0])) == 4 / 8
    assert found["p"] == pytest.approx(4 / 8, abs=0.01)


def test_clusters_of_one_are_no_clusters() -> None:
    values = np.random.default_rng(1).normal(size=50)
    alone, together = module(clustered=False), module(clustered=True)
    plain = alone["paired"](values, np.zeros(50), alone["resampled"](50))
    named = together["paired"](values, np.zeros(50), together["resampled"](np.arange(50)))
    assert named == pytest.approx(plain)
    assert together["interval"](values, together["resampled"](np.arange(50))) == pytest.approx(
        alone["interval"](values, alone["resampled"](50))
    )


def drawn(draw: np.random.Generator, size: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Values with mean 0 in clusters, half of whose variance is the cluster's own."""
    cluster = np.repeat(np.arange(len(size)), size)
    return draw.normal(size=len(size))[cluster] + draw.normal(size=len(cluster)), cluster


@pytest.mark.parametrize("equal", [True, False], ids=["equal", "unequal"])
def test_intervals_cover_what_they_say(equal: bool) -> None:
    """In made-up data with a true mean of 0: how often intervals hold it, and tests find a difference that is not there."""
    draw = np.random.default_rng(7)
    alone, together = module(clustered=False, resamples=500), module(clustered=True, resamples=500)
    held, found = {"alone": 0, "together": 0}, {"alone": 0, "together": 0}
    for _ in range(TIMES):
        size = np.full(CLUSTERS, SIZE) if equal else draw.integers(1, 2 * SIZE, CLUSTERS)
        values, cluster = drawn(draw, size)
        for name, made, units in (("alone", alone, len(values)), ("together", together, cluster)):
            one = made["paired"](values, np.zeros(len(values)), made["resampled"](units))
            held[name] += one["low"] <= 0 <= one["high"]
            found[name] += one["p"] < 0.05
    assert held["alone"] / TIMES < 0.80
    assert 0.90 <= held["together"] / TIMES <= 0.98
    assert found["alone"] / TIMES > 0.20
    assert 0.02 <= found["together"] / TIMES <= 0.08


def test_figures_that_are_computed_anew_draw_clusters_too() -> None:
    """A mean as such a figure has the interval that it has as a mean."""
    values, cluster = drawn(np.random.default_rng(3), np.full(CLUSTERS, SIZE))
    made, means = module(clustered=True, recomputed=True), module(clustered=True)

    def figure(weights: Floats) -> Floats:
        found: Floats = (weights @ values) / weights.sum(axis=1)
        return found

    one = made["compared"]({"tuned": {"mean": figure}}, "tuned", cluster)
    assert one["clusters"] == CLUSTERS
    assert one["systems"]["tuned"]["mean"] == pytest.approx(means["interval"](values, means["resampled"](cluster)))
