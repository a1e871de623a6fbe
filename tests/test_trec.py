"""What is measured is what pytrec_eval, read from the same files, measures: ties, grades, and ids that TREC's files cannot hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import pytrec_eval
import stages

from specforge.catalog.metrics import METRICS
from specforge.checks.results import chance_bound
from specforge.templating import render

RANKED = [name for name, metric in METRICS.items() if metric.task == "retrieval"]
THEIRS = {"nDCG": "ndcg_cut", "R": "recall", "P": "P", "AP": "map_cut", "Success": "success"}
"""Metric -> pytrec_eval's name for it; its reciprocal rank has no cutoff."""
CUTOFFS = (1, 3, 10)
IDS = ["plain", "two words", "ünïcode", "100 %", "tab\tbed", "a/b", "A", "zz", "日本", "-1", "q#0", "x y z", "x-y"]


def by_pytrec_eval(run: Path, qrels: Path, name: str, cutoff: int) -> dict[str, float]:
    """Query, as the files have it -> the metric; a query that is not in the run has 0."""
    with run.open(encoding="utf-8") as file:
        ranked = pytrec_eval.parse_run(file)
    with qrels.open(encoding="utf-8") as file:
        judged = pytrec_eval.parse_qrel(file)
    theirs = "recip_rank" if name == "RR" else f"{THEIRS[name]}.{cutoff}"
    found = pytrec_eval.RelevanceEvaluator(judged, {theirs}).evaluate(ranked)
    values = {query: found.get(query, {}).get(theirs.replace(".", "_"), 0.0) for query in judged}
    if name == "RR":  # one over the rank, where that is within the cutoff
        values = {query: value if value >= 1 / cutoff - 1e-9 else 0.0 for query, value in values.items()}
    return values


@pytest.fixture(scope="module")
def ranking() -> dict[str, Any]:
    """The generated ranking.py."""
    values: dict[str, object] = dict.fromkeys(("shown", "of_items", "of_both", "chunked"), False)
    names: dict[str, Any] = {"__name__": __name__}
    exec(render("python/ranking.py.jinja", values)[0], names)
    return names


def drawn(seed: int) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Judgments and a run: equal scores, scores that 32 bits do not part, nothing found, unjudged and unfound documents."""
    draw = np.random.default_rng(seed)
    docs = [*IDS, *(f"d{number}" for number in range(30))]
    scores = np.array([1.0, 0.5, 0.25, 0.25 + 1e-9, 1 / 3, 1e-8, 0.0, -2.5, 16_777_217.0])
    qrels, run = {}, dict[str, dict[str, float]]()
    for query in [*IDS, "nothing found"]:
        judged = draw.choice(docs, size=8, replace=False).tolist()
        qrels[query] = dict(zip(judged, [2, *draw.integers(0, 4, 7).tolist()], strict=True))
        found = draw.choice(docs, size=25, replace=False).tolist() if query in IDS else []
        run[query] = dict(zip(found, draw.choice(scores, 25).tolist(), strict=False))
    return qrels, run


@pytest.mark.parametrize("name", RANKED)
@pytest.mark.parametrize("seed", range(5))
def test_every_metric_is_pytrec_evals(ranking: dict[str, Any], name: str, seed: int, tmp_path: Path) -> None:
    qrels, run = drawn(seed)
    ranking["write_run"](tmp_path / "run.trec", run, "system")
    ranking["write_qrels"](tmp_path / "qrels.trec", qrels)
    for cutoff in CUTOFFS:
        metric = f"{name}@{cutoff}"
        ours = ranking["per_query"]([metric], qrels, run, list(qrels))[metric]
        theirs = by_pytrec_eval(tmp_path / "run.trec", tmp_path / "qrels.trec", name, cutoff)
        wanted = [theirs[ranking["trec_id"](query)] for query in qrels]
        assert ours == pytest.approx(wanted, abs=1e-6), metric
        assert ours[-1] == 0, "nothing was found"
        assert ranking["measure"](metric, qrels, run) == pytest.approx(np.mean(wanted), abs=1e-6)
    assert max(wanted) > 0


def test_the_ranks_of_a_run_are_trec_evals(ranking: dict[str, Any], tmp_path: Path) -> None:
    """Of equal scores the later id stands first, and what 32 bits do not part is equal."""
    run = {"q": {"a": 0.5, "c": 0.5, "b": 0.5 + 1e-9, "d": 0.75, "x y": 0.1, "x-y": 0.1}}
    ranking["write_run"](tmp_path / "run.trec", run, "system")
    lines = [line.split() for line in (tmp_path / "run.trec").read_text(encoding="utf-8").splitlines()]
    assert [(line[2], line[3], line[4]) for line in lines] == [
        ("d", "1", "0.75"), ("c", "2", "0.5"), ("b", "3", "0.5"), ("a", "4", "0.5"), ("x-y", "5", "0.1"), ("x%20y", "6", "0.1"),
    ]  # fmt: skip


SPEC = """\
specforge: 1
name: small
sources:
  docs: {path: docs.csv, id: id, text: "{title}"}
  asked: {path: asked.csv, id: id, text: "{words}"}
  rows: {path: rows.csv}
objectives:
  it: {kind: judged, rows: rows, asked: asked, query: query, document: doc, grade: grade, of: docs, group: talk}
split: {by: group, test: 60%, dev: 20%}
retriever: {family: bm25}
evaluate:
  primary: nDCG@10
  metrics: [METRICS]
  baselines: [popularity]
  fuse: [popularity]
  bootstrap: {resamples: 1000}
accept: {SF307: made up}
"""
SCRIPTS = ("prepare.py", "index.py", "baselines.py", "evaluation.py")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of words that rank: few words, so that many documents score alike."""
    root, draw = tmp_path_factory.mktemp("trec"), np.random.default_rng(0)
    words = [f"w{number}" for number in range(12)]
    docs = {f"doc {row}": f"{draw.choice(words)} {draw.choice(words)} n{row}" for row in range(120)}
    asked = {f"q {row}": f"{draw.choice(words)} {draw.choice(words)} {row}" for row in range(150)}
    rows = [
        f"{query},{doc},{draw.integers(0, 4)},talk {number // 5}"
        for number, query in enumerate(asked)
        for doc in ["doc 0", *draw.choice(list(docs)[1:], 6, replace=False)]
    ]
    rows += [f"{query},doc 1,3,talk {number // 5}" for number, query in enumerate(asked)]
    (root / "docs.csv").write_text("\n".join(["id,title", *(f"{id},{text}" for id, text in docs.items())]))
    (root / "asked.csv").write_text("\n".join(["id,words", *(f"{id},{text}" for id, text in asked.items())]))
    (root / "rows.csv").write_text("\n".join(["query,doc,grade,talk", *rows]))
    metrics = ", ".join(f"{name}@10" for name in RANKED if name != "nDCG")
    (root / "small.yaml").write_text(SPEC.replace("METRICS", metrics), encoding="utf-8")
    stages.run(stages.compiled(root / "small.yaml"), root / "work", *SCRIPTS)
    return root / "work"


def metrics(work: Path) -> dict[str, Any]:
    found = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_run_measures_what_its_files_say(work: Path, ranking: dict[str, Any]) -> None:
    """Every query, system and metric of a whole evaluation, from the files alone."""
    table = pq.read_table(work / "evaluation/scores.parquet")
    queries = [ranking["trec_id"](query) for query in table["query_id"].to_pylist()]
    for system in ("bm25", "popularity", "bm25+popularity"):
        for name in RANKED:
            theirs = by_pytrec_eval(work / f"evaluation/{system}.trec", work / "evaluation/qrels.trec", name, 10)
            assert set(theirs) == set(queries)
            ours = table[f"{system} {name}@10"].to_pylist()
            assert ours == pytest.approx([theirs[query] for query in queries], abs=1e-6), (system, name)
            mean = metrics(work)["systems"][system][f"{name}@10"]["mean"]
            assert mean == pytest.approx(np.mean(ours), abs=1e-6)


def test_scores_are_typed_and_sorted_and_the_same_again(work: Path) -> None:
    file = work / "evaluation/scores.parquet"
    table, before = pq.read_table(file), file.read_bytes()
    assert table["query_id"].to_pylist() == sorted(table["query_id"].to_pylist())
    assert {str(table.schema.field(name).type) for name in table.column_names[2:]} == {"float"}
    assert table.column_names[:3] == ["query_id", "cluster", "popularity nDCG@10"]
    stages.run(work.parent / "generated/small", work, "evaluation.py")
    assert file.read_bytes() == before


def test_the_oracle_reaches_the_maximum_and_a_random_run_is_near_chance(work: Path) -> None:
    """The most that ten ranks can reach on these judgments, worked out from them."""
    sanity, relevant = metrics(work)["sanity"], dict[str, int]()
    with (work / "evaluation/qrels.trec").open(encoding="utf-8") as file:
        for line in file:
            query, _, _, grade = line.split()
            relevant[query] = relevant.get(query, 0) + (int(grade) > 0)
    counts = np.array(list(relevant.values()))
    most = np.minimum(counts, 10)
    assert sanity["oracle"] == pytest.approx({
        "nDCG@10": 1.0, "RR@10": 1.0, "Success@10": 1.0,
        "R@10": np.mean(most / counts), "P@10": np.mean(most / 10), "AP@10": np.mean(most / counts),
    })  # fmt: skip
    for metric, value in sanity["random"].items():
        assert 0 < value < chance_bound(metric, metrics(work)["candidates"]) < sanity["oracle"][metric], metric


def test_queries_of_one_talk_are_drawn_together(work: Path) -> None:
    """Five queries a talk: their clusters are those of the table, and intervals know it."""
    table, found = pq.read_table(work / "evaluation/scores.parquet").to_pydict(), metrics(work)
    assert table["cluster"] == [f"talk {int(query.removeprefix('q ')) // 5}" for query in table["query_id"]]
    assert found["clusters"] == len(set(table["cluster"])) < found["queries"] == len(table["query_id"])
