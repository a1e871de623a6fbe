"""Say of which class the test texts are."""

import argparse
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from predict import probabilities
from rows import read_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `predictions/` in the work folder: the likeliest class of each test text, and its probability."""
    rows = read_rows(work, "test")
    classes, found = probabilities(work / "model", rows.texts)
    best = found.argmax(axis=1)
    table = {"id": rows.ids, "label": [classes[place] for place in best], "probability": found.max(axis=1)}
    shutil.rmtree(work / "predictions.tmp", ignore_errors=True)
    (work / "predictions.tmp").mkdir(parents=True)
    pq.write_table(pa.table(table), work / "predictions.tmp/test.parquet")
    shutil.rmtree(work / "predictions", ignore_errors=True)
    (work / "predictions.tmp").rename(work / "predictions")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
