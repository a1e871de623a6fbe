"""What is measured where nothing is ranked: the rows, and what the checks say of them and of the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from good_spec import good
from kinds import GONE, measured
from preparing import prepared
from scipy.stats import pearsonr
from shop import Rows, after, shop
from sklearn.metrics import average_precision_score, v_measure_score
from test_evidence import run
from variations import changed, planned, rich

from specforge.catalog.baselines import BASELINES
from specforge.catalog.dictionary import OBJECTIVES
from specforge.catalog.metrics import METRICS, UNRANKED, names, of_retriever
from specforge.catalog.tasks import OF_RETRIEVER, TASKS
from specforge.checks import chance, results
from specforge.problems import Problem
from specforge.source import Data
from specforge.templating import render

SCORES: dict[str, Data] = {"kind": "scored_pairs", "rows": "log", "first": "a", "second": "b", "score": "s"}
CLICKS = "kind: clicked, events: log, search: search, query: words, document: doc, rank: place, clicked: hit, of: docs"
SHOWN = "search varchar, words varchar, doc varchar, place integer, hit boolean"


def scored(
    objective: dict[str, Data], split: dict[str, Data], log: tuple[str, Any], primary: str = "Spearman"
) -> list[tuple[object, ...]]:
    """The rows that are measured: side, anchor, document, grade, score."""
    data = changed(
        rich(),
        {
            "sources": {"docs": {"path": "d.parquet", "id": "id", "text": "{title}"}, "log": {"path": "l.parquet"}},
            "objectives": {"it": objective},
            "split": split,
            **measured(primary),
            "retriever.train": "none",
            "retriever.loss": GONE,
        },
    )
    (file,) = (file for file in planned(data).files if file.name == "objective.sql")
    db = run(render(file.template, file.context)[0], log)
    return db.sql("""
        select s.split, q.text, d.text, s.grade, s.score
        from scored as s join questions as q using (query) join documents as d on d.doc = s.doc
        order by all
    """).fetchall()


def test_every_score_counts_once_as_it_was_given() -> None:
    log = ("a varchar, b varchar, s double, part varchar", [
        ("x", "y", 4.5, "test"), ("y", "x", 1.0, "test"), ("x", "x", 5.0, "test"), ("x", "y", 4.5, "test"),
        ("x", "z", 2.0, "train"), ("x", "w", 2.0, "elsewhere"),
    ])  # fmt: skip
    split: dict[str, Data] = {"by": "column", "column": "part", "dev_share": 0.0001}
    found = scored(SCORES, split, log)
    assert found == [
        ("test", "x", "y", None, 4.5),
        ("test", "x", "y", None, 4.5),
        ("test", "y", "x", None, 1.0),
        ("train", "x", "z", None, 2.0),
    ]
    with_grades = scored({**SCORES, "relevant_from": 4.0}, split, log, "AP")
    assert [row[3] for row in with_grades] == [1, 1, 0, 0]


def test_a_score_is_held_out_where_either_end_is() -> None:
    """As it was given where the first is held out, else the other way round; what has one end in train, and none held out,
    trains."""
    texts = [f"text {number}" for number in range(60)]
    log = ("a varchar, b varchar, s double", [(one, other, 1.0) for one in texts for other in texts if one < other])
    split: dict[str, Data] = {"by": "item", "test": 0.3, "dev": 0.2}
    found = scored(SCORES, split, log)
    assert len(found) == 60 * 59 // 2
    sides = {anchor: side for side, anchor, *_ in found}
    kept = set(texts) - {anchor for anchor, side in sides.items() if side != "train"}
    assert {side for side, *_ in found} == {"train", "dev", "test"}
    for side, anchor, document, _, _ in found:
        assert side == sides[anchor]
        assert (side == "train") == (anchor in kept and document in kept)
        flipped = anchor > document  # type: ignore[operator]
        assert not flipped or document in kept


def test_judgments_of_other_objectives_count_once() -> None:
    log = (SHOWN, [("1", "red shoe", "a", 1, False), ("1", "red shoe", "b", 2, True), ("2", "Red Shoe", "b", 1, True)])
    objective: dict[str, Data] = {
        "kind": "clicked", "events": "log", "search": "search", "query": "words", "document": "doc", "rank": "place",
        "clicked": "hit", "of": "docs",
    }  # fmt: skip
    found = scored(objective, {"by": "anchor", "test": 0.99, "dev": 0.001}, log, "AP")
    assert [row[2:4] for row in found] == [("text a", 0), ("text b", 1)]


def told(path: Path, code: str) -> list[Problem]:
    return [found for found in after(path) if found.code == code]


HALVES = "{by: anchor, test: 50%, dev: 25%}"


def searches(number: int, *, clicked: bool = True) -> Rows:
    """Searches of two documents, the second clicked."""
    return [
        (f"s{row}", f"query {row}", doc, place, clicked and place == 2)
        for row in range(number)
        for place, doc in ((1, "a"), (2, "b"))
    ]


@pytest.mark.parametrize("primary", ["AP", "TripletAccuracy"])
def test_too_few_anchors_are_told(tmp_path: Path, primary: str) -> None:
    path = shop(tmp_path, CLICKS, SHOWN, searches(60), split=HALVES, evaluate=f"{{primary: {primary}}}")
    db = prepared(path)
    [(anchors,)] = db.sql("select count(distinct anchor_id) from scored where split = 'test'").fetchall()
    [problem] = told(path, "SF307")
    assert problem.message.startswith(f"{anchors} test anchors can show differences of 0.")
    assert f"the difference in {primary} deviates by" in problem.evidence[0]
    assert not told(path, "SF004")


@pytest.mark.parametrize(("primary", "sides"), [("AP", ["test"]), ("F1", ["dev", "test"])])
def test_pairs_that_all_belong_together_measure_nothing(tmp_path: Path, primary: str, sides: list[str]) -> None:
    log = [(f"s{row}", f"query {row}", "a", 1, True) for row in range(60)]
    path = shop(tmp_path, CLICKS, SHOWN, log, split=HALVES, evaluate=f"{{primary: {primary}}}")
    prepared(path)
    wanted = "it takes pairs that do not belong together as well as pairs that do"
    assert sorted(one.message for one in told(path, "SF004")) == [
        f"no {side} rows to measure pairs on: {wanted}" for side in sides
    ]


def test_one_class_measures_no_clusters(tmp_path: Path) -> None:
    objective = "kind: labelled, attribute: label, of: docs"
    path = shop(
        tmp_path, objective, "nothing integer", [(1,)], split="{by: item, test: 50%}", evaluate="{primary: VMeasure}"
    )
    for labels, wrong in ((1, True), (2, False)):
        with duckdb.connect() as db:
            query = (
                f"select 'd' || n as id, 'text ' || n as title, 'label ' || n % {labels} as label from range(60) t (n)"
            )
            db.sql(query).write_parquet(str(tmp_path / "docs.parquet"))
        prepared(path)
        messages = [one.message for one in told(path, "SF004")]
        assert messages == ["no test rows to measure clustering on: it takes classes of documents"] * wrong


def test_a_held_out_pair_that_trains_is_told(tmp_path: Path) -> None:
    rows: Rows = [
        ("red shoe", "blue shoe", 5.0, "train"), ("hat", "cap", 4.0, "train"), ("hat", "shoe", 1.0, "train"),
        ("Blue shoe!", "red shoe", 5.0, "test"),  # the same to a reader, in the other order
        ("hat", "sock", 0.0, "test"),
    ]  # fmt: skip
    objective = "kind: scored_pairs, rows: log, first: a, second: b, score: s, relevant_from: 3"
    split = "{by: column, column: part, dev_share: 0.01%}"
    path = shop(
        tmp_path, objective, "a varchar, b varchar, s double, part varchar", rows, split=split,
        evaluate="{primary: Spearman}",
    )  # fmt: skip
    text = path.read_text(encoding="utf-8").replace("  docs: {path: docs.parquet, id: id, text: '{title}'}\n", "")
    path.write_text(text, encoding="utf-8")
    prepared(path)
    [problem] = told(path, "SF301")
    assert problem.message == "1 held-out pair also stands in train"
    assert problem.evidence == ('"Blue shoe!" and "red shoe"',)


def test_an_anchor_with_negatives_alone_is_held_out_as_well(tmp_path: Path) -> None:
    """No document is relevant to it, so it is no query of a ranking; its pairs are measured, and must not train."""
    rows: Rows = [
        ("s1", "red shoe", "a", 1, True), ("s2", "Red shoe!", "b", 1, False), ("s2", "Red shoe!", "c", 2, True),
        ("s3", "hat", "a", 1, False), ("s3", "hat", "c", 2, True),
    ]  # fmt: skip
    path = shop(tmp_path, CLICKS, SHOWN, rows, split=HALVES, evaluate="{primary: AP}")
    prepared(path)
    data = tmp_path / "work/data"
    with duckdb.connect() as db:
        moved = f"select * replace ('test' as split, 'Milk' as anchor, 0 as grade) from '{data}/scored.parquet' limit 1"
        db.sql(moved).write_parquet(str(data / "scored.parquet"))
        db.sql(
            "select 'x' as anchor_id, 'a' as positive_id, 'milk' as anchor, 'a' as positive, true as contrasted"
        ).write_parquet(str(data / "pairs.parquet"))
    assert "1 held-out query also stands in train" in [one.message for one in told(path, "SF301")]


def test_metrics_and_baselines_are_of_tasks() -> None:
    assert {one.task for one in UNRANKED.values()} | {"retrieval"} == set(OF_RETRIEVER)
    assert {*OF_RETRIEVER, "classification"} == set(TASKS)
    assert {one.task for one in METRICS.values()} == {"retrieval", "classification"}
    for task, one in ((task, TASKS[task]) for task in OF_RETRIEVER):
        assert names(task)
        assert all(found and found.task == task for found in map(of_retriever, names(task)))
        assert any(task in baseline.tasks for baseline in BASELINES.values())
        assert one.needs is None or one.needs in {
            "scored_pairs",
            *(shape for objective in OBJECTIVES for shape in objective.provides),
        }
    assert of_retriever("AP") is UNRANKED["AP"]
    assert of_retriever("AP@10") is METRICS["AP"]
    assert set(chance._BOUNDS) == set(UNRANKED)


def figures(task: str, primary: str, **more: object) -> dict[str, Any]:
    """What evaluation.py writes of a model that is no better than its base."""
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6}
    return {
        "task": task, "queries": 40, "rows": 50, "primary": primary, "confidence": 0.95, "candidates": [],
        "systems": {"untuned": {primary: interval}, "tuned": {primary: interval}},
        "differences": [{"system": "tuned", "over": name, "metric": primary, "mean": 0.01, "low": -0.1, "high": 0.1, "p": 0.8}
            for name in ("word_overlap", "untuned")],
        "sanity": {"oracle": {primary: 1.0}, "random": {primary: 0.0}}, **more,
    }  # fmt: skip


def test_no_improvement_says_what_was_measured() -> None:
    spec, source = good(("primary: nDCG@10", "primary: AP"))
    found = results.check(spec, source, figures("pairs", "AP", relevant=20))
    assert [(one.code, one.message) for one in found] == [
        ("SF505", '"tuned" does not beat "word_overlap" or "untuned" on AP')
    ]
    assert found[0].hint.startswith("40 test anchors may be too few")


@pytest.mark.parametrize(
    ("sanity", "message"),
    [
        ({"oracle": {"AP": 0.9}, "random": {"AP": 0.4}}, "the best possible answers have AP 0.9000, and must have 1"),
        ({"oracle": {"AP": 1.0}, "random": {"AP": 0.99}}, "random answers have AP 0.9900, and chance allows 0."),
    ],
)
def test_impossible_figures(sanity: dict[str, Any], message: str) -> None:
    spec, source = good(("primary: nDCG@10", "primary: AP"))
    found = results.check(spec, source, figures("pairs", "AP", rows=2000, relevant=800, sanity=sanity))
    assert any(one.code == "SF504" and one.message.startswith(message) for one in found)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("rows", [30, 400])
def test_random_answers_stay_below_what_chance_allows(rows: int, share: float) -> None:
    draw = np.random.default_rng(rows)
    relevant = np.arange(rows) < max(1, share * rows)
    known = {"rows": rows, "relevant": int(relevant.sum())}
    found = [average_precision_score(relevant, draw.random(rows)) for _ in range(200)]
    assert max(found) <= chance.bound("AP", known)
    assert max(pearsonr(*draw.random((2, rows))).statistic for _ in range(200)) <= chance.bound("Pearson", known)
    if rows > 100 and share == 0.3:
        assert chance.bound("AP", known) < 0.6  # and it says something


@pytest.mark.parametrize(("classes", "rows"), [(2, 40), (6, 60), (6, 2000), (77, 3000)])
def test_clusters_by_chance_stay_below_what_chance_allows(classes: int, rows: int) -> None:
    draw = np.random.default_rng(rows)
    labels = np.arange(rows) % classes
    bound = chance.bound("VMeasure", {"rows": rows, "classes": np.bincount(labels).tolist()})
    assert max(v_measure_score(labels, draw.permutation(labels)) for _ in range(50)) <= bound
    if rows >= 2000:
        assert bound < 0.5


def test_triplets_by_chance() -> None:
    """Five standard deviations of a fair coin, where each anchor has one triplet."""
    bound = chance.bound("TripletAccuracy", {"candidates": [{"near": 1, "far": 1, "anchors": 400}]})
    assert bound == pytest.approx(0.5 + 5 * 0.5 / 20)
