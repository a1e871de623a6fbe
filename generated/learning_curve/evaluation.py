"""Measure every system on the test queries: means, intervals, paired differences."""

import argparse
import hashlib
import itertools
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import contract
from index import answers, opened
from intervals import CONFIDENCE, SEED, interval, paired, resampled
from measures import DEPTH, METRICS, PRIMARY
from ranking import Corpus, Queries, Ranking, per_query, read_corpus, read_qrels, read_queries, write_qrels, write_run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

MODEL = "tuned"
BASELINES = ["bm25", "untuned"]


def by_index(index: faiss.Index, vectors: Path, queries: Queries, corpus: Corpus) -> Ranking:
    """The answers of an index to the test queries, as users will get them."""
    found = answers(index, np.load(vectors / "test.npy"), queries, corpus, DEPTH)
    return {
        query: {corpus.ids[doc]: score for doc, score in best.items()}
        for query, best in zip(queries.ids, found, strict=True)
    }


def read_run(path: Path, queries: Queries) -> Ranking:
    """A run file of the baselines."""
    ranking: Ranking = {query: {} for query in queries.ids}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split(" ")
        ranking[unquote(query)][unquote(doc)] = float(score)
    return ranking


@dataclass(frozen=True)
class Observed:
    """What was measured on the test queries.

    Attributes:
        candidates: how many queries have so many documents to rank, and so many relevant ones among them.
        systems: whether a system ranks anything.
        values: system -> metric -> values in the order of the queries.
        chosen: what was chosen on the dev queries.
    """

    fingerprint: str
    queries: list[str]
    documents: int
    candidates: Counter[tuple[int, int]]
    systems: dict[str, bool]
    values: dict[str, dict[str, NDArray[np.float64]]]
    chosen: dict[str, float]


def extremes(corpus: Corpus, qrels: dict[str, dict[str, int]]) -> dict[str, Ranking]:
    """The best possible ranking and a random one: what no system may exceed, and what chance gives."""
    chance = np.random.default_rng(SEED)
    oracle = {query: {doc: float(grade) for doc, grade in docs.items()} for query, docs in qrels.items()}
    size = min(DEPTH, len(corpus.ids))
    random = {
        query: {corpus.ids[row]: -float(place) for place, row in enumerate(chance.permutation(len(corpus.ids))[:size])}
        for query in qrels
    }
    return {"oracle": oracle, "random": random}


def fingerprint(work: Path) -> str:
    """What two results must share to be compared: corpus, queries, judgments, depth."""
    corpus = read_corpus(work)
    parts = [corpus.ids, corpus.texts, read_queries(work, "test").texts, read_qrels(work, "test"), DEPTH]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def observed(work: Path, folder: Path) -> Observed:
    """Every query's values of every system; the folder gets the judgments and a run a system, as TREC's files."""
    corpus, queries, qrels = read_corpus(work), read_queries(work, "test"), read_qrels(work, "test")
    contract.same(work / "vectors", work / "index")
    index = opened(work, corpus)
    own = by_index(index, work / "vectors", queries, corpus)
    runs = {name: read_run(work / f"baselines/{name}.test.trec", queries) for name in BASELINES}
    runs[MODEL] = own
    chosen: dict[str, float] = {}
    write_qrels(folder / "qrels.trec", qrels)
    for name, ranking in runs.items():
        write_run(folder / f"{name}.trec", ranking, name)
    values = {
        name: per_query(METRICS, qrels, ranking, queries.ids)
        for name, ranking in (runs | extremes(corpus, qrels)).items()
    }
    return Observed(
        fingerprint=fingerprint(work),
        queries=queries.ids,
        documents=len(corpus.ids),
        candidates=Counter((len(corpus.ids), sum(grade > 0 for grade in docs.values())) for docs in qrels.values()),
        systems={name: any(ranking.values()) for name, ranking in runs.items()},
        values=values,
        chosen=chosen,
    )


def write_scores(path: Path, found: Observed) -> None:
    """Every query's values of every system that ranks anything, by query."""
    columns = {"query_id": pa.array(found.queries, pa.string())}
    for name in (name for name, ranks in found.systems.items() if ranks):
        columns |= {f"{name} {metric}": pa.array(found.values[name][metric], pa.float32()) for metric in METRICS}
    pq.write_table(pa.table(columns).sort_by("query_id"), path, compression="zstd")


def figures(found: Observed) -> dict[str, object]:
    """Means, intervals and paired differences."""
    values, ranked = found.values, [name for name, ranks in found.systems.items() if ranks]
    draws = resampled(len(found.queries))
    return {
        "fingerprint": found.fingerprint,
        "queries": len(found.queries),
        "documents": found.documents,
        "ranked": "corpus",
        "candidates": [
            {"documents": size, "relevant": relevant, "queries": count}
            for (size, relevant), count in sorted(found.candidates.items())
        ],
        "primary": PRIMARY,
        "confidence": CONFIDENCE,
        "chosen_on_dev": found.chosen,
        "systems": {
            name: {metric: interval(values[name][metric], draws) for metric in METRICS} if ranks else None
            for name, ranks in found.systems.items()
        },
        "differences": [
            {"system": a, "over": b, "metric": metric, **paired(values[a][metric], values[b][metric], draws)}
            for b, a in itertools.combinations(found.systems, 2)
            for metric in METRICS
            if a not in BASELINES and b in ranked
        ],
        "sanity": {
            name: {metric: float(values[name][metric].mean()) for metric in METRICS} for name in ("oracle", "random")
        },
    }


def main(work: Path) -> None:
    """Make `evaluation/` in the work folder: metrics.json, scores.parquet with every query's values, TREC's files."""
    contract.opened(str(work / "model"), work / "index")
    scratch = work / "evaluation.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    found = observed(work, scratch)
    write_scores(scratch / "scores.parquet", found)
    metrics = figures(found)
    (scratch / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "evaluation", ignore_errors=True)
    scratch.rename(work / "evaluation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
