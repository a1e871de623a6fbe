"""Rules about the prepared tables: whether there is enough of everything, and whether the split holds."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from specforge import clusters
from specforge.catalog.objectives import Grouped
from specforge.catalog.splits import ByTime, ByTimeThenItem
from specforge.catalog.tasks import TASKS
from specforge.checks import (
    across,
    aligned,
    batches,
    contrasts,
    elsewhere,
    fits,
    judged,
    nearer,
    pairs_cut,
    texts,
    traces,
)
from specforge.checks.dead import trains
from specforge.checks.prepared import Profile, Tables, opened, profile
from specforge.checks.words import counted, percent
from specforge.problems import Keys, Problem, in_order
from specforge.significance import EFFECT, POWER, smallest
from specforge.source import Source
from specforge.spec.document import Spec

__all__ = ["RULES", "Profile", "check", "profile"]

_CUT = 0.05


def check(spec: Spec, source: Source, data: Path, base: Path) -> list[Problem]:
    """Every mistake that the prepared tables in the folder `data` show, by place; `base` is the spec's folder."""
    found = [problem for name in spec.objectives for problem in _of_objective(spec, source, data, base, name)]
    return in_order([*found, *across.leaked(spec, source, data, base)])


def _of_objective(spec: Spec, source: Source, data: Path, base: Path, name: str) -> list[Problem]:
    with opened(spec, source, data, base, name) as tables:
        found = [problem for rule in RULES for problem in rule(tables)]
    return [replace(problem, message=f'"{name}": {problem.message}') for problem in found] if spec.others else found


def is_measured(tables: Tables) -> bool:
    """Whether an objective is measured: where nothing is ranked, the one that counts."""
    return tables.spec.ranks or tables.objective == tables.spec.primary


def chooses(spec: Spec) -> bool:
    """Whether a threshold or a checkpoint is chosen on dev."""
    train = spec.train
    return "F1" in (spec.evaluate.primary, *spec.evaluate.metrics) or (train is not None and train.select is not None)


def outside(tables: Tables) -> Iterator[Problem]:
    """A date before the first event, or after the last."""
    for keys, fold, before in _sides(tables):
        date = getattr(tables.spec.split, str(keys[-1]))
        message = f"no group of events lies {'before' if before else 'from'} {date}{'' if before else ' on'}"
        hint = f'choose "{keys[-1]}" so that groups lie on both sides'
        if fold == "dev":
            message, hint = f'no group of events lies from {date} to "test"', 'choose "dev" earlier'
        yield Problem("SF303", message, tables.source.value_span(keys), keys, hint, _extent(tables))


def _sides(tables: Tables) -> list[tuple[Keys, str, bool]]:
    """The folds of a split by time that no group falls into: the date that bounds it, and whether it lies before."""
    split = tables.spec.split
    folds: list[tuple[Keys, str, bool]] = []
    if isinstance(split, ByTime):
        folds = [
            (("split", "dev"), "train", True),
            (("split", "dev"), "dev", False),
            (("split", "test"), "test", False),
        ]
    elif isinstance(split, ByTimeThenItem):
        folds = [(("split", "judged_from"), "train", True), (("split", "judged_from"), "judge", False)]
    filled = _filled(tables)
    return [side for side in folds if side[1] not in filled]


def _filled(tables: Tables) -> set[str]:
    """The folds that something falls into."""
    if "rows" not in tables.summary:
        return {what.removeprefix("groups_") for what, amount in tables.summary.items() if amount}
    sides = {what.split("_")[1] for what, amount in tables.summary.items() if what.startswith("known_") and amount}
    return sides | ({"judge"} if sides & {"dev", "test"} else set())


def _extent(tables: Tables) -> tuple[str, ...]:
    first, last = tables.summary.get("first_moment"), tables.summary.get("last_moment")
    if first is None or last is None:
        return ("no event has a moment",)
    return (f"the events run from {_moment(first)} to {_moment(last)}",)


def _moment(microseconds: int) -> str:
    return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=microseconds)).isoformat(sep=" ", timespec="seconds")


def nothing_trains(tables: Tables) -> Iterator[Problem]:
    """Training needs pairs."""
    if (
        tables.profile.pairs
        or not trains(tables.spec, tables.objective)
        or any(fold == "train" for _, fold, _ in _sides(tables))
    ):
        return
    keys: Keys = ("objectives", tables.objective)
    value = tables.spec.objectives[tables.objective]
    message, hint = "no row says what is relevant to a query that trains", ""
    if isinstance(value, Grouped):
        message, hint = "no pair of items meets often enough to train", _cure(tables, value)
    yield Problem("SF004", message, tables.source.key_span(keys), keys, hint, _fates(tables))


def _cure(tables: Tables, value: Grouped) -> str:
    if not tables.profile.groups_train:
        return f'lower "min_items" ({value.min_items}) or raise "max_items" ({value.max_items})'
    return f'lower "min_count" ({value.min_count}) or "min_groups" ({value.min_groups})'


def nothing_judged(tables: Tables) -> Iterator[Problem]:
    """Choosing needs dev queries, reporting needs test queries."""
    task, found = TASKS[tables.spec.task], {"dev": tables.profile.queries_dev, "test": tables.profile.queries_test}
    if not is_measured(tables):
        return
    if not task.ranked and not chooses(tables.spec):
        del found["dev"]
    empty = {"dev", "test"} if any(fold == "judge" for _, fold, _ in _sides(tables)) else set[str]()
    empty |= {fold for _, fold, _ in _sides(tables)}
    for split, number in found.items():
        if number or split in empty:
            continue
        value = tables.spec.objectives[tables.objective]
        keys: Keys = ("split", split)
        message, hint = f"no {split} query: nothing that is held out is relevant to one", "hold out more"
        if not task.ranked:
            message = f"no {split} rows to measure {tables.spec.task} on: it takes {task.rows}"
        if task.ranked and isinstance(value, Grouped):
            hint = f'lower "min_count" of "judgments" ({value.judgments.min_count}), or hold out more'
            message = f"no {split} query: no held-out pair meets often enough to be judged"
        yield Problem("SF004", message, tables.source.value_span(keys), keys, hint, _fates(tables))


def _fates(tables: Tables) -> tuple[str, ...]:
    """What became of the events and groups, or of the rows, in a line each."""
    if "rows" in tables.summary:
        return tuple(f"{what.replace('_', ' ')}: {amount:,}" for what, amount in sorted(tables.summary.items()))
    unknown, events = tables.summary.get("events_without_item", 0), tables.summary.get("events", 0)
    groups = {what[7:].replace("_", " "): n for what, n in tables.summary.items() if what.startswith("groups_")}
    lines = [f"groups: {', '.join(f'{n:,} {fate}' for fate, n in groups.items()) or 'none'}"]
    if unknown:
        lines.append(f"{unknown:,} of {counted(events, 'event')} have no item of the collection")
    return tuple(lines)


def groups_cut(tables: Tables) -> Iterator[Problem]:
    """Groups with events on both sides of a date are left out; where they are many, the groups are no events of a day."""
    cut = tables.summary.get("groups_cut", 0)
    groups = sum(amount for what, amount in tables.summary.items() if what.startswith("groups_"))
    if cut <= _CUT * groups:
        return
    keys: Keys = ("objectives", tables.objective, "group")
    message = f"{percent(cut / groups)} of the groups have events on both sides of a date, and are left out"
    hint = 'name a group that ends soon, such as a cart or a session, or split "by: item" or "by: group"'
    yield Problem("SF302", message, tables.source.value_span(keys), keys, hint, (f"{cut:,} of {groups:,} groups",))


def detectable(tables: Tables) -> Iterator[Problem]:
    """The smallest effect that the test queries, or their clusters, can show (Sakai 2018: power of paired tests over topics)."""
    profile, task = tables.profile, TASKS[tables.spec.task]
    units = (profile.clusters_test or profile.queries_test) * (tables.spec.folds or 1)
    found = smallest(task.deviation, units)
    if found <= EFFECT or not is_measured(tables):
        return
    keys: Keys = ("split", "test")
    column = clusters.column(tables.spec, tables.objective)
    one, many = task.unit if not profile.clusters_test else (f'cluster by "{column}"', f'clusters by "{column}"')
    enough, units_said = math.ceil((POWER * task.deviation / EFFECT) ** 2), many.removeprefix("test ")
    message = f"{counted(units, one, many)} can show differences of {found:.2f} and more only"
    metric = "nDCG" if task.ranked else tables.spec.evaluate.primary
    evidence = (
        f"at 80 % power and 5 % error, if the difference in {metric} deviates by {task.deviation:.2f} over {units_said}",
    )
    hint = f"{enough} {units_said} show {EFFECT}: hold out more" + (
        ", or lower what a judged pair needs" if task.ranked else ""
    )
    yield Problem("SF307", message, tables.source.value_span(keys), keys, hint, evidence)


def few_clusters(tables: Tables) -> Iterator[Problem]:
    """Intervals that draw few clusters are too narrow (Cameron, Gelbach and Miller 2008)."""
    found = (tables.profile.clusters_test or clusters.FEW) * (tables.spec.folds or 1)
    if found >= clusters.FEW or not is_measured(tables):
        return
    name = tables.objective
    column = clusters.column(tables.spec, name)
    message = (
        f'the test queries are of {counted(found, "cluster")} by "{column}", and intervals of so few are too narrow'
    )
    several = tables.row("select count(*) from clusters where among > 1")[0]
    evidence = (
        f"{counted(tables.profile.queries_test, *TASKS[tables.spec.task].unit)}, {several:,.0f} of them in several clusters",
    )
    keys: Keys = ("objectives", name)
    hint = f"hold out {clusters.FEW} clusters and more"
    yield Problem("SF307", message, tables.source.key_span(keys), keys, hint, evidence)


RULES = (
    outside,
    nothing_trains,
    nothing_judged,
    groups_cut,
    detectable,
    few_clusters,
    *texts.RULES,
    *pairs_cut.RULES,
    *batches.RULES,
    *contrasts.RULES,
    *nearer.RULES,
    *aligned.RULES,
    *traces.RULES,
    *judged.RULES,
    *fits.RULES,
    *elsewhere.RULES,
)
