"""Encode the corpus and the queries with the base model."""

import argparse
import shutil
from pathlib import Path

import contract
import encoder
from vectors import write_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `untuned/` in the work folder."""
    scratch = work / "untuned.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    model = encoder.load(encoder.base_model())
    write_vectors(model, work, scratch)
    contract.seal(model, work, scratch)
    shutil.rmtree(work / "untuned", ignore_errors=True)
    scratch.rename(work / "untuned")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
