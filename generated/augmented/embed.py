"""Encode the corpus and the queries with the tuned model."""

import argparse
import shutil
from pathlib import Path

from vectors import write_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `vectors/` in the work folder."""
    shutil.rmtree(work / "vectors.tmp", ignore_errors=True)
    write_vectors(str(work / "model"), work, work / "vectors.tmp")
    shutil.rmtree(work / "vectors", ignore_errors=True)
    (work / "vectors.tmp").rename(work / "vectors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
