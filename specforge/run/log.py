"""What a stage prints: kept in a log without the motion of progress bars, and shown live on a terminal."""

from __future__ import annotations

import re
import shutil
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

TAIL_LINES = 15
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_LONGEST_LINE = 1 << 16


@dataclass
class Log:
    """A log that is being written, the last lines of it, and the line that is not finished yet."""

    file: BinaryIO
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    pending: bytes = b""


def append(log: Log, chunk: bytes) -> None:
    """Add output. Of a line that was redrawn by carriage returns only the last state is kept. Raises OSError."""
    *lines, rest = (log.pending + chunk).split(b"\n")
    for line in lines:
        _write(log, line)
    log.pending = _last_state(rest)
    if len(log.pending) > _LONGEST_LINE:
        close(log)
    log.file.flush()


def close(log: Log) -> None:
    """Write what is left without an end of line. Raises OSError."""
    if log.pending:
        _write(log, log.pending)
        log.pending = b""


def show(log: Log) -> None:
    """Draw the current line on the terminal, over the one before; nothing where there is no terminal."""
    line = _text(log.pending) or (log.tail[-1] if log.tail else "")
    columns = shutil.get_terminal_size().columns
    _draw("  " + line.expandtabs()[: columns - 3])


def clear() -> None:
    """Leave the terminal's current line empty."""
    _draw("")


def is_live() -> bool:
    """Whether somebody sees the current line."""
    return sys.stderr.isatty()


def open_log(path: Path) -> BinaryIO:
    """Open for appending, in its folder, which is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _draw(line: str) -> None:
    if is_live():
        with suppress(OSError):
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.flush()


def _write(log: Log, line: bytes) -> None:
    kept = _CONTROL.sub(b"", _last_state(line)).rstrip(b"\r")
    log.file.write(kept + b"\n")
    if kept.strip():
        log.tail.append(kept.decode(errors="replace"))


def _last_state(line: bytes) -> bytes:
    """What a terminal would show; a carriage return at the very end may still be followed by an end of line."""
    start = line.rstrip(b"\r").rfind(b"\r") + 1
    return line[start:]


def _text(line: bytes) -> str:
    return _CONTROL.sub(b"", line.strip(b"\r")).decode(errors="replace")
