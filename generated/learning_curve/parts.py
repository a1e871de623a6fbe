"""Make the tables that train of growing parts of the answers; what chooses and reports stays whole."""

import argparse
import itertools
import json
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

import prepare

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

POINTS: list[int | str] = [40, 150, "all"]
SEEDS = [42, 43, 44]
TABLES = ["pairs", "positives", "triplets"]
"""What differs from part to part."""


def name_units(db: duckdb.DuckDBPyConnection) -> int:
    """Make `parts.units`, the names of the answers that train; how many there are."""
    db.begin()
    db.execute((HERE / "objective.sql").read_text(encoding="utf-8"))
    units = db.sql((HERE / "units.sql").read_text(encoding="utf-8")).to_arrow_table()
    db.rollback()
    db.execute("create schema parts")
    db.from_arrow(units).create("parts.units")
    return len(units)


def leave_out(db: duckdb.DuckDBPyConnection, amount: int, seed: int) -> None:
    """Of the answers that train, leave the rows of so many."""
    db.execute("set variable seed = $seed", {"seed": str(seed)})
    db.execute("set variable amount = $amount", {"amount": amount})
    db.execute((HERE / "part.sql").read_text(encoding="utf-8"))


def training_rows(data: Path) -> int:
    """How many rows train."""
    return int(pq.read_metadata(data / "pairs.parquet").num_rows)


def main(work: Path) -> None:
    """Make `parts/` in the work folder: a folder a seed and point with the tables that differ, and sizes.json."""
    scratch = work / "parts.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    sizes: dict[str, dict[str, int]] = {str(seed): {} for seed in SEEDS}
    with duckdb.connect(scratch / "scratch.duckdb") as db:
        prepare.read_sources(db)
        total = name_units(db)
        amounts = {point: total if point == "all" else int(point) for point in POINTS}
        if max(amounts.values()) > total:
            asked = f"{max(amounts.values())} answers are asked for, and {total} train"
            raise SystemExit(f'{asked}; name smaller numbers in "learning_curve"')
        for seed, (point, amount) in itertools.product(SEEDS, amounts.items()):
            folder = scratch / f"{seed}/{point}"
            folder.mkdir(parents=True)
            db.begin()
            leave_out(db, amount, seed)
            prepare.write_tables(db, folder)
            db.rollback()  # the next part starts from the sources alone
            sizes[str(seed)][str(point)] = training_rows(folder)
            if not sizes[str(seed)][str(point)]:
                raise SystemExit(f'{point} answers give no row that trains; begin with more in "learning_curve"')
            for file in folder.iterdir():
                if file.stem not in TABLES:
                    file.unlink()
    (scratch / "scratch.duckdb").unlink()
    found = {"amounts": {str(point): amount for point, amount in amounts.items()}, "rows": sizes}
    (scratch / "sizes.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "parts", ignore_errors=True)
    scratch.rename(work / "parts")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
