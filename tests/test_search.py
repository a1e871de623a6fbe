"""The search: every kind of retriever answers and explains itself; lines of JSON, systems side by side, and a dialogue."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import asked
import numpy as np
import pytest
from asked import options

from specforge import searching
from specforge.dialogue import dialogue
from specforge.errors import StageError, UsageError
from specforge.report import hits as shown

Json = dict[str, Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("asked")
    asked.project(root)
    return root


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    """The generated code that a session imports is forgotten after a test."""
    with mock.patch.object(sys, "path", list(sys.path)):
        yield
    for name, module in list(sys.modules.items()):
        if "/generated/" in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]


RUNS: dict[str, Path] = {}


@pytest.fixture(params=asked.KINDS)
def run(request: pytest.FixtureRequest, root: Path) -> searching.Session:
    """A run of each kind, made once."""
    return session(root, request.param)


def session(root: Path, name: str) -> searching.Session:
    if name not in RUNS:
        RUNS[name] = asked.made(root, name)
        (RUNS[name] / "evaluation").mkdir(exist_ok=True)
    return searching.session(root, name)


def ask(run: searching.Session, query: str, **wanted: Any) -> Json:
    found: Json = json.loads(searching.search(run, query, options(**wanted), as_json=True))
    return found


def test_it_answers_and_explains_itself(run: searching.Session) -> None:
    """What a score is the sum of adds up to it; the steps of a hit are told in their order."""
    found = ask(run, "jam bread", explain=True)
    (system, hits), *none = found["found"].items()
    assert not none and len(hits) == 5 and [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert (np.diff([hit["score"] for hit in hits]) <= 0).all()
    for hit in hits:
        first, *more = hit["steps"]
        assert [step["system"] for step in more] == ["reranker"] * system.endswith("+reranker")
        assert hit["score"] == hit["steps"][-1]["score"] and hit["rank"] == hit["steps"][-1]["rank"]
        if first["measure"] in ("words", "maxsim", "dot"):
            assert sum(part for _, part in first["parts"]) == pytest.approx(first["score"], rel=2e-3)
            assert (np.diff([part for _, part in first["parts"]]) <= 0).all()
        assert ("chunk_id" in hit) == ("chunked" in run.name)
    assert found["read"][system]["cut"] is False
    plain = ask(run, "jam bread")
    assert [{**hit, "steps": 0} for hit in plain["found"][system]] == [{**hit, "steps": 0} for hit in hits]
    assert "read" not in plain and all("steps" not in hit for hit in plain["found"][system])


def test_the_words_and_tokens_that_match_are_named(root: Path) -> None:
    (hit, *_) = ask(session(root, "words"), "Jam, BREAD jam nothing", k=1, explain=True)["found"]["bm25"]
    assert {word for word, _ in hit["steps"][0]["parts"]} <= {"jam", "bread"} and "jam" in hit["text"]
    (hit, *_) = ask(session(root, "late"), "jam bread", k=1, explain=True)["found"]["tuned"]
    pairs = [what.split(" ~ ") for what, _ in hit["steps"][0]["parts"]]
    assert sorted(query for query, _ in pairs) == ["[CLS]", "[SEP]", "bread", "jam"]
    assert {document for _, document in pairs} <= {"[CLS]", "[SEP]", "[UNK]", *hit["text"].replace(".", " . ").split(), "."}
    (hit, *_) = ask(session(root, "late_pooled"), "jam bread", k=1, explain=True)["found"]["tuned"]
    assert len(hit["steps"][0]["parts"]) == 8, "a query is filled up with tokens"


@pytest.mark.parametrize(("name", "most"), [("dense", 16), ("late", 5), ("static", 16), ("sparse", 16)])
def test_a_query_that_is_cut_is_told(root: Path, name: str, most: int) -> None:
    run = session(root, name)
    encoder = run.code.encoder
    for count in (1, most - 3, most - 2, most - 1, most, most + 1, 10_000):
        (read,) = ask(run, "jam " * count, k=1, explain=True)["read"].values()
        assert read["text"] == encoder.PROMPTS["query"] + "jam " * count
        seen = tokens_read(run, read["text"])
        assert (min(read["tokens"], most), read["cut"]) == (seen, read["tokens"] > most), count


def tokens_read(run: searching.Session, text: str) -> int:
    """How many tokens the model is given."""
    model = run.code.encoder.load(str(run.work / "model") if (run.work / "model").exists() else run.code.encoder.base_model())
    found = model.preprocess([text], task="query")["input_ids"] if run.name == "late" else model.preprocess([text])["input_ids"]
    return int(found.numel())
