"""Whole processes, timed from outside: seconds and peak memory, as the operating system accounts for them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timed:
    """One process: wall-clock seconds and the peak memory of the process in MiB."""

    seconds: float
    peak_mib: float


def time_process(command: Sequence[str | Path], cwd: Path | None = None, log: Path | None = None) -> Timed:
    """Run a command to its end; what it prints goes to `log`.

    Raises:
        SystemExit: it failed.
    """
    with (log or Path(os.devnull)).open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], cwd=cwd, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed with {process.returncode}; see {log}")
    return Timed(seconds, usage.ru_maxrss / 1024)


def medians(commands: Sequence[Sequence[str | Path]], runs: int, cwd: Path | None = None) -> list[float]:
    """The median seconds of each command; they take turns, so that a slow minute of the machine falls on all alike."""
    seconds: list[list[float]] = [[] for _ in commands]
    for turn in range(runs + 1):
        for place, command in enumerate(commands):
            taken = time_process(command, cwd).seconds
            if turn:
                seconds[place].append(taken)
    return [statistics.median(values) for values in seconds]
