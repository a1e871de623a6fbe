"""Seconds of whole processes: `specforge check --no-data` on one spec, and `specforge compile` of twenty.

python benchmarks/startup.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from timing import medians

ROOT = Path(__file__).resolve().parents[1]
SPECFORGE = Path(sys.executable).with_name("specforge")


def main() -> None:
    """Print the medians of ten runs, beside a Python that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        specs = _twenty(Path(folder))
        nothing, check, stale, current = medians(
            [
                [sys.executable, "-c", "pass"],
                [SPECFORGE, "check", "--no-data", specs[0]],
                ["sh", "-c", f'rm -rf "{folder}/generated" && "{SPECFORGE}" compile {" ".join(map(str, specs))}'],
                [SPECFORGE, "compile", "--check", *specs],
            ],
            runs=10,
        )
    print(f"python -c pass                       {nothing:.3f} s")
    print(f"specforge check --no-data, 1 spec    {check:.3f} s (aim: under 0.3)")
    print(f"specforge compile, 20 specs, cold    {stale:.3f} s (aim: under 2)")
    print(f"specforge compile --check, 20 specs  {current:.3f} s")


def _twenty(folder: Path) -> list[Path]:
    (folder / "specs").mkdir()
    text = (ROOT / "specs" / "same_cart.yaml").read_text(encoding="utf-8")
    paths = [folder / "specs" / f"same_cart_{number}.yaml" for number in range(20)]
    for number, path in enumerate(paths):
        path.write_text(text.replace("name: same_cart", f"name: same_cart_{number}", 1), encoding="utf-8")
    shutil.rmtree(folder / "generated", ignore_errors=True)
    return paths


if __name__ == "__main__":
    main()
