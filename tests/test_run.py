"""What runs again and why: keys, reasons, links, and the log."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from toy_run import SCORE, STAGES, Project, cached, make_toy

from specforge.errors import StageError, UsageError
from specforge.run import log as logs
from specforge.run.keys import key_of, key_parts, sql_shape
from specforge.run.precision import resolve_precision
from specforge.run.runner import run
from specforge.run.stage import Event, Stage, StageRecord, StageStatus


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    return make_toy(tmp_path)


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


@pytest.mark.parametrize("damage", ["shorter", "longer", "gone"])
def test_a_damaged_output_is_made_again(toy: Project, damage: str) -> None:
    toy.run()
    (total,) = (toy.store / "train").glob("*/total.txt")
    total.unlink() if damage == "gone" else total.write_text("3" if damage == "shorter" else "300")
    assert toy.reasons() == {"train": "output damaged"}
    record = toy.run()
    assert cached(record) == {"prepare": True, "train": False, "evaluation": True}
    assert total.read_text() == "30" and toy.reasons() == {}
    assert sorted(path.name for path in total.parents[1].iterdir()) == [
        total.parent.name,
        f"{total.parent.name}.json",
        f"{total.parent.name}.lock",
    ]


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
