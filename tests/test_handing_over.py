"""`specforge export`: the folder that is handed over works alone, and training rows hold what trains and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from test_end_to_end import ran, specforge
from tiny import SPEC, project

from specforge import handing_over, pipeline, training_rows
from specforge.errors import UsageError
from specforge.load import load
from specforge.problems import exit_code
from specforge.run.runner import status
from specforge.source import parse
from specforge.spec.document import Spec

ROOT = Path(__file__).parents[1]
UNTRAINED = (
    SPEC.split("  loss:")[0] + "  train: none\nindex: {kind: flat}\n" + SPEC[SPEC.index("evaluate:") :]
).replace("  fuse: [neighbour_transfer]\n", "  baselines: []\n")

EXPORTED = UNTRAINED.replace("{kind: flat}", "{kind: flat, export: [lancedb, qdrant]}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose export was handed over."""
    root = tmp_path_factory.mktemp("handed_over")
    project(root, EXPORTED)
    stages.compiled(root / "tiny.yaml")
    done = specforge(root, "export", "tiny", "--to", "handed/over")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == ["prepare", "embed", "index", "export"], "and nothing is measured"
    assert done.stdout.endswith("\nhanded/over\n")
    return root


def keys(root: Path, index: str) -> dict[str, str]:
    """The keys of the stages with an index."""
    path = root / "tiny.yaml"
    path.write_text(UNTRAINED.replace("{kind: flat}", index), encoding="utf-8")
    made = pipeline.read(path).plan
    assert made is not None
    return {one.name: one.key for one in status(made.stages, stages.compiled(path), root, "tiny", root)}


def test_an_export_changes_no_other_stage_and_its_stores_none(tmp_path: Path) -> None:
    project(tmp_path)
    without, some = keys(tmp_path, "{kind: flat}"), keys(tmp_path, "{kind: flat, export: [qdrant]}")
    assert some == {**without, "export": some["export"]} and "evaluation" in without
    assert keys(tmp_path, "{kind: flat, export: [pgvector, lancedb]}") == some
    assert keys(tmp_path, "{kind: flat, export: []}") == some


def test_a_spec_without_an_export_has_none_to_hand_over(tmp_path: Path) -> None:
    stages.compiled(project(tmp_path, UNTRAINED))
    with pytest.raises(UsageError, match='"tiny" has no export; give its "index" an "export"'):
        handing_over.export(tmp_path, "tiny", None, exit_code_of)


def test_what_is_handed_over_works_alone(finished: Path, tmp_path: Path) -> None:
    over = (finished / "handed/over").rename(tmp_path / "elsewhere")
    loaded = [sys.executable, "load_qdrant.py", "--work", ".", "--path", "here"]
    done = subprocess.run(loaded, cwd=over, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "240 rows; for " in done.stdout and "finds 100.0% of the 10 nearest" in done.stdout
    _, _, asked = (over / "README.md").read_text(encoding="utf-8").partition("    # pip install -r requirements.txt\n")
    code = [line.strip() for line in asked.split("\n\n")[0].splitlines()]
    code = [line.replace("encoder.base_model()", repr(str(finished / "model"))) for line in code]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*code, "print(vector.shape)"])],
        cwd=over, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout == "(1, 32)\n", done.stderr


def test_a_name_that_nothing_was_compiled_under(finished: Path) -> None:
    for name in ("nothing", "../tiny", "tiny --to x"):
        with pytest.raises(UsageError, match="nothing was compiled under the name"):
            handing_over.export(finished, name, None, exit_code_of)
    told = specforge(finished, "export", "tiny", "--to", "x", "--rows", "y")
    assert told.returncode == 2 and "one at a time" in told.stderr


def exit_code_of(found: list[pipeline.Checked]) -> int:
    return max(exit_code(one.problems) for one in found)


def test_what_cannot_be_handed_over(finished: Path) -> None:
    path = finished / "tiny.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("lancedb", "lanced"), encoding="utf-8")
    assert handing_over.export(finished, "tiny", None, exit_code_of) == 1
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        handing_over.export(finished, "tiny", finished / "data", exit_code_of)


def test_rows_of_a_finished_run(finished: Path) -> None:
    done = specforge(finished, "export", "tiny", "--rows", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    rows = read(finished / "rows.jsonl")
    passages = sum(len(row["relevant_passages"]) for row in rows)
    assert f"{len(rows)} queries that train, {passages:,} relevant passages" in done.stderr
    assert ran(done.stdout) == [], "what was prepared is there"


def read(path: Path) -> list[dict[str, list[str]]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ranking(text: str) -> Spec:
    spec, problems = load(parse(text.encode(), Path("tiny.yaml"), "tiny.yaml")[0])
    assert isinstance(spec, Spec), problems
    return spec


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    table(data / "corpus", doc_id=list("abcde"), text=["Jam", "Bread", " jam ", "Milk", "Known"])
    table(
        data / "pairs",
        anchor_id=["1", "1", "2", "3", "4", "5"],
        positive_id=["a", "c", "b", "d", "d", "b"],
        anchor=["Sweet?", "Sweet?", "sweet? ", "Drink?", " ", "Blank?"],
        positive=["Jam", " jam ", "Bread", "Milk", "Milk", "  "],
    )
    table(data / "positives", anchor_id=["1", "3", "9"], positive_id=["e", "d", "d"])
    table(
        data / "triplets",
        anchor_id=["1", "1", "1", "2", "2", "3"],
        negative_id=["d", "x", "e", "d", "y", "z"],
        negative=["Milk", "JAM", "Known, in part", "milk", "Stone", "drink?"],
    )
    told = list(training_rows.write(ranking(UNTRAINED), tmp_path, tmp_path / "rows.jsonl"))
    assert read(tmp_path / "rows.jsonl") == [
        {"query": "Sweet?", "relevant_passages": ["Jam", "Bread"], "hard_negatives": ["Milk", "Stone"]},
        {"query": "Drink?", "relevant_passages": ["Milk"], "hard_negatives": []},
    ]
    assert told == [
        "2 queries that train, 3 relevant passages, 2 hard negatives",
        "left out: 2 queries without a text or a relevant passage",
        "left out: 3 hard negatives that are relevant, or the query",
        "without a hard negative: 1 queries",
    ]


def table(path: Path, **columns: list[str]) -> None:
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"))


@pytest.mark.parametrize("name", ["clicked", "linked", "mixture"])
def test_rows_hold_what_trains_alone(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    code = stages.compiled(tmp_path / f"specs/{name}.yaml")
    work = tmp_path / "work"
    stages.run(code, work, "prepare.py")
    spec = pipeline.read(tmp_path / f"specs/{name}.yaml").spec
    assert isinstance(spec, Spec)
    list(training_rows.write(spec, work, tmp_path / "rows.jsonl"))
    rows = read(tmp_path / "rows.jsonl")
    held_out = {form(text) for text in pq.read_table(work / "data/queries.parquet")["text"].to_pylist()}
    assert rows and not held_out & {form(str(row["query"])) for row in rows}
    if spec.split.by == "item":
        kept = pq.read_table(work / "data/corpus.parquet", filters=[("role", "in", ["dev", "test"])])
        passages = {text for row in rows for text in (*row["relevant_passages"], *row["hard_negatives"])}
        assert kept.num_rows and not passages & {*kept["text"].to_pylist()}
    for row in rows:
        assert row["relevant_passages"]
        assert not {form(text) for text in row["relevant_passages"]} & {form(text) for text in row["hard_negatives"]}
    assert any(row["hard_negatives"] for row in rows) == (name != "linked")
    folders = list((work / "data").rglob("pairs.parquet"))
    pairs = {(form(row["anchor"]), form(row["positive"])) for one in folders for row in pq.read_table(one).to_pylist()}
    assert {(form(str(row["query"])), form(text)) for row in rows for text in row["relevant_passages"]} == pairs


def form(text: str) -> str:
    return " ".join(text.casefold().split())
