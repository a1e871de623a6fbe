"""Repeat the lot and the training with other seeds: how much of a difference is luck?"""

import argparse
import shutil
from pathlib import Path

import baselines
import predictions
import train

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

SEEDS = [2, 3]


def main(work: Path) -> None:
    """Make `repeats/` in the work folder: a folder a seed, with what the model and the rivals say."""
    scratch = work / "repeats.tmp"
    for seed in SEEDS:
        folder = scratch / str(seed)
        if (folder / "predictions").is_dir():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").unlink(missing_ok=True)
        (folder / "data").symlink_to((work / "data").resolve())
        baselines.main(folder, seed)
        train.main(folder, seed)
        predictions.main(folder)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        shutil.rmtree(folder / "model")
        (folder / "data").unlink()
    shutil.rmtree(work / "repeats", ignore_errors=True)
    scratch.rename(work / "repeats")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
