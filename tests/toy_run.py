"""Three toy scripts and a project around them, for the tests of the runner."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from specforge.run.runner import run, status
from specforge.run.stage import RunRecord, Stage, StageStatus

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


def make_toy(root: Path) -> Project:
    """A project of three stages in an empty folder."""
    project = Project(root)
    project.code.mkdir(parents=True)
    project.base.mkdir()
    for name, text in TOY.items():
        (project.code / name).write_text(textwrap.dedent(text))
    (project.base / "numbers.txt").write_text("\n".join(str(number + 1) for number in range(STEPS)))
    return project


def cached(record: RunRecord) -> dict[str, bool]:
    return {stage.name: stage.cached for stage in record.stages}
