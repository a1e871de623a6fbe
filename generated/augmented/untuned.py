"""Encode the corpus and the queries with the base model."""

import argparse
import shutil
from pathlib import Path

import encoder
from vectors import write_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `vectors/` in the work folder."""
    shutil.rmtree(work / "untuned.tmp", ignore_errors=True)
    write_vectors(encoder.base_model(), work, work / "untuned.tmp")
    shutil.rmtree(work / "untuned", ignore_errors=True)
    (work / "untuned.tmp").rename(work / "untuned")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
