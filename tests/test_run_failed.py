"""Failing scripts and machines are told in one sentence, and scripts run as they would alone."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from toy_run import Project, make_toy

from specforge.errors import StageError
from specforge.run.runner import run
from specforge.run.stage import Stage

OUT = "(pathlib.Path(sys.argv[2]) / 'out').mkdir()\n"


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    return make_toy(tmp_path)


def script_stage(toy: Project, text: str) -> tuple[Stage, ...]:
    (toy.code / "one.py").write_text(text)
    return (Stage("one", "one.py", "out"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import sys; sys.exit(7)", "failed with exit status 7"),
        ("import sys; sys.exit('no rows')", "failed with exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", "failed with signal SIGKILL; was it out of memory?"),
        ("import os; os.kill(os.getpid(), 15)", "failed with signal SIGTERM"),
        ("import os; os.write(2, b'raw'); os._exit(3)", "    raw"),
        ("print('rows', 12)\n1 / 0", "    ZeroDivisionError: division by zero"),
        ("pass", 'ended without writing its folder "out"'),
        ("import errno; raise OSError(errno.ENOSPC, 'No space left on device')", "failed: no space left on device"),
        ("1 +", "cannot run: invalid syntax (one.py, line 1)"),
    ],
)
def test_failures_are_told(toy: Project, text: str, told: str) -> None:
    with pytest.raises(StageError) as failure:
        toy.run(script_stage(toy, text))
    message = str(failure.value)
    assert message.startswith('stage "one" ')
    assert told in message
    assert "runpy" not in message
    assert not list((toy.root / "runs" / "toy").glob("out"))


def test_a_failure_shows_the_last_lines_and_the_log(toy: Project) -> None:
    with pytest.raises(StageError) as failure:
        toy.run(script_stage(toy, "for n in range(40): print('line', n)\nraise SystemExit(2)"))
    head, *lines = str(failure.value).splitlines()
    (log,) = (toy.root / "runs" / "toy" / "logs").glob("*-one.log")
    assert head == f'stage "one" failed with exit status 2 (log: {log})'
    assert lines == [f"    line {number}" for number in range(25, 40)]
    assert len(log.read_text().splitlines()) == 40


REFUSING = """
def check(row):
    if row == 3:
        raise ValueError("row 3 is no row; make it again [SF507]")
    check(row + 1)

print("rows", 3)
try:
    check(0)
except ValueError as error:
    raise {kind} from error
"""


@pytest.mark.parametrize(("kind", "told"), [("ValueError(str(error))", ""), ("KeyError('row')", "KeyError: 'row'")])
def test_what_a_script_refuses_is_told_without_a_traceback(toy: Project, kind: str, told: str) -> None:
    """The places in code stand in the log, also where they are more than the lines that are shown."""
    with pytest.raises(StageError) as failure:
        toy.run(script_stage(toy, REFUSING.replace("{kind}", kind)))
    lines = str(failure.value).splitlines()[1:]
    assert lines[-1] == f"    {told or 'row 3 is no row; make it again [SF507]'}"
    assert lines[:-1] in ([], ["    rows 3"])
    (log,) = (toy.root / "runs" / "toy" / "logs").glob("*-one.log")
    assert "Traceback" in log.read_text()


def test_scripts_run_as_programs(toy: Project) -> None:
    text = """
import atexit, multiprocessing, os, sys, threading, time
from pathlib import Path
out = Path(sys.argv[2]) / "out"
out.mkdir()
assert __name__ == "__main__" and __file__ == sys.argv[0] and sys.path[0] == str(Path(__file__).parent)
assert sys.stdin.read() == ""
atexit.register(lambda: (out / "exit.txt").write_text("exit"))
threading.Thread(target=lambda: (threading.main_thread().join(), (out / "thread.txt").write_text("thread"))).start()
multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True).start()
if os.fork() == 0:
    time.sleep(600)
"""
    record = toy.run(script_stage(toy, text))
    assert sorted(path.name for path in record.stages[0].output.iterdir()) == ["exit.txt", "thread.txt"]


@pytest.mark.parametrize("blocked", ["runs", "runs/store", "runs/toy", "runs/toy/logs", "runs/toy/model"])
def test_paths_that_cannot_be_used_are_told_in_one_sentence(toy: Project, blocked: str) -> None:
    path = toy.root / blocked
    path.parent.mkdir(parents=True, exist_ok=True)
    if blocked.endswith("model"):
        path.mkdir()
    else:
        path.write_text("")
    with pytest.raises(StageError) as failure:
        toy.run()
    assert f'stopped at "{path}' in str(failure.value)
    assert "\n" not in str(failure.value)


def test_missing_data_are_told(toy: Project) -> None:
    (toy.base / "numbers.txt").unlink()
    with pytest.raises(StageError, match=r'stage "prepare" cannot run: no file "numbers\.txt" in'):
        toy.status()


def test_modules_are_imported_once_for_all_scripts(toy: Project) -> None:
    (toy.code / "site").mkdir()
    (toy.code / "site" / "toy_heavy.py").write_text("import os\nimported_by = os.getpid()\n")
    (toy.code / "site" / "toy_broken.py").write_text("raise RuntimeError\n")
    stages = script_stage(
        toy, "import os, sys, toy_heavy, pathlib\nassert toy_heavy.imported_by == os.getppid()\n" + OUT
    )
    sys.path.insert(0, str(toy.code / "site"))
    try:
        run(stages, toy.code, toy.root, "toy", toy.base, modules=("toy_heavy", "toy_broken", "toy_absent"))
    finally:
        sys.path.remove(str(toy.code / "site"))
        sys.modules.pop("toy_heavy")


def test_a_terminal_shows_the_current_line(toy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = script_stage(toy, "import sys, pathlib\nprint('\\r 50%', end='')\n" + OUT)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    toy.run(stages)
    assert terminal.getvalue() == "\r\x1b[2K   50%\r\x1b[2K"
