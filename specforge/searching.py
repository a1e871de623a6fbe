"""Asks the index, or the classifier, of the last run by the generated code itself."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from specforge.checks.words import listed
from specforge.errors import StageError, UsageError
from specforge.report import hits as shown
from specforge.report import tables as report
from specforge.run.script import import_from
from specforge.run.store import near

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """How to answer: by which system (else what users get), by all of them side by side, with the scores of each step."""

    k: int
    system: str | None
    compare: bool
    explain: bool


@dataclass(frozen=True)
class Session:
    """A run that is asked, and its generated `search.py`, which opens and checks each system once."""

    name: str
    spec: str
    work: Path
    code: ModuleType


def session(root: Path, name: str) -> Session:
    """Open a run.

    Raises:
        UsageError: nothing was run under this name, or it ranks nothing, or what it had made is gone.
    """
    code, work = root / "generated" / name, root / "runs" / name
    if name.isidentifier() and (work / "evaluation").exists() and not (code / "search.py").exists():
        raise UsageError(f'"{name}" ranks no documents, so there is nothing to ask')
    if not name.isidentifier() or not work.is_dir() or not (code / "search.py").exists():
        raise UsageError(f'nothing to ask under the name "{name}"; run specforge run specs/{name}.yaml first')
    spec = json.loads((code / "manifest.json").read_text(encoding="utf-8"))["spec"]
    gone = [path for path in sorted(work.iterdir()) if path.is_symlink() and not path.exists()]
    if gone:
        raise UsageError(f'"{near(gone[0])}" is gone from the store; run specforge run {spec} again')
    if not (work / "index").is_dir():
        raise UsageError(f'"{name}" has no index yet; let specforge run {spec} come to its end')
    import_from(code)
    search = importlib.import_module("search")
    if "transformers" in sys.modules:
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
    return Session(name, spec, work, search)


def search(asked: Session, query: str, options: Options, *, as_json: bool, width: int | None = None) -> str:
    """The best documents for one query, as tables or as a line of JSON.

    Raises:
        UsageError: the query has no text, or there is no such system.
        StageError: model, documents and index do not belong together, or are damaged.
    """
    asks = systems(asked, options)
    try:
        request = asked.code.request(json.dumps({"query": query}))
    except ValueError as error:
        raise UsageError(str(error)) from error
    with _plainly(asked):
        found = shown.placed(asked.code.answer(request, asks, options.k, options.explain))
    return f"{json.dumps(found, ensure_ascii=False)}\n" if as_json else shown.answer(found, options.explain, width)


def stream(asked: Session, lines: Iterable[str | bytes], options: Options) -> Iterator[Json]:
    """An answer a line of JSON, in their order; what is wrong with a line stands in the place of its answer.

    Raises:
        UsageError: there is no such system.
        StageError: model, documents and index do not belong together, or are damaged.
    """
    asks = systems(asked, options)
    with _plainly(asked):
        yield from map(shown.placed, asked.code.answers(lines, asks, options.k, options.explain))


def systems(asked: Session, options: Options) -> dict[str, Any]:
    """The systems that are asked, opened and checked; of several the simplest first.

    Raises:
        UsageError: there is no such system, or nothing to compare with.
        StageError: model, documents and index do not belong together, or are damaged.
    """
    known = asked.code.SYSTEMS
    if options.compare and options.system:
        raise UsageError("--compare asks all systems, and --system one of them; give one of the two")
    if options.compare and len(known) == 1:
        raise UsageError(f'"{asked.name}" has one system, so there is nothing to compare')
    if options.system is not None and options.system not in known:
        raise UsageError(f'"{asked.name}" has no system "{options.system}"; it has {listed(known)}')
    wanted = reversed(known) if options.compare else [options.system or next(iter(known))]
    with _plainly(asked):
        return {system: known[system](asked.work) for system in wanted}


@contextmanager
def _plainly(asked: Session) -> Iterator[None]:
    """Tell what the generated code refuses, or whatever a library says of a damaged file, in one sentence."""
    try:
        yield
    except Exception as error:
        told = f"{error}" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
        told = " ".join(told.replace(f"{asked.work.parents[1]}/", "").split())
        raise StageError(f'cannot ask "{asked.name}": {told} (specforge run {asked.spec})') from error


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
