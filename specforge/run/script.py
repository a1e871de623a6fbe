"""What happens in a stage's own process: a generated script, run as `python SCRIPT --work DIR` would run it."""

from __future__ import annotations

import atexit
import io
import multiprocessing.util
import os
import runpy
import sys
import threading
import traceback
from contextlib import suppress
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

_COLUMNS = "100"


class _FromSource(SourceFileLoader):
    """Compiles siblings from their source: bytecode is told from its source by whole seconds and size only, and a
    recompiled spec often changes one digit."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def run_script(script: Path, work: Path) -> int:
    """Run it to its end, with its threads and exit functions; the exit status. Only for a process of its own."""
    atexit._clear()  # those of the parent are not for this process
    _prepare_process(script, work)
    try:
        status = _run(script)
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        multiprocessing.util._exit_function()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    return status


def _prepare_process(script: Path, work: Path) -> None:
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout = _line_by_line(1)
    sys.stderr = _line_by_line(2)
    os.environ.setdefault("COLUMNS", _COLUMNS)  # the width of progress bars
    sys.argv = [str(script), "--work", str(work)]
    import_from(script.parent)


def import_from(code: Path) -> None:
    """Have the scripts of a code folder found by their names, as they are now."""
    sys.path.insert(0, str(code))
    sys.path_importer_cache[str(code)] = FileFinder(str(code), (_FromSource, [".py"]))
    for sibling in code.glob("*.py"):
        sys.modules.pop(sibling.stem, None)


def _line_by_line(descriptor: int) -> io.TextIOWrapper:
    file = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _run(script: Path) -> int:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return _exit_status(end.code)
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        _print_error(error, str(script))
        return 1
    return 0


def _exit_status(code: object) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _print_error(error: BaseException, script: str) -> None:
    """A traceback that begins in the script, as Python's own would."""
    place = error.__traceback__
    while place and place.tb_frame.f_code.co_filename != script:
        place = place.tb_next
    traceback.print_exception(type(error), error, place)
