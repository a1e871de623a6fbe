"""The words of the runner: a stage to run, what is known of it before, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["done", "run", "resume"]


@dataclass(frozen=True)
class Stage:
    """One generated script, and everything that its output depends on."""

    name: str
    """Its name in reports and in the store, a plain identifier."""
    script: str
    """The script in the code folder; it is run as `python SCRIPT --work DIR`."""
    output: str
    """The folder that it writes in the work folder."""
    needs: tuple[str, ...] = ()
    """Names of earlier stages; their outputs lie in the work folder under their output names."""
    reads: tuple[str, ...] = ()
    """References outside: paths and globs relative to the spec's folder, absolute paths,
    `package:DIST==VERSION/path`, `hub:org/name@revision`, `sqlite:///path` and `env:VARIABLE query`."""
    files: tuple[str, ...] = ()
    """Other files of the code folder that it uses, such as `objective.sql`."""
    libraries: tuple[str, ...] = ()
    """Distributions whose installed versions matter."""
    precision: str = ""
    """`""` where it does not matter, else `auto`, `fp32` or `bf16`."""


@dataclass(frozen=True)
class StageStatus:
    """Whether a stage has to run, and why."""

    name: str
    key: str
    """16 hex digits over everything that the output depends on."""
    state: State
    """`done`: the output is in the store. `resume`: a stopped run of the same key is continued."""
    reason: str
    """In words, such as `objective.sql changed`."""
    seconds: float | None
    """Of the last run of this stage under this name, where one is known."""


@dataclass(frozen=True)
class StageRecord:
    """What came of one stage."""

    name: str
    key: str
    cached: bool
    """The output was in the store already; nothing ran."""
    seconds: float
    """Of the run that made the output."""
    peak_memory_mib: float
    """The largest resident set of the script's process, in MiB."""
    output: Path
    """The finished output in the store."""


@dataclass(frozen=True)
class Waiting:
    """Another process is making the output of this stage; the run goes on when it has it."""

    name: str


Event = StageStatus | Waiting | StageRecord
"""What a run reports: a status before each stage, a record after it, and waiting in between."""


@dataclass(frozen=True)
class RunRecord:
    """What came of one run of a plan."""

    name: str
    folder: Path
    """`runs/<name>`, with a link to every stage's output."""
    stages: tuple[StageRecord, ...]
