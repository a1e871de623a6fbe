"""Encode and index what the other objectives are measured on."""

import argparse
import shutil
from pathlib import Path

import embed
import index
import untuned

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

OTHERS = ["answers"]


def main(work: Path) -> None:
    """Make `others/` in the work folder: a folder an objective, with its vectors and index."""
    scratch = work / "others.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    for name in OTHERS:
        folder = scratch / name
        folder.mkdir(parents=True)
        parts = {"data": work / "data" / name, "model": work / "model"}
        for part, place in parts.items():
            (folder / part).symlink_to(place.resolve())
        untuned.main(folder)
        embed.main(folder)
        index.main(folder)
        for part in parts:
            (folder / part).unlink()
    shutil.rmtree(work / "others", ignore_errors=True)
    scratch.rename(work / "others")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
