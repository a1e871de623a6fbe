"""What an edit of a spec costs after a full run: of `evaluate` alone, of `index` alone, of a comment.

python benchmarks/edits.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from timing import time_process

ROOT = Path(__file__).resolve().parents[1]
SPECFORGE = Path(sys.executable).with_name("specforge")

EDITS = {
    "evaluate alone": ("metrics: [R@10, RR@10]", "metrics: [R@10, RR@10, P@5]"),
    "index alone": ("index: {kind: flat}", "index: {kind: hnsw}"),
    "a comment": ("# a key of ...", "# the key of ..."),
}


def main() -> None:
    """Print seconds and the stages that ran, edit by edit; every edit starts from the spec as it is."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "specs" / "same_cart.yaml"
        spec.parent.mkdir()
        shutil.copy(ROOT / "specs" / "same_cart.yaml", spec)
        text = spec.read_text(encoding="utf-8")
        full, _ = _run(spec)
        print(f"{'full run':<16} {full:6.1f} s")
        for name, (old, new) in EDITS.items():
            assert old in text, old
            spec.write_text(text.replace(old, new), encoding="utf-8")
            seconds, ran = _run(spec)
            print(f"{name:<16} {seconds:6.1f} s  {seconds / full:5.1%}  stages run: {', '.join(ran) or 'none'}")


def _run(spec: Path) -> tuple[float, list[str]]:
    log = spec.with_suffix(".log")
    log.unlink(missing_ok=True)
    seconds = time_process([SPECFORGE, "run", "specs/same_cart.yaml"], cwd=spec.parents[1], log=log).seconds
    lines = log.read_text(encoding="utf-8").splitlines()
    return seconds, [line.split()[0] for line in lines if line.endswith("MiB") and "adopting" not in line]


if __name__ == "__main__":
    main()
