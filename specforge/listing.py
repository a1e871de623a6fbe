"""Lists recorded results."""

from __future__ import annotations

import json
from pathlib import Path

from specforge.errors import UsageError
from specforge.report import tables as report
from specforge.results.record import read_all


def results(root: Path, name: str | None, *, as_json: bool) -> str:
    """The records of one spec or of all, oldest first, each with its verdict.

    Raises:
        UsageError: there are none.
    """
    names = [name] if name else sorted(path.name for path in (root / "results").glob("*") if path.is_dir())
    found = {one: read_all(root / "results" / one) for one in names}
    found = {one: records for one, records in found.items() if records}
    if not found:
        raise UsageError(f'no results of "{name}"' if name else 'no results; "specforge run SPEC" records them')
    if as_json:
        return json.dumps([record for records in found.values() for _, record in records], indent=1) + "\n"
    console = report.console()
    with console.capture() as text:
        for one, records in found.items():
            console.print(f"[bold]{one}[/bold]")
            console.print(report.runs(records))
            verdict = records[-1][1].get("verdict", [])
            for line in verdict if isinstance(verdict, list) else []:
                console.print(f"  {line}", soft_wrap=True)
    return text.get()
