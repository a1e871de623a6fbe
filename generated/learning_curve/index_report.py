"""What the index costs and what it finds: bytes, seconds, recall against exact search, latency, quality."""

import argparse
import json
import shutil
import time
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

import contract
from index import answers, opened
from intervals import interval, paired, resampled
from measures import DEPTH, PRIMARY
from ranking import Corpus, Queries, per_query, read_corpus, read_qrels, read_queries

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

K = 10
QUERIES = 1_000
SINGLE = 200
BATCH = 64


def recall(found: list[dict[int, float]], right: list[dict[int, float]]) -> NDArray[np.float64]:
    """For each query the share of what exact search finds that is found."""
    return np.array([len(a.keys() & b.keys()) / max(len(b), 1) for a, b in zip(found, right, strict=True)])


def milliseconds(index: faiss.Index, asked: NDArray[np.float32], k: int, batch: int) -> dict[str, float]:
    """How long a query takes, asked with so many at once: the median, and what 95 % do not exceed."""
    count = len(asked)
    parts = [range(start, min(start + batch, count)) for start in range(0, min(count, SINGLE * batch), batch)]
    index.search(asked[parts[0]], k)
    taken = []
    for part in parts:
        texts = asked[part]
        began = time.perf_counter()
        index.search(texts, k)
        taken.append(1000 * (time.perf_counter() - began) / len(part))
    return {"p50": float(np.quantile(taken, 0.5)), "p95": float(np.quantile(taken, 0.95))}


def quality(
    found: list[dict[int, float]], queries: Queries, corpus: Corpus, qrels: dict[str, dict[str, int]]
) -> NDArray[np.float64]:
    """For each query the primary metric."""
    ranking = {
        query: {corpus.ids[row]: score for row, score in best.items()}
        for query, best in zip(queries.ids, found, strict=True)
    }
    judged = {query: qrels[query] for query in queries.ids}
    return per_query([PRIMARY], judged, ranking, queries.ids)[PRIMARY]


def main(work: Path) -> None:
    """Make `index_report/` in the work folder: report.json."""
    scratch = work / "index_report.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    contract.same(work / "vectors", work / "index")
    corpus = read_corpus(work)
    index = opened(work, corpus)
    vectors = np.load(work / "vectors/corpus.npy", mmap_mode="r")
    queries = read_queries(work, "test").some(slice(0, QUERIES))
    asked = np.load(work / "vectors/test.npy")[:QUERIES]
    k, draws = min(K, len(corpus.ids)), resampled(len(queries.ids))
    reference = index
    right = answers(reference, asked, queries, corpus, K)
    found = recall(answers(index, asked, queries, corpus, K), right)
    alone = milliseconds(index, asked, k, 1)
    report = {
        **json.loads((work / "index/figures.json").read_text(encoding="utf-8")),
        "vectors": vectors.shape[0],
        "dimension": vectors.shape[1],
        "queries": len(queries.ids),
        "k": K,
        "recall": interval(found, draws),
        "alone_ms": alone,
        "batched_ms": milliseconds(index, asked, k, BATCH),
        "exact_alone_ms": milliseconds(reference, asked, k, 1),
        "exact_batched_ms": milliseconds(reference, asked, k, BATCH),
        "batch": BATCH,
        "threads": faiss.omp_get_max_threads(),
    }
    qrels = read_qrels(work, "test")
    by_index, by_all = (
        quality(answers(one, asked, queries, corpus, DEPTH), queries, corpus, qrels) for one in (index, reference)
    )
    report["quality"] = {"metric": PRIMARY, "exact": float(by_all.mean()), **paired(by_index, by_all, draws)}
    (scratch / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "index_report", ignore_errors=True)
    scratch.rename(work / "index_report")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
