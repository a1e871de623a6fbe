"""Runs a spec: compile, check the rows, run the stages, record the result, say what it means."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from specforge import clusters, foresight, pipeline
from specforge.catalog.evidence import Clicked
from specforge.catalog.tasks import TASKS
from specforge.pipeline import Checked
from specforge.plan import Plan
from specforge.problems import exit_code
from specforge.render import render
from specforge.report import tables as report
from specforge.results import record as results
from specforge.results.verdict import verdict
from specforge.run import runner
from specforge.run.stage import Event, RunRecord, StageRecord, StageStatus, Waiting
from specforge.spec.document import Classification, Spec
from specforge.systems import needs_untuned
from specforge.write import write

MODULES = (
    "duckdb",
    "pyarrow.parquet",
    "torch",
    "sentence_transformers",
    "datasets",
    "bm25s",
    "ir_measures",
    "faiss",
)
"""Imported once, before the first stage is forked."""


def read(path: Path, settings: Iterable[str], limit: int | None) -> Checked:
    """The spec with its overrides; `limit` caps the rows of every source of events."""
    checked = pipeline.read(path, settings)
    if limit is None or checked.plan is None:
        return checked
    events = dict.fromkeys(name for value in checked.plan.spec.objectives.values() for name in value.logs())
    return pipeline.read(path, [*settings, *(f"sources.{name}.limit={limit}" for name in events)])


def run(checked: Checked, *, only: str | None, variant: bool, force: bool, tell: Callable[[list[Checked]], int]) -> int:
    """The exit status. A variant leaves `generated/` and `results/` alone.

    Raises:
        SpecforgeError: generated code was edited by hand, or a stage failed.
    """
    made, console = checked.plan, report.console()
    assert made is not None
    told = reporter(console)
    checked = pipeline.with_rows(checked, told)
    status = tell([checked])
    if status:
        return status
    files = render([made])[0]
    code = _variant(made, files) if variant else made.folder
    if not variant:
        write(code, files, force=force)
    if only is None:
        assert checked.data is not None
        console.print(foresight.stated(made.spec, checked.data, made.root / "results" / made.spec.name), soft_wrap=True)
        before = checked.problems
        checked = pipeline.with_negatives(checked, code, told, MODULES)
        for text in pipeline.rendered(checked.source, [one for one in checked.problems if one not in before]):
            console.print(text, end="", markup=False, soft_wrap=True)
    done = runner.run(made.stages, code, made.root, code.name, made.base, only, told, MODULES)
    if only is not None:
        return 0
    return conclude(checked, done, files, console, recorded=not variant)


def _variant(made: Plan, files: dict[str, str]) -> Path:
    folder = made.root / "runs" / f"{made.spec.name}@{results.spec_hash(made)[:8]}"
    write(folder, files, force=True)
    return folder


def reporter(console: Console) -> Callable[[Event], None]:
    """Prints what happens, each finished stage once."""
    finished: set[str] = set()

    def told(event: Event) -> None:
        if event.name in finished:
            return
        if isinstance(event, StageStatus) and event.state != "done":
            usual = f", last took {event.seconds:.0f} s" if event.seconds is not None else ""
            console.print(f"[dim]{event.name}: {event.reason}{usual}[/dim]")
        elif isinstance(event, Waiting):
            console.print(f"[dim]{event.name}: another run is making it; waiting[/dim]")
        elif isinstance(event, StageRecord):
            finished.add(event.name)
            how = "from the store" if event.cached else f"{event.seconds:.1f} s, {event.peak_memory_mib:.0f} MiB"
            console.print(f"{event.name:<12} {how}")

    return told


def conclude(
    checked: Checked,
    done: RunRecord,
    files: dict[str, str],
    console: Console,
    *,
    recorded: bool,
    model_of: Mapping[str, str] | None = None,
) -> int:
    """Check the figures, write the record, show the table and the verdict. `model_of` names the run of the model, where
    it is another's."""
    from specforge.checks import dead, proven
    from specforge.checks import results as after

    made = checked.plan
    assert made is not None
    metrics = json.loads((done.folder / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    found = [*after.check(made.spec, checked.source, metrics), *proven.check(made.spec, checked.source, done.folder)]
    problems, _ = dead.accepted(made.spec, found)
    record = results.compose(made, done, metrics, [*checked.problems, *problems], files)
    record |= {"model_of": dict(model_of)} if model_of else {}
    folder = made.root / "results" / made.spec.name if recorded else done.folder / "results"
    path = results.write(folder, record, done.folder / "evaluation")
    for name, other in metrics.get("others", {}).items():
        console.print(f"\n{name}:")
        _show(console, made.spec, other, f"{100 * other['confidence']:g} % intervals by query", style="")
    console.print(f"\n{made.spec.primary}, which counts:" if made.spec.others else "")
    _show(console, made.spec, metrics, _basis(made, metrics), style="bold")
    _show_curve(console, record)
    if isinstance(made.spec, Classification):
        console.print(report.classes(metrics["classes"], metrics["confusion"]))
    console.print(_rows(record) + (_cost(record) if _is_asked(made) else ""), soft_wrap=True)
    for text in pipeline.rendered(checked.source, problems):
        console.print(text, end="", markup=False, soft_wrap=True)
    console.print(f"\nresult: {path.relative_to(made.root)}", soft_wrap=True)
    if model_of:
        console.print(f"model:  of run {model_of['run']} of {model_of['name']}; nothing was trained", soft_wrap=True)
    elif recorded and _is_asked(made):
        console.print(f"next:   {_next(made)}", soft_wrap=True)
    return exit_code(problems)


def _is_asked(made: Plan) -> bool:
    """Whether there is something to ask: a ranking, or a class."""
    return isinstance(made.spec, Classification) or made.spec.ranks


def _next(made: Plan) -> str:
    """The command that asks the model."""
    if isinstance(made.spec, Classification):
        return f'specforge predict {made.spec.name} "..."'
    compare = " --compare" if needs_untuned(made.spec) else ""
    return f'specforge search {made.spec.name} "..."{compare}'


def _show(console: Console, spec: Spec | Classification, metrics: Mapping[str, Any], basis: str, *, style: str) -> None:
    """The systems, what they were measured on, and what a paired test supports."""
    console.print(report.systems(metrics))
    console.print(f"\n{_measured(metrics)}; {basis}")
    if "judged" in metrics:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in metrics["judged"].items())
        console.print(f"ranked: what was shown for the query; of the 10 best of all documents were judged: {shares}")
    if "logged" in metrics["systems"] and isinstance(spec, Spec):
        console.print(bias(spec), soft_wrap=True)
    if "reranking" in metrics:
        console.print(_ceiling(metrics), soft_wrap=True)
    for line in verdict(metrics):
        console.print(line, style=style, soft_wrap=True)
    for name, found in metrics.get("slices", {}).items():
        console.print()
        if found["parts"]:
            console.print(report.slices(name, found, metrics["primary"]))
        if found["elsewhere"]:
            console.print(
                f"{name}: {found['elsewhere']} queries in no part, or in one of fewer than 5, or past the 20 largest"
            )


def bias(spec: Spec) -> str:
    """Which way judgments lean that come from the very lists that are measured (Joachims et al. 2017)."""
    value = spec.objectives[spec.primary]
    if not spec.shown:
        return (
            "logged: what it put on top was looked at more, and what it did not show could not be chosen: "
            "these judgments favour it over every other system"
        )
    if isinstance(value, Clicked) or getattr(value, "uncited", None) == "above_cited":
        return (
            "logged: what counts as not relevant is what it put above what was chosen: these judgments speak against it"
        )
    return "logged: what it did not show is not ranked"


def _show_curve(console: Console, record: results.Json) -> None:
    """What more of what was collected would bring, where that was asked."""
    found = record.get("learning_curve")
    if isinstance(found, dict):
        console.print()
        console.print(report.learning_curve(found))
        lines = [f"{name} {value:.3f}" for name, value in found["lines"].items()]
        console.print("; ".join([*lines, found["answer"]]), soft_wrap=True)


def _measured(metrics: Mapping[str, Any]) -> str:
    """What the systems were measured on."""
    if "task" not in metrics:
        asked = f"{metrics['queries']} test queries, candidates: {metrics['ranked']}"
        return f"{asked}, {metrics['documents']} documents"
    if metrics["task"] == "classification":
        trained = sum(one["train"] for one in metrics["classes"])
        return f"{metrics['queries']} test texts of {len(metrics['classes'])} classes; {trained} texts train"
    if "classes" in metrics:
        return f"{metrics['queries']} test documents of {len(metrics['classes'])} classes"
    return f"{metrics['rows']} test pairs of {metrics['queries']} anchors"


def _ceiling(metrics: Mapping[str, Any]) -> str:
    """What was reranked, and the most that could come of it."""
    found, primary = metrics["reranking"], metrics["primary"]
    what = {"found": f"the first {found['over']} that the retriever found", "shown": "what was shown for the query"}
    relevant = f"{100 * found['found']:.1f} % of the relevant documents are among them"
    best = f"the best order of them has {primary} {found['ceiling'][primary]['mean']:.3f}"
    return f"reranked: {what[found['candidates']]}; {relevant}, and {best}"


def _rows(record: results.Json) -> str:
    """The part of each objective in the training rows, where there are several."""
    rows = record.get("training_rows", {})
    assert isinstance(rows, dict)
    total = sum(rows.values())
    shares = [f"{name} {100 * amount / total:.1f} % ({amount:,})" for name, amount in rows.items()]
    return f"training rows: {', '.join(shares)}\n" if shares else ""


def _basis(made: Plan, metrics: Mapping[str, Any]) -> str:
    """What the intervals cover, and what they do not."""
    unit = clusters.column(made.spec, made.spec.primary) if "clusters" in metrics else None
    share = (
        f"{100 * metrics['confidence']:g} % intervals by {unit or TASKS[made.spec.task].unit[0].removeprefix('test ')}"
    )
    seeds = made.spec.seeds
    if not seeds:
        return share
    if made.spec.folds:
        return f"{share}; {made.spec.folds} folds, each measured by a model that did not train on it"
    if len(seeds) == 1 or not metrics.get("repeats"):
        return f"{share}, of one training run (seed {seeds[0]})"
    return f"{share}, of the model of seed {seeds[0]}; {_spread(seeds, metrics)}"


def _spread(seeds: Sequence[int], metrics: Mapping[str, Any]) -> str:
    """The primary metric of the system under test with every seed."""
    primary, model = metrics["primary"], next(iter(metrics["repeats"].values()))
    model = "tuned" if "tuned" in model else next(iter(model))
    means = {str(seeds[0]): metrics["systems"][model][primary]["mean"]}
    means |= {seed: metrics["repeats"][seed][model][primary] for seed in map(str, seeds[1:])}
    spread = f"mean {statistics.mean(means.values()):.3f}, standard deviation {statistics.stdev(means.values()):.3f}"
    listed = ", ".join(f"{seed} {mean:.3f}" for seed, mean in means.items())
    return f"{primary} of {model} by seed: {listed} ({spread})"


def _cost(record: results.Json) -> str:
    """What adopting the model costs."""
    stages = record["stages"]
    assert isinstance(stages, list)
    seconds = {stage["name"]: stage["seconds"] for stage in stages}
    if "index_bytes" not in record:
        return f"training took {seconds['train']} s here, {record['queries']} texts were classed in {seconds['predictions']} s"
    size = int(str(record["index_bytes"])) / 2**20
    cost = [f"{record['documents']} documents to embed ({seconds['embed']} s here)"] if "embed" in seconds else []
    cost.append(f"an index of {size:.1f} MiB")
    reranking = record.get("reranking")
    if isinstance(reranking, dict):
        each = seconds["rerank"] / int(str(record["queries"]))
        cost.append(f"{reranking['over']} pairs to score for a query ({each:.2f} s here)")
    return f"adopting it: {', '.join(cost)}{_latency(record)}{_index(record)}"


def _latency(record: results.Json) -> str:
    """How long a query takes, by the steps of what answers it, each with those that it takes in."""
    found = record.get("latency_ms")
    if not isinstance(found, dict):
        return ""
    each = [f"{name} {one['p50']:.1f} ms (p95 {one['p95']:.1f})" for name, one in found.items()]
    return f"\na query asked alone, each step with what it takes in: {', '.join(each)}"


def _chosen(report: Mapping[str, Any]) -> str:
    """The index that `auto` chose; nothing where the spec names one."""
    if "tried" not in report:
        return ""
    *others, one = report["tried"]
    how = f" with {one['parameter']} {one['value']}" if one["parameter"] else ""
    return f"\nchosen on dev of {len(others) + 1} tried: {one['kind']}{how}"


def _index(record: results.Json) -> str:
    """What the index finds of what exact search finds, how soon, and what that costs."""
    report = record.get("index_report")
    if not isinstance(report, dict):
        return ""
    share, alone, quality = report["recall"], report["alone_ms"], report.get("quality")
    found = f"{100 * share['mean']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f})"
    text = (
        f"{_chosen(report)}\nthe index finds {found} of the {report['k']} nearest, in {alone['p50']:.2f} ms a query (p95 {alone['p95']:.2f}; "
        f"{report['batched_ms']['p50']:.3f} each in batches of {report['batch']})"
    )
    if quality is None:
        return text
    cost = f"{quality['mean']:+.3f} ({quality['low']:.3f} to {quality['high']:.3f})"
    return f"{text}; {quality['metric']} against exact search {cost}"
