"""A run that is killed at any step, interrupted, or met by a second one leaves a state that the next run makes good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toy_run import SCORE, STAGES, Project, cached, make_toy

from specforge.run.runner import run
from specforge.run.stage import Event, Waiting


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    return make_toy(tmp_path)


DRIVER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from toy_run import Project
from specforge.run import runner, store, worker

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background has it ignored

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
if where:
    module, name, stage = where.split()
    owner = {{"store": store, "runner": runner, "shutil": store.shutil}}[module]
    true = getattr(owner, name)
    setattr(owner, name, lambda *a, **k: die() if stage in str((a[:2], k)) else true(*a, **k))
Project(Path(sys.argv[1])).run()
"""


def start(toy: Project, where: str = "", hold: Path | None = None) -> subprocess.Popen[str]:
    """A run in another process; `where` is "module function text": it kills itself at that call with that argument."""
    driver = DRIVER.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "TOY_HOLD": str(hold or "")}
    return subprocess.Popen(
        [sys.executable, "-c", driver, str(toy.root), where],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process and process.communicate()
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def held(toy: Project) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """A run that stands before its third training step: its process, its marker and its script's process."""
    hold = toy.root / "hold2"
    process = start(toy, hold=hold)
    wait_for(lambda: hold.exists() and bool(hold.read_text()), process)
    yield process, hold, int(hold.read_text())
    process.kill()
    process.communicate()


# in the order in which a run makes these calls
POINTS = {
    "before the first stage": ("runner _obtain prepare", []),
    "before the script": ("store begin train", []),
    "after the script": ("store finish train", [1, 2, 3, 4]),
    "before the record": ("store write_whole store/train", [1, 2, 3, 4]),
    "before the rename": ("store publish train", [1, 2, 3, 4]),
    "after the rename": ("store discard_partial train", [1, 2, 3, 4]),
    "in the removal": ("shutil rmtree train", [1, 2, 3, 4]),
    "before the note": ("store note_stage train", [1, 2, 3, 4]),
    "before the link": ("runner _link train", [1, 2, 3, 4]),
    "after all": ("runner RunRecord toy", [1, 2, 3, 4]),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_is_made_good(toy: Project, point: str) -> None:
    where, steps = POINTS[point]
    process = start(toy, where)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    assert (toy.steps() if (toy.code / "trace.txt").exists() else []) == steps
    toy.run()
    assert toy.score() == SCORE
    assert toy.steps() == [1, 2, 3, 4]
    assert {path.suffix for path in (toy.store / "train").iterdir()} == {"", ".json", ".lock"}


def test_a_killed_run_takes_its_script_along_and_is_resumed(
    toy: Project, held: tuple[subprocess.Popen[str], Path, int]
) -> None:
    process, _, script = held
    assert toy.status()["train"].reason == "another run is at it"
    process.kill()
    process.wait()
    wait_for(lambda: not is_alive(script))
    assert toy.status()["train"].state == "resume"
    assert toy.status()["train"].reason == "stopped before it finished"
    toy.run()
    assert toy.score() == SCORE
    assert toy.steps() == [1, 2, 3, 4]


def test_an_interrupted_run_stops_its_script(toy: Project, held: tuple[subprocess.Popen[str], Path, int]) -> None:
    process, _, script = held
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert not is_alive(script)
    toy.run()
    assert toy.steps() == [1, 2, 3, 4]


def test_two_runs_at_once_make_each_output_once(toy: Project, held: tuple[subprocess.Popen[str], Path, int]) -> None:
    process, hold, _ = held
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        if isinstance(event, Waiting):
            Path(f"{hold}.go").touch()

    record = run(STAGES, toy.code, toy.root, "toy", toy.base, report=report)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert Waiting("train") in events
    assert cached(record)["train"]
    assert toy.steps() == [1, 2, 3, 4]
    assert toy.score() == SCORE
