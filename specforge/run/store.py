"""The store of finished outputs, `runs/store/<stage>/<key>/`, which a kill at any moment leaves consistent.

For one key there are five paths, and all changes happen under an exclusive lock on `<key>.lock`:

- `<key>.partial/`: the work folder of a run that has not finished; a later run goes on in it;
- `<key>.json`: what is known of a run whose script has finished; removed before a script starts;
- `<key>/`: the output, complete; it appears by one rename, after its record, and is made again where files of it are gone
  or shorter than the record says;
- `<key>.lock`: never removed, since a lock on a file that is gone locks nobody out;
- `<key>.trash/`: a work folder on its way out, so that no run goes on in one that is half removed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from specforge.errors import StageError
from specforge.locate import write_whole
from specforge.run.keys import KeyParts


@dataclass(frozen=True)
class Slot:
    """The place of one stage's output under one key."""

    folder: Path
    """`runs/store/<stage>`."""
    key: str

    @property
    def output(self) -> Path:
        return self.folder / self.key

    @property
    def partial(self) -> Path:
        return self.folder / f"{self.key}.partial"

    @property
    def trash(self) -> Path:
        return self.folder / f"{self.key}.trash"

    @property
    def record(self) -> Path:
        return self.folder / f"{self.key}.json"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.key}.lock"


@dataclass(frozen=True)
class Finished:
    """What is recorded beside an output."""

    key: str
    parts: KeyParts
    seconds: float
    """Of the run that finished it; the time before a kill is not in it."""
    peak_memory_mib: float
    finished_at: str
    """UTC, ISO 8601."""
    bytes: int
    """Of all files of the output; one that has another size is damaged."""


_FINISHED = TypeAdapter(Finished)
_STAGES = TypeAdapter(dict[str, Finished])


@contextmanager
def plainly(what: str) -> Iterator[None]:
    """Tell a full disk, or a path that cannot be used, as a StageError in one sentence; `what` stopped at it."""
    try:
        yield
    except OSError as error:
        path = error.filename2 or error.filename
        place = f' at "{near(Path(str(path)))}"' if path else ""
        raise StageError(f"{what} stopped{place}: {(error.strerror or str(error)).lower()}") from error


@contextmanager
def locked(path: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on a file; `wait` is called once where another process has it. Raises OSError.

    A process forked meanwhile shares the lock, so that it is free only when nobody is left to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock at this moment."""
    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def near(path: Path) -> Path:
    """The path as a person would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def begin(slot: Slot, inputs: Mapping[str, Path]) -> None:
    """Make the work folder ready for the script; `inputs` are finished outputs by the name that the script reads."""
    slot.record.unlink(missing_ok=True)
    slot.partial.mkdir(exist_ok=True)
    for name, output in inputs.items():
        link(slot.partial / name, output)


def finish(slot: Slot, output: str, finished: Finished) -> None:
    """Turn the folder that a script has written into the finished output."""
    _settle(slot.partial / output)
    write_whole(slot.record, _FINISHED.dump_json(finished, indent=1).decode() + "\n")
    publish(slot, output)


def publish(slot: Slot, output: str) -> None:
    """The step that makes a recorded output visible; what is left of the work folder goes."""
    (slot.partial / output).rename(slot.output)
    _sync(slot.folder)
    discard_partial(slot)


def is_recorded(slot: Slot, output: str) -> bool:
    """Whether a run was killed between its record and its rename: the script has not started since."""
    return slot.record.exists() and (slot.partial / output).is_dir()


def size(folder: Path) -> int:
    """The bytes of all files in a folder, and in those below. Raises OSError."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def is_whole(slot: Slot) -> bool:
    """Whether the output is there, and as large as it was written."""
    finished = read_finished(slot)
    return slot.output.is_dir() and (finished is None or finished.bytes == size(slot.output))


def discard_output(slot: Slot) -> None:
    """Remove an output that is damaged; nothing else of its key may be on its way out."""
    slot.output.rename(slot.trash)
    shutil.rmtree(slot.trash)


def discard_partial(slot: Slot) -> None:
    """Remove the work folder; links in it are removed, not followed."""
    if slot.trash.exists():
        shutil.rmtree(slot.trash)
    if slot.partial.exists():
        slot.partial.rename(slot.trash)
        shutil.rmtree(slot.trash)


def read_finished(slot: Slot) -> Finished | None:
    """The record of an output; nothing where it is missing or broken."""
    with suppress(OSError, ValueError):
        return _FINISHED.validate_json(slot.record.read_bytes())
    return None


def read_stages(folder: Path) -> dict[str, Finished]:
    """The last finished run of every stage under one name; empty where the file is missing or broken."""
    with suppress(OSError, ValueError):
        return _STAGES.validate_json((folder / "stages.json").read_bytes())
    return {}


def note_stage(folder: Path, stage: str, finished: Finished) -> None:
    """Add a stage to what `read_stages` reads, beside other processes that do the same. Raises OSError."""
    with locked(folder / ".lock"):
        known = read_stages(folder)
        if known.get(stage) != finished:
            content = _STAGES.dump_json({**known, stage: finished}, indent=1).decode()
            write_whole(folder / "stages.json", content + "\n")


def link(path: Path, target: Path) -> None:
    """Make `path` a relative link to `target`, in one step also where it links elsewhere. Raises OSError."""
    if is_linked(path, target):
        return
    relative = os.path.relpath(target.resolve(), path.parent.resolve())
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    aside.symlink_to(relative, target_is_directory=True)
    try:
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def is_linked(path: Path, target: Path) -> bool:
    """Whether `path` is a link to `target`."""
    return path.is_symlink() and path.resolve() == target.resolve()


def _settle(folder: Path) -> None:
    """Bring a folder to the disk, so that a power cut cannot leave a finished output of empty files."""
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
