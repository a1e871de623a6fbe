"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from specforge.run.stage import StageStatus

Interval = Mapping[str, float]

_WORST = 10
"""Classes that are shown."""


def systems(metrics: Mapping[str, object]) -> Table:
    """Every system with every metric and its interval; the best mean of each metric stands bold."""
    found = cast(Mapping[str, Mapping[str, Interval] | None], metrics["systems"])
    names = list(dict.fromkeys(name for values in found.values() if values for name in values))
    best = {name: max(values[name]["mean"] for values in found.values() if values) for name in names}
    table = _table("system", *names)
    for system, values in found.items():
        cells = [_cell(values[name], best[name]) for name in names] if values else ["n/a"] * len(names)
        table.add_row(system, *cells)
    return table


def slices(name: str, found: Mapping[str, object], primary: str) -> Table:
    """The parts of a slice: how many queries, the primary metric of every system, what the model has over untuned."""
    parts = cast(Sequence[Mapping[str, Mapping[str, Interval]]], found["parts"])
    systems = list(dict.fromkeys(system for part in parts for system in part["systems"]))
    over = ["over untuned"] if any("untuned" in part["over"] for part in parts) else []
    table = _table(name, "queries", *(f"{system} {primary}" for system in systems), *over)
    for part in parts:
        gain = part["over"].get("untuned")
        shown = [f"{gain['mean']:+.3f} ({gain['low']:.3f} to {gain['high']:.3f})"] if gain else []
        table.add_row(
            f"{part['value']}",
            f"{part['queries']}",
            *(f"{part['systems'][system]['mean']:.3f}" for system in systems),
            *shown,
        )
    return table


def learning_curve(found: Mapping[str, Any]) -> Table:
    """The points: what trained, after how many steps dev chose, and the primary metric over the seeds and of each."""
    primary = found["primary"]
    table = _table(
        found["collected"], "rows", "steps", primary, *(f"seed {seed}" for seed in found["points"][0]["rows"])
    )
    for point in found["points"]:
        value = point["metrics"][primary]
        table.add_row(
            f"{point['amount']:,}",
            " ".join(f"{rows:,}" for rows in dict.fromkeys(point["rows"].values())),
            " ".join(f"{steps}" for steps in point["steps"].values()),
            f"{value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f})",
            *(f"{mean:.3f}" for mean in point["by_seed"].values()),
        )
    return table


def _cell(value: Interval, best: float) -> str:
    mean = f"[bold]{value['mean']:.3f}[/bold]" if value["mean"] == best else f"{value['mean']:.3f}"
    return f"{mean} ({value['low']:.3f} to {value['high']:.3f})"


def stages(found: Iterable[StageStatus]) -> Table:
    """What a run would do."""
    table = _table("stage", "would", "because", "last took")
    for one in found:
        action = {"done": "stay", "run": "run", "resume": "go on"}[one.state]
        table.add_row(one.name, action, one.reason, f"{one.seconds:.1f} s" if one.seconds is not None else "")
    return table


def runs(records: Iterable[tuple[Path, Mapping[str, object]]]) -> Table:
    """Recorded runs, oldest first, with the primary metric of the system under test."""
    records = list(records)
    columns = dict.fromkeys(name for _, record in records for name in _main(record))
    table = _table("run", "metric", *columns, "best", "seconds")
    for path, record in records:
        primary = str(record["primary"])
        found = cast(Mapping[str, Mapping[str, Interval] | None], record["systems"])
        means = {name: values[primary]["mean"] for name, values in found.items() if values}
        best = max(means, key=lambda name: means[name])
        shown = [f"{means[name]:.3f}" if name in means else "" for name in columns]
        of = cast(Mapping[str, str], record.get("model_of", {}))
        run = f"{path.stem} (model of {of['run']})" if of else path.stem
        table.add_row(run, primary, *shown, f"{best} {means[best]:.3f}", f"{record['seconds']}")
    return table


def compared(first: str, second: str, rows: Iterable[Mapping[str, float | str]]) -> Table:
    """What every system of a run has over the same system of another."""
    table = _table("system", first, second, "difference", "p")
    for row in rows:
        gain = f"{row['mean']:+.3f} ({row['low']:.3f} to {row['high']:.3f})"
        table.add_row(f"{row['system']}", f"{row['first']:.3f}", f"{row['second']:.3f}", gain, f"{row['p_holm']:.4f}")
    return table


def _main(record: Mapping[str, object]) -> list[str]:
    """The reference and the system under test."""
    systems = cast(Mapping[str, object], record["systems"])
    if "classes" not in record:
        return ["untuned", "tuned"]
    return [name for name in ("majority", "linear_probe", *systems) if name in systems]


def classes(found: Sequence[Mapping[str, object]], confusion: Mapping[str, Mapping[str, int]]) -> Table:
    """The classes that are told worst, with what they are most often taken for."""
    table = _table("class", "train", "test", "precision", "recall", "F1", "most often taken for")
    tested = [one for one in found if one["test"]]
    for one in sorted(tested, key=lambda one: (cast(float, one["F1"]), str(one["class"])))[:_WORST]:
        name = str(one["class"])
        wrong = {other: number for other, number in confusion[name].items() if other != name}
        taken = max(wrong, key=lambda other: wrong[other]) if wrong else ""
        shown = [f"{one[key]:.2f}" for key in ("precision", "recall", "F1")]
        table.add_row(name, f"{one['train']}", f"{one['test']}", *shown, f"{taken} ({wrong[taken]})" if taken else "")
    return table


def guesses(found: Sequence[Mapping[str, object]]) -> Table:
    """The likeliest classes of a text."""
    table = _table("class", "probability")
    for one in found:
        table.add_row(str(one["label"]), f"{one['probability']:.3f}")
    return table


def hits(found: Mapping[str, Sequence[Mapping[str, object]]]) -> Table:
    """What each system finds, side by side."""
    table = _table("", *(f"{system}" for system in found))
    for place, row in enumerate(zip(*found.values(), strict=False), start=1):
        table.add_row(
            f"{place}", *(f"{hit.get('chunk_id', hit['doc_id'])} ({cast(float, hit['score']):.2f})" for hit in row)
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def console() -> Console:
    """Standard output; wide where it is no terminal, so that nothing is cut in a file."""
    plain = Console(highlight=False, markup=True, soft_wrap=False)
    return plain if plain.is_terminal else Console(highlight=False, width=160)
