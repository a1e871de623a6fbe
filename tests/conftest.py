"""What several test files share: a spec that is right, and the front end as one call."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from specforge.load import load
from specforge.problems import Problem, in_order
from specforge.source import Source, read

GOOD = """\
specforge: 1
name: good
description: Products are similar when customers put them in the same cart.

sources:
  products: {path: products.parquet, id: product_id, text: "{brand} {description}"}
  order_lines: {path: order_lines.parquet}

objectives:
  carts:
    kind: same_cart
    events: order_lines
    group: basket_id
    item: product_id
    of: products

split: {by: item, test: 20%}

retriever:
  family: bi_encoder
  base: sentence-transformers/all-MiniLM-L6-v2
  loss: {kind: multiple_negatives_ranking}
  train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}

index: {kind: flat}

evaluate:
  primary: nDCG@10
  metrics: [R@10, RR@10]
"""


def check(path: Path, display: str | None = None) -> tuple[Source, list[Problem]]:
    """Read, load and, where that is written already, check a spec without its data."""
    return check_read(*read(path, display))


def check_read(source: Source, problems: list[Problem]) -> tuple[Source, list[Problem]]:
    """The same for a spec that has been read."""
    spec, more = load(source)
    problems = [*problems, *more]
    if spec is not None and importlib.util.find_spec("specforge.checks.static"):
        problems += importlib.import_module("specforge.checks.static").check(spec, source)
    return source, in_order(problems)


Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a text, or bytes, to `good.yaml`."""

    def to_file(content: str | bytes) -> Path:
        path = tmp_path / "good.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file
