"""Generated scripts run one after another where only their requirements can be imported, and their numbers are right."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from tiny import SPEC, project

from specforge import plan
from specforge.load import load
from specforge.render import render
from specforge.source import read
from specforge.write import write

FLAT = SPEC.replace("epochs: 2, batch_size: 16", "epochs: 1, batch_size: 64")
HNSW = (
    FLAT.replace("{path: data/lines.csv}", "{path: data/dated.csv, where: product_id <> 'p000'}")
    .replace("    of: products\n", "    of: products\n    time: bought_at\n")
    .replace("{by: item, test: 30%, dev: 20%}", "{by: time_then_item, test: 30%, dev: 20%, judged_from: 2024-06-01}")
    .replace(
        "{kind: multiple_negatives_ranking}", "{kind: cached_symmetric_multiple_negatives_ranking, mini_batch_size: 16}"
    )
    .replace("checkpoint_steps: 5}", "select: {metric: nDCG@10, every: 4}}")
    .replace("{kind: flat}", "{kind: hnsw}")
)

FENCE = """\
import sys
from importlib import metadata
from importlib.machinery import PathFinder

ALLOWED = set({allowed!r})
OWNERS = {{
    name: {{owner.lower().replace("_", "-") for owner in owners}}
    for name, owners in metadata.packages_distributions().items()
}}
FINDERS = list(sys.meta_path)


class Fence:
    find_distributions = staticmethod(PathFinder.find_distributions)

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top == "specforge" or (top in OWNERS and not OWNERS[top] & ALLOWED):
            return None
        return next(filter(None, (finder.find_spec(name, path, target) for finder in FINDERS)), None)


sys.meta_path[:] = [Fence()]
"""
"""A `sitecustomize` module: nothing can be found that belongs to no allowed distribution."""


def closure(requirements: list[str]) -> set[str]:
    """The distributions that an installer would bring for these."""
    found, todo = set[str](), [line.partition("==")[0] for line in requirements]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        todo += [needed for needed in needs(name) if needed not in found]
    return found


def needs(distribution: str) -> list[str]:
    """The distributions that one requires without extras, where they are installed."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    plain = [line for line in lines if "extra ==" not in line]
    return [match[0].lower().replace("_", "-") for line in plain if (match := re.match(r"[\w.-]+", line))]


def dated(folder: Path) -> None:
    """The order lines with a moment: half of the baskets before June, half after."""
    header, *lines = (folder / "lines.csv").read_text(encoding="utf-8").splitlines()
    moments = [f"{line},2024-0{1 + 6 * (int(line.partition(',')[0]) % 2)}-03" for line in lines]
    (folder / "dated.csv").write_text("\n".join([f"{header},bought_at", *moments]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module", params=[FLAT, HNSW], ids=["flat", "hnsw"])
def work(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder after all scripts of a tiny project have run."""
    root = tmp_path_factory.mktemp("standalone")
    path = project(root, request.param)
    dated(root / "data")
    spec, problems = load(read(path)[0])
    assert spec is not None, problems
    made = plan.make(spec, path)
    (files,) = render([made])
    write(made.folder, files)
    fence = root / "fence"
    fence.mkdir()
    allowed = sorted(closure(files["requirements.txt"].split()))
    (fence / "sitecustomize.py").write_text(FENCE.format(allowed=allowed), encoding="utf-8")
    for stage in made.stages:
        script(root, stage.script, "--work", str(root / "work"))
    return root / "work"


def script(root: Path, name: str, *arguments: str) -> str:
    """Run a generated script as its README says, behind the fence."""
    done = subprocess.run(
        [sys.executable, f"generated/tiny/{name}", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "fence"), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
    return done.stdout


def read_run(path: Path) -> dict[str, list[str]]:
    """Query -> documents, best first; of equal scores the later id stands first, as in trec_eval."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split(" ")
        found[unquote(query)].append((float(score), unquote(doc)))
    return {query: [doc for _, doc in sorted(docs, reverse=True)] for query, docs in found.items()}


def read_qrels(work: Path) -> dict[str, set[str]]:
    rows = pq.read_table(work / "data/qrels.parquet").to_pylist()
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["split"] == "test":
            found[row["query_id"]].add(row["doc_id"])
    return found


def ndcg(ranked: list[str], relevant: set[str]) -> float:
    gain = sum(1 / math.log2(place + 1) for place, doc in enumerate(ranked[:10], start=1) if doc in relevant)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(10, len(relevant)) + 1))


def recall(ranked: list[str], relevant: set[str]) -> float:
    return len(relevant & set(ranked[:10])) / len(relevant)


@pytest.mark.slow
def test_the_numbers_are_those_of_the_rankings(work: Path) -> None:
    metrics = json.loads((work / "evaluation/metrics.json").read_text(encoding="utf-8"))
    qrels = read_qrels(work)
    systems = {
        "popularity",
        "co_occurrence",
        "neighbour_transfer",
        "bm25",
        "untuned",
        "tuned",
        "tuned+neighbour_transfer",
    }
    assert set(metrics["systems"]) == systems
    assert metrics["queries"] == len(qrels) > 10
    for system, values in metrics["systems"].items():
        run = read_run(work / f"evaluation/{system}.trec")
        if values is None:
            assert system == "co_occurrence" and not run
            continue
        for metric, measure in (("nDCG@10", ndcg), ("R@10", recall)):
            mean = sum(measure(run.get(query, []), docs) for query, docs in qrels.items()) / len(qrels)
            assert values[metric]["mean"] == pytest.approx(mean, abs=2e-3), (system, metric)
            assert values[metric]["low"] <= values[metric]["mean"] <= values[metric]["high"]


@pytest.mark.slow
def test_no_query_finds_itself_and_every_query_has_scores(work: Path) -> None:
    qrels = read_qrels(work)
    for path in {*(work / "evaluation").glob("*.trec")} - {work / "evaluation/qrels.trec"}:
        assert not any(query in docs for query, docs in read_run(path).items()), path.name
    assert set(pq.read_table(work / "evaluation/scores.parquet")["query_id"].to_pylist()) == set(qrels)


@pytest.mark.slow
def test_held_out_documents_never_train(work: Path) -> None:
    roles = {row["doc_id"]: row["role"] for row in pq.read_table(work / "data/corpus.parquet").to_pylist()}
    pairs = pq.read_table(work / "data/pairs.parquet").to_pylist()
    assert pairs and {roles[row[key]] for row in pairs for key in ("anchor_id", "positive_id")} == {"train"}
    assert {roles[query] for query in read_qrels(work)} == {"test"}


@pytest.mark.slow
def test_the_index_answers(work: Path) -> None:
    for system in ("tuned", "untuned"):
        hits = json.loads(
            script(work.parent, "search.py", "fresh bread", "-k", "3", "--system", system, "--work", str(work))
        )["found"][system]
        assert [hit["rank"] for hit in hits] == [1, 2, 3]
        assert sorted((hit["score"] for hit in hits), reverse=True) == [hit["score"] for hit in hits]


@pytest.mark.slow
def test_the_fence_refuses_what_is_not_required(work: Path) -> None:
    for module in ("specforge", "jinja2.sandbox", "hypothesis", "ruff"):
        code = f"import {module}"
        environment = {**os.environ, "PYTHONPATH": str(work.parent / "fence")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        allowed = module == "jinja2.sandbox"
        assert (done.returncode == 0) == allowed, (module, done.stderr)
