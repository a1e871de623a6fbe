"""Asks the index, or the classifier, of the last run by the generated code itself."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from specforge.checks.words import listed
from specforge.errors import StageError, UsageError
from specforge.report import tables as report


def search(root: Path, name: str, query: str, k: int, *, system: str | None, compare: bool, as_json: bool) -> str:
    """The best `k` documents, as a table or as JSON; by another system than the one under test, or with `compare` by all.

    Raises:
        UsageError: nothing was run under this name, or it ranks nothing, or has no such system, or no other to compare with.
        StageError: model, documents and index do not belong together, or are damaged.
    """
    code, work = root / "generated" / name, root / "runs" / name
    if name.isidentifier() and (work / "evaluation").exists() and not (code / "search.py").exists():
        raise UsageError(f'"{name}" ranks no documents, so there is nothing to ask')
    if not name.isidentifier() or not (work / "index").is_dir() or not (code / "search.py").exists():
        raise UsageError(f'nothing to ask under the name "{name}"; run specforge run specs/{name}.yaml first')
    sys.path.insert(0, str(code))
    systems = importlib.import_module("search").SYSTEMS
    if compare and len(systems) == 1:
        raise UsageError(f'"{name}" keeps no untuned vectors; give it the baseline "untuned"')
    if system is not None and system not in systems:
        raise UsageError(f'"{name}" has no system "{system}"; it has {listed(systems)}')
    wanted = list(systems) if compare else [system or next(iter(systems))]
    try:
        found: dict[str, list[dict[str, object]]] = {
            system: [asdict(hit) for hit in systems[system](work, query, k)] for system in wanted
        }
    except ValueError as error:  # what the generated code refuses: an index of another model, other documents
        raise StageError(f'cannot ask "{name}": {error}') from error
    if as_json:
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    console = report.console()
    with console.capture() as text:
        console.print(report.hits(found))
    return text.get()


def predict(root: Path, name: str, text: str, k: int, *, as_json: bool) -> str:
    """The `k` likeliest classes of a text, as a table or as JSON.

    Raises:
        UsageError: no classifier was run under this name.
    """
    code, work = root / "generated" / name, root / "runs" / name
    if not name.isidentifier() or not (work / "model").is_dir() or not (code / "predict.py").exists():
        raise UsageError(f'no classifier under the name "{name}"; run specforge run specs/{name}.yaml first')
    sys.path.insert(0, str(code))
    found = [asdict(guess) for guess in importlib.import_module("predict").guesses(work, text, k)]
    if as_json:
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    console = report.console()
    with console.capture() as shown:
        console.print(report.guesses(found))
    return shown.get()
