"""The verdict says what a paired test supports, and no more."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from specforge.results.verdict import verdict
from specforge.significance import Difference, corrected, detectable, holm, smallest


def difference(system: str, over: str, mean: float, low: float, high: float, p: float) -> Difference:
    return Difference(system=system, over=over, metric="nDCG@10", mean=mean, low=low, high=high, p=p)


def metrics(*differences: Difference) -> dict[str, object]:
    return {"primary": "nDCG@10", "confidence": 0.95, "queries": 1314, "differences": list(differences)}


def test_holm_by_hand() -> None:
    # sorted 0.01, 0.02, 0.04 times 3, 2, 1; never falling
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_what_is_beaten_and_what_is_not() -> None:
    (line,) = verdict(
        metrics(
            difference("tuned", "bm25", 0.03, 0.02, 0.04, 1e-6),
            difference("tuned", "untuned", 0.052, 0.041, 0.063, 1e-9),
            difference("tuned", "co_occurrence", 0.01, -0.01, 0.03, 0.3),
            difference("tuned", "popularity", -0.05, -0.06, -0.04, 1e-9),
        )
    )
    assert line == (
        "tuned beats untuned by +0.052 nDCG@10 (95 % 0.041 to 0.063, 1314 queries), bm25 (+0.030, 0.020 to 0.040); "
        "does not beat co_occurrence (+0.010, -0.010 to 0.030; could have seen 0.029); loses to popularity (-0.050, -0.060 to -0.040)"
    )


def test_correction_takes_a_win_back() -> None:
    """p = 0.03 alone would win; beside another 0.03 it is 0.06 after Holm."""
    alone = verdict(metrics(difference("tuned", "a", 0.01, 0.001, 0.02, 0.03)))
    beside = verdict(
        metrics(
            difference("tuned", "a", 0.01, 0.001, 0.02, 0.03),
            difference("tuned", "b", 0.01, 0.001, 0.02, 0.03),
        )
    )
    assert alone == ["tuned beats a (+0.010, 0.001 to 0.020)"]
    assert beside == [
        "tuned does not beat a (+0.010, 0.001 to 0.020; could have seen 0.014), b (+0.010, 0.001 to 0.020; could have seen 0.014)"
    ]


def test_other_metrics_do_not_count() -> None:
    other = Difference(system="tuned", over="a", metric="R@10", mean=0.5, low=0.4, high=0.6, p=0.0)
    (line,) = verdict(metrics(other, difference("tuned", "a", 0.0, -0.1, 0.1, 1.0)))
    assert line == "tuned does not beat a (+0.000, -0.100 to 0.100; could have seen 0.143)"


def test_the_family_is_that_of_the_run() -> None:
    """0.02 wins beside one other comparison, and not beside three of the run, of which another system has two."""
    own = difference("tuned", "a", 0.01, 0.001, 0.02, 0.02), difference("tuned", "b", 0.01, 0.001, 0.02, 0.9)
    others = difference("fused", "a", 0.01, 0.001, 0.02, 0.9), difference("fused", "b", 0.01, 0.001, 0.02, 0.01)
    assert verdict(metrics(*own))[0].startswith("tuned beats a (")
    assert verdict(metrics(*own, *others))[0].startswith("tuned does not beat a (")


def test_a_record_has_corrected_values() -> None:
    """Of two metrics each is a family of its own, and so is a slice with all of its parts; what was given stays as it was."""
    found = metrics(
        difference("tuned", "a", 0.1, 0.0, 0.2, 0.01),
        Difference(system="tuned", over="a", metric="R@10", mean=0.1, low=0.0, high=0.2, p=0.02),
        difference("tuned", "b", 0.1, 0.0, 0.2, 0.04),
    )
    part = {"over": {"a": {"p": 0.01}, "b": {"p": 0.02}}}
    found["slices"] = {"shop": {"parts": [part, {"over": {"a": {"p": 0.5}}}]}}
    given = json.dumps(found)
    made = corrected(found)
    assert [one["p_holm"] for one in made["differences"]] == pytest.approx([0.02, 0.02, 0.04])  # type: ignore[attr-defined]
    parts = made["slices"]["shop"]["parts"]  # type: ignore[index]
    assert [one["p_holm"] for part in parts for one in part["over"].values()] == pytest.approx([0.03, 0.04, 0.5])
    assert json.dumps(found) == given


def test_what_could_have_been_seen() -> None:
    """95 % from -0.0196 to 0.0196 is an error of 0.01; 2.8 of them are found in 80 % of all samples."""
    one = difference("tuned", "a", 0.0, -0.0196, 0.0196, 1.0)
    assert detectable(one, 0.95) == pytest.approx(0.028, abs=1e-5)
    assert smallest(0.2, 100) == pytest.approx(0.056)
    assert smallest(0.2, 0) == 0


def test_the_power_that_is_said_is_the_power_that_tests_have() -> None:
    """In made-up samples with a true difference of that size, a paired t-test with two sides at 5 % finds it in 80 %."""
    draws = np.random.default_rng(0).normal(smallest(0.2, 100), 0.2, (4000, 100))
    found = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_clusters_are_said() -> None:
    found = metrics(difference("tuned", "untuned", 0.1, 0.05, 0.15, 1e-6)) | {"clusters": 41}
    assert verdict(found) == [
        "tuned beats untuned by +0.100 nDCG@10 (95 % 0.050 to 0.150, 1314 queries in 41 clusters)"
    ]


def test_each_system_has_its_line() -> None:
    lines = verdict(
        metrics(
            difference("tuned", "a", 0.1, 0.05, 0.2, 0.0),
            difference("tuned+a", "a", 0.2, 0.1, 0.3, 0.0),
        )
    )
    assert [line.split()[0] for line in lines] == ["tuned", "tuned+a"]


def test_a_win_holds_with_every_seed() -> None:
    """Means of two more seeds: 0.35 and 0.33 beat a fixed 0.32, and 0.35 and 0.33 do not both beat 0.34."""
    found = metrics(
        difference("tuned", "untuned", 0.04, 0.03, 0.05, 1e-6),
        difference("tuned", "bm25", 0.02, 0.01, 0.03, 1e-6),
    )
    found["systems"] = {"untuned": {"nDCG@10": {"mean": 0.32}}, "bm25": {"nDCG@10": {"mean": 0.34}}}
    found["repeats"] = {"2": {"tuned": {"nDCG@10": 0.35}}, "3": {"tuned": {"nDCG@10": 0.33}}}
    assert verdict(found) == [
        "tuned beats untuned by +0.040 nDCG@10 (95 % 0.030 to 0.050, 1314 queries; over 3 seeds +0.010 to +0.040); "
        "does not beat bm25 (+0.020, 0.010 to 0.030)"
    ]
