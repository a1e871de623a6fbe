"""Families beside the bi-encoder: from tables to figures with tiny models; what they compare by, against sums by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import stages
from tiny import SPEC, make_masked_model, project

SHORT = SPEC.replace("epochs: 2, batch_size: 16", "epochs: 1, batch_size: 64")
LATE = SHORT.replace("family: bi_encoder", "family: late_interaction\n  query_length: 16").replace(
    "fuse: [neighbour_transfer]", "fuse: [bm25]"
)
SPARSE = LATE.replace("late_interaction\n  query_length: 16", "sparse_encoder").replace("./model", "./masked")
SPARSE = SPARSE.replace("[bm25]", "[bm25]\n  baselines: [popularity, bm25, untuned]")
EXPANDED = LATE.replace(
    "  base: ./model",
    "  dimension: 8\n  pool_factor: 2\n  skiplist: [fresh]\n  query_expansion: {length: 8, token: '[UNK]'}\n  base: ./model",
).replace("checkpoint_steps: 5}", "select: {metric: nDCG@10}, seeds: [1, 2]}")
PRUNED = SPARSE.replace(
    "  base: ./masked", "  max_active_dims: {query: 3, document: 5}\n  pooling: sum\n  base: ./masked"
).replace("checkpoint_steps: 5}", "select: {metric: nDCG@10}, seeds: [1, 2]}")
SPECS = {"late": LATE, "late_expanded": EXPANDED, "sparse": SPARSE, "sparse_pruned": PRUNED}


@pytest.fixture(scope="module", params=SPECS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """A project whose stages have run: its name, its code and its work folder."""
    root = tmp_path_factory.mktemp(request.param)
    path = project(root, SPECS[request.param])
    make_masked_model(root / "masked", words(root))
    code, work = stages.compiled(path), root / "work"
    made = json.loads((code / "manifest.json").read_text(encoding="utf-8"))
    stages.run(code, work, *(stage["script"] for stage in made["stages"]))
    return request.param, code, work


def words(root: Path) -> set[str]:
    """The words that the bi-encoder of the project knows."""
    vocabulary = json.loads((root / "model/tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return {word for word in vocabulary if not word.startswith("[")}


def figures(work: Path, file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work / file).read_text(encoding="utf-8"))
    return found


def ask(code: Path, work: Path, question: str) -> dict[str, Any]:
    """What generated code answers in a process of its own, which prints JSON."""
    done = subprocess.run(
        [sys.executable, "-c", question, str(work)], cwd=code, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_was_planted_is_found(ran: tuple[str, Path, Path]) -> None:
    name, _, work = ran
    metrics = figures(work, "evaluation/metrics.json")
    assert metrics["sanity"]["oracle"]["nDCG@10"] == pytest.approx(1.0)
    rival = metrics["systems"].get("untuned", metrics["systems"]["popularity"])
    if name in ("late", "sparse"):  # the others read less than they are given
        assert metrics["systems"]["tuned"]["nDCG@10"]["mean"] > rival["nDCG@10"]["mean"]
    assert "neighbour_transfer" not in metrics["systems"] and ("untuned" in metrics["systems"]) == ("sparse" in name)


def test_seeds_are_repeated(ran: tuple[str, Path, Path]) -> None:
    name, _, work = ran
    repeats = figures(work, "evaluation/metrics.json").get("repeats", {})
    assert set(repeats) == ({"2"} if name in ("late_expanded", "sparse_pruned") else set())


def test_the_index_says_how_large_the_index_is(ran: tuple[str, Path, Path]) -> None:
    name, _, work = ran
    found = figures(work, "index/figures.json")
    files = [file for file in (work / "index").iterdir() if file.suffix in (".npy", ".npz")]
    assert found["bytes"] == sum(file.stat().st_size for file in files)
    if name == "late":
        assert (found["vectors_per_document"], found["dimension"]) == (4.0, 128)
    if name == "late_expanded":  # [CLS] and half of the three others, rounded down; the ten "fresh" have one fewer
        assert found["dimension"] == 8 and 1.5 < found["vectors_per_document"] <= 2.0
    if name == "sparse_pruned":
        assert found["active_dims_per_document"] <= 5


LATE_BY_HAND = """
import json, sys
from pathlib import Path
import encoder, index, numpy as np
from vectors import read_vectors
work = Path(sys.argv[1])
documents, queries = (read_vectors(work / "vectors", name) for name in ("corpus", "test"))
texts = lambda all: [all.tokens[a:b].astype(float) for a, b in zip(all.starts[:-1], all.starts[1:])]
wanted = np.array([[(one @ other.T).max(axis=1).sum() for other in texts(documents)] for one in texts(queries)])
found = encoder.compare(queries, documents)
encoder.BLOCK = 7
blocks = encoder.compare(queries, documents)
scores, rows = index.read_index(work / "index").search(queries, 5)
best = np.sort(wanted, axis=1)[:, ::-1][:, :5]
lengths = np.linalg.norm(documents.tokens.astype(float), axis=1)
print(json.dumps({
    "gap": float(abs(found - wanted).max()), "blocks": float(abs(blocks - wanted).max()),
    "index": float(abs(scores - best).max()),
    "rows": float(abs(np.take_along_axis(wanted, rows, axis=1) - best).max()),
    "lengths": [float(lengths.min()), float(lengths.max())],
    "queries": sorted(set(np.diff(queries.starts).tolist())),
}))
"""

SPARSE_BY_HAND = """
import json, sys
from pathlib import Path
import encoder, index, numpy as np
from vectors import read_vectors
work = Path(sys.argv[1])
documents, queries = (read_vectors(work / "vectors", name) for name in ("corpus", "test"))
wanted = queries.toarray().astype(float) @ documents.toarray().astype(float).T
found = encoder.compare(queries, documents)
scores, rows = index.read_index(work / "index").search(queries, 5)
best = np.sort(wanted, axis=1)[:, ::-1][:, :5]
print(json.dumps({
    "gap": float(abs(np.where(np.isfinite(found), found, 0) - wanted).max() / wanted.max()),
    "nothing": bool((np.isinf(found) == (wanted <= 0)).all()),
    "index": float(abs(np.where(rows >= 0, scores, 0) - best).max() / wanted.max()),
    "rows": float(abs(np.where(rows >= 0, np.take_along_axis(wanted, rows, axis=1), 0) - best).max() / wanted.max()),
    "active": [int((part > 0).sum(axis=1).max()) for part in (queries, documents)],
    "least": float(min(documents.data.min(), queries.data.min())),
}))
"""


def test_scores_are_those_by_hand(ran: tuple[str, Path, Path]) -> None:
    name, code, work = ran
    found = ask(code, work, LATE_BY_HAND if name.startswith("late") else SPARSE_BY_HAND)
    assert max(found["gap"], found.get("blocks", 0.0), found["index"], found["rows"]) < 1e-4, found
    if name.startswith("late"):
        assert found["lengths"] == pytest.approx([1.0, 1.0], abs=1e-3)
        assert found["queries"] == ([8] if name == "late_expanded" else [4])  # filled up, or [CLS], two words and [SEP]
    else:
        assert found["nothing"] and found["least"] > 0
        assert name != "sparse_pruned" or found["active"] == [3, 5]


def test_the_index_is_searched(ran: tuple[str, Path, Path]) -> None:
    _, code, work = ran
    done = subprocess.run(
        [sys.executable, "search.py", "fresh bread", "-k", "3", "--work", str(work)],
        cwd=code, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (hits,) = json.loads(done.stdout)["found"].values()
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert sorted((hit["score"] for hit in hits), reverse=True) == [hit["score"] for hit in hits]
