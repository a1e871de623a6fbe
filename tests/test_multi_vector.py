"""The index of many vectors a document: what it finds beside exact MaxSim, and how it chooses whom to compare."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import pytest
import stages
from numpy.typing import NDArray
from test_families import LATE
from test_rerankers import module
from tiny import project


class Texts(Protocol):
    """The vectors of many texts, as generated code holds them."""

    tokens: NDArray[np.float16]
    starts: NDArray[np.int64]

    def __getitem__(self, rows: range) -> Texts: ...


INDEX = "{kind: multi_vector, nlist: 40, nprobe: 12, tokens: 6, candidates: 5, codes: fp16}"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled spec with such an index."""
    root = tmp_path_factory.mktemp("multi_vector")
    project(root)
    text = LATE.replace("index: {kind: flat}", f"index: {INDEX}").replace("fuse: [bm25]", "baselines: [bm25]")
    (root / "tiny.yaml").write_text(text, encoding="utf-8")
    return stages.compiled(root / "tiny.yaml")


@pytest.fixture(scope="module")
def index(code: Path) -> ModuleType:
    return module(code, "index")


@pytest.fixture(scope="module")
def documents(index: ModuleType) -> Texts:
    """2,000 documents of 1 to 9 tokens each, drawn around 50 middles; a document is of two of them."""
    draw = np.random.default_rng(0)
    middles = draw.standard_normal((50, 32))
    texts = []
    for size in draw.integers(1, 10, 2000):
        of = draw.choice(50, 2)
        found = middles[draw.choice(of, size)] + 0.7 * draw.standard_normal((size, 32))
        texts.append((found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16))
    together: Texts = index.TokenVectors(np.concatenate(texts), np.cumsum([0, *map(len, texts)]))
    return together


def maxsim(query: NDArray[np.float16], document: NDArray[np.float16]) -> float:
    """By definition: each token of the query to its nearest in the document, added up."""
    return float((query.astype(np.float32) @ document.astype(np.float32).T).max(axis=1).sum())


def by_hand(asked: Texts, documents: Texts, query: int) -> NDArray[np.float64]:
    own = asked.tokens[asked.starts[query] : asked.starts[query + 1]]
    parts = [documents.tokens[a:b] for a, b in zip(documents.starts, documents.starts[1:], strict=False)]
    return np.array([maxsim(own, one) for one in parts])


def test_it_finds_most_of_what_exact_search_finds(index: ModuleType, documents: Texts) -> None:
    asked = documents[range(60)]
    scores, rows = index.build(documents).search(asked, 10)
    right_scores, right = index.exact(documents).search(asked, 10)
    share = np.mean([len({*one} & {*other}) / 10 for one, other in zip(rows, right, strict=True)])
    assert share > 0.75
    assert (rows[:, 0] == np.arange(60)).mean() > 0.9, "a document is nearest to itself"
    assert (np.diff(scores, axis=1) <= 1e-5).all(), "best first"
    for query in range(5):
        scored = by_hand(asked, documents, query)
        np.testing.assert_allclose(scores[query], scored[rows[query]], atol=0.01)
        np.testing.assert_allclose(right_scores[query], np.sort(scored)[::-1][:10], atol=0.01)


def test_all_cells_and_all_candidates_give_exact_search(index: ModuleType, documents: Texts) -> None:
    few = documents[range(150)]
    built = index.Index(index.build(few).cells, few, 40)
    scores, rows = built.search(few[range(20)], 150)
    right, _ = index.exact(few).search(few[range(20)], 150)
    assert (np.sort(rows, axis=1) == np.arange(150)).all()
    np.testing.assert_allclose(scores, right, atol=0.01)


def test_candidates_are_chosen_by_what_each_token_found(index: ModuleType, documents: Texts) -> None:
    """Two tokens of a query; the documents 0 (tokens 0 and 1), 1 (token 2) and 2 (token 3)."""
    three = index.TokenVectors(documents.tokens[:4], np.array([0, 2, 3, 4]))
    built = index.Index(None, three, 1)
    scores = np.array([[0.9, 0.5, 0.3], [0.8, 0.1, -1.0]], dtype=np.float32)
    tokens = np.array([[2, 0, 1], [3, 1, -1]])
    # document 0: 0.5 + 0.1; document 1: 0.9 + 0.1, the least that the second found; document 2: 0.3 + 0.8
    assert built.candidates(scores, tokens, 3).tolist() == [2, 1, 0]
    assert built.candidates(scores, tokens, 1).tolist() == [2]
    assert built.candidates(scores, np.full((2, 3), -1), 2).tolist() == []


def test_fewer_candidates_than_were_asked_for(index: ModuleType, documents: Texts) -> None:
    built = index.build(documents[range(200)])
    narrow = index.Index(built.cells, built.documents, 1)
    scores, rows = narrow.search(documents[range(5)], 200)
    assert rows.shape == (5, 200) and (rows[:, -1] == -1).all() and (rows[:, 0] >= 0).all()
    assert np.isneginf(scores[rows == -1]).all() and np.isfinite(scores[rows >= 0]).all()


def test_parameters_reach_the_index(index: ModuleType, documents: Texts, tmp_path: Path) -> None:
    import faiss

    built = index.build(documents)
    found: Any = faiss.downcast_index(built.cells)
    assert (found.nlist, found.nprobe, built.nprobe) == (40, 12, 12) and found.sq.qtype == faiss.ScalarQuantizer.QT_fp16
    assert (index.TOKENS, index.CANDIDATES) == (6, 5)
    index.write_index(built, tmp_path)
    again = index.read_index(tmp_path)
    assert again.nprobe == 12
    asked = documents[range(20)]
    np.testing.assert_array_equal(built.search(asked, 10)[1], again.search(asked, 10)[1])


def test_a_whole_run(code: Path) -> None:
    """Built, written, read again, measured and asked."""
    work = code.parents[1] / "work"
    stages.run(code, work, *(f"{one}.py" for one in ("prepare", "train", "embed", "index", "baselines")))
    stages.run(code, work, "evaluation.py", "index_report.py")
    report = json.loads((work / "index_report/report.json").read_text(encoding="utf-8"))
    assert report["recall"]["mean"] > 0.5 and report["build_seconds"] > 0 and report["vectors_per_document"] > 1
    shares = [one["recall"] for one in report["nprobe"]]
    assert shares == sorted(shares) and (work / "index_report/recall_latency.svg").is_file()
    assert [hit.rank for hit in module(code, "search").indexed(work)("fresh bread", 5).hits] == [1, 2, 3, 4, 5]
