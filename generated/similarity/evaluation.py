"""Measure every system on the test pairs: figures, intervals, paired differences."""

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import contract
from held_out import Figure, Floats, Pairs, read_pairs
from intervals import SEED, compared, on_all
from vectors import similarities

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

MODEL = "tuned"
PRIMARY = "Spearman"


def correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of two values on each resample; 0 where one of them does not vary."""
    total = weights.sum(axis=1, keepdims=True)
    one = one - (weights * one).sum(axis=1, keepdims=True) / total
    other = other - (weights * other).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * one * one).sum(axis=1) * (weights * other * other).sum(axis=1))
    together = (weights * one * other).sum(axis=1)
    return np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)


def ranks(values: Floats, weights: Floats) -> Floats:
    """The rank of each value on each resample, where it stands `weights` times; equal values share their mean rank."""
    distinct, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(len(distinct)))
    times = np.add.reduceat(weights[:, order], first, axis=1)
    means: Floats = np.cumsum(times, axis=1) - (times - 1) / 2
    return means[:, group]


def spearman(pairs: Pairs, found: Floats) -> Figure:
    """Rank correlation of what was found and the scores."""

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, pairs.units]
        return correlation(ranks(found, drawn), ranks(pairs.scores, drawn), drawn)

    return figure


def pearson(pairs: Pairs, found: Floats) -> Figure:
    """Linear correlation of what was found and the scores."""
    return lambda weights: correlation(found, pairs.scores, weights[:, pairs.units])


def word_overlap(pairs: Pairs) -> Floats:
    """The words that the two have in common, of all that either has (Jaccard)."""
    words = {text: set(re.findall(r"\w+", text.lower())) for text in [*pairs.anchors, *pairs.documents]}
    both = [(words[one], words[other]) for one, other in zip(pairs.anchors, pairs.documents, strict=True)]
    return np.array([len(one & other) / max(1, len(one | other)) for one, other in both])


def answers(work: Path, pairs: Pairs, split: str) -> dict[str, Floats]:
    """System -> how similar it finds the two of each pair."""
    return {
        "word_overlap": word_overlap(pairs),
        "untuned": similarities(work / "untuned", split),
        MODEL: similarities(work / "vectors", split),
    }


def extremes(pairs: Pairs) -> dict[str, Floats]:
    """What is said of the pairs, which no system may exceed, and what chance gives."""
    chance = np.random.default_rng(SEED)
    return {"oracle": pairs.scores, "random": chance.random(len(pairs.ids))}


def figures(pairs: Pairs, found: Floats) -> dict[str, Figure]:
    """Metric -> its figure on any resample of the anchors."""
    return {
        "Spearman": spearman(pairs, found),
        "Pearson": pearson(pairs, found),
    }


def fingerprint(pairs: Pairs) -> str:
    """What two results must share to be compared: the pairs and what is said of them."""
    parts = [pairs.anchors, pairs.documents, pairs.scores.tolist()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def write_scores(path: Path, pairs: Pairs, found: dict[str, Floats]) -> None:
    """Every pair's similarity in every system, beside what is said of it, by pair."""
    columns = {
        "anchor_id": pa.array([anchor for anchor, _ in pairs.ids], pa.string()),
        "document_id": pa.array([document for _, document in pairs.ids], pa.string()),
        "score": pa.array(pairs.scores),
        **{name: pa.array(one, pa.float32()) for name, one in found.items()},
    }
    order = [("anchor_id", "ascending"), ("document_id", "ascending"), ("score", "ascending")]
    pq.write_table(pa.table(columns).sort_by(order), path, compression="zstd")


def main(work: Path) -> None:
    """Make `evaluation/` in the work folder: metrics.json, and scores.parquet with every pair's similarities."""
    contract.opened(str(work / "model"), work / "vectors")
    scratch = work / "evaluation.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    pairs = read_pairs(work, "test")
    found, bounds, anchors = answers(work, pairs, "test"), extremes(pairs), int(pairs.units.max()) + 1
    write_scores(scratch / "scores.parquet", pairs, found)
    systems = {name: figures(pairs, one) for name, one in found.items()}
    sanity = {name: figures(pairs, one) for name, one in bounds.items()}
    metrics: dict[str, object] = {
        "task": "similarity",
        "fingerprint": fingerprint(pairs),
        "queries": anchors,
        "rows": len(pairs.ids),
        "primary": PRIMARY,
        "chosen_on_dev": {},
        **compared(systems, MODEL, anchors),
        "sanity": {name: {metric: on_all(one, anchors) for metric, one in own.items()} for name, own in sanity.items()},
    }
    (scratch / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "evaluation", ignore_errors=True)
    scratch.rename(work / "evaluation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
