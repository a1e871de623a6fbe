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
PRIMARY = "AP"


def average_precision(pairs: Pairs, found: Floats) -> Figure:
    """Precision at each pair that belongs together, the most similar first, averaged; equal ones come at once."""
    order = np.argsort(-found, kind="stable")
    last = np.flatnonzero(np.diff(found[order], append=-np.inf))

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, pairs.units[order]]
        seen = np.cumsum(drawn, axis=1)[:, last]
        hits = np.cumsum(drawn * pairs.relevant[order], axis=1)[:, last]
        precision = hits / np.maximum(seen, 1)
        gained: Floats = (np.diff(hits, axis=1, prepend=0) * precision).sum(axis=1)
        return gained / np.maximum(hits[:, -1], 1)

    return figure


def best_threshold(pairs: Pairs, found: Floats) -> float:
    """The similarity from which on two belong together, with the highest F1 on these pairs, midway to the next one."""
    order = np.argsort(-found, kind="stable")
    last = np.flatnonzero(np.diff(found[order], append=-np.inf))
    hits = np.cumsum(pairs.relevant[order])[last]
    best = int(np.argmax(hits / (last + 1 + pairs.relevant.sum())))
    edges = found[order][last]
    return float(edges[best : best + 2].mean())


def f1(pairs: Pairs, found: Floats, threshold: float) -> Figure:
    """Harmonic mean of precision and recall of the pairs that are said to belong together."""
    said = found >= threshold

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, pairs.units]
        hits: Floats = drawn @ (said & pairs.relevant)
        return 2 * hits / np.maximum(drawn @ said + drawn @ pairs.relevant, 1)

    return figure


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


def figures(pairs: Pairs, found: Floats, threshold: float) -> dict[str, Figure]:
    """Metric -> its figure on any resample of the anchors."""
    return {
        "AP": average_precision(pairs, found),
        "F1": f1(pairs, found, threshold),
    }


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
    dev = read_pairs(work, "dev")
    chosen = {name: best_threshold(dev, one) for name, one in (answers(work, dev, "dev") | extremes(dev)).items()}
    write_scores(scratch / "scores.parquet", pairs, found)
    systems = {name: figures(pairs, one, chosen[name]) for name, one in found.items()}
    sanity = {name: figures(pairs, one, chosen[name]) for name, one in bounds.items()}
    metrics: dict[str, object] = {
        "task": "pairs",
        "fingerprint": fingerprint(pairs),
        "queries": anchors,
        "rows": len(pairs.ids),
        "relevant": int(pairs.relevant.sum()),
        "primary": PRIMARY,
        "chosen_on_dev": {name: chosen[name] for name in found},
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
