"""A recorded model is measured again on newer data, without training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_end_to_end import ran, specforge
from tiny import SPEC, project

from specforge import rescoring


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after a run, whose log has grown since."""
    root = tmp_path_factory.mktemp("rescored")
    path = project(
        root,
        SPEC.replace("  fuse: [neighbour_transfer]\n", "  baselines: [bm25, untuned]\n").replace(
            "epochs: 2", "epochs: 1"
        ),
    )
    done = specforge(root, "run", path.name)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (root / "data/lines.csv").read_text(encoding="utf-8").splitlines()
    more = [f"9{line}" for line in lines[1:2000]]
    (root / "data/lines.csv").write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return root


def records(root: Path) -> list[tuple[str, dict[str, Any]]]:
    """Run -> its record, oldest first."""
    found = [
        (path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in (root / "results/tiny").glob("*.json")
    ]
    return sorted(found, key=lambda one: one[1]["finished"])


def keys(record: dict[str, Any]) -> dict[str, str]:
    return {stage["name"]: stage["key"] for stage in record["stages"]}


def test_old_and_new_compare(finished: Path) -> None:
    [(run, first)] = records(finished)
    generated = (finished / "generated/tiny/train.py").stat().st_mtime_ns
    done = specforge(finished, "run", "tiny.yaml", "--model", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == ["prepare", "untuned", "baselines", "embed", "index", "evaluation", "index_report"]
    assert f"of run {run} of tiny; nothing was trained" in done.stdout
    second = records(finished)[-1][1]
    assert second["model_of"] == {"run": run, "name": "tiny", "spec_sha256": first["spec_sha256"]}
    assert keys(second)["train"] == keys(first)["train"]
    assert keys(second)["prepare"] != keys(first)["prepare"]
    assert second["data_sha256"] != first["data_sha256"]
    assert (finished / "generated/tiny/train.py").stat().st_mtime_ns == generated

    assert ran(specforge(finished, "run", "tiny.yaml").stdout) == [
        "train",
        "embed",
        "index",
        "evaluation",
        "index_report",
    ]
    third = records(finished)[-1][1]
    assert "model_of" not in third
    assert second["evaluation_fingerprint"] == third["evaluation_fingerprint"] != first["evaluation_fingerprint"]
    assert keys(third)["train"] != keys(first)["train"]
    assert second["systems"]["untuned"] == third["systems"]["untuned"]
    assert second["systems"]["tuned"] != third["systems"]["tuned"]
    (again,) = [stem for stem, one in records(finished) if "model_of" in one]
    assert rescoring.find(finished, "tiny", again).run == run
    assert f"(model of {run})" in specforge(finished, "results", "tiny").stdout.replace("\n", " ")


def first_run(root: Path) -> str:
    return records(root)[0][0]


def test_another_contract_is_refused(finished: Path) -> None:
    """The model was made for texts without a prompt."""
    text = (finished / "tiny.yaml").read_text(encoding="utf-8")
    (finished / "tiny.yaml").write_text(text.replace("max_length: 16", 'max_length: 16\n  prompts: {query: "fresh "}'))
    done = specforge(finished, "run", "tiny.yaml", "--model", first_run(finished))
    (finished / "tiny.yaml").write_text(text, encoding="utf-8")
    assert done.returncode == 3
    assert "SF507" in done.stderr and "prompts" in done.stderr


def test_what_the_model_trained_on_is_not_held_out(finished: Path) -> None:
    """Another seed of the split holds out what trained."""
    text = (finished / "tiny.yaml").read_text(encoding="utf-8")
    (finished / "tiny.yaml").write_text(text.replace("dev: 20%", "dev: 20%, seed: 5"), encoding="utf-8")
    done = specforge(finished, "run", "tiny.yaml", "--model", first_run(finished))
    (finished / "tiny.yaml").write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "in what the recorded model trained on [SF301]" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nothing"], 'no recorded run "nothing"'),
        (["--model", "data/lines.json"], 'no recorded run "data/lines.json"'),
        (["--model", "x", "--limit", "5"], "leave the other options out"),
    ],
)
def test_wrong_usage_is_told(finished: Path, arguments: list[str], message: str) -> None:
    done = specforge(finished, "run", "tiny.yaml", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_what_the_store_has_lost_is_said(finished: Path) -> None:
    """The last test, which empties the store: first of the tables that the model trained on, then of the model."""
    run, record = records(finished)[0]
    shutil.rmtree(finished / "runs/store/prepare" / keys(record)["prepare"])
    done = specforge(finished, "run", "tiny.yaml", "--model", run)
    assert done.returncode == 0 and ran(done.stdout) == []
    assert "cannot be told: its tables are gone [SF312]" in done.stdout
    assert "SF312" in records(finished)[-1][1]["warnings"]

    before = len(records(finished))
    shutil.rmtree(finished / "runs/store/train")
    done = specforge(finished, "run", "tiny.yaml", "--model", f"results/tiny/{run}.json")
    assert done.returncode == 3
    assert "is no longer in the store" in done.stderr
    assert f"git log --diff-filter=A -- results/tiny/{run}.json" in done.stderr
    assert len(records(finished)) == before
