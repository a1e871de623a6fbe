"""One ranking of two: by hand, through every stage that asks it, and as it is searched."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest
import stages
from test_rerankers import module
from tiny import SPEC, project

RERANKER = """
reranker:
  family: cross_encoder
  base: ./model
  over: 20
  negatives: {per_positive: 2, ranks: [1, 20]}
  loss: {kind: binary_cross_entropy}
  train: {epochs: 1, batch_size: 16}
"""
HYBRIDS = {"rrf": "{kind: rrf, depth: 30, k: 5}", "weighted": "{kind: weighted, depth: 30}"}
UNTRAINED = SPEC[: SPEC.index("  loss:")] + "  train: none\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with both kinds, each run up to its evaluation."""
    root = tmp_path_factory.mktemp("hybrid")
    project(root)
    rest = SPEC[SPEC.index("index:") :].replace("fuse: [neighbour_transfer]", "baselines: [bm25]")
    for name, hybrid in HYBRIDS.items():
        text = f"{UNTRAINED}hybrid: {hybrid}\n{rest}".replace("name: tiny", f"name: {name}")
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
        code = stages.compiled(root / f"{name}.yaml")
        scripts = ["prepare", "embed", "index", "words", *(["hybrid"] if name == "weighted" else [])]
        stages.run(code, root / name, *(f"{one}.py" for one in [*scripts, "baselines", "evaluation"]))
    return root


@pytest.fixture(params=list(HYBRIDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def generated(root: Path, name: str, stem: str) -> ModuleType:
    return module(root / "generated" / name, stem)


def test_reciprocal_ranks_by_hand(root: Path) -> None:
    fuse = generated(root, "rrf", "hybrid").fuse
    found = fuse({"a": 0.9, "b": 0.8, "c": 0.1}, {"c": 7.0, "d": 3.0})
    assert list(found) == ["c", "a", "b", "d"]
    assert found == pytest.approx({"a": 1 / 6, "b": 1 / 7, "c": 1 / 8 + 1 / 6, "d": 1 / 7})
    assert fuse({}, {}) == {} and list(fuse({}, {5: 1.0})) == [5]
    assert len(fuse({row: -float(row) for row in range(99)}, {})) == 30


@pytest.mark.parametrize(("weight", "wanted"), [(1.0, "abcd"), (0.0, "cabd"), (0.5, "acbd")])
def test_weighted_sums_by_hand(root: Path, weight: float, wanted: str) -> None:
    fuse = generated(root, "weighted", "hybrid").fuse
    own, words = {"a": 0.9, "b": 0.8, "c": 0.5}, {"c": 7.0, "d": 3.0}
    found = fuse(own, words, weight)
    scaled = {"a": 1.0, "b": 0.75, "c": 0.0, "d": 0.0}, {"a": 0.0, "b": 0.0, "c": 1.0, "d": 0.0}
    assert found == pytest.approx({doc: weight * scaled[0][doc] + (1 - weight) * scaled[1][doc] for doc in "abcd"})
    assert list(found) == list(wanted), "of equals, those of the index first"
    assert fuse({}, {}, weight) == {} and fuse({1: 3.0}, {}, 0.3) == {1: 0.3}


def by_hand(root: Path, name: str) -> dict[str, dict[str, float]]:
    """The scores of each test query, best first, from the vectors themselves and the ranking of the baseline bm25."""
    ranking, work, hybrid = generated(root, name, "ranking"), root / name, generated(root, name, "hybrid")
    corpus, queries = ranking.read_corpus(work), ranking.read_queries(work, "test")
    cosines = np.load(work / "vectors/test.npy") @ np.load(work / "vectors/corpus.npy").T
    words: dict[str, dict[str, float]] = {query: {} for query in queries.ids}
    for line in (work / "baselines/bm25.test.trec").read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        words[query][doc] = float(score)
    more = [hybrid.chosen(work)] if name == "weighted" else []
    found = {}
    for row, (query, own) in enumerate(zip(queries.ids, queries.rows, strict=True)):
        order = [doc for doc in np.argsort(-cosines[row], kind="stable") if doc != own][:30]
        near = {corpus.ids[doc]: float(cosines[row, doc]) for doc in order}
        found[query] = hybrid.fuse(near, words[query], *more)
    return found


def test_the_evaluation_ranks_as_it_is_defined(root: Path, name: str) -> None:
    run: dict[str, dict[str, float]] = {}
    for line in (root / name / "evaluation/hybrid.trec").read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        run.setdefault(query, {})[doc] = float(score)
    for query, scores in by_hand(root, name).items():
        assert run[query] == pytest.approx(scores, abs=1e-5)
    figures = json.loads((root / name / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert set(figures["systems"]) == {"bm25", "untuned", "hybrid"}
    pairs = {(one["system"], one["over"]) for one in figures["differences"]}
    assert {("hybrid", "untuned"), ("hybrid", "bm25")} <= pairs
    assert ("hybrid" in figures["chosen_on_dev"]) == (name == "weighted")


def test_the_weight_is_the_best_on_dev(root: Path) -> None:
    found = json.loads((root / "weighted/hybrid/weights.json").read_text(encoding="utf-8"))
    tried = {float(weight): value for weight, value in found["tried"].items()}
    assert list(tried) == pytest.approx([step / 10 for step in range(11)])
    assert tried[found["weight"]] == max(tried.values()) > min(tried.values())


def test_the_search_answers_as_it_is_defined(root: Path, name: str) -> None:
    search, hybrid = generated(root, name, "search"), generated(root, name, "hybrid")
    assert next(iter(search.SYSTEMS)) == "hybrid"
    asked = {system: open_(root / name)("fresh bread", 30).hits for system, open_ in search.SYSTEMS.items()}
    more = [hybrid.chosen(root / name)] if name == "weighted" else []
    two = [{hit.doc_id: hit.score for hit in asked[system]} for system in ("untuned", "bm25")]
    wanted = hybrid.fuse(*two, *more)
    hits = search.fused(root / name)("fresh bread", 5).hits
    assert [(hit.rank, hit.score) for hit in hits] == [
        (place, pytest.approx(score)) for place, score in enumerate(list(wanted.values())[:5], start=1)
    ]
    assert all(hit.steps[-1].system == "hybrid" and len(hit.steps) in (2, 3) for hit in hits)


def test_each_step_is_timed(root: Path) -> None:
    stages.run(root / "generated/rrf", root / "rrf", "latency.py")
    found = json.loads((root / "rrf/latency/milliseconds.json").read_text(encoding="utf-8"))
    assert list(found) == ["encoding", "bm25", "untuned", "hybrid"]
    assert all(0 < one["p50"] <= one["p95"] for one in found.values())


def test_words_of_other_documents_are_refused(root: Path) -> None:
    lexical, ranking = generated(root, "rrf", "lexical"), generated(root, "rrf", "ranking")
    corpus = ranking.read_corpus(root / "rrf")
    corpus.texts[0] += " changed"
    with pytest.raises(ValueError, match="SF507"):
        lexical.opened(root / "rrf", corpus)


def test_a_reranker_orders_what_the_two_find(root: Path) -> None:
    text = (root / "weighted.yaml").read_text(encoding="utf-8").replace("name: weighted", "name: reranked")
    (root / "reranked.yaml").write_text(text + RERANKER, encoding="utf-8")
    code, work = stages.compiled(root / "reranked.yaml"), root / "reranked"
    stages.run(code, work, *(f"{one}.py" for one in ("prepare", "embed", "index", "words", "hybrid", "candidates")))
    table = pq.read_table(work / "candidates/test.parquet").to_pydict()
    found: dict[str, list[float]] = {}
    for query, score in zip(table["query_id"], table["score"], strict=True):
        found.setdefault(query, []).append(score)
    for query, scores in by_hand(root, "weighted").items():
        assert found[query] == pytest.approx(list(scores.values())[:20], abs=1e-5), "equal scores may change places"
