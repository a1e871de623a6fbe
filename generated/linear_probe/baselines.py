"""Rivals that are not tuned: what each says of the test texts."""

import argparse
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rows import Rows, read_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def majority(work: Path, train: Rows, test: Rows) -> list[str]:
    """The class that is most frequent in training, for every text; of several, the first."""
    texts = Counter(sorted(train.labels))
    return [texts.most_common(1)[0][0]] * len(test.ids)


BASELINES: dict[str, Callable[[Path, Rows, Rows], list[str]]] = {
    "majority": majority,
}


def main(work: Path) -> None:
    """Make `baselines/` in the work folder: a table a baseline, with the class of each test text."""
    train, test = read_rows(work, "train"), read_rows(work, "test")
    shutil.rmtree(work / "baselines.tmp", ignore_errors=True)
    (work / "baselines.tmp").mkdir(parents=True)
    for name, predicted in BASELINES.items():
        table = pa.table({"id": test.ids, "label": predicted(work, train, test)})
        pq.write_table(table, work / f"baselines.tmp/{name}.parquet")
    shutil.rmtree(work / "baselines", ignore_errors=True)
    (work / "baselines.tmp").rename(work / "baselines")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
