"""Puts a fault into its spec and says what is told of it before anything is trained."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from mutations.fault import Fault
from mutations.starts import SPECS, STARTS, replaced
from specforge import compiling, pipeline
from specforge.checks.accounts import accounts
from specforge.codes import Severity
from specforge.errors import SpecforgeError
from specforge.pipeline import Checked
from specforge.problems import Problem
from specforge.render import render
from specforge.write import write

Outcome = Literal[
    "refused",
    "warned",
    "left out and counted",
    "without effect",
    "not expressible",
    "missed",
]


@dataclass(frozen=True)
class Answer:
    """What is told of a fault.

    Attributes:
        where: what shows it: `spec`, `rows`, or `code` on disk.
        milliseconds: until it was told, in a process that has the libraries at hand.
        words: the message, or what happens instead.
    """

    outcome: Outcome
    where: str
    milliseconds: float
    words: str


def answer(fault: Fault, root: Path) -> Answer:
    """What is told of a fault, in an empty project below `root`."""
    path = place(fault.start, root / fault.name, fault)
    if fault.stale:
        return _stale(fault, path)
    started = time.perf_counter()
    checked, broken, where = pipeline.read(path), "", "spec"
    if fault.code not in _codes(checked):
        (checked, broken), where = looked_at(path), "rows"
    milliseconds = 1000 * (time.perf_counter() - started)
    found = _found(fault, checked, root)
    outcome, words = found or ("missed", _instead_of_it(checked, broken))
    return Answer(outcome, where, milliseconds, words)


def _codes(checked: Checked) -> set[str]:
    return {problem.code for problem in checked.problems}


def place(start: str, root: Path, fault: Fault | None = None) -> Path:
    """A project with a correct spec and its tables, and with the fault where one is given; the path of the spec."""
    specs = root / "specs"
    shutil.copytree(SPECS / "data", specs / "data", ignore=shutil.ignore_patterns("*.py"), dirs_exist_ok=True)
    text = STARTS[start].text
    if fault is not None:
        text = replaced(text, () if fault.stale else fault.edits)
        for target, source, change in fault.data:
            changed = change((SPECS / "data" / source).read_text(encoding="utf-8"))
            (specs / "data" / target).write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    path = specs / f"{STARTS[start].spec}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def looked_at(path: Path) -> tuple[Checked, str]:
    """The spec after all checks, and why they could not be finished, where preparing the tables failed."""
    checked = pipeline.read(path)
    try:
        return pipeline.with_rows(checked), ""
    except SpecforgeError as error:
        return checked, str(error)


def _found(fault: Fault, checked: Checked, root: Path) -> tuple[Outcome, str] | None:
    """What is told of the fault, if it is what must be told."""
    problems = [problem for problem in checked.problems if problem.code == fault.code]
    if fault.instead is not None:
        file, line = fault.instead
        stands = line in _code(fault.start, root)[file]
        return ("not expressible", f"`{file}` has `{line}`") if stands and (problems or not fault.code) else None
    if fault.code:
        return (_severity(problems[0]), problems[0].message) if problems else None
    if checked.refused or checked.data is None:
        return None
    return _counted(fault, checked, root) if fault.counted else _same(fault, checked, root)


def _severity(problem: Problem) -> Outcome:
    return "refused" if problem.severity is Severity.ERROR else "warned"


def _counted(fault: Fault, checked: Checked, root: Path) -> tuple[Outcome, str] | None:
    """What is wrong is left out, the summary says so and adds up, and all that is left is what it was."""
    start = begun(fault.start, root)
    now, before = summary(checked), summary(start)
    assert checked.spec is not None
    objective = checked.spec.objectives[checked.spec.primary]
    grows = now.get(fault.counted, 0) > before.get(fault.counted, 0)
    if not grows or not all(account.adds_up(now) for account in accounts(objective)):
        return None
    if _rows(checked) != _rows(start):
        return None
    return "left out and counted", f"{fault.counted.replace('_', ' ')}: {now[fault.counted]:,}"


def _rows(checked: Checked) -> dict[str, str]:
    """The prepared tables but for the summary, capitals aside: of texts that are one to a reader, either may stay."""
    assert checked.data is not None
    with duckdb.connect() as db:
        return {
            file.name: "\n".join(sorted(str(row).lower() for row in db.read_parquet(str(file)).fetchall()))
            for file in checked.data.glob("*.parquet")
            if file.stem != "summary"
        }


def summary(checked: Checked) -> dict[str, int]:
    """What became of the rows."""
    assert checked.data is not None
    with duckdb.connect() as db:
        found = db.read_parquet(str(checked.data / "summary.parquet")).project("what, amount").fetchall()
    return {str(what): int(amount) for what, amount in found}


def _same(fault: Fault, checked: Checked, root: Path) -> tuple[Outcome, str] | None:
    """The spec says the same, and the prepared tables are the same to the byte."""
    start = begun(fault.start, root)
    assert checked.data is not None and start.data is not None
    tables = {file.name: file.read_bytes() for file in checked.data.glob("*.parquet")}
    alike = {file.name: file.read_bytes() for file in start.data.glob("*.parquet")} == tables
    return ("without effect", "the same spec and tables") if alike and checked.spec == start.spec else None


_BEGUN: dict[tuple[str, Path], tuple[Checked, str]] = {}


def begun(start: str, root: Path) -> Checked:
    """A correct spec after all checks, once a root."""
    return _begun(start, root)[0]


def _begun(start: str, root: Path) -> tuple[Checked, str]:
    """The same, and why it could not be checked to the end."""
    if (start, root) not in _BEGUN:
        _BEGUN[start, root] = looked_at(place(start, root / "starts" / start))
    return _BEGUN[start, root]


def _code(start: str, root: Path) -> dict[str, str]:
    """The generated code of a correct spec."""
    made = pipeline.read(place(start, root / "code" / start)).plan
    assert made is not None
    return render([made])[0]


def _stale(fault: Fault, path: Path) -> Answer:
    """The spec, or the code, is changed after it was compiled; then the code is compared."""
    made = pipeline.read(path).plan
    assert made is not None
    write(made.folder, render([made])[0], force=True)
    if fault.generated is not None:
        name, *edit = fault.generated
        file = made.folder / name
        file.write_text(replaced(file.read_text(encoding="utf-8"), ((edit[0], edit[1]),)), encoding="utf-8")
    path.write_text(replaced(path.read_text(encoding="utf-8"), fault.edits), encoding="utf-8")
    started = time.perf_counter()
    now = pipeline.read(path).plan
    assert now is not None
    lines, stale = compiling.check([now])
    milliseconds = 1000 * (time.perf_counter() - started)
    return Answer(
        "refused" if stale else "missed", "code", milliseconds, "`specforge compile --check`: " + "; ".join(lines[:1])
    )


def _instead_of_it(checked: Checked, broken: str) -> str:
    told = ", ".join(f"{problem.code}: {problem.message}" for problem in checked.problems)
    return broken.splitlines()[0] if broken else told or "nothing is told"


def false_alarms(root: Path, names: Iterable[str]) -> dict[str, list[str]]:
    """Correct specs of which something is told that they do not accept by name: start -> messages."""
    found: dict[str, list[str]] = {}
    for name in names:
        checked, broken = _begun(name, root)
        told = [f"{problem.code}: {problem.message}" for problem in checked.problems]
        found[name] = [*told, *([broken] if broken else [])]
    return found
