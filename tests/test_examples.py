"""Every example spec runs from its raw tables to a verdict, with a tiny model and a part of its rows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import make_masked_model, make_model

from specforge.catalog.dictionary import OBJECTIVES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "specs").glob("*.yaml"))
SPECFORGE = Path(sys.executable).with_name("specforge")


def kinds(path: Path) -> set[str]:
    return {line.split()[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("    kind:")}


def test_every_objective_has_an_example() -> None:
    shown = {kind for path in EXAMPLES for kind in kinds(path)}
    for objective in OBJECTIVES:
        possible = set(objective.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]
        assert possible & shown, objective.__name__


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    words = {
        word.strip(".,:?").lower()
        for path in (ROOT / "specs" / "data").iterdir()
        for word in path.read_text(encoding="utf-8").split()
    }
    known = {word for word in words if word.isalpha()}
    make_model(folder / "model", known)
    make_masked_model(folder / "masked", known)
    return folder


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem != "same_cart"], ids=lambda path: path.stem)
def test_an_example_runs(path: Path, models: Path, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "data").symlink_to(ROOT / "specs" / "data")
    shutil.copy(path, tmp_path / "specs")
    spec = f"specs/{path.name}"
    model = models / ("masked" if "family: sparse_encoder" in path.read_text(encoding="utf-8") else "model")
    settings = [f"retriever.base={model}", "retriever.max_length=32", "retriever.train.batch_size=4"]
    if path.stem == "matryoshka":  # the tiny model has 32 dimensions
        settings += ["retriever.matryoshka.dimensions=[32, 8]", "evaluate.dimensions=[8]"]
    command: list[str | Path] = [
        SPECFORGE,
        "run",
        spec,
        "--limit",
        "4000",
        *(part for one in settings for part in ("--set", one)),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "result: " in done.stdout, done.stdout + done.stderr
    (metrics,) = (tmp_path / "runs").glob("*@*/evaluation/metrics.json")
    found = json.loads(metrics.read_text(encoding="utf-8"))
    primary = found["primary"]
    assert found["sanity"]["oracle"][primary] == pytest.approx(1.0)
    assert found["systems"]["tuned"][primary]["mean"] > found["sanity"]["random"][primary]
    assert len(found["systems"]) > 1, "something stands beside it"
