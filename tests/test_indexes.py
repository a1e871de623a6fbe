"""Every kind of index: what it finds beside exact search, that its parameters reach faiss, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import faiss
import numpy as np
import pyarrow.parquet as pq
import pytest
import stages
from numpy.typing import NDArray
from test_rerankers import module
from tiny import SPEC, project

from specforge import pipeline
from specforge.catalog.families import FAMILIES

Vectors = NDArray[np.float32]
Made = tuple[str, ModuleType, Any]

DIMENSION = 64
INDEXES = {
    "flat": ("{kind: flat}", 1.0),
    "hnsw": ("{kind: hnsw, m: 8, ef_construction: 60, ef_search: 70}", 0.95),
    "ivf": ("{kind: ivf}", 0.8),
    "ivf_few": ("{kind: ivf, nlist: 20, nprobe: 20}", 1.0),
    "ivf_pq": ("{kind: ivf_pq, nbits: 5}", 0.15),
    "ivf_pq_rescored": (
        "{kind: ivf_pq, nlist: 30, nprobe: 12, m: 16, nbits: 6, rescore: 10, rescore_with: fp32}",
        0.8,
    ),
    "opq": ("{kind: opq, m: 16, nbits: 4}", 0.3),
    "opq_rescored": ("{kind: opq, nlist: 30, nprobe: 12, m: 16, nbits: 4, rescore: 10}", 0.8),
    "fp16": ("{kind: scalar_quantizer, codes: fp16}", 0.99),
    "int8": ("{kind: scalar_quantizer}", 0.95),
    "binary": ("{kind: binary, rescore: 20}", 0.7),
    "funnel": ("{kind: funnel, dimensions: [16, 32], keep: 5}", 0.75),
}
"""Name -> the index, and the share of the ten nearest that it finds at least."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a spec of every index, compiled."""
    root = tmp_path_factory.mktemp("indexes")
    project(root)
    kinds = {name: index for name, (index, _) in INDEXES.items()} | {"auto": "{kind: auto, recall: 0.9}"}
    for name, index in kinds.items():
        text = SPEC.replace("name: tiny", f"name: {name}").replace("index: {kind: flat}", f"index: {index}")
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
        stages.compiled(root / f"{name}.yaml")
    return root


@pytest.fixture(scope="module", params=list(INDEXES))
def made(request: pytest.FixtureRequest, root: Path, vectors: Vectors) -> Made:
    """The name of an index, the generated module that builds it, and what it builds."""
    index = module(root / "generated" / request.param, "index")
    return request.param, index, index.build(vectors)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Unit vectors in clusters, which say most in their first dimensions."""
    draw = np.random.default_rng(0)
    middles = draw.standard_normal((60, DIMENSION))
    found = middles[draw.integers(0, 60, 4000)] + draw.standard_normal((4000, DIMENSION))
    found *= np.geomspace(1.0, 0.2, DIMENSION)
    units: Vectors = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return units


EVERY = ("flat", "ivf_few", "fp16", "int8", "binary", "funnel")
"""Those that look at every document."""


def nearest(vectors: Vectors, asked: Vectors, k: int) -> NDArray[np.int64]:
    return np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :k]


def test_every_kind_is_tried() -> None:
    assert {text.split()[1].strip(",}") for text, _ in INDEXES.values()} == {*FAMILIES["bi_encoder"].indexes} - {"auto"}


def test_it_finds_most_of_what_is_nearest(made: Made, vectors: Vectors) -> None:
    name, _, built = made
    scores, rows = built.search(vectors[:100], 10)
    right = nearest(vectors, vectors[:100], 10)
    recall = np.mean([len({*one} & {*other}) / 10 for one, other in zip(rows, right, strict=True)])
    assert recall >= INDEXES[name][1] - 1e-9, recall
    assert scores.shape == rows.shape == (100, 10) and (rows >= 0).all()
    assert (np.diff(scores, axis=1) <= 1e-6).all(), "best first"
    if name not in ("ivf_pq", "opq"):  # their scores are of the learnt parts
        exact = np.take_along_axis(vectors[:100] @ vectors.T, rows, axis=1)
        np.testing.assert_allclose(scores, exact, atol=0.02)


def test_blocks_give_the_index_that_one_piece_gives(made: Made, vectors: Vectors) -> None:
    _, index, built = made
    whole = built.search(vectors[:50], 10)
    sample = getattr(index, "sample", None)
    with mock.patch.object(index, "BLOCK", 640):
        if sample is None:
            parts = index.build(vectors).search(vectors[:50], 10)
        else:
            with mock.patch.object(index, "sample", lambda vectors, _: vectors):
                parts = index.build(vectors).search(vectors[:50], 10)
    assert np.mean(whole[1] == parts[1]) > 0.98


def test_it_learns_from_a_part(made: Made, vectors: Vectors) -> None:
    index = made[1]
    if not hasattr(index, "sample"):
        pytest.skip("it learns nothing")
    with mock.patch.object(index, "BLOCK", 500):
        few = index.sample(vectors, 100), index.sample(vectors, 900)
        again = index.sample(vectors, 900)
    assert [len(one) for one in few] == [500, 900]
    assert len(np.unique(few[1], axis=0)) == 900
    np.testing.assert_array_equal(few[1], again)


def test_more_than_there_is_may_be_asked_for(made: Made, vectors: Vectors) -> None:
    index = made[1]
    few = vectors[:300]
    scores, rows = index.build(few).search(few[:5], 300)
    assert scores.shape == rows.shape == (5, 300)
    for one in rows:
        found = one[one >= 0]
        assert len(set(found)) == len(found) >= (300 if made[0] in EVERY else 60)


def _ivf(index: faiss.Index) -> faiss.Index:
    found = index.base_index if hasattr(index, "base_index") else index
    found = faiss.downcast_index(found)
    return faiss.downcast_index(found.index) if isinstance(found, faiss.IndexPreTransform) else found


def _of_cells(index: faiss.Index) -> tuple[int, ...]:
    ivf: Any = _ivf(index)
    return (ivf.nlist, ivf.nprobe, *((ivf.pq.M, ivf.pq.nbits) if hasattr(ivf, "pq") else ()))


def _kept(index: faiss.Index) -> str:
    found = faiss.downcast_index(index.refine_index) if hasattr(index, "refine_index") else index
    return {0: "int8", 4: "fp16"}[found.sq.qtype] if hasattr(found, "sq") else type(found).__name__


PARAMETERS: dict[str, tuple[Callable[[Any], object], object]] = {
    "flat": (lambda built: type(built), faiss.IndexFlat),
    "hnsw": (lambda built: (built.hnsw.nb_neighbors(1), built.hnsw.efConstruction, built.hnsw.efSearch), (8, 60, 70)),
    "ivf": (_of_cells, (4000 // 39, 8)),
    "ivf_few": (_of_cells, (20, 20)),
    "ivf_pq": (_of_cells, (4000 // 39, 8, 8, 5)),
    "ivf_pq_rescored": (
        lambda built: (*_of_cells(built), built.k_factor, _kept(built)),
        (30, 12, 16, 6, 10, "IndexFlat"),
    ),
    "opq": (lambda built: (*_of_cells(built), type(built)), (4000 // 39, 8, 16, 4, faiss.IndexPreTransform)),
    "opq_rescored": (lambda built: (*_of_cells(built), built.k_factor, _kept(built)), (30, 12, 16, 4, 10, "fp16")),
    "fp16": (_kept, "fp16"),
    "int8": (_kept, "int8"),
    "binary": (
        lambda built: (type(faiss.downcast_index(built.refined.base_index)), _kept(built.refined)),
        (faiss.IndexLSH, "int8"),
    ),
    "funnel": (lambda built: built.first.d, 16),
}


def test_parameters_reach_the_index(made: Made) -> None:
    name, _, built = made
    look, wanted = PARAMETERS[name]
    assert look(built) == wanted


@pytest.mark.parametrize(("dimension", "parts"), [(384, 48), (768, 96), (64, 8), (100, 10), (7, 1), (13, 1), (12, 1)])
def test_parts_divide_a_vector(root: Path, dimension: int, parts: int) -> None:
    found = module(root / "generated/ivf_pq", "index").parts(dimension)
    assert found == parts and dimension % found == 0


@pytest.mark.parametrize(("count", "wanted"), [(1, 1), (77, 1), (78, 2), (10_000, 256), (1_000_000, 4000)])
def test_cells_follow_the_number_of_documents(root: Path, count: int, wanted: int) -> None:
    assert module(root / "generated/ivf", "index").cells(count) == wanted


FLAT, INT8, IVF, HNSW = "IndexFlat", "IndexScalarQuantizer", "IndexIVFFlat", "IndexHNSWFlat"


@pytest.mark.parametrize(
    ("soonest", "least", "chosen"),
    [([FLAT], 0.9, FLAT), ([HNSW, FLAT], 0.9, HNSW), ([IVF, HNSW, FLAT], 0.9, IVF), ([INT8, FLAT], 1.0, FLAT)],
)
def test_the_soonest_of_those_that_find_enough(
    root: Path, vectors: Vectors, soonest: list[str], least: float, chosen: str
) -> None:
    """Milliseconds by decree: those that are not named are slower than `flat`; an index of bytes never finds all."""
    index = module(root / "generated/auto", "index")

    def decreed(one: faiss.Index, *_: object) -> dict[str, float]:
        name = type(one).__name__
        return {"p50": float(soonest.index(name) if name in soonest else 99)}

    with mock.patch.object(index, "milliseconds", decreed), mock.patch.object(index, "RECALL", least):
        best, tried = index.choose(vectors, vectors[:200] + 0.01)
    assert type(best).__name__ == chosen
    assert [one.kind for one in tried].count("flat") == 1 and {one.kind for one in tried} == {"flat", *index.AMONG}
    assert tried[-1].p50 == soonest.index(chosen) and tried[-1].recall >= least
    if tried[-1].parameter:
        parameter = tried[-1].parameter
        assert {"nprobe": best, "efSearch": getattr(best, "hnsw", None)}[parameter].__getattribute__(
            parameter
        ) == tried[-1].value
    for kind in index.AMONG:
        found = [one for one in tried if one.kind == kind]
        assert all(one.recall < least for one in sorted(found, key=lambda one: one.value)[:-1]), "no value after enough"


def test_nothing_is_chosen_without_queries(root: Path, vectors: Vectors) -> None:
    with pytest.raises(ValueError, match="there are none; name a kind of index"):
        module(root / "generated/auto", "index").choose(vectors, vectors[:0])


@pytest.mark.parametrize("name", ["ivf_few", "binary", "funnel", "int8", "auto"])
def test_a_whole_run(root: Path, name: str) -> None:
    """Built, written, read again, measured and asked."""
    text = (root / f"{name}.yaml").read_text(encoding="utf-8")
    untrained = text[: text.index("  loss:")] + "  train: none\n" + text[text.index("index:") :]
    untrained = untrained.replace("fuse: [neighbour_transfer]", "baselines: [untuned]").replace("[16, 32]", "[8, 16]")
    (root / "whole.yaml").write_text(untrained.replace(f"name: {name}", "name: whole"), encoding="utf-8")
    code, work = stages.compiled(root / "whole.yaml"), root / f"work_{name}"
    stages.run(code, work, "prepare.py", "embed.py", "index.py", "evaluation.py", "index_report.py")
    figures = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert 0 < figures["systems"]["untuned"]["nDCG@10"]["mean"] <= 1
    hits = module(code, "search").indexed(work)("fresh bread", 5).hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    written = json.loads((work / "index/figures.json").read_text(encoding="utf-8"))
    report = json.loads((work / "index_report/report.json").read_text(encoding="utf-8"))
    assert report["bytes"] == written["bytes"] > 0 and report["build_seconds"] > 0
    assert 0 < report["alone_ms"]["p50"] <= report["alone_ms"]["p95"]
    right = figures["systems"]["untuned"]["nDCG@10"]["mean"]
    assert report["quality"]["exact"] + report["quality"]["mean"] == pytest.approx(right)
    assert recalled(work, module(code, "index")) == pytest.approx(report["recall"]["mean"])
    swept = {"ivf_few": "nprobe", "binary": "rescore", "funnel": "keep"}.get(name)
    assert (work / "index_report/recall_latency.svg").is_file() == bool(swept or name == "auto")
    assert ("tried" in report) == (name == "auto")
    if swept:
        shares = [one["recall"] for one in report[swept]]
        assert shares == sorted(shares) and [one["value"] for one in report[swept]][:3] == [1, 2, 4][: len(shares)]


def recalled(work: Path, index: ModuleType) -> float:
    """The share of the ten nearest that are found, counted by hand: without the query itself."""
    vectors, asked = np.load(work / "vectors/corpus.npy"), np.load(work / "vectors/test.npy")
    queries = pq.read_table(work / "data/queries.parquet", filters=[("split", "=", "test")])["doc"].to_pylist()
    corpus = module(Path(index.__file__ or "").parent, "ranking").read_corpus(work)
    _, found = index.opened(work, corpus).search(asked, 11)
    scores = asked @ vectors.T
    scores[np.arange(len(queries)), queries] = -np.inf
    right = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    shares = [
        len({row for row in rows if row not in (own, -1)} & {*best} if own in rows else {*rows[:10]} & {*best}) / 10
        for own, rows, best in zip(queries, found.tolist(), right.tolist(), strict=True)
    ]
    return float(np.mean(shares))


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ("{kind: ivf, nlist: 500}", "SF205 500 cells cannot be learnt from 240 vectors"),
        ("{kind: ivf, nlist: 10}", "SF207 10 cells are learnt badly from 240 vectors"),
        ("{kind: ivf, nlist: 6}", ""),
        ("{kind: ivf_pq}", "SF205 256 names of 8 bits cannot be learnt from 240 vectors"),
        ("{kind: opq, nbits: 5}", "SF205 256 names of 8 bits cannot be learnt from 240 vectors"),
        ("{kind: ivf_pq, nbits: 5}", "SF207 32 names of 5 bits are learnt badly from 240 vectors"),
        ("{kind: ivf_pq, nbits: 4, m: 5}", "SF205 vectors of 32 dimensions cannot be cut into 5 parts of one length"),
        (
            "{kind: funnel}",
            'SF205 the last step of index "funnel" compares by all dimensions, and a vector has 32',
        ),
        ("{kind: funnel, dimensions: [16]}", ""),
    ],
)
def test_what_cannot_be_held_or_learnt_is_told(root: Path, index: str, told: str) -> None:
    path = root / "told.yaml"
    path.write_text(SPEC.replace("name: tiny", "name: told").replace("index: {kind: flat}", f"index: {index}"), "utf-8")
    checked = pipeline.with_rows(pipeline.read(path))
    found = [f"{one.code} {one.message}" for one in checked.problems if one.code in ("SF205", "SF207")]
    assert found == ([told] if told else [])
