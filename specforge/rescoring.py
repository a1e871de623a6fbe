"""Measures a recorded model on the present data of a spec, without training, so that old and new models compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specforge import pipeline, running
from specforge.errors import StageError, UsageError
from specforge.pipeline import Checked
from specforge.render import render
from specforge.report import tables as report
from specforge.results.record import Json
from specforge.run import runner
from specforge.run.keys import KeyParts, key_of
from specforge.run.stage import Stage
from specforge.run.store import Slot, is_whole, read_finished
from specforge.spec.document import Spec

TRAINED = ("train", "train_reranker")
"""Stages whose output is a model."""

_LAST = ("evaluation", "index_report", "latency")
"""Stages that nothing else needs."""


@dataclass(frozen=True)
class Recorded:
    """A recorded run: its file below `results/`, the name of its spec, and the keys of its stages."""

    path: Path
    name: str
    keys: dict[str, str]
    spec_sha256: str

    @property
    def run(self) -> str:
        return self.path.stem


def run(checked: Checked, model: str, *, tell: Callable[[list[Checked]], int]) -> int:
    """Measure and record; the exit status. The record says whose model it is, and `generated/` stays as it is.

    Raises:
        UsageError: there is no such record, or the spec repeats its training over folds, or trains nothing.
        StageError: the model is no longer in the store, or was made under another contract, or a stage failed.
    """
    from specforge.checks import rescored

    spec = _once(checked.spec)
    checked = replace(checked, spec=spec)
    made, console = checked.plan, report.console()
    assert made is not None
    recorded = find(made.root, spec.name, model)
    stages, kept = without_training(made.stages, recorded, made.root)
    told = running.reporter(console)
    checked = pipeline.with_rows(checked, told)
    if checked.data is not None and not checked.refused:
        earlier = Slot(made.root / "runs/store/prepare", recorded.keys.get("prepare", "")).output
        checked = pipeline.more(checked, rescored.check(spec, checked.source, checked.data, earlier, made.base))
    status = tell([checked])
    if status:
        return status
    code = pipeline.scratch(made)
    done = runner.run(stages, code, made.root, code.name, made.base, None, told, running.MODULES, kept)
    of = {"run": recorded.run, "name": recorded.name, "spec_sha256": recorded.spec_sha256}
    return running.conclude(checked, done, render([made])[0], console, recorded=True, model_of=of)


def _once(spec: object) -> Spec:
    """The spec with the first of its seeds alone: a record has one model."""
    if not isinstance(spec, Spec):
        raise UsageError("a recorded model is measured again where documents are ranked or compared")
    if spec.folds:
        raise UsageError(f'"{spec.name}" trains a model for each of {spec.folds} folds, so no one model is recorded')
    if spec.train is None or spec.encoder is None:
        return spec
    train = spec.train.model_copy(update={"seeds": spec.train.seeds[:1]})
    return spec.model_copy(update={"retriever": spec.encoder.model_copy(update={"train": train})})


def find(root: Path, name: str, model: str) -> Recorded:
    """A record by its file, or by the name of its run, of this spec or of another: of the run that made the model.

    Raises:
        UsageError: there is none.
    """
    named = [*(root / "results" / name).glob(f"{model}.json"), *(root / "results").glob(f"*/{model}.json")]
    path = Path(model) if model.endswith(".json") else next(iter(named), None)
    if path is None or not path.is_file():
        raise UsageError(f'no recorded run "{model}"; specforge results {name} lists them')
    try:
        record: Json = json.loads(path.read_text(encoding="utf-8"))
        of = record.get("model_of")
        if isinstance(of, dict):  # the tables of this run are not those that the model trained on
            return find(root, str(of["name"]), str(of["run"]))
        stages = record["stages"]
        assert isinstance(stages, list)
        keys = {str(stage["name"]): str(stage["key"]) for stage in stages}
        return Recorded(path, str(record["name"]), keys, str(record["spec_sha256"]))
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise UsageError(f'"{path}" is no record of a run') from error


def without_training(
    stages: Sequence[Stage], recorded: Recorded, root: Path
) -> tuple[list[Stage], dict[str, KeyParts]]:
    """The stages that measure, and what is known of those whose output is taken from the record's run.

    Raises:
        UsageError: the record has no model that the spec could take.
        StageError: its model is no longer in the store.
    """
    names = [stage.name for stage in stages if stage.name in TRAINED]
    if not names:
        raise UsageError("the spec trains nothing, so no recorded model takes the place of its own")
    lacking = [name for name in names if name not in recorded.keys]
    if lacking:
        raise UsageError(f'run "{recorded.run}" of "{recorded.name}" has no stage "{lacking[0]}", which the spec has')
    kept = {name: _kept(root, name, recorded) for name in names}
    wanted = set(_LAST)
    for stage in reversed(stages):
        if stage.name in wanted and stage.name not in kept:
            wanted.update(stage.needs)
    left = [stage for stage in stages if stage.name in wanted]
    return [replace(one, needs=()) if one.name in kept else one for one in left], kept


def _kept(root: Path, name: str, recorded: Recorded) -> KeyParts:
    slot = Slot(root / "runs" / "store" / name, recorded.keys[name])
    finished = read_finished(slot)
    if finished is None or key_of(finished.parts) != slot.key or not is_whole(slot):
        raise StageError(
            f'the model of run "{recorded.run}" is no longer in the store ("{slot.output.relative_to(root)}"); '
            f"to make it again, check out the commit that added its record (git log --diff-filter=A -- {recorded.path}) "
            "and run its spec"
        )
    return finished.parts
