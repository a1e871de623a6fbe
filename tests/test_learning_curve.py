"""What more data would bring: parts grow by what the user collects, nothing that judges changes, and intervals hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from numpy.typing import NDArray
from test_matryoshka import loaded
from tiny import SPEC, project

from specforge import collecting, pipeline
from specforge.catalog.objectives import COLLECTED
from specforge.plan import Plan
from specforge.render import render
from specforge.report import tables
from specforge.results import record
from specforge.run.keys import KeyParts, key_of, key_parts
from specforge.spec.document import Spec
from specforge.write import write

ROOT = Path(__file__).resolve().parents[1]
ALL = [
    'evaluate.learning_curve=[30, 60, "all"]',
    'retriever.train.select={"metric": "nDCG@10", "every": 50}',
    "retriever.train.seeds=[42, 43]",
]
KINDS = (
    "substitutes",
    "cited_in_answer",
    "clicked",
    "interacted",
    "mutual_like",
    "judged",
    "question_answer",
    "linked",
    "same_attribute",
    "scored_pairs",
    "triplets",
    "sql",
)
POINTS = "learning_curve: [150, all]"
TUNING = "{epochs: 1, batch_size: 16, learning_rate: 1e-3, seeds: [42, 7], select: {metric: nDCG@10, every: 5}}"


def compiled(path: Path, *settings: str) -> Plan:
    """The plan of a spec that must be free of mistakes, its code written."""
    checked = pipeline.read(path, settings)
    assert checked.plan is not None, [problem.message for problem in checked.problems]
    write(checked.plan.folder, render([checked.plan])[0], force=True)
    return checked.plan


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the made-up tables."""
    root = tmp_path_factory.mktemp("examples")
    (root / "specs").mkdir()
    (root / "specs/data").symlink_to(ROOT / "specs/data")
    return root


def rows(folder: Path, name: str = "pairs") -> pa.Table:
    return pq.read_table(folder / f"{name}.parquet")


@pytest.mark.parametrize("name", KINDS)
def test_parts_of_every_kind(name: str, examples: Path) -> None:
    """Named alike in the source and in what is made of it: each amount is kept, and all of it is what there was."""
    made = compiled(Path(shutil.copy(ROOT / f"specs/{name}.yaml", examples / "specs")), *ALL)
    work = examples / f"work_{name}"
    stages.run(made.folder, work, "prepare.py", "parts.py")
    sizes = json.loads((work / "parts/sizes.json").read_text(encoding="utf-8"))
    assert sizes["amounts"]["all"] > 60
    for seed, found in sizes["rows"].items():
        assert 0 < found["30"] <= found["60"] < found["all"]
        for file in (work / f"parts/{seed}/all").iterdir():
            assert pq.read_table(file).equals(rows(work / "data", file.stem)), file.stem


def test_a_smaller_part_lies_within_a_larger(examples: Path) -> None:
    """Of questions, each of which is a row; another seed collects others."""
    made = compiled(Path(shutil.copy(ROOT / "specs/question_answer.yaml", examples / "specs/")), *ALL)
    work = examples / "nested"
    stages.run(made.folder, work, "prepare.py", "parts.py")
    held = {
        (seed, point): set(rows(work / f"parts/{seed}/{point}")["anchor"].to_pylist())
        for seed in (42, 43)
        for point in (30, 60, "all")
    }
    assert [len(held[42, point]) for point in (30, 60)] == [30, 60]
    assert held[42, 30] < held[42, 60] < held[42, "all"] == held[43, "all"]
    assert held[43, 30] < held[43, 60]
    assert held[42, 60] != held[43, 60]


def test_every_kind_names_what_is_collected() -> None:
    from specforge.catalog.dictionary import OBJECTIVES

    kinds = {kind for one in OBJECTIVES for kind in one.model_fields["kind"].annotation.__args__}  # type: ignore[union-attr]
    assert set(COLLECTED) == kinds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A tiny project with two points and two seeds."""
    spec = SPEC.replace("{epochs: 2, batch_size: 16, learning_rate: 1e-3, checkpoint_steps: 5}", TUNING)
    spec = spec.replace("fuse: [neighbour_transfer]", f"baselines: [bm25, untuned]\n  {POINTS}")
    return compiled(project(tmp_path_factory.mktemp("curve") / "project", spec))


@pytest.fixture(scope="module")
def work(made: Plan) -> Path:
    """Its outputs."""
    folder = made.root / "work"
    scripts = ("prepare.py", "parts.py", "untuned.py", "baselines.py", "trained_parts.py", "learning_curve.py")
    stages.run(made.folder, folder, *scripts)
    return folder


def test_the_points(made: Plan, work: Path) -> None:
    """Each seed's mean is that of its run file, a small part trains its least number of steps, and dev chooses between."""
    found = json.loads((work / "learning_curve/points.json").read_text(encoding="utf-8"))
    ranking = loaded(made.folder, "ranking")
    curve = loaded(made.folder, "learning_curve")
    queries, qrels = ranking.read_queries(work, "test"), ranking.read_qrels(work, "test")
    first, last = found["points"]
    assert (first["amount"], list(first["rows"])) == (150, ["42", "7"])
    for point, name in ((first, "150"), (last, "all")):
        for seed, mean in point["by_seed"].items():
            folder = work / f"trained_parts/{seed}/{name}"
            run = curve.read_run(folder / "test.trec", queries)
            assert mean == pytest.approx(ranking.measure("nDCG@10", qrels, run))
            history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
            dev = {line["step"]: line["eval_nDCG@10"] for line in history if "eval_nDCG@10" in line}
            assert max(dev) >= collecting.CHECKPOINTS * 5
            assert dev[point["steps"][seed]] == max(dev.values())
    assert set(found["lines"]) == {"untuned", "bm25"}
    assert last["metrics"]["nDCG@10"]["mean"] > found["lines"]["untuned"]
    assert found["doubling"]["from"] == 150
    assert found["doubling"]["mean"] == pytest.approx(
        (last["metrics"]["nDCG@10"]["mean"] - first["metrics"]["nDCG@10"]["mean"]) / np.log2(last["amount"] / 150)
    )
    assert (work / "learning_curve/curve.svg").read_text(encoding="utf-8").count("untuned") >= 1
    assert len((work / "learning_curve/points.csv").read_text(encoding="utf-8").splitlines()) == 5


def test_all_of_it_is_the_model_itself(made: Plan, work: Path) -> None:
    """With every cart, and enough steps, a point is trained as the model is."""
    stages.run(made.folder, work, "train.py")
    history, of_part = (
        json.loads((folder / "history.json").read_text(encoding="utf-8"))
        for folder in (work / "model", work / "trained_parts/42/all")
    )
    scores = [
        [(line["step"], line[key]) for line in one if key in line]
        for one in (history, of_part)
        for key in ("eval_nDCG@10",)
    ]
    assert scores[0] == scores[1]


def test_a_killed_run_goes_on(made: Plan, work: Path) -> None:
    """What is finished stays; what is not is trained again."""
    done = work / "trained_parts/42/150"
    scratch = work / "trained_parts.tmp"
    shutil.copytree(work / "trained_parts", scratch)
    shutil.rmtree(scratch / "7/all")
    (scratch / "7/all.tmp/data").mkdir(parents=True)  # where it was killed
    (scratch / "42/150/mark").touch()
    before = (work / "trained_parts/7/all/test.trec").read_bytes()
    stages.run(made.folder, work, "trained_parts.py")
    assert (done / "mark").is_file()
    assert (work / "trained_parts/7/all/test.trec").read_bytes() == before
    assert not scratch.exists()


def test_what_is_shown_and_recorded(work: Path) -> None:
    recorded = record.reported(work)["learning_curve"]
    assert isinstance(recorded, dict)
    shown = tables.learning_curve(recorded)
    assert [column.header for column in shown.columns] == ["carts", "rows", "steps", "nDCG@10", "seed 42", "seed 7"]
    assert next(iter(shown.columns[0].cells)) == "150"
    assert recorded["answer"].startswith(f"from 150 to {recorded['points'][-1]['amount']:,} carts, a doubling brings +")


def keys(made: Plan) -> dict[str, KeyParts]:
    return key_parts(made.stages, made.folder, made.base, made.root / "fingerprints.json")


def changed(before: dict[str, KeyParts], after: dict[str, KeyParts]) -> set[str]:
    return {name for name in after if name not in before or key_of(before[name]) != key_of(after[name])}


def test_a_study_is_apart(made: Plan) -> None:
    """Another point trains the parts alone, and another metric trains nothing."""
    path = made.root / "tiny.yaml"
    before = keys(compiled(path))
    other_points = changed(before, keys(compiled(path, "evaluate.learning_curve=[200, 300]")))
    other_metrics = changed(before, keys(compiled(path, 'evaluate.metrics=["RR@10"]')))
    without = keys(compiled(path, "evaluate.learning_curve=[]"))
    assert other_points == {"parts", "trained_parts", "learning_curve"}
    assert "learning_curve" in other_metrics
    assert not other_metrics & {"prepare", "train", "parts", "trained_parts"}
    assert changed(before, without) == set(), "a study that is added makes nothing again"
    assert set(before) - set(without) == {"parts", "trained_parts", "learning_curve"}
    compiled(path)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("[100, 9999]", r'9999 carts are asked for, and \d+ train; name smaller numbers in "learning_curve"'),
        ("[2, 400]", '2 carts give no row that trains; begin with more in "learning_curve"'),
    ],
)
def test_what_there_is_not(made: Plan, work: Path, points: str, said: str) -> None:
    """Told before anything is trained."""
    path = made.root / "tiny.yaml"
    other = compiled(path, f"evaluate.learning_curve={points}")
    assert [stage.name for stage in other.stages][:2] == ["prepare", "parts"]
    (work.parent / "too_few").mkdir(exist_ok=True)
    with pytest.raises(SystemExit, match=said):
        stages.run(other.folder, work.parent / "too_few", "parts.py")
    compiled(path)


def test_seeds(made: Plan) -> None:
    """One seed is followed by the next two; several are taken as they are."""
    path = made.root / "tiny.yaml"
    for given, taken in (("[42]", [42, 43, 44]), ("[4294967295]", [4294967295, 0, 1]), ("[5, 3]", [5, 3])):
        spec = compiled(path, f"retriever.train.seeds={given}").spec
        assert isinstance(spec, Spec)
        assert collecting.seeds(spec) == taken
    compiled(path)


def drawn(
    draw: np.random.Generator, queries: int, seeds: int, spreads: tuple[float, float, float]
) -> NDArray[np.float64]:
    of_query, of_seed, rest = (draw.normal(0, spread, size) for spread, size in zip(
        spreads, ((queries, 1), (1, seeds), (queries, seeds)), strict=True))  # fmt: skip
    return np.asarray(of_query + of_seed + rest)


@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.2), (1.0, 0.1, 0.5), (0.3, 0.2, 0.3), (0.0, 0.0, 1.0)])
def test_intervals_hold_what_they_promise(made: Plan, spreads: tuple[float, float, float]) -> None:
    """Of 95 % intervals at least 93 % hold the true mean, whether queries differ or seeds do, with three seeds."""
    crossed = loaded(made.folder, "learning_curve").crossed
    draw = np.random.default_rng(0)
    found = [crossed(drawn(draw, 100, 3, spreads)) for _ in range(1000)]
    assert np.mean([one["low"] <= 0 <= one["high"] for one in found]) > 0.93


def test_an_interval_by_hand(made: Plan) -> None:
    """Two queries, two seeds: variances of the means 0.5 / 2 and 2 / 2 of the halves, less what the rest has in both."""
    crossed = loaded(made.folder, "learning_curve").crossed
    found = crossed(np.array([[0.0, 2.0], [1.0, 3.0]]))  # query effect 1, seed effect 2, no rest
    by_query, by_seed = 0.5 / 2, 2.0 / 2
    variance = by_query + by_seed
    freedom = variance**2 / (by_query**2 + by_seed**2)
    from scipy import stats

    half = stats.t.ppf(0.975, freedom) * variance**0.5
    assert (found["mean"], found["low"], found["high"]) == pytest.approx((1.5, 1.5 - half, 1.5 + half))
    assert crossed(np.ones((3, 2))) == {"mean": 1.0, "low": 1.0, "high": 1.0}


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (
            {"mean": 0.012, "low": 0.004, "high": 0.02},
            "twice the carts would bring as much again if the curve goes on so",
        ),
        ({"mean": 0.002, "low": -0.008, "high": 0.012}, r"flat within what this evaluation can see \(0.010\)"),
        ({"mean": -0.02, "low": -0.03, "high": -0.01}, "it falls, and more carts of this kind would not help"),
    ],
)
def test_the_answer(made: Plan, gain: dict[str, float], said: str) -> None:
    import re

    curve = loaded(made.folder, "learning_curve")
    assert re.search(said, curve.answer({"from": 400, "to": 800, **gain}))
    assert curve.answer(None).startswith("no other part is small enough")
    points = [curve.Point(amount, {}, {}, {"nDCG@10": np.zeros((4, 2))}) for amount in (100, 400, 700, 750)]
    assert curve.last_doubling(points)["from"] == 400
    assert curve.last_doubling(points[2:]) is None
