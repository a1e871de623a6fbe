"""How long a query takes that is asked alone: each step of the pipeline with all that is before it."""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import contract
import encoder
from ranking import read_queries
from search import SYSTEMS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

K = 10
QUERIES = 100
STEPS = ["tuned", "tuned+reranker"]


def milliseconds(ask: Callable[[str, int], object], queries: list[str]) -> dict[str, float]:
    """The median of the queries, and what 95 % of them do not exceed; the first is asked once before."""
    ask(queries[0], K)
    taken = []
    for query in queries:
        began = time.perf_counter()
        ask(query, K)
        taken.append(1000 * (time.perf_counter() - began))
    return {"p50": float(np.quantile(taken, 0.5)), "p95": float(np.quantile(taken, 0.95))}


def main(work: Path) -> None:
    """Make `latency/` in the work folder: milliseconds.json."""
    scratch = work / "latency.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    queries = read_queries(work, "test").texts[:QUERIES]
    found: dict[str, dict[str, float]] = {}
    model = contract.opened(str(work / "model"), work / "index")
    found["encoding"] = milliseconds(lambda query, _: encoder.encode(model, [query], "query"), queries)
    found |= {name: milliseconds(SYSTEMS[name](work), queries) for name in STEPS}
    (scratch / "milliseconds.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "latency", ignore_errors=True)
    scratch.rename(work / "latency")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
