"""Small projects that can be asked: one of every kind of retriever, with models that nobody trained."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import stages
from test_rerankers import WORDS
from tiny import make_cross_encoder, make_masked_model, make_model

from specforge import searching

SPEC = """\
specforge: 1
name: {name}
sources:
  docs: {{path: docs.csv, id: id, text: "{{title}}"{chunk}}}
  asked: {{path: asked.csv, id: id, text: "{{words}}"}}
  qrels: {{path: qrels.csv}}
objectives:
  it: {{kind: judged, rows: qrels, asked: asked, query: query, document: doc, grade: grade, of: docs}}
split: {{by: anchor, test: 30%, dev: 10%}}
{retriever}
evaluate: {{primary: nDCG@10, baselines: {baselines}}}
accept: {{SF307: small}}
"""
RERANKER = "reranker: {family: cross_encoder, base: ./cross, max_length: 24, precision: fp32, over: 6, train: none}"


def retriever(family: str, options: str = "", base: str = "./model", train: str = "train: none") -> str:
    """The sections of a retriever with an index."""
    return f"retriever: {{family: {family}, base: {base}, max_length: 16, precision: fp32, {options}{train}}}\nindex: {{kind: flat}}"


TRAINED = "loss: {kind: multiple_negatives_ranking}, train: {epochs: 1, batch_size: 8, learning_rate: 1e-3}"
DENSE = retriever("bi_encoder")
POOLED = (
    "dimension: 8, pool_factor: 2, skiplist: [jam], query_length: 8, query_expansion: {length: 8, token: '[UNK]'}, "
)
KINDS: dict[str, dict[str, str]] = {
    "words": {"retriever": "retriever: {family: bm25, k1: 1.2}"},
    "words_reranked": {"retriever": f"retriever: {{family: bm25}}\n{RERANKER}"},
    "words_chunked": {"retriever": "retriever: {family: bm25}", "chunk": ", chunk: {by: sentences, size: 1}"},
    "dense": {"retriever": retriever("bi_encoder", 'prompts: {query: "jam ", document: "milk "}, ')},
    "dense_chunked": {"retriever": DENSE, "chunk": ", chunk: {by: sentences, size: 1}"},
    "late": {"retriever": retriever("late_interaction", "dimension: 16, query_length: 5, ", train=TRAINED)},
    "late_pooled": {"retriever": retriever("late_interaction", POOLED, train=TRAINED)},
    "sparse": {"retriever": retriever("sparse_encoder", base="./masked")},
    "static": {"retriever": retriever("bi_encoder", "static: {embeddings: base}, ", train=TRAINED)},
    "both": {"retriever": f"{retriever('bi_encoder', train=TRAINED)}\n{RERANKER}", "baselines": "[untuned]"},
}
INDEXES = {
    "auto": "{kind: auto}",
    "hnsw": "{kind: hnsw}",
    "ivf": "{kind: ivf, nlist: 2}",
    "ivf_pq": "{kind: ivf_pq, nlist: 1, nbits: 4, m: 4}",
    "scalar_quantizer": "{kind: scalar_quantizer}",
    "binary": "{kind: binary}",
    "funnel": "{kind: funnel, dimensions: [16]}",
}
FAMILIES = tuple(KINDS)
LATE = KINDS["late"]["retriever"]
KINDS["multi_vector"] = {"retriever": LATE.replace("{kind: flat}", "{kind: multi_vector}")}
KINDS |= {name: {"retriever": DENSE.replace("{kind: flat}", index)} for name, index in INDEXES.items()}


def project(root: Path) -> None:
    """Documents of two sentences of two words each, queries of words of theirs, and models with random weights."""
    docs = [
        f"{one} {WORDS[(row + step) % 15]}. {WORDS[(row + 2) % 15]} {row}."
        for row, one in enumerate(WORDS)
        for step in (4, 7)
    ]
    table(root / "docs.csv", ["id", "title"], [[f"d{row}", text] for row, text in enumerate(docs)])
    asked = [f"{one} {WORDS[(row + 4) % 15]}" for row, one in enumerate(WORDS)] * 2
    table(root / "asked.csv", ["id", "words"], [[f"q{row}", f"{text} {row}"] for row, text in enumerate(asked)])
    table(root / "qrels.csv", ["query", "doc", "grade"], [[f"q{row}", f"d{2 * (row % 15)}", 1] for row in range(30)])
    make_model(root / "model", {*WORDS})
    make_masked_model(root / "masked", {*WORDS})
    make_cross_encoder(root / "cross", {*WORDS})


def table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write(root: Path, name: str) -> Path:
    """The spec of a kind, in a project."""
    path = root / f"{name}.yaml"
    path.write_text(SPEC.format(**{"name": name, "chunk": "", "baselines": "[]", **KINDS[name]}), encoding="utf-8")
    return path


def forget() -> None:
    """Of two projects, each has modules of the same names."""
    for name, module in list(sys.modules.items()):
        if "/generated/" in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]


def made(root: Path, name: str) -> Path:
    """The work folder of a run of all that a search needs."""
    forget()
    code, work = stages.compiled(write(root, name)), root / "runs" / name
    planned = json.loads((code / "manifest.json").read_text(encoding="utf-8"))["stages"]
    needed = ("data", "untuned", "model", "vectors", "index")
    stages.run(code, work, *(stage["script"] for stage in planned if stage["output"] in needed))
    return work


def session(root: Path, name: str) -> searching.Session:
    """A run of a kind that can be asked, made where it is not there."""
    if not (root / "runs" / name / "evaluation").exists():
        (made(root, name) / "evaluation").mkdir()
    return searching.session(root, name)


def options(k: int = 5, system: str | None = None, compare: bool = False, explain: bool = False) -> searching.Options:
    return searching.Options(k, system, compare, explain)
