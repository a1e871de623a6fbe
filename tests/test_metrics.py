"""The metrics of pairs, triplets and clusters: those of scipy and scikit-learn, on all rows and on any resample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from specforge.templating import render

Floats = NDArray[np.float64]
SEEDS = range(20)


@dataclass(frozen=True)
class Rows:
    """What the generated code calls pairs, or documents."""

    units: NDArray[np.int64]
    scores: Floats
    relevant: NDArray[np.bool_]
    classes: NDArray[np.int64]
    labels: list[str]


def functions(*stems: str) -> dict[str, Any]:
    """The generated functions, which import nothing but numpy and scikit-learn."""
    names: dict[str, Any] = {"np": np, **dict.fromkeys(("Floats", "Figure", "Pairs", "Documents", "Numbers"), object)}
    for stem in stems:
        exec(render(f"python/metric/{stem}.py.jinja", {})[0], names)
    return names


def drawn(seed: int, rows: int = 60) -> tuple[Rows, Floats, Floats, NDArray[np.int64]]:
    """Rows of 20 anchors with equal values among them; what was found; how often each anchor is drawn, and so each row."""
    draw = np.random.default_rng(seed)
    units = np.unique(draw.integers(0, 20, rows), return_inverse=True)[1]
    scores = draw.integers(0, 6, rows).astype(np.float64)
    found = np.round(0.1 * scores + draw.normal(size=rows), 1)
    classes = draw.integers(0, 5, rows)
    weights = draw.multinomial(units.max() + 1, np.full(units.max() + 1, 1 / (units.max() + 1)))
    rows_ = Rows(units, scores, scores >= 3, classes, [f"class {number}" for number in classes])
    return rows_, found, weights.astype(np.float64), np.repeat(np.arange(rows), weights[units])


def both(figure: Any, weights: Floats) -> tuple[float, float]:  # noqa: ANN401
    """On all rows, and on the resample; together in one call, as on any number of resamples."""
    one, other = figure(np.stack([np.ones_like(weights), weights]))
    return float(one), float(other)


@pytest.mark.parametrize("seed", SEEDS)
def test_correlations(seed: int) -> None:
    rows, found, weights, again = drawn(seed)
    made = functions("correlation", "spearman", "pearson")
    for name, theirs in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        wanted = [theirs(found[part], rows.scores[part]).statistic for part in (slice(None), again)]
        assert both(made[name](rows, found), weights) == pytest.approx(wanted)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    rows, _, weights, _ = drawn(0)
    made = functions("correlation", "spearman", "pearson")
    for name in ("spearman", "pearson"):
        assert both(made[name](rows, np.zeros(60)), weights) == (0, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision(seed: int) -> None:
    rows, found, weights, again = drawn(seed)
    wanted = [metrics.average_precision_score(rows.relevant[part], found[part]) for part in (slice(None), again)]
    assert both(functions("average_precision")["average_precision"](rows, found), weights) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_and_its_threshold(seed: int) -> None:
    rows, found, weights, again = drawn(seed)
    made = functions("f1")
    threshold = made["best_threshold"](rows, found)
    wanted = [metrics.f1_score(rows.relevant[part], found[part] >= threshold) for part in (slice(None), again)]
    assert both(made["f1"](rows, found, threshold), weights) == pytest.approx(wanted)
    others = [metrics.f1_score(rows.relevant, found >= one) for one in found]
    assert wanted[0] == pytest.approx(max(others))
    assert threshold not in found or threshold == found.min()


@pytest.mark.parametrize("seed", SEEDS)
def test_triplet_accuracy(seed: int) -> None:
    rows, found, weights, _ = drawn(seed, 200)
    won, triplets = np.zeros(len(weights)), np.zeros(len(weights))
    for near in np.flatnonzero(rows.relevant):
        for far in np.flatnonzero(~rows.relevant):
            if rows.units[near] == rows.units[far]:
                won[rows.units[near]] += (found[near] > found[far]) + (found[near] == found[far]) / 2
                triplets[rows.units[near]] += 1
    wanted = [won.sum() / triplets.sum(), (weights * won).sum() / (weights * triplets).sum()]
    assert both(functions("triplet_accuracy")["triplet_accuracy"](rows, found), weights) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_v_measure(seed: int) -> None:
    rows, _, _, _ = drawn(seed)
    draw = np.random.default_rng(seed)
    clusters, weights = draw.integers(0, 5, 60), draw.multinomial(60, np.full(60, 1 / 60)).astype(np.float64)
    again = np.repeat(np.arange(60), weights.astype(int))
    wanted = [metrics.v_measure_score(rows.classes[part], clusters[part]) for part in (slice(None), again)]
    figure = functions("v_measure")["v_measure"]
    assert both(figure(rows, clusters), weights) == pytest.approx(wanted)
    assert both(figure(rows, rows.classes), weights) == pytest.approx((1, 1))
    assert both(figure(rows, np.zeros(60, dtype=int)), weights) == pytest.approx((0, 0))


def test_clusters_of_vectors_that_lie_apart_are_the_classes() -> None:
    rows, *_ = drawn(0)
    vectors = np.eye(5, dtype=np.float32)[rows.classes] + np.random.default_rng(0).normal(scale=0.01, size=(60, 5))
    made = functions("k_means", "v_measure")
    clusters = made["cluster"](vectors.astype(np.float32), rows)
    assert made["v_measure"](rows, clusters)(np.ones((1, 60)))[0] == pytest.approx(1)


INTERVALS = {"confidence": 0.95, "resamples": 4000, "seed": 0}


def intervals() -> dict[str, Any]:
    """The generated module, where figures are computed anew on each resample."""
    names: dict[str, Any] = {}
    exec(
        render("python/intervals.py.jinja", {"bootstrap": INTERVALS, "recomputed": True, "clustered": False})[0], names
    )
    return names


def mean_of(values: Floats) -> Any:  # noqa: ANN401
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def test_intervals_of_a_mean_are_those_of_its_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=400)
    [one] = intervals()["compared"]({"tuned": {"mean": mean_of(values)}}, "tuned", 400)["systems"].values()
    error = 1.96 * values.std() / 20
    assert one["mean"]["mean"] == pytest.approx(values.mean())
    assert one["mean"]["low"] == pytest.approx(values.mean() - error, abs=0.01)
    assert one["mean"]["high"] == pytest.approx(values.mean() + error, abs=0.01)


def test_differences_are_paired() -> None:
    """Both vary much more than their difference, which a test on the same resamples finds, and which chance does not give."""
    draw = np.random.default_rng(2)
    hard = draw.normal(scale=5, size=300)
    systems = {
        "untuned": {"mean": mean_of(hard)},
        "same": {"mean": mean_of(hard + draw.normal(scale=0.5, size=300) - 0.001)},
        "tuned": {"mean": mean_of(hard + 0.2 + draw.normal(scale=0.5, size=300))},
    }
    found = intervals()["compared"](systems, "tuned", 300)
    beaten, other = found["differences"]
    assert (beaten["system"], beaten["over"], other["over"]) == ("tuned", "untuned", "same")
    assert 0.1 < beaten["low"] < beaten["mean"] < beaten["high"] < 0.3
    assert beaten["p"] == pytest.approx(2 / 4001)
    same = intervals()["compared"](systems, "same", 300)["differences"][0]
    assert same["low"] < 0 < same["high"] and same["p"] > 0.05


def test_two_that_answer_alike_do_not_differ() -> None:
    values = np.random.default_rng(3).normal(size=50)
    systems = {"a": {"mean": mean_of(values)}, "b": {"mean": mean_of(values)}}
    [one] = intervals()["compared"](systems, "b", 50)["differences"]
    assert (one["mean"], one["low"], one["high"], one["p"]) == (0, 0, 0, 1)


def test_blocks_give_what_one_block_gives() -> None:
    values = np.random.default_rng(4).normal(size=1000)
    whole, parts = intervals(), intervals()
    parts["BLOCK"] = 2**12
    draws = whole["resampled"](1000)
    assert np.allclose(whole["on_resamples"](mean_of(values), draws), parts["on_resamples"](mean_of(values), draws))
