"""Rules that need no data: what they let pass, and what they import. What they refuse stands in `bad/`."""

from __future__ import annotations

import subprocess
import sys

import pytest
from good_spec import good, told

from specforge.checks import dead, static
from specforge.problems import Problem

TRAIN = "train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}"
LOSS = "loss: {kind: multiple_negatives_ranking}"
SPLIT = "split: {by: item, test: 20%}"
METRICS = "metrics: [R@10, RR@10]"
OF = "    of: products\n"
COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"
BASE = "base: sentence-transformers/all-MiniLM-L6-v2"

FINE = [
    [],
    [(TRAIN, "train: none"), (f"  {LOSS}\n", "")],
    [(TRAIN, "train: {select: {metric: nDCG@10, every: 100}}")],
    [(TRAIN, "train: {schedule: constant, batch_size: 64}")],
    [(TRAIN, "train: {schedule: constant, warmup: 0.0}")],
    [(LOSS, "loss: {kind: cached_multiple_negatives_ranking}")],
    [("index: {kind: flat}", "index: {kind: flat, similarity: cosine}")],
    [(METRICS, "metrics: [Success@5, AP@100, P@1]")],
    [(METRICS, "metrics: [R@200]\n  depth: 200")],
    [(SPLIT, "split: {by: time, dev: 2024-01-01, test: 2024-01-01T00:00:01}"), (OF, f"{OF}    time: sold_at\n")],
    [(SPLIT, "split: {by: time, dev: 2024-01-01T01:30:00+02:00, test: 2024-01-01}"), (OF, f"{OF}    time: sold_at\n")],
    [(BASE, f"{BASE}\n  revision: {COMMIT}")],
    [(BASE, "base: intfloat/e5-base-v2\n  prompts: {query: 'query: ', document: 'passage: '}")],
    [(BASE, "base: intfloat/e5-base-v2\n  prompts: {query: 'query: ', document: 'query: '}")],
    [(BASE, "base: BAAI/bge-base-en-v1.5\n  pooling: cls")],
    [(BASE, 'base: intfloat/e5-mistral-7b-instruct\n  prompts: {query: "Instruct: Find a cart\\nQuery: "}')],
    [(BASE, "base: google-bert/bert-base-uncased\n  pooling: mean")],
    [(BASE, "base: all-MiniLM-L6-v2\n  similarity: dot")],
    [(BASE, "base: minishlab/potion-base-8M\n  static: {embeddings: own}"), ("5e-5", "0.1")],
    [(LOSS, f"{LOSS}\n  adaptation: {{kind: lora, target: [query, value]}}"), ("5e-5", "2e-4")],
    [(LOSS, f"{LOSS}\n  adaptation: {{kind: freeze, layers: 5}}")],
    [("path: products.parquet", "path: data/2024-*.csv.gz")],
    [("path: products.parquet", "path: package:shop-data==1.0/shop/products.parquet")],
]


@pytest.mark.parametrize("changes", FINE, ids=[str(number) for number in range(len(FINE))])
def test_passes(changes: list[tuple[str, str]]) -> None:
    assert told(static.check(*good(*changes))) == []


def test_a_joined_source_is_used() -> None:
    join = (
        "{path: order_lines.parquet, join: {source: names, on: sku, columns: [product_id]}}\n  names: {path: names.csv}"
    )
    assert told(static.check(*good(("{path: order_lines.parquet}", join)))) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ndcg@5", "nDCG@5"),
        ("nDCG", "nDCG@10"),
        ("Recall@20", "R@20"),
        ("hitrate", "Success@10"),
        ("MAP", "AP@10"),
        ("Precision@1", "P@1"),
        ("spearmann", "Spearman"),
    ],
)
def test_the_nearest_metric_is_named(name: str, meant: str) -> None:
    [problem] = static.check(*good((METRICS, f"metrics: [{name}]")))
    assert (problem.code, problem.hint) == ("SF002", f'did you mean "{meant}"?')


def test_the_selection_metric_is_a_metric() -> None:
    [problem] = static.check(*good((TRAIN, "train: {select: {metric: Pearson}}")))
    assert (problem.code, problem.path) == ("SF113", ("retriever", "train", "select", "metric"))


def test_accumulation_of_a_cached_loss() -> None:
    cached, train = (
        "loss: {kind: cached_multiple_negatives_ranking}",
        "train: {batch_size: 64, gradient_accumulation: 2}",
    )
    [problem] = static.check(*good((LOSS, cached), (TRAIN, train)))
    assert (problem.code, problem.hint) == ("SF108", 'for more negatives set "batch_size: 128"')


def test_the_default_mini_batch_is_told_at_the_loss() -> None:
    cached = "loss: {kind: cached_multiple_negatives_ranking}"
    [problem] = static.check(*good((LOSS, cached), (TRAIN, "train: {batch_size: 32}")))
    assert (problem.code, problem.path) == ("SF401", ("retriever", "loss", "kind"))


def test_default_baselines_are_not_the_users_mistake() -> None:
    changes = [(TRAIN, "train: none"), (f"  {LOSS}\n", "")]
    assert told(static.check(*good(*changes, (METRICS, "fuse: [untuned]")))) == [
        ("SF401", '"untuned" has no effect: nothing is trained, so it is the system')
    ]


def test_accepting() -> None:
    spec, source = good((SPLIT, f"{SPLIT}\naccept: {{SF304: sizes, SF105: measured}}"))
    found, other = Problem("SF304", "one", None), Problem("SF307", "two", None)
    assert dead.accepted(spec, [found, other]) == ([other], [found])
    [unused] = dead.unused_accepts(spec, source, [found, other])
    assert (unused.code, unused.path) == ("SF401", ("accept", "SF105"))


def test_nothing_heavy_is_imported() -> None:
    heavy = ["duckdb", "jinja2", "torch", "tokenizers", "pyarrow", "numpy"]
    code = f"import sys, specforge.checks.static; sys.exit(str(set({heavy}) & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
