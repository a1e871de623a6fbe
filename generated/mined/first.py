"""Train the model that finds negatives: on those of its batches alone."""

import argparse
import shutil
from pathlib import Path

import train

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `first/` in the work folder: a model that is trained as the one after it, but for its rows."""
    scratch = work / "first.tmp"
    scratch.mkdir(exist_ok=True)
    (scratch / "data").unlink(missing_ok=True)
    (scratch / "data").symlink_to((work / "data").resolve())
    train.main(scratch, first=True)
    shutil.rmtree(work / "first", ignore_errors=True)
    (scratch / "model").rename(work / "first")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
