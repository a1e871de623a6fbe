"""Says which stages of a plan have to run and why, and runs them."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from specforge.errors import StageError, UsageError
from specforge.run import store
from specforge.run.keys import KeyParts, fingerprints, key_of, key_parts, read_parts
from specforge.run.reasons import reason
from specforge.run.stage import Event, RunRecord, Stage, StageRecord, StageStatus, State, Waiting
from specforge.run.store import Finished, Slot
from specforge.run.worker import Outcome, preload, run_forked

Report = Callable[[Event], None]

_NAME = re.compile(r"[A-Za-z_]\w*(@[0-9a-f]+)?", re.ASCII)
_NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class _Place:
    """The folders that a run reads and writes; all are absolute."""

    code: Path
    runs: Path
    folder: Path
    base: Path

    @property
    def cache(self) -> Path:
        return self.runs / "fingerprints.json"

    def slot(self, stage: Stage, key: str) -> Slot:
        return Slot(self.runs / "store" / stage.name, key)


def status(stages: Sequence[Stage], code: Path, root: Path, name: str, base: Path) -> list[StageStatus]:
    """What a run would do, stage by stage, without running anything.

    Raises UsageError for a name that is no plain identifier, StageError where code or data cannot be read.
    """
    place = _place(code, root, name, base)
    with store.plainly(f'run "{name}"'):
        parts = key_parts(stages, place.code, place.base, place.cache)
        last = store.read_stages(place.folder)
        return [_status(stage, parts[stage.name], last.get(stage.name), place) for stage in stages]


def run(
    stages: Sequence[Stage],
    code: Path,
    root: Path,
    name: str,
    base: Path,
    only: str | None = None,
    report: Report = lambda _: None,
    modules: Sequence[str] = (),
    kept: Mapping[str, KeyParts] = MappingProxyType({}),
) -> RunRecord:
    """Run, in order, what is not in the store yet, and link every output from `runs/<name>`.

    `code` holds the scripts, `root` holds `runs`, and references are relative to `base`. `only` names one stage, which
    is run with what it needs. `report` is told a StageStatus before each stage, a StageRecord after it, and Waiting
    where another process is at it. `modules` are imported before the first script is run, once for all scripts. The
    outputs of stages in `kept` are those in the store under these parts, whatever their scripts say now. Raises
    UsageError, and StageError where a script or the machine fails.
    """
    wanted = _closure(stages, only)
    place = _place(code, root, name, base)
    records: dict[str, StageRecord] = {}
    with store.plainly(f'run "{name}"'):
        place.folder.mkdir(parents=True, exist_ok=True)
        parts = key_parts(wanted, place.code, place.base, place.cache, kept)
    for stage in wanted:
        with store.plainly(f'stage "{stage.name}"'):
            told = _status(stage, parts[stage.name], store.read_stages(place.folder).get(stage.name), place)
            report(told)
            if told.state != "done":
                preload(modules)
            needed = {other.output: records[other.name].output for other in wanted if other.name in stage.needs}
            records[stage.name] = _obtain(stage, parts[stage.name], needed, place, report)
            _link(stage, records[stage.name].output, stages, place)
        report(records[stage.name])
    with store.plainly(f'run "{name}"'):
        for stage in wanted:  # another run of this name may have linked its own meanwhile: the last to end wins
            store.link(place.folder / stage.output, records[stage.name].output)
    return RunRecord(name=name, folder=place.folder, stages=tuple(records.values()))


def _place(code: Path, root: Path, name: str, base: Path) -> _Place:
    if not _NAME.fullmatch(name) or name == "store":
        raise UsageError(f'"{name}" cannot name a run; a name is a plain identifier other than "store"')
    runs = (root / "runs").resolve()
    for folder in (runs / name, runs / "store"):
        if not folder.resolve().is_relative_to(runs):
            raise UsageError(f'"{folder}" leads out of "{runs}"')
    return _Place(code.resolve(), runs, runs / name, base.resolve())


def _closure(stages: Sequence[Stage], only: str | None) -> list[Stage]:
    """The stages that `only` rests on, itself last; all stages where it is not given."""
    if only is None:
        return list(stages)
    names = [stage.name for stage in stages]
    if only not in names:
        near = difflib.get_close_matches(only, names, 1)
        hint = f'did you mean "{near[0]}"' if near else f"stages are {', '.join(names)}"
        raise UsageError(f'unknown stage "{only}"; {hint}')
    wanted = {only}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted.update(stage.needs)
    return [stage for stage in stages if stage.name in wanted]


def _status(stage: Stage, parts: KeyParts, last: Finished | None, place: _Place) -> StageStatus:
    slot = place.slot(stage, key_of(parts))
    state, why = _state(slot, parts, last)
    known = last or store.read_finished(slot)
    return StageStatus(stage.name, slot.key, state, why, known.seconds if known else None)


def _state(slot: Slot, parts: KeyParts, last: Finished | None) -> tuple[State, str]:
    if store.is_whole(slot):
        return "done", "unchanged" if last and last.key == slot.key else "in the store"
    if slot.partial.is_dir():
        return "resume", "another run is at it" if store.is_locked(slot.lock) else "stopped before it finished"
    return "run", "output damaged" if slot.output.is_dir() else reason(parts, last.parts if last else None)


def _obtain(stage: Stage, parts: KeyParts, needed: dict[str, Path], place: _Place, report: Report) -> StageRecord:
    """The stage's output from the store, or by running its script, linked from the run's folder."""
    slot = place.slot(stage, key_of(parts))
    cached = store.is_whole(slot)
    if not cached or slot.partial.exists() or slot.trash.exists():
        with store.locked(slot.lock, wait=lambda: report(Waiting(stage.name))):
            cached = _is_finished(slot, stage)
            if not cached:
                _make(stage, parts, needed, place, slot)
    finished = store.read_finished(slot) or Finished(slot.key, parts, 0.0, 0.0, "", 0)
    store.note_stage(place.folder, stage.name, finished)
    return StageRecord(stage.name, slot.key, cached, finished.seconds, finished.peak_memory_mib, slot.output)


def _link(stage: Stage, output: Path, stages: Sequence[Stage], place: _Place) -> None:
    """Link an output from the run's folder; links to what was made from another one go first.

    So no index ever stands beside a model that it was not built by.
    """
    if store.is_linked(place.folder / stage.output, output):
        return
    later = {stage.name}
    for other in stages:
        if later.intersection(other.needs):
            later.add(other.name)
            if (place.folder / other.output).is_symlink():
                (place.folder / other.output).unlink(missing_ok=True)
    store.link(place.folder / stage.output, output)


def _is_finished(slot: Slot, stage: Stage) -> bool:
    """Under the lock: whether the output is there, after the last steps of a run that was killed on them."""
    if not slot.output.is_dir() and store.is_recorded(slot, stage.output):
        store.publish(slot, stage.output)
    elif slot.output.is_dir():
        store.discard_partial(slot)
        if not store.is_whole(slot):
            store.discard_output(slot)
    return slot.output.is_dir()


def _make(stage: Stage, parts: KeyParts, needed: dict[str, Path], place: _Place, slot: Slot) -> None:
    """Under the lock: run the script in its work folder and move its output to the store."""
    _check_unchanged(stage, parts, place)
    store.begin(slot, needed)
    now = dt.datetime.now(dt.UTC)
    log = place.folder / "logs" / f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{stage.name}.log"
    outcome = run_forked(place.code / stage.script, slot.partial, log)
    if outcome.status:
        raise StageError(_failure(stage, outcome, log))
    if not (slot.partial / stage.output).is_dir():
        raise StageError(
            f'stage "{stage.name}" ended without writing its folder "{stage.output}" (log: {store.near(log)})'
        )
    _check_reads(stage, parts, place, slot)
    ended = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    written = store.size(slot.partial / stage.output)
    finished = Finished(slot.key, parts, round(outcome.seconds, 3), round(outcome.peak_memory_mib, 1), ended, written)
    store.finish(slot, stage.output, finished)


def _check_unchanged(stage: Stage, parts: KeyParts, place: _Place) -> None:
    """Refuse to start under a key that the stage no longer has: others may edit while earlier stages run."""
    now = read_parts(stage, parts.needs, place.code, place.base, place.cache)
    if now != parts:
        raise StageError(f'stage "{stage.name}" is not what it was when the run began: {reason(now, parts)}')


def _check_reads(stage: Stage, parts: KeyParts, place: _Place, slot: Slot) -> None:
    """Refuse an output of data that changed while the script ran; its code was read at the start, and may change."""
    now = fingerprints(stage, place.base, place.cache)
    if now != parts.reads:
        store.discard_partial(slot)
        told = reason(replace(parts, reads=now), parts)
        raise StageError(f'stage "{stage.name}" must run again, since its data changed meanwhile: {told}')


def _failure(stage: Stage, outcome: Outcome, log: Path) -> str:
    if outcome.tail and _NO_SPACE in outcome.tail[-1]:
        return f'stage "{stage.name}" failed: {_NO_SPACE.lower()} (log: {store.near(log)})'
    lines = [f'stage "{stage.name}" failed with {_ending(outcome.status)} (log: {store.near(log)})']
    return "\n".join([*lines, *(f"    {line}" for line in _untraced(outcome.tail))])


def _untraced(tail: Sequence[str]) -> list[str]:
    """The last lines without the places in code that a traceback names: those stand in the log."""
    places = [row for row, line in enumerate(tail) if line.startswith(("  ", "Traceback ("))]
    if not any(tail[row].startswith('  File "') for row in places):
        return list(tail)
    return [*tail[: places[0]], *(line.removeprefix("ValueError: ") for line in tail[places[-1] + 1 :])]


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
    hint = "; was it out of memory?" if -status == signal.SIGKILL else ""
    return f"signal {name}{hint}"
