"""Ask the index: the documents nearest to a query."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import bm25s
import faiss
import numpy as np
from sentence_transformers import SentenceTransformer

import contract
import encoder
import lexical
from index import build, opened
from ranking import Corpus, read_corpus, unchanged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


Parts = Callable[[], list[tuple[str, float]]]
"""What a score is the sum of, the most first; nothing where it is of whole texts."""


@dataclass(frozen=True)
class Step:
    """What one step of a system made of a document."""

    system: str
    measure: str
    rank: int
    score: float
    parts: Parts


@dataclass(frozen=True)
class Hit:
    """A document that was found."""

    rank: int
    doc_id: str
    text: str
    score: float
    steps: list[Step]


@dataclass(frozen=True)
class Answer:
    """What is found, and how the query was read: its text, its tokens, and whether it has more than are read."""

    read: dict[str, object]
    hits: list[Hit]


Ask = Callable[[str, int], Answer]
"""A query, and how many documents -> the best of them."""

documents = cache(read_corpus)


def hits(
    system: str, measure: str, corpus: Corpus, best: list[tuple[int, float]], parts: Callable[[int], Parts]
) -> list[Hit]:
    """Hits of rows and their scores, best first."""
    return [
        Hit(place, corpus.ids[row], corpus.texts[row], score, [Step(system, measure, place, score, parts(row))])
        for place, (row, score) in enumerate(best, start=1)
    ]


@contextmanager
def opening(source: Path | str) -> Iterator[None]:
    """Name what cannot be read: it may be damaged in many ways."""
    try:
        yield
    except Exception as error:
        raise ValueError(f'"{source}" cannot be read ({error}); make it again') from error


def by_words(index: bm25s.BM25, corpus: Corpus) -> Ask:
    """Asks for documents that have a word in common with the query."""

    def ask(query: str, k: int) -> Answer:
        (scores,) = lexical.scores(index, [query])
        order = len(scores) - 1 - np.argsort(-scores[::-1], kind="stable")
        best = [(int(row), float(scores[row])) for row in order if scores[row] > -np.inf]
        (words,) = lexical.words([query])
        read = {"text": " ".join(words), "tokens": len(words), "cut": False}
        return Answer(
            read, hits("bm25", "words", corpus, best[:k], lambda row: partial(lexical.parts, index, query, row))
        )

    return ask


@cache
def bm25(work: Path) -> Ask:
    """Words in common with the query."""
    corpus = documents(work)
    return by_words(lexical.build(corpus.texts), corpus)


def read(model: SentenceTransformer, query: str) -> dict[str, object]:
    """How the model reads a query."""
    text = encoder.PROMPTS["query"] + query
    tokens = len(model.tokenizer(text, truncation=False, verbose=False)["input_ids"])
    return {"text": text, "tokens": tokens, "cut": tokens > encoder.MAX_LENGTH}


def by_vectors(system: str, index: faiss.Index, model: SentenceTransformer, corpus: Corpus) -> Ask:
    """Asks an index, which holds vectors of that model."""

    def ask(query: str, k: int) -> Answer:
        asked = encoder.encode(model, [query], "query")
        scores, rows = index.search(asked, min(k, len(corpus.ids)))
        best = [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
        return Answer(read(model, query), hits(system, encoder.SIMILARITY, corpus, best, lambda row: list))

    return ask


@cache
def indexed(work: Path) -> Ask:
    """The built index."""
    corpus = documents(work)
    index = opened(work, corpus)
    model = contract.opened(str(work / "model"), work / "index")
    return by_vectors("tuned", index, model, corpus)


@cache
def untuned(work: Path) -> Ask:
    """The base model."""
    corpus = documents(work)
    unchanged(corpus, work / "untuned")
    model = contract.opened(encoder.base_model(), work / "untuned")
    with opening(work / "untuned"):
        index = build(np.load(work / "untuned/corpus.npy", mmap_mode="r"))
    return by_vectors("untuned", index, model, corpus)


SYSTEMS: dict[str, Callable[[Path], Ask]] = {
    "tuned": indexed,
    "untuned": untuned,
    "bm25": bm25,
}
"""What opens and checks a system, once a process; the first is what users get."""


def request(line: str | bytes) -> dict[str, Any]:
    """What a line asks.

    Raises:
        ValueError: it asks nothing.
    """
    try:
        asked = json.loads(line)
        json.dumps(asked, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the line is no JSON in UTF-8: {error}") from error
    if not isinstance(asked, dict) or not {"query"} <= set(asked) <= {"query", "k", "id"}:
        raise ValueError('a line is {"query": TEXT}, and may have "k" and "id" as well')
    if not isinstance(asked["query"], str) or not asked["query"].strip():
        raise ValueError("the query is empty")
    if type(asked.get("k", 1)) is not int or asked.get("k", 1) < 1:
        raise ValueError('"k" is a whole number, 1 or more')
    return asked


def answer(asked: dict[str, Any], systems: dict[str, Ask], k: int, explain: bool) -> dict[str, object]:
    """What each system finds, as JSON has it; where that is asked, how it read the query, and what each step gave."""
    found = {name: ask(asked["query"], asked.get("k", k)) for name, ask in systems.items()}
    hits = {name: [told(hit, explain) for hit in one.hits] for name, one in found.items()}
    read = {"read": {name: one.read for name, one in found.items()}} if explain else {}
    return {key: asked[key] for key in ("id", "query") if key in asked} | {"found": hits} | read


def told(hit: Hit, explain: bool) -> dict[str, object]:
    """A hit as JSON has it."""
    steps = [{**vars(step), "parts": step.parts()} for step in hit.steps] if explain else []
    return (
        {**vars(hit), "steps": steps} if explain else {key: value for key, value in vars(hit).items() if key != "steps"}
    )


def answers(
    lines: Iterable[str | bytes], systems: dict[str, Ask], k: int, explain: bool
) -> Iterator[dict[str, object]]:
    """An answer a line, or what is wrong with it; nothing for an empty line."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield answer(request(line), systems, k, explain)
            except ValueError as error:
                yield {"line": number, "error": str(error)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("query", nargs="?", help='without one, lines such as {"query": "..."} are read and answered')
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--system", choices=list(SYSTEMS), default=next(iter(SYSTEMS)))
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    options = parser.parse_args()
    systems = {options.system: SYSTEMS[options.system](options.work)}
    lines = sys.stdin.buffer if options.query is None else [json.dumps({"query": options.query, "k": options.k})]
    failed = False
    for line in answers(lines, systems, options.k, options.explain):
        print(json.dumps(line, ensure_ascii=False), flush=True)
        failed |= "error" in line
    sys.exit(failed)
