"""Every example spec runs from its raw tables to a verdict, with a tiny model and a part of its rows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import make_masked_model, make_model

from specforge.catalog.dictionary import OBJECTIVES

ROOT = Path(__file__).resolve().parents[1]
EVERY = sorted((ROOT / "specs").glob("*.yaml"))
CLASSIFIERS = [path for path in EVERY if "\nclassifier:" in path.read_text(encoding="utf-8")]
EXAMPLES = [path for path in EVERY if path not in CLASSIFIERS]
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
        if path.suffix != ".parquet"
        for word in path.read_text(encoding="utf-8").split()
    }
    known = {word for word in words if word.isalpha()}
    make_model(folder / "model", known)
    make_masked_model(folder / "masked", known)
    return folder


def ran(path: Path, root: Path, settings: list[str], said: str) -> dict[str, Any]:
    """What evaluation.py wrote, after a run with other settings."""
    command: list[str | Path] = [SPECFORGE, "run", f"specs/{path.name}", "--limit", "4000"]
    done = subprocess.run(
        [*command, *(part for one in settings for part in ("--set", one))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout, done.stdout + done.stderr
    (metrics,) = (root / "runs").glob("*@*/evaluation/metrics.json")
    found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", CLASSIFIERS, ids=lambda path: path.stem)
def test_a_classifier_runs(path: Path, models: Path, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "data").symlink_to(ROOT / "specs" / "data")
    shutil.copy(path, tmp_path / "specs")
    settings = [f"classifier.base={models}/model", "classifier.max_length=32"]
    if path.stem == "fine_tune":  # the tiny model has two layers, and knows nothing
        settings += ["classifier.freeze.layers=1", "classifier.train.learning_rate=5e-3"]
    found = ran(path, tmp_path, settings, "test texts of 6 classes")
    assert found["sanity"]["oracle"] == {"Accuracy": pytest.approx(1), "F1": pytest.approx(1)}
    accuracy = {name: values["Accuracy"]["mean"] for name, values in found["systems"].items()}
    assert accuracy[path.stem] > accuracy["majority"]
    assert sum(sum(taken.values()) for taken in found["confusion"].values()) == found["queries"]


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem != "same_cart"], ids=lambda path: path.stem)
def test_an_example_runs(path: Path, models: Path, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "data").symlink_to(ROOT / "specs" / "data")
    shutil.copy(path, tmp_path / "specs")
    text = path.read_text(encoding="utf-8")
    model = models / ("masked" if "family: sparse_encoder" in text else "model")
    settings = [f"retriever.base={model}", "retriever.max_length=32", "retriever.train.batch_size=4"]
    settings = settings if "{family: bm25}" not in text else []
    settings += [f"reranker.base={models}/model", "reranker.max_length=32"] if "\nreranker:" in text else []
    if path.stem == "matryoshka":  # the tiny model has 32 dimensions
        settings += ["retriever.matryoshka.dimensions=[32, 8]", "evaluate.dimensions=[8]"]
    if path.stem == "funnel":
        settings += ["retriever.matryoshka.dimensions=[32, 16, 8]", "index.dimensions=[8, 16]"]
    if path.stem in ("ivf_pq", "opq"):
        settings += ["index.m=8"]
    found = ran(path, tmp_path, settings, "result: ")
    primary = found["primary"]
    assert found["sanity"]["oracle"][primary] == pytest.approx(1.0)
    systems = found["systems"]
    retriever = "tuned" if "tuned" in systems else "bm25"
    assert 0 < systems[retriever][primary]["mean"] <= 1, "a random model and a few rows prove that it runs, and no more"
    assert len(systems) > 1, "something stands beside it"
    shipped = "hybrid" if "\nhybrid:" in text else retriever
    assert (f"{shipped}+reranker" in systems) == ("\nreranker:" in text) and shipped in systems
