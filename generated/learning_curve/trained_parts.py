"""Train on every part with every seed, and rank the test queries; a killed run goes on from the last finished one."""

import argparse
import itertools
import json
import math
import shutil
from pathlib import Path

import embed
import train
from parts import POINTS, SEEDS
from ranking import rank, read_corpus, read_queries, write_run
from vectors import by_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

DEPTH = 100
MIN_STEPS = 40
"""A small part trains for so many steps at least, in which dev chooses."""


def link_tables(work: Path, part: Path, data: Path) -> None:
    """A folder with the tables of a part, and all others as they are."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    tables = {file.name: file for file in [*(work / "data").iterdir(), *part.iterdir()]}
    for name, file in tables.items():
        (data / name).symlink_to(file.resolve())


def max_steps(rows: int) -> int:
    """The least number of steps where all epochs have fewer, else -1."""
    steps = train.EPOCHS * math.ceil(rows / (train.BATCH_SIZE * train.GRADIENT_ACCUMULATION))
    return MIN_STEPS if steps < MIN_STEPS else -1


def main(work: Path) -> None:
    """Make `trained_parts/` in the work folder: of each seed and point a TREC run, and the history of its training."""
    scratch = work / "trained_parts.tmp"
    rows = json.loads((work / "parts/sizes.json").read_text(encoding="utf-8"))["rows"]
    for seed, point in itertools.product(SEEDS, POINTS):
        done, folder = scratch / f"{seed}/{point}", scratch / f"{seed}/{point}.tmp"
        if done.is_dir():
            continue
        link_tables(work, work / f"parts/{seed}/{point}", folder / "data")
        train.main(folder, seed, max_steps(rows[str(seed)][str(point)]))
        embed.main(folder)
        found = rank(by_vectors(folder, folder / "vectors"), read_queries(folder, "test"), read_corpus(folder), DEPTH)
        write_run(folder / "test.trec", found, "tuned")
        (folder / "model/history.json").rename(folder / "history.json")
        for other in set(folder.iterdir()) - {folder / "test.trec", folder / "history.json"}:
            shutil.rmtree(other)
        folder.rename(done)
    shutil.rmtree(work / "trained_parts", ignore_errors=True)
    scratch.rename(work / "trained_parts")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
