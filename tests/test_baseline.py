"""Do you need to fine-tune? What is measured without training, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import test_rerankers
from cleanness import said_by_mypy, said_by_ruff
from stages import run as run_scripts
from test_end_to_end import ran, specforge
from test_rerankers import root as rerankers  # noqa: F401
from tiny import SPEC, project
from variations import VARIATIONS, planned, variation

from specforge import baseline, pipeline, significance, worth
from specforge.errors import UsageError
from specforge.render import render
from specforge.spec.document import Classification, Spec
from specforge.write import write

TYPED = (
    "rich",
    "rich_clicked",
    "rich_judged",
    "rich_reranker",
    "rich_reranker_over_words",
    "rich_late",
    "rich_chunked_tokens",
)
"""Variations whose code is typed as well, which takes long."""


def test_every_spec_gives_clean_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "reranks", lambda made, spec: spec.reranker is not None)
    named = {name: made.spec for name, made in ((name, planned(variation(name))) for name in VARIATIONS)}
    answered = [name for name, spec in named.items() if not refused(spec)]
    assert {*TYPED} <= {*answered}
    files = dict(zip(answered, render([baseline.plan(planned(variation(name))) for name in answered]), strict=True))
    typed, rivals = [files[name] for name in TYPED], [{"rivals.py": one["rivals.py"]} for one in files.values()]
    siblings = {name: "" for one in typed for name in one if name != "rivals.py"}
    assert said_by_ruff([siblings, *rivals], tmp_path / "ruff") == ""
    assert said_by_mypy(typed, tmp_path / "mypy") == ""


def refused(spec: Spec | Classification) -> bool:
    try:
        baseline.refuse(spec)
    except UsageError:
        return True
    return False


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baseline")
    project(folder)
    return folder


def test_it_trains_nothing_and_a_run_takes_over_what_it_made(finished: Path) -> None:
    done = specforge(finished, "baseline", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == ["prepare", "untuned", "baselines", "rivals"]
    assert "by rules of thumb, " in done.stdout
    assert "adopting a tuned retriever: 240 documents to embed again" in done.stdout
    assert not (finished / "results").exists() and not (finished / "generated").exists()
    told = json.loads(specforge(finished, "plan", "tiny.yaml", "--format", "json").stdout)
    states = {stage["name"]: stage["state"] for stage in told["stages"]}
    assert [name for name, state in states.items() if state == "done"] == ["prepare", "untuned", "baselines"]


def test_its_figures_are_those_of_the_rankings(finished: Path) -> None:
    """Recall and ceiling by hand, from the run files and the judgments."""
    import pyarrow.parquet as pq

    done = specforge(finished, "baseline", "tiny.yaml", "--format", "json")
    figures = json.loads(done.stdout)
    work = finished / "runs/tiny@0"
    relevant: dict[str, set[str]] = {}
    for row in pq.read_table(work / "data/qrels.parquet", filters=[("split", "=", "test")]).to_pylist():
        relevant.setdefault(row["query_id"], set()).add(row["doc_id"])
    ranked: dict[str, list[str]] = {query: [] for query in relevant}
    for line in (work / "baselines/bm25.test.trec").read_text(encoding="utf-8").splitlines():
        query, _, doc, *_ = line.split()
        ranked[query].append(doc)
    shares = [len(relevant[query] & set(docs)) / len(relevant[query]) for query, docs in ranked.items()]
    assert figures["reach"]["bm25"]["found"] == pytest.approx(sum(shares) / len(shares))
    assert figures["queries"] == len(relevant)
    assert figures["oracle"] == pytest.approx(1)
    for name, one in figures["reach"].items():
        assert figures["systems"][name]["nDCG@10"]["mean"] <= one["best_order"] <= figures["oracle"] + 1e-9
    assert figures["training"]["pairs"] == pq.read_metadata(work / "data/pairs.parquet").num_rows
    names = list(figures["systems"])
    assert {"popularity", "neighbour_transfer", "bm25", "untuned", "untuned+bm25"} == set(names)
    assert len(figures["differences"]) == len(names) * (len(names) - 1) // 2
    assert figures["chosen_on_dev"]["untuned+bm25"] in [step / 10 for step in range(1, 10)]
    assert figures["costs"]["retriever"]["vectors_bytes"] == 240 * 32 * 4
    assert figures["verdict"]["tuning"] in worth.SENTENCES


@pytest.mark.parametrize(
    ("retriever", "system"),
    [(test_rerankers.BM25, "bm25"), (test_rerankers.TUNED, "untuned")],
    ids=["words", "vectors"],
)
def test_a_trained_cross_encoder_reranks_as_it_comes(rerankers: Path, retriever: str, system: str) -> None:  # noqa: F811
    """Its first documents are those of the retriever, by its own scores."""
    text = test_rerankers.spec(
        f"loss: {{kind: binary_cross_entropy}}\n{test_rerankers.TRAIN}",
        retriever=retriever,
        base="./cross",
        baselines="[popularity, untuned]" if system == "untuned" else "[popularity]",
    )
    (rerankers / "small.yaml").write_text(text, encoding="utf-8")
    checked = pipeline.read(rerankers / "small.yaml")
    assert checked.plan is not None, checked.problems
    made = baseline.plan(checked.plan)
    write(made.folder, render([made])[0], force=True)
    work = rerankers / f"rivals_{system}"
    run_scripts(made.folder, work, *(stage.script for stage in made.stages))
    figures = json.loads((work / "rivals/figures.json").read_text(encoding="utf-8"))
    assert {system, f"{system}+untuned_reranker", "popularity"} <= set(figures["systems"])
    assert figures["reranker"]["seconds_per_query"] > 0
    assert figures["reach"][system]["found"] == figures["reach"][f"{system}+untuned_reranker"]["found"]


def test_a_base_with_a_new_head_reranks_nothing(rerankers: Path) -> None:  # noqa: F811
    (rerankers / "small.yaml").write_text(
        test_rerankers.spec(f"loss: {{kind: binary_cross_entropy}}\n{test_rerankers.TRAIN}", baselines="[popularity]"),
        encoding="utf-8",
    )
    made = pipeline.read(rerankers / "small.yaml").plan
    assert made is not None and isinstance(made.spec, Spec)
    assert not baseline.reranks(made, made.spec)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("nDCG@10", "AP"), "ranks no documents"),
        (("loss: {kind: multiple_negatives_ranking}\n  train: {epochs: 2, batch_size: 16, learning_rate: 1e-3, checkpoint_steps: 5}", "train: none"), "trains nothing"),
        (("  fuse: [neighbour_transfer]", "  baselines: []"), "has no baselines"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_has_no_answer_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = SPEC.replace(*change)
    assert text != SPEC
    if message == "ranks no documents":
        text = text.replace("\n  metrics: [R@10]\n  fuse: [neighbour_transfer]", "").replace(
            "index: {kind: flat}\n", ""
        )
        text = text.replace("kind: same_cart\n    events: lines\n    group: basket_id\n    item: product_id", LINKED)
        text = text.replace("\n    min_count: 2\n    judgments: {min_count: 2, per_query: 10}", "")
    path = tmp_path / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    checked = pipeline.read(path)
    assert checked.plan is not None, [problem.message for problem in checked.problems]
    with pytest.raises(UsageError, match=message):
        baseline.refuse(checked.plan.spec)


LINKED = "kind: scored_pairs\n    rows: lines\n    first: product_id\n    second: basket_id\n    score: score\n    relevant_from: 1"


def figures(
    means: dict[str, float], apart: float = 0.05, pairs: int = 5000, oracle: float = 1.0, p: float = 1e-6
) -> dict[str, Any]:
    """Figures of systems, best first; every difference has an interval of `apart` on both sides."""
    names = sorted(means, key=lambda name: -means[name])
    return {
        "queries": 400,
        "silent": [],
        "depth": 100,
        "confidence": 0.95,
        "primary": "nDCG@10",
        "oracle": oracle,
        "systems": {
            name: {"nDCG@10": {"mean": means[name], "low": means[name] - 0.1, "high": means[name] + 0.1}}
            for name in names
        },
        "differences": [
            {"system": a, "over": b, "mean": means[a] - means[b], "p": p if means[a] - means[b] > apart else 0.5}
            | {"low": means[a] - means[b] - apart, "high": means[a] - means[b] + apart}
            for row, a in enumerate(names)
            for b in names[row + 1 :]
        ],
        "reach": {name: {"found": 0.6, "best_order": 0.8} for name in names},
        "training": {"pairs": pairs, "queries": pairs // 2},
    }


CASES: dict[str, tuple[dict[str, float], dict[str, Any], str, str]] = {
    "words": ({"bm25": 0.5, "untuned": 0.3}, {}, "likely", "bm25 beats untuned"),
    "behaviour": (
        {"neighbour_transfer": 0.5, "bm25": 0.3, "untuned": 0.3},
        {},
        "likely",
        "loses to neighbour_transfer",
    ),
    "nothing said": ({"bm25": 0.31, "untuned": 0.3}, {}, "possible", "not told apart"),
    "understood": ({"bm25": 0.3, "untuned": 0.5}, {}, "possible", "untuned beats bm25"),
    "popular": ({"popularity": 0.6, "untuned": 0.3}, {}, "possible", "see whether the judgments measure popularity"),
    "few rows": ({"bm25": 0.5, "untuned": 0.3}, {"pairs": 999}, "unlikely", "999 training pairs"),
    "no headroom": ({"bm25": 0.96, "untuned": 0.3}, {}, "unlikely", "little is left to gain"),
    "best there is": ({"bm25": 0.58, "untuned": 0.3}, {"oracle": 0.6}, "unlikely", "of at most 0.600"),
    "unseen": ({"bm25": 0.5, "untuned": 0.45}, {"apart": 0.4}, "unseen", "hold out more"),
}


@pytest.mark.parametrize("name", CASES)
def test_reasons_and_what_they_come_to(name: str) -> None:
    means, more, tuning, text = CASES[name]
    found = worth.weigh(figures(means, **more))
    assert found.tuning == tuning
    assert any(text in reason.text for reason in found.reasons), found.reasons


def test_a_logged_ranking_is_no_contender() -> None:
    given = figures({"logged": 0.9, "bm25": 0.5, "untuned": 0.3})
    given["reach"]["logged"]["found"] = 1.0
    assert worth.best(given) == "bm25"
    assert worth.differences(given).endswith("beats untuned")
    assert "logged" not in worth.reranker(given)


def test_a_reranker_needs_what_it_shall_order() -> None:
    given = figures({"bm25": 0.5, "untuned": 0.3})
    assert "is not known" in worth.reranker({name: value for name, value in given.items() if name != "reach"})
    assert worth.reranker(given).startswith("a reranker alone cannot do: no more than 60 %")
    given["reach"]["untuned"] = {"found": 0.7, "best_order": 0.77}
    told = worth.reranker(given)
    assert told.startswith("a reranker alone may do") and "of untuned; their best order has nDCG@10 0.770" in told


def test_differences_are_corrected_for_all_pairs() -> None:
    """Of three pairs each p is compared with a third of 5 % at first, by Holm."""
    names = {"a": 0.5, "b": 0.4, "c": 0.2}
    assert worth.real(figures(names, p=0.015), "a", "b")
    assert not worth.real(figures(names, p=0.02), "a", "b")


def test_the_smallest_effect_by_hand() -> None:
    """An interval of +-0.196 is one of a standard error of 0.1, of which 80 % power needs 2.8."""
    one = significance.Interval(mean=0.0, low=-0.196, high=0.196)
    assert significance.detectable(one, 0.95) == pytest.approx(0.28, abs=1e-4)
    assert worth.smallest(figures({"bm25": 0.5, "untuned": 0.3}, apart=0.098)) == pytest.approx(0.14, abs=1e-4)
    assert worth.smallest(figures({"bm25": 0.5})) is None
