"""`specforge run` against a script that follows sentence-transformers' training guide: seconds and nDCG@10.

Same pairs, epochs, batch, learning rate and metric, the query's own id excluded in both; whole processes, one after
another in one run. specforge also makes the pairs, ranks five baselines, builds the index and bootstraps intervals.

    python benchmarks/against_guide.py [--runs 1]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from timing import Timed, time_process

from specforge import load, source
from specforge.locate import locate
from specforge.spec.document import Spec

ROOT = Path(__file__).resolve().parents[1]
SPECFORGE = Path(sys.executable).with_name("specforge")


def main(runs: int) -> None:
    """Print seconds and scores of each, and the ratios turn by turn."""
    with tempfile.TemporaryDirectory() as folder:
        turns = [_turn(Path(folder) / str(turn)) for turn in range(runs)]
    for name in turns[0]:
        seconds = [turn[name][0].seconds for turn in turns]
        ratios = [turn["specforge run"][0].seconds / turn[name][0].seconds for turn in turns]
        score = statistics.mean(turn[name][1] for turn in turns)
        shown = f"specforge takes {statistics.median(ratios):.2f} of it" if name != "specforge run" else ""
        print(f"{name:<28} {statistics.median(seconds):7.1f} s   nDCG@10 {score:.4f}   {shown}")


def _turn(folder: Path) -> dict[str, tuple[Timed, float]]:
    project = folder / "project"
    (project / "specs").mkdir(parents=True)
    shutil.copy(ROOT / "specs" / "same_cart.yaml", project / "specs")
    log = folder / "log"
    run = time_process([SPECFORGE, "run", "specs/same_cart.yaml"], cwd=project, log=log)
    metrics = json.loads((project / "runs/same_cart/evaluation/metrics.json").read_text(encoding="utf-8"))
    found = {"specforge run": (run, float(metrics["systems"]["tuned"]["nDCG@10"]["mean"]))}
    for name, flags in {"guide's script": [], "guide's script, bf16": ["--bf16"]}.items():
        out = folder / name
        out.mkdir()
        taken = time_process([*_command(project, out), *flags], log=log)
        score = json.loads((out / "score.json").read_text(encoding="utf-8"))["nDCG@10"]
        found[name] = (taken, float(score))
    return found


def _command(project: Path, out: Path) -> list[str | Path]:
    spec = _spec()
    train, encoder = spec.train, spec.encoder
    assert train is not None and encoder is not None
    (base,) = locate(encoder.base, project)
    script: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "guide_script.py", "--out", out, "--base", base]
    script += ["--data", project / "runs/same_cart/data", "--batch", str(train.batch_size)]
    return [*script, "--epochs", str(train.epochs), "--rate", str(train.learning_rate)]


def _spec() -> Spec:
    text, _ = source.read(ROOT / "specs" / "same_cart.yaml")
    spec, _ = load.load(text)
    assert isinstance(spec, Spec)
    return spec


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    main(parser.parse_args().runs)
