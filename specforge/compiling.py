"""Writes or compares the generated code of several specs; ruff is called once for all."""

from __future__ import annotations

from specforge.plan import Plan
from specforge.render import render
from specforge.write import Changes, compare
from specforge.write import write as write_files


def write(plans: list[Plan], *, force: bool) -> tuple[list[str], bool]:
    """What was written, in lines. Nothing is stale afterwards."""
    lines: list[str] = []
    for made, files in zip(plans, render(plans), strict=True):
        lines += _lines(made, write_files(made.folder, files, force=force), len(files))
    return lines, False


def check(plans: list[Plan]) -> tuple[list[str], bool]:
    """What differs from the specs, in lines, and whether anything does."""
    lines: list[str] = []
    stale = False
    for made, files in zip(plans, render(plans), strict=True):
        changes = compare(made.folder, files)
        stale = stale or bool(changes)
        lines += _lines(made, changes, len(files))
    return lines, stale


def _lines(made: Plan, changes: Changes, count: int) -> list[str]:
    folder = f"generated/{made.spec.name}"
    if not changes:
        return [f"{folder}: {count} files current"]
    marked = {"+": changes.new, "~": changes.changed, "-": changes.gone}
    edited = set(changes.edited)
    return [
        f"{mark} {folder}/{name}" + (" (edited by hand)" if name in edited else "")
        for mark, names in marked.items()
        for name in names
    ]
