"""Cluster the test documents by the vectors of every system, and compare the clusters with the classes."""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.cluster import KMeans

import contract
from held_out import Documents, Figure, Floats, Numbers, read_documents
from intervals import SEED, compared, on_all

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

MODEL = "tuned"
PRIMARY = "VMeasure"


def cluster(vectors: NDArray[np.float32], documents: Documents) -> Numbers:
    """The best of ten runs of k-means, with as many clusters as there are classes: the number of each document's."""
    means = KMeans(n_clusters=len(set(documents.labels)), n_init=10, random_state=0)
    found: Numbers = means.fit_predict(vectors).astype(np.int64)
    return found


def entropy(groups: Numbers, weights: Floats) -> Floats:
    """Of the groups, in nats, on each resample, on which a document stands `weights` times."""
    order = np.argsort(groups, kind="stable")
    first = np.flatnonzero(np.diff(groups[order], prepend=-1))
    shares = np.add.reduceat(weights[:, order], first, axis=1) / weights.sum(axis=1, keepdims=True)
    found: Floats = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
    return found


def v_measure(documents: Documents, clusters: Numbers) -> Figure:
    """Harmonic mean of homogeneity and completeness: the entropy that classes and clusters share, over their mean."""

    def figure(weights: Floats) -> Floats:
        alone = entropy(documents.classes, weights) + entropy(clusters, weights)
        together = entropy(documents.classes * (clusters.max() + 1) + clusters, weights)
        return np.divide(2 * (alone - together), alone, out=np.ones_like(alone), where=alone > 0)

    return figure


def answers(work: Path, documents: Documents) -> dict[str, Numbers]:
    """System -> the cluster of each document."""
    return {
        "untuned": cluster(np.load(work / "untuned/test.npy"), documents),
        MODEL: cluster(np.load(work / "vectors/test.npy"), documents),
    }


def extremes(documents: Documents) -> dict[str, Numbers]:
    """The classes themselves, which no system may exceed, and clusters by chance."""
    chance = np.random.default_rng(SEED)
    return {"oracle": documents.classes, "random": chance.permutation(documents.classes)}


def figures(documents: Documents, clusters: Numbers) -> dict[str, Figure]:
    """Metric -> its figure on any resample of the documents."""
    return {
        "VMeasure": v_measure(documents, clusters),
    }


def fingerprint(documents: Documents) -> str:
    """What two results must share to be compared: the documents and their classes."""
    parts = [documents.ids, documents.texts, documents.labels]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def write_scores(path: Path, documents: Documents, found: dict[str, Numbers]) -> None:
    """Every document's cluster in every system, beside its class, by document."""
    columns = {"doc_id": documents.ids, "label": documents.labels, **found}
    pq.write_table(pa.table(columns).sort_by("doc_id"), path, compression="zstd")


def main(work: Path) -> None:
    """Make `evaluation/` in the work folder: metrics.json, and scores.parquet with every document's clusters."""
    contract.opened(str(work / "model"), work / "vectors")
    scratch = work / "evaluation.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    documents = read_documents(work, "test")
    found, units = answers(work, documents), len(documents.ids)
    write_scores(scratch / "scores.parquet", documents, found)
    sanity = {name: figures(documents, one) for name, one in extremes(documents).items()}
    metrics: dict[str, object] = {
        "task": "clustering",
        "fingerprint": fingerprint(documents),
        "queries": units,
        "rows": units,
        "classes": np.bincount(documents.classes).tolist(),
        "primary": PRIMARY,
        "chosen_on_dev": {},
        **compared({name: figures(documents, one) for name, one in found.items()}, MODEL, units),
        "sanity": {name: {metric: on_all(one, units) for metric, one in own.items()} for name, own in sanity.items()},
    }
    (scratch / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "evaluation", ignore_errors=True)
    scratch.rename(work / "evaluation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
