"""Runs one generated script in a process forked from this one, so that imports are paid once and memory is given back."""

from __future__ import annotations

import ctypes
import importlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from specforge.run import log as logs
from specforge.run.script import run_script

_POLL_S = 0.1
_GRACE_S = 5.0
_CHUNK = 1 << 16
_RSS_PER_MIB = 1 << (20 if sys.platform == "darwin" else 10)
_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Outcome:
    """How a script ended."""

    status: int
    """The exit status; the negative number of the signal that ended it."""
    seconds: float
    peak_memory_mib: float
    tail: tuple[str, ...]
    """The last lines that it printed."""


def preload(modules: Iterable[str]) -> None:
    """Import modules that several scripts use, before any is forked; one that cannot be imported is left to the script.

    Only imports are safe here: a process that has computed with many threads, or on a GPU, must not be forked.
    """
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)


def run_forked(script: Path, work: Path, log: Path) -> Outcome:
    """Run `script --work work` to its end. What it and its libraries print is appended to `log`.

    The script's process dies with this one. Raises OSError where the log cannot be written; on that, as on Ctrl-C, the
    script is stopped first.
    """
    started = time.monotonic()
    with logs.open_log(log) as file:
        reading, writing = os.pipe()
        process = _fork(script, work, reading, writing)
        os.close(writing)
        written = logs.Log(file)
        try:
            status, peak_memory_mib = _follow(process, reading, written)
        except BaseException:
            _stop(process)
            raise
        finally:
            os.close(reading)
            logs.clear()
        logs.close(written)
    return Outcome(status, time.monotonic() - started, peak_memory_mib, tuple(written.tail))


def _keep_memory(libc: ctypes.CDLL) -> None:
    """Freed blocks stay with the process: glibc hands the large ones of a training step back, to be faulted in again."""
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def _fork(script: Path, work: Path, reading: int, writing: int) -> int:
    libc = ctypes.CDLL(None)
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _keep_memory(libc)
        _become_script(libc, parent, writing, script, work)
    with suppress(OSError):  # the child does the same; whoever comes first
        os.setpgid(process, process)
    return process


def _become_script(libc: ctypes.CDLL, parent: int, writing: int, script: Path, work: Path) -> NoReturn:
    """In the child: never returns, whatever happens, since the frames above belong to the parent."""
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        _die_with(libc, parent)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 0)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
        os._exit(run_script(script, work))
    finally:
        os._exit(1)


def _die_with(libc: ctypes.CDLL, parent: int) -> None:
    """Ask the kernel (Linux) to kill this process when its parent is gone, even by SIGKILL."""
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _follow(process: int, reading: int, log: logs.Log) -> tuple[int, float]:
    """Copy what is printed until the script has ended; its exit status and peak memory in MiB."""
    ended: tuple[int, float] | None = None
    while True:
        is_ready = bool(select.select([reading], [], [], 0 if ended else _POLL_S)[0])
        chunk = os.read(reading, _CHUNK) if is_ready else b""
        if chunk:
            logs.append(log, chunk)
            if logs.is_live():
                logs.show(log)
        elif ended:
            return ended
        # an end of file alone is no end: a script may close its own output
        ended = ended or _ended(process, wait=is_ready and not chunk)


def _ended(process: int, wait: bool) -> tuple[int, float] | None:
    """Exit status and peak memory in MiB once the script has ended; processes that it left behind are killed."""
    reaped, status, usage = os.wait4(process, 0 if wait else os.WNOHANG)
    if not reaped:
        return None
    with suppress(OSError):
        os.killpg(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss / _RSS_PER_MIB


def _stop(process: int) -> None:
    """End a script as Ctrl-C does; by SIGKILL where it takes longer than the time of grace, or at a second Ctrl-C."""
    with suppress(OSError):  # it has ended meanwhile
        try:
            os.killpg(process, signal.SIGINT)
            deadline = time.monotonic() + _GRACE_S
            while time.monotonic() < deadline:
                if _ended(process, wait=False):
                    return
                time.sleep(_POLL_S)
        finally:
            with suppress(OSError):
                os.killpg(process, signal.SIGKILL)
        _ended(process, wait=True)
