"""The runner with three toy scripts: what runs, why, and what a kill, a failure or a second run leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest

from specforge.errors import StageError, UsageError
from specforge.run import log as logs
from specforge.run.keys import key_of, key_parts, sql_shape
from specforge.run.precision import resolve_precision
from specforge.run.runner import run, status
from specforge.run.stage import Event, RunRecord, Stage, StageRecord, StageStatus

STEPS = 4
TOY = {
    "prepare.py": '''
        """Read numbers."""
        import sys
        from pathlib import Path

        work = Path(sys.argv[2])
        numbers = Path(__file__).resolve().parents[2] / "specs" / "numbers.txt"
        rows = [int(line) for line in numbers.read_text().split()]
        (work / "data").mkdir(exist_ok=True)
        (work / "data" / "rows.txt").write_text("\\n".join(map(str, rows)))
    ''',
    "encoder.py": """
        def scale(value):
            return value * 3
    """,
    "train.py": '''
        """Sum, slowly, from the last checkpoint."""
        import os, sys, time
        from pathlib import Path
        from encoder import scale

        work = Path(sys.argv[2])
        rows = [int(line) for line in (work / "data" / "rows.txt").read_text().split()]
        checkpoint = work / "checkpoint.txt"
        step, total = map(int, checkpoint.read_text().split()) if checkpoint.exists() else (0, 0)
        while step < len(rows):
            hold = Path(os.environ.get("TOY_HOLD", "/nowhere"))
            if hold.name == f"hold{step}" and hold.parent.exists() and not Path(f"{hold}.go").exists():
                hold.write_text(str(os.getpid()))
                while not Path(f"{hold}.go").exists():
                    time.sleep(0.01)
            total += scale(rows[step])
            step += 1
            (work / "aside.txt").write_text(f"{step} {total}")
            (work / "aside.txt").replace(checkpoint)
            with Path(__file__).with_name("trace.txt").open("a") as trace:
                trace.write(f"{step}\\n")
        (work / "model").mkdir(exist_ok=True)
        (work / "model" / "total.txt").write_text(str(total))
    ''',
    "objective.sql": "SELECT 'a  b' -- why\nFROM t",
    "evaluation.py": """
        import sys
        from pathlib import Path

        work = Path(sys.argv[2])
        total = int((work / "model" / "total.txt").read_text())
        (work / "scores").mkdir(exist_ok=True)
        (work / "scores" / "score.txt").write_text(str(total + 1))
    """,
}
STAGES = (
    Stage("prepare", "prepare.py", "data", reads=("numbers.txt",), files=("objective.sql",)),
    Stage("train", "train.py", "model", needs=("prepare",), libraries=("pyyaml",), precision="fp32"),
    Stage("evaluation", "evaluation.py", "scores", needs=("train",)),
)
SCORE = "31"  # 3 * (1 + 2 + 3 + 4) + 1


@dataclass(frozen=True)
class Project:
    root: Path

    @property
    def code(self) -> Path:
        return self.root / "generated" / "toy"

    @property
    def base(self) -> Path:
        return self.root / "specs"

    @property
    def store(self) -> Path:
        return self.root / "runs" / "store"

    def run(self, stages: tuple[Stage, ...] = STAGES, name: str = "toy", only: str | None = None) -> RunRecord:
        return run(stages, self.code, self.root, name, self.base, only=only)

    def status(self, stages: tuple[Stage, ...] = STAGES) -> dict[str, StageStatus]:
        return {stage.name: stage for stage in status(stages, self.code, self.root, "toy", self.base)}

    def reasons(self, stages: tuple[Stage, ...] = STAGES) -> dict[str, str]:
        return {name: stage.reason for name, stage in self.status(stages).items() if stage.state != "done"}

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.code / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def score(self, name: str = "toy") -> str:
        return (self.root / "runs" / name / "scores" / "score.txt").read_text()

    def steps(self) -> list[int]:
        return [int(line) for line in (self.code / "trace.txt").read_text().split()]


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.code.mkdir(parents=True)
    project.base.mkdir()
    for name, text in TOY.items():
        (project.code / name).write_text(textwrap.dedent(text))
    (project.base / "numbers.txt").write_text("\n".join(str(number + 1) for number in range(STEPS)))
    return project


DRIVER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_run import STAGES, Project
from specforge.run import runner, store, worker

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


def cached(record: RunRecord) -> dict[str, bool]:
    return {stage.name: stage.cached for stage in record.stages}


def test_a_second_run_does_nothing(toy: Project) -> None:
    assert {stage.reason for stage in toy.status().values()} == {"first run"}
    first = toy.run()
    assert toy.score() == SCORE
    assert cached(first) == {"prepare": False, "train": False, "evaluation": False}
    assert all(stage.peak_memory_mib > 1 and stage.seconds > 0 for stage in first.stages)
    assert all(cached(toy.run()).values())
    assert toy.steps() == [1, 2, 3, 4]
    assert {stage.state for stage in toy.status().values()} == {"done"}
    assert toy.status()["train"].seconds == first.stages[1].seconds


def test_outputs_are_relative_links_and_nothing_is_left(toy: Project) -> None:
    record = toy.run()
    model = record.folder / "model"
    assert str(model.readlink()) == f"../store/train/{record.stages[1].key}"
    assert [path.name for path in model.resolve().iterdir()] == ["total.txt"]
    left = {path.suffix for path in (toy.store / "train").iterdir()}
    assert left == {"", ".json", ".lock"}
    assert not list(toy.code.glob("__pycache__"))


def test_events_come_in_order(toy: Project) -> None:
    events: list[Event] = []
    run(STAGES[:1], toy.code, toy.root, "toy", toy.base, report=events.append)
    assert [type(event) for event in events] == [StageStatus, StageRecord]


def test_layout_and_comments_run_nothing(toy: Project) -> None:
    toy.run()
    toy.edit("train.py", '"""Sum, slowly, from the last checkpoint."""', '"""Other words."""\n\n\n# and a comment')
    toy.edit("encoder.py", "value * 3", "(value   *\n3)")
    toy.edit("objective.sql", " -- why\n", "\n\n/* because */ ")
    assert toy.reasons() == {}


def test_edits_run_what_comes_after(toy: Project) -> None:
    toy.run()
    toy.edit("evaluation.py", "total + 1", "total + 2")
    assert toy.reasons() == {"evaluation": "evaluation.py changed"}
    toy.edit("encoder.py", "3", "5")
    assert toy.reasons() == {"train": "encoder.py changed", "evaluation": "evaluation.py changed, after train"}
    toy.run()
    assert toy.score() == "52"
    toy.edit("encoder.py", "5", "3")
    toy.edit("evaluation.py", "total + 2", "total + 1")
    assert toy.status()["train"].reason == "in the store"
    assert all(cached(toy.run()).values())
    assert toy.score() == SCORE


def test_reasons_name_what_changed(toy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.run()
    toy.edit("objective.sql", "a  b", "a b")
    (toy.base / "numbers.txt").write_text("1 2 3")
    train = replace(STAGES[1], precision="bf16", libraries=("pyyaml", "toy-absent"))
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"pyyaml": "99"}.get(name, "1.5"))
    reasons = toy.reasons((STAGES[0], train, STAGES[2]))
    assert reasons["prepare"] == "objective.sql changed, data file numbers.txt changed"
    old = json.loads((toy.root / "runs" / "toy" / "stages.json").read_text())["train"]["parts"]["libraries"]["pyyaml"]
    assert reasons["train"] == f"pyyaml {old} -> 99, toy-absent 1.5, precision fp32 -> bf16, 1 more"
    assert reasons["evaluation"] == "after train"


def test_removed_outputs_are_made_again(toy: Project) -> None:
    record = toy.run()
    shutil.rmtree(record.stages[1].output)
    assert toy.reasons() == {"train": "output removed"}
    assert cached(toy.run()) == {"prepare": True, "train": False, "evaluation": True}


def test_only_runs_one_stage_and_what_it_needs(toy: Project) -> None:
    assert list(cached(toy.run(only="train"))) == ["prepare", "train"]
    with pytest.raises(UsageError, match='unknown stage "trian"; did you mean "train"'):
        toy.run(only="trian")


def test_links_to_what_an_older_model_gave_are_removed(toy: Project) -> None:
    record = toy.run()
    toy.edit("encoder.py", "3", "5")
    toy.run(only="train")
    assert (record.folder / "model" / "total.txt").read_text() == "50"
    assert not (record.folder / "scores").is_symlink()
    assert record.stages[2].output.is_dir()


@pytest.mark.parametrize("name", ["../toy", "a/b", "", "store", "1a", "a@../b"])
def test_names_are_plain(toy: Project, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a run"):
        toy.run(name=name)
    assert not (toy.root / "runs").exists()


def test_a_name_does_not_lead_out_of_runs(toy: Project) -> None:
    (toy.root / "runs").mkdir()
    (toy.root / "runs" / "toy").symlink_to(toy.code, target_is_directory=True)
    with pytest.raises(UsageError, match="leads out of"):
        toy.run()


def test_a_changed_input_is_never_filed_under_the_old_key(toy: Project) -> None:
    def edit(event: Event) -> None:
        if isinstance(event, StageRecord) and event.name == "prepare":
            toy.edit("encoder.py", "3", "5")

    with pytest.raises(StageError, match=r'"train" is not what it was when the run began: encoder\.py changed'):
        run(STAGES, toy.code, toy.root, "toy", toy.base, report=edit)
    toy.edit("prepare.py", "rows = [", "numbers.write_text('7'); rows = [")
    with pytest.raises(StageError, match=r"data changed meanwhile: data file numbers\.txt changed"):
        toy.run()
    assert not list((toy.store / "prepare").glob("*.partial"))


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
        if type(event).__name__ == "Waiting":
            Path(f"{hold}.go").touch()

    record = run(STAGES, toy.code, toy.root, "toy", toy.base, report=report)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Waiting" in [type(event).__name__ for event in events]
    assert cached(record)["train"]
    assert toy.steps() == [1, 2, 3, 4]
    assert toy.score() == SCORE


def script_stage(toy: Project, text: str) -> tuple[Stage, ...]:
    (toy.code / "one.py").write_text(text)
    return (Stage("one", "one.py", "out"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import sys; sys.exit(7)", "failed with exit status 7"),
        ("import sys; sys.exit('no rows')", "failed with exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", "failed with signal SIGKILL; was it out of memory?"),
        ("import os; os.abort()", "failed with signal SIGABRT"),
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


def test_progress_is_collapsed_in_the_log() -> None:
    file = BytesIO()
    log = logs.Log(file)
    for chunk in (
        b"\r 10%",
        b"\r 50%\r",
        b"\x1b[31m100%\x1b[0m",
        b"\r\nnext\r\n",
        b"a\rlonger\n\n",
        b"\r 1/2\r 2",
        b"/2",
    ):
        logs.append(log, chunk)
    logs.close(log)
    assert file.getvalue().decode().split("\n") == ["100%", "next", "longer", "", " 2/2", ""]
    assert list(log.tail) == ["100%", "next", "longer", " 2/2"]


def test_sql_keeps_what_stands_in_quotes() -> None:
    assert sql_shape("SELECT  1 -- c\n , 'a  -- b' /* x */ FROM \"t  t\"\n") == "SELECT 1 , 'a  -- b' FROM \"t  t\""
    assert sql_shape("$$a  b$$  E'it\\'s  '  date'1  2'") == "$$a  b$$ E'it\\'s  ' date'1  2'"


def test_keys_follow_every_input(toy: Project) -> None:
    def key(stage: Stage) -> str:
        return key_of(key_parts((stage,), toy.code, toy.base, toy.root / "cache.json")["train"])

    stage = replace(STAGES[1], needs=())
    changes: list[dict[str, object]] = [
        {"script": "prepare.py"},
        {"reads": ("numbers.txt",)},
        {"files": ("objective.sql",)},
        {"libraries": ()},
        {"precision": "bf16"},
    ]
    keys = {key(stage), *(key(replace(stage, **change)) for change in changes)}  # type: ignore[arg-type]
    assert len(keys) == len(changes) + 1
    assert all(len(found) == 16 for found in keys)


def test_precision_is_resolved_for_the_machine() -> None:
    assert [resolve_precision(given) for given in ("", "fp32", "bf16")] == ["", "fp32", "bf16"]
    assert resolve_precision("auto") in ("fp32", "bf16")
