"""The verdict says what a paired test supports, and no more."""

from __future__ import annotations

import pytest

from specforge.results.verdict import Difference, holm, verdict


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
        "does not beat co_occurrence (+0.010, -0.010 to 0.030); loses to popularity (-0.050, -0.060 to -0.040)"
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
    assert beside == ["tuned does not beat a (+0.010, 0.001 to 0.020), b (+0.010, 0.001 to 0.020)"]


def test_other_metrics_do_not_count() -> None:
    other = Difference(system="tuned", over="a", metric="R@10", mean=0.5, low=0.4, high=0.6, p=0.0)
    (line,) = verdict(metrics(other, difference("tuned", "a", 0.0, -0.1, 0.1, 1.0)))
    assert line == "tuned does not beat a (+0.000, -0.100 to 0.100)"


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
