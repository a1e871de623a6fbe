"""Measure every system on the test pairs: figures, intervals, paired differences."""

import argparse
import hashlib
import json
import re
import shutil
from collections import Counter
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
PRIMARY = "TripletAccuracy"


def triplet_accuracy(pairs: Pairs, found: Floats) -> Figure:
    """The share of all triplets of an anchor, one that belongs to it and one that does not, in which the first is found
    more similar; a tie counts half."""
    order = np.argsort(pairs.units, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(pairs.units[order])) + 1)
    won, triplets = np.zeros(len(parts)), np.zeros(len(parts))
    for unit, rows in enumerate(parts):
        near, far = found[rows[pairs.relevant[rows]]], np.sort(found[rows[~pairs.relevant[rows]]])
        below, not_above = (np.searchsorted(far, near, side) for side in ("left", "right"))
        won[unit], triplets[unit] = (below + not_above).sum() / 2, len(near) * len(far)
    return lambda weights: (weights @ won) / (weights @ triplets)


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
    return {"oracle": pairs.relevant.astype(np.float64), "random": chance.random(len(pairs.ids))}


def figures(pairs: Pairs, found: Floats) -> dict[str, Figure]:
    """Metric -> its figure on any resample of the anchors."""
    return {
        "TripletAccuracy": triplet_accuracy(pairs, found),
    }


def contrasts(pairs: Pairs) -> Counter[tuple[int, int]]:
    """How many anchors have so many that belong to them, and so many that do not."""
    near, far = np.bincount(pairs.units[pairs.relevant]), np.bincount(pairs.units[~pairs.relevant])
    return Counter(zip(near.tolist(), far.tolist(), strict=True))


def fingerprint(pairs: Pairs) -> str:
    """What two results must share to be compared: the pairs and what is said of them."""
    parts = [pairs.anchors, pairs.documents, pairs.relevant.tolist()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def write_scores(path: Path, pairs: Pairs, found: dict[str, Floats]) -> None:
    """Every pair's similarity in every system, beside what is said of it, by pair."""
    columns = {
        "anchor_id": pa.array([anchor for anchor, _ in pairs.ids], pa.string()),
        "document_id": pa.array([document for _, document in pairs.ids], pa.string()),
        "relevant": pa.array(pairs.relevant),
        **{name: pa.array(one, pa.float32()) for name, one in found.items()},
    }
    order = [("anchor_id", "ascending"), ("document_id", "ascending")]
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
        "task": "triplets",
        "fingerprint": fingerprint(pairs),
        "queries": anchors,
        "rows": len(pairs.ids),
        "candidates": [
            {"near": near, "far": far, "anchors": count} for (near, far), count in sorted(contrasts(pairs).items())
        ],
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
