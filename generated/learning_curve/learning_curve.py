"""Say what more answers would bring: the quality on growing parts of them, and its slope at the end."""

import argparse
import csv
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from intervals import CONFIDENCE
from measures import METRICS, PRIMARY
from ranking import Queries, Ranking, per_query, read_qrels, read_queries

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

SELECT = "nDCG@10"
LINES = ["untuned", "bm25"]


def read_run(path: Path, queries: Queries) -> Ranking:
    """A run file of the baselines."""
    ranking: Ranking = {query: {} for query in queries.ids}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split(" ")
        ranking[unquote(query)][unquote(doc)] = float(score)
    return ranking


@dataclass(frozen=True)
class Point:
    """What was measured of the parts of one size, one part a seed.

    Attributes:
        amount: how many answers a part holds.
        rows: seed -> how many rows trained.
        steps: seed -> after how many of them dev chose the model.
        values: metric -> values of shape (queries, seeds).
    """

    amount: int
    rows: dict[str, int]
    steps: dict[str, int]
    values: dict[str, NDArray[np.float64]]


def crossed(values: NDArray[np.float64]) -> dict[str, float]:
    """The mean of values of shape (queries, seeds), and its interval where both are drawn by lot.

    Every seed is measured on every query, so the variance of the mean is that of the queries' means plus that of the
    seeds' means, less the rest, which both hold (analysis of variance with two crossed random effects; Searle, Casella
    and McCulloch 1992, chapter 4); and not less than either. The interval is Student's, with the degrees of freedom of
    Satterthwaite (1946): few seeds that differ make it wide.
    """
    queries, seeds = values.shape
    by_query, by_seed = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_query[:, None] - by_seed + values.mean()
    freedoms = np.array([queries - 1, seeds - 1, (queries - 1) * (seeds - 1)])
    parts = np.array(
        [by_query.var(ddof=1) / queries, by_seed.var(ddof=1) / seeds, np.square(rest).sum() / freedoms[2] / values.size]
    )
    variance = max(parts[0], parts[1], parts[0] + parts[1] - parts[2])
    half = 0.0
    if variance > 0:
        freedom = variance**2 / (parts**2 / freedoms).sum()
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * math.sqrt(variance))
    return {"mean": float(values.mean()), "low": float(values.mean() - half), "high": float(values.mean() + half)}


def read_point(work: Path, point: str, amount: int, rows: dict[str, dict[str, int]]) -> Point:
    """What was measured of a point."""
    queries, qrels = read_queries(work, "test"), read_qrels(work, "test")
    folders = {seed: work / f"trained_parts/{seed}/{point}" for seed in rows}
    found = [
        per_query(METRICS, qrels, read_run(folder / "test.trec", queries), queries.ids) for folder in folders.values()
    ]
    return Point(
        amount=amount,
        rows={seed: sizes[point] for seed, sizes in rows.items()},
        steps={seed: chosen_steps(folder) for seed, folder in folders.items()},
        values={metric: np.column_stack([one[metric] for one in found]) for metric in METRICS},
    )


def chosen_steps(folder: Path) -> int:
    """After how many steps the model was best on dev."""
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    measured = [line for line in history if f"eval_{SELECT}" in line]
    return int(max(measured, key=lambda line: line[f"eval_{SELECT}"])["step"])


def last_doubling(points: list[Point]) -> dict[str, float] | None:
    """What a doubling brings at the end of the curve; None where there are no two parts to tell it by.

    Over the logarithm of the amount, a line through the last part and the largest that lies half a doubling or more
    below it; a nearer one would show luck as a slope. Values of one query and one seed are compared. Curves mostly bend
    (Viering and Loog 2023), so that this is rather the most that another doubling brings.
    """
    last = points[-1]
    earlier = [point for point in points if math.sqrt(2) * point.amount <= last.amount]
    if not earlier:
        return None
    gains = last.values[PRIMARY] - earlier[-1].values[PRIMARY]
    per_doubling = gains / math.log2(last.amount / earlier[-1].amount)
    return {"from": earlier[-1].amount, "to": last.amount, **crossed(per_doubling)}


def answer(gain: dict[str, float] | None) -> str:
    """Whether more answers would help; a gain per doubling is carried on for one doubling and no further."""
    if gain is None:
        return "no other part is small enough beside the last one to say anything of twice as much: name half of it"
    low, high = gain["low"], gain["high"]
    found = (
        f"from {gain['from']:,} to {gain['to']:,} answers, a doubling brings {gain['mean']:+.3f} {PRIMARY} "
        f"({100 * CONFIDENCE:g} % {low:.3f} to {high:.3f})"
    )
    if low > 0:
        return f"{found}; twice the answers would bring as much again if the curve goes on so, and less where it bends"
    if high < 0:
        return f"{found}: it falls, and more answers of this kind would not help"
    return f"{found}: flat within what this evaluation can see ({(high - low) / 2:.3f})"


def write_points(path: Path, points: list[Point]) -> None:
    """A row a point and seed, with the mean of every metric."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["answers", "seed", "rows", "steps", *METRICS])
        for point in points:
            for place, seed in enumerate(point.rows):
                means = [round(float(point.values[metric][:, place].mean()), 5) for metric in METRICS]
                table.writerow([point.amount, seed, point.rows[seed], point.steps[seed], *means])


def draw(points: list[Point], lines: dict[str, float], gain: dict[str, float] | None, path: Path) -> None:
    """The mean with its interval, a dot a seed, other systems as dotted lines, one more doubling as a dashed one."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    amounts = [point.amount for point in points]
    shown = [crossed(point.values[PRIMARY]) for point in points]
    means = [one["mean"] for one in shown]
    errors = [[one["mean"] - one["low"] for one in shown], [one["high"] - one["mean"] for one in shown]]
    axes.errorbar(amounts, means, errors, marker="o", capsize=3, label="tuned")
    for point in points:
        by_seed = point.values[PRIMARY].mean(axis=0)
        axes.plot([point.amount] * len(by_seed), by_seed, ".", color="black", markersize=4, zorder=3)
    if gain is not None:
        axes.plot([amounts[-1], 2 * amounts[-1]], [means[-1], means[-1] + gain["mean"]], "--", color="C0")
    for place, (name, value) in enumerate(lines.items(), start=1):
        axes.axhline(value, linestyle=":", color=f"C{place}", label=name)
    axes.set(xscale="log", xlabel="answers", ylabel=PRIMARY)
    axes.set_xticks(amounts, [f"{amount:,}" for amount in amounts])
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main(work: Path) -> None:
    """Make `learning_curve/` in the work folder: points.json, points.csv and curve.svg."""
    scratch = work / "learning_curve.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    sizes = json.loads((work / "parts/sizes.json").read_text(encoding="utf-8"))
    points = [read_point(work, point, amount, sizes["rows"]) for point, amount in sizes["amounts"].items()]
    queries, qrels = read_queries(work, "test"), read_qrels(work, "test")
    runs = {name: read_run(work / f"baselines/{name}.test.trec", queries) for name in LINES}
    lines = {name: float(per_query([PRIMARY], qrels, run, queries.ids)[PRIMARY].mean()) for name, run in runs.items()}
    gain = last_doubling(points)
    found = {
        "collected": "answers",
        "primary": PRIMARY,
        "confidence": CONFIDENCE,
        "points": [
            {
                "amount": point.amount,
                "rows": point.rows,
                "steps": point.steps,
                "by_seed": dict(zip(point.rows, point.values[PRIMARY].mean(axis=0).tolist(), strict=True)),
                "metrics": {metric: crossed(values) for metric, values in point.values.items()},
            }
            for point in points
        ],
        "lines": lines,
        "doubling": gain,
        "answer": answer(gain),
    }
    (scratch / "points.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_points(scratch / "points.csv", points)
    draw(points, lines, gain, scratch / "curve.svg")
    shutil.rmtree(work / "learning_curve", ignore_errors=True)
    scratch.rename(work / "learning_curve")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
