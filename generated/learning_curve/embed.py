"""Encode the corpus and the queries with the tuned model."""

import argparse
import shutil
from pathlib import Path

import contract
from vectors import write_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `vectors/` in the work folder."""
    scratch = work / "vectors.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    write_vectors(contract.opened(str(work / "model"), work / "model"), work, scratch)
    contract.hand_on(work / "model", scratch)
    shutil.rmtree(work / "vectors", ignore_errors=True)
    scratch.rename(work / "vectors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
