"""The whole tool on a project in miniature, as processes: run, edit, search, kill and run again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tiny import SPEC, project

SPECFORGE = Path(sys.executable).with_name("specforge")


def specforge(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(SPECFORGE), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)


def run(root: Path, *arguments: str) -> str:
    done = specforge(root, "run", "tiny.yaml", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ran(output: str) -> list[str]:
    """The stages that did work: their lines end with the memory they took."""
    return [line.split()[0] for line in output.splitlines() if line.endswith("MiB") and "adopting" not in line]


def metrics(root: Path) -> dict[str, object]:
    found = json.loads((root / "runs/tiny/evaluation/metrics.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    project(root)
    run(root)
    return root


def test_training_learns_what_was_planted(finished: Path) -> None:
    systems = json.loads((finished / "runs/tiny/evaluation/metrics.json").read_text(encoding="utf-8"))["systems"]
    assert systems["tuned"]["nDCG@10"]["low"] > systems["untuned"]["nDCG@10"]["high"]
    assert systems["tuned"]["nDCG@10"]["low"] > systems["popularity"]["nDCG@10"]["high"]
    assert systems["co_occurrence"] is None


def test_the_record_holds_what_a_reader_needs(finished: Path) -> None:
    (path,) = (finished / "results/tiny").glob("*.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    wanted = (
        "spec_sha256 code_sha256 data_sha256 evaluation_fingerprint precision libraries machine stages verdict systems"
    )
    assert set(wanted.split()) <= set(record)
    assert str(finished) not in path.read_text(encoding="utf-8")
    scores = pq.read_table(path.with_suffix(".scores.parquet"))
    assert len(scores) == record["queries"]
    assert all("p_holm" in one for one in record["differences"])


BY_LENGTH = """
import sys
sys.path.insert(0, "generated/tiny")
import encoder, torch, train
model = encoder.load(encoder.base_model()).eval()
texts = ["bread", "fresh bread butter jam honey milk", "organic", "family steak buns"] * 20
columns = [model.preprocess(texts[:50]), model.preprocess(texts[30:])]
with torch.no_grad():
    ours = train.embed(model, columns)
    theirs = [model(dict(column))["sentence_embedding"] for column in columns]
assert [tuple(one.shape) for one in ours] == [(50, 32), (50, 32)]
print(max(float((a - b).abs().max()) for a, b in zip(ours, theirs)))
"""


def test_training_by_length_gives_the_same_vectors(finished: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BY_LENGTH], cwd=finished, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-5


def test_search_shows_both_models(finished: Path) -> None:
    done = specforge(finished, "search", "tiny", "fresh steak", "--compare", "-k", "3", "--format", "json")
    found = json.loads(done.stdout)["found"]
    assert list(found) == ["bm25", "untuned", "tuned"]
    assert [hit["rank"] for hit in found["tuned"]] == [1, 2, 3]
    assert found["tuned"] != found["untuned"]


def test_results_are_listed(finished: Path) -> None:
    assert "tuned beats untuned by" in " ".join(specforge(finished, "results").stdout.split())


def test_what_an_edit_runs(finished: Path) -> None:
    """Nothing for a comment; the evaluation for a metric; the index, and what is measured of it, for an index."""
    spec = finished / "tiny.yaml"
    edits = {
        SPEC + "# a comment\n": [],
        SPEC.replace("metrics: [R@10]", "metrics: [R@10, P@5]"): ["baselines", "evaluation", "index_report"],
        SPEC.replace("index: {kind: flat}", "index: {kind: hnsw}"): ["index", "evaluation", "index_report"],
    }
    for text, stages in edits.items():
        spec.write_text(text, encoding="utf-8")
        assert ran(run(finished)) == stages
    spec.write_text(SPEC, encoding="utf-8")


def test_a_variant_leaves_the_record_alone(finished: Path) -> None:
    before = sorted((finished / "results/tiny").iterdir()), (finished / "generated/tiny/train.py").read_bytes()
    assert "from the store" in run(finished, "--set", "evaluate.depth=50")
    assert (
        sorted((finished / "results/tiny").iterdir()),
        (finished / "generated/tiny/train.py").read_bytes(),
    ) == before


def test_a_leak_is_refused_before_training(tmp_path: Path) -> None:
    project(
        tmp_path, SPEC.replace("sampler", "").replace("learning_rate: 1e-3", "learning_rate: 1e-3, sampler: random")
    )
    done = specforge(tmp_path, "run", "tiny.yaml")
    assert done.returncode == 1 and "[SF103]" in done.stdout
    assert not (tmp_path / "runs").exists() and not (tmp_path / "generated").exists()


def kill_when(root: Path, reached: Callable[[], bool]) -> None:
    """Start a run, and SIGKILL it as soon as a point is reached."""
    process = subprocess.Popen(
        [str(SPECFORGE), "run", "tiny.yaml"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 200
    while not reached() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert process.poll() is None, "the run ended before the point was reached"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


POINTS = {
    "prepare": "runs/store/prepare/*.partial",
    "baselines": "runs/store/baselines/*.partial",
    "train, first steps": "runs/store/train/*.partial",
    "train, a checkpoint": "runs/store/train/*.partial/checkpoints/checkpoint-50/trainer_state.json",
    "embed": "runs/store/embed/*.partial",
    "evaluation": "runs/store/evaluation/*.partial",
}


@pytest.mark.slow
def test_a_killed_run_goes_on(finished: Path, tmp_path: Path) -> None:
    """Killed once at every point, one after another: the same queries and pairs, and the same metrics in the end."""
    project(tmp_path)
    for pattern in POINTS.values():
        kill_when(tmp_path, lambda pattern=pattern: any(tmp_path.glob(pattern)))  # type: ignore[misc]
    run(tmp_path)
    for table in ("pairs", "queries", "qrels", "corpus"):
        name = f"runs/tiny/data/{table}.parquet"
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()
    ours, theirs = metrics(tmp_path), metrics(finished)
    assert ours["fingerprint"] == theirs["fingerprint"]
    assert ours["systems"]["untuned"] == theirs["systems"]["untuned"]  # type: ignore[index]
    tuned = [found["systems"]["tuned"]["nDCG@10"]["mean"] for found in (ours, theirs)]  # type: ignore[index]
    assert tuned[0] == pytest.approx(tuned[1], abs=0.03)
    *_, last = sorted((tmp_path / "runs/tiny/logs").glob("*-train.log"))
    epochs = [float(found) for found in re.findall(r"'loss'.*'epoch': '([\d.]+)'", last.read_text(encoding="utf-8"))]
    assert min(epochs) > 0.5, "training began again instead of going on from step 50 of 190"


@pytest.mark.slow
def test_two_runs_at_once(tmp_path: Path) -> None:
    project(tmp_path)
    both = [
        subprocess.Popen([str(SPECFORGE), "run", "tiny.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted(len(ran(output)) for output in outputs)[0] < 7
    assert len(list((tmp_path / "results/tiny").glob("*.json"))) >= 1
