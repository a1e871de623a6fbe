"""Measure every system on the test texts: figures, intervals, differences, and which classes are taken for which."""

import argparse
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from intervals import SEED, Figure, Floats, compared, on_all
from rows import Rows, read_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

MODEL = "linear_probe"
BASELINES = ["majority"]
PRIMARY = "F1"


def read_labels(file: Path, rows: Rows) -> list[str]:
    """What a system says of each test text."""
    found = pq.read_table(file).to_pydict()
    said = dict(zip(found["id"], found["label"], strict=True))
    return [said[id] for id in rows.ids]


def macro_f1(predicted: list[str], labels: list[str]) -> Figure:
    """The mean of F1 over the classes that occur or are predicted."""
    classes = {name: place for place, name in enumerate(sorted({*predicted, *labels}))}
    said, there = (np.zeros((len(labels), len(classes)), np.float64) for _ in range(2))
    said[np.arange(len(labels)), [classes[name] for name in predicted]] = 1
    there[np.arange(len(labels)), [classes[name] for name in labels]] = 1
    hits, both = said * there, said + there

    def figure(weights: Floats) -> Floats:
        total = weights @ both
        each = np.divide(2 * (weights @ hits), total, out=np.zeros_like(total), where=total > 0)
        found: Floats = each.sum(axis=1) / (total > 0).sum(axis=1)
        return found

    return figure


def accuracy(predicted: list[str], labels: list[str]) -> Figure:
    """The share of texts whose class is predicted."""
    right = np.array([said == label for said, label in zip(predicted, labels, strict=True)], np.float64)

    def figure(weights: Floats) -> Floats:
        found: Floats = weights @ right / weights.sum(axis=1)
        return found

    return figure


def figures(predicted: list[str], rows: Rows) -> dict[str, Figure]:
    """Metric -> the figure of a system, as a function of how often each text is drawn."""
    return {
        "F1": macro_f1(predicted, rows.labels),
        "Accuracy": accuracy(predicted, rows.labels),
    }


def by_class(predicted: list[str], rows: Rows, trained: dict[str, int]) -> list[dict[str, object]]:
    """Each class: how many texts of it train and test, how many were predicted, precision, recall and F1."""
    hits = Counter(said for said, label in zip(predicted, rows.labels, strict=True) if said == label)
    said, there = Counter(predicted), Counter(rows.labels)
    return [
        {
            "class": name,
            "train": trained.get(name, 0),
            "test": there[name],
            "predicted": said[name],
            "precision": hits[name] / said[name] if said[name] else 0.0,
            "recall": hits[name] / there[name] if there[name] else 0.0,
            "F1": 2 * hits[name] / (said[name] + there[name]) if said[name] + there[name] else 0.0,
        }
        for name in sorted({*trained, *there, *said})
    ]


def confusion(predicted: list[str], rows: Rows) -> dict[str, dict[str, int]]:
    """Class -> what its texts were taken for -> how many; what never happened is left out."""
    found: dict[str, Counter[str]] = {}
    for said, label in zip(predicted, rows.labels, strict=True):
        found.setdefault(label, Counter())[said] += 1
    return {label: dict(sorted(taken.items())) for label, taken in sorted(found.items())}


def write_scores(path: Path, said: dict[str, list[str]], rows: Rows) -> None:
    """Every test text, by id: its class, what each system says, and whether that is right."""
    columns = {"query_id": pa.array(rows.ids, pa.string()), "label": pa.array(rows.labels, pa.string())}
    for name, found in said.items():
        columns[f"{name} label"] = pa.array(found, pa.string())
        columns[f"{name} Accuracy"] = pa.array([a == b for a, b in zip(found, rows.labels, strict=True)], pa.bool_())
    pq.write_table(pa.table(columns).sort_by("query_id"), path, compression="zstd")


def fingerprint(rows: Rows) -> str:
    """What two results must share to be compared: the test texts and their classes."""
    return hashlib.sha256(json.dumps([rows.ids, rows.texts, rows.labels]).encode()).hexdigest()[:16]


def main(work: Path) -> None:
    """Make `evaluation/` in the work folder: metrics.json, and scores.parquet with what systems say of each text."""
    rows, table = read_rows(work, "test"), pq.read_table(work / "data/classes.parquet").to_pydict()
    said = {MODEL: read_labels(work / "predictions/test.parquet", rows)}
    said |= {name: read_labels(work / f"baselines/{name}.parquet", rows) for name in BASELINES}
    chance = [rows.labels[row] for row in np.random.default_rng(SEED).permutation(len(rows.labels))]
    extremes = {"oracle": rows.labels, "random": chance}
    metrics = {
        "task": "classification",
        "fingerprint": fingerprint(rows),
        "queries": len(rows.ids),
        "primary": PRIMARY,
        **compared({name: figures(predicted, rows) for name, predicted in said.items()}, MODEL, len(rows.ids)),
        "classes": by_class(said[MODEL], rows, dict(zip(table["label"], table["drawn"], strict=True))),
        "confusion": confusion(said[MODEL], rows),
        "sanity": {
            name: {metric: on_all(one, len(rows.ids)) for metric, one in figures(predicted, rows).items()}
            for name, predicted in extremes.items()
        },
    }
    scratch = work / "evaluation.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    write_scores(scratch / "scores.parquet", said, rows)
    (scratch / "metrics.json").write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(work / "evaluation", ignore_errors=True)
    scratch.rename(work / "evaluation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
