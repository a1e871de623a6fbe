"""From a spec's file to checked rows: the steps that every command takes, in their one order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from specforge import feeding, load, source
from specforge.checks import dead, static
from specforge.errors import UsageError
from specforge.output import render
from specforge.problems import Keys, Problem, Severity, in_order
from specforge.source import Data, Source
from specforge.spec.document import Classification, Spec

if TYPE_CHECKING:
    from specforge.plan import Plan
    from specforge.run.stage import Event


@dataclass(frozen=True)
class Checked:
    """What is known of a spec after its checks.

    Attributes:
        path: the spec's file.
        spec: None where the spec cannot be compiled.
        problems: those that stand, by place.
        accepted: those that the spec accepts.
        data: the folder of the prepared tables, where the rows were looked at.
    """

    source: Source
    path: Path
    spec: Spec | Classification | None
    problems: tuple[Problem, ...]
    accepted: tuple[Problem, ...] = ()
    data: Path | None = None

    @property
    def refused(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    @cached_property
    def plan(self) -> Plan | None:
        """Its files and stages; None where the spec cannot be compiled."""
        from specforge import plan

        return None if self.spec is None else plan.make(self.spec, self.path)


def read(path: Path, settings: Iterable[str] = ()) -> Checked:
    """Read, load and check a spec without looking at data. `settings` are overrides such as `index.kind=hnsw`.

    Raises:
        UsageError: the file cannot be opened, or an override is malformed.
    """
    text, problems = source.read(path, path.as_posix())
    if text.data is not None:
        text = replace(text, data=_overridden(text.data, settings))
    spec, mistakes = load.load(text)
    if spec is None:
        return Checked(text, path, None, tuple(in_order([*problems, *mistakes])))
    problems = in_order([*problems, *mistakes, *static.check(spec, text)])
    standing, accepted = dead.accepted(spec, problems)
    return Checked(text, path, None if _has_error(problems) else spec, tuple(standing), tuple(accepted))


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def with_rows(checked: Checked, report: Callable[[Event], None] = lambda _: None) -> Checked:
    """The same after the checks that look at sources and rows; the tables are prepared, or found in the store.

    Raises:
        StageError: preparing failed.
    """
    from specforge.checks import classes, sources, tables
    from specforge.run import runner

    made = checked.plan
    if made is None or checked.refused:
        return checked
    found = sources.check(made.spec, checked.source, made.base, made.root)
    if _has_error(found):
        return more(checked, found)
    code = scratch(made)
    record = runner.run(made.stages, code, made.root, code.name, made.base, "prepare", report)
    data = record.stages[-1].output
    if isinstance(made.spec, Spec):
        found += tables.check(made.spec, checked.source, data, made.base)
    else:
        found += classes.check(made.spec, checked.source, data, made.base)
    everything = [*checked.problems, *checked.accepted, *found]
    idle = dead.unused_accepts(made.spec, checked.source, everything)
    return replace(more(checked, [*found, *idle]), data=data)


def with_negatives(
    checked: Checked, code: Path, report: Callable[[Event], None] = lambda _: None, modules: Sequence[str] = ()
) -> Checked:
    """The same after the negatives were looked at, where a stage finds them; `code` holds the scripts.

    Raises:
        StageError: finding them failed.
    """
    from specforge.checks import mined
    from specforge.run import runner

    made = checked.plan
    if made is None or checked.data is None or not isinstance(made.spec, Spec) or not feeding.mines(made.spec):
        return checked
    record = runner.run(made.stages, code, made.root, code.name, made.base, "mine", report, modules)
    found = mined.check(made.spec, checked.source, checked.data, record.stages[-1].output, made.base)
    return more(checked, found)


def more(checked: Checked, found: Iterable[Problem]) -> Checked:
    """The same with more problems; those that the spec accepts are set apart."""
    assert checked.spec is not None
    standing, accepted = dead.accepted(checked.spec, found)
    problems = tuple(in_order([*checked.problems, *standing]))
    return replace(checked, problems=problems, accepted=(*checked.accepted, *accepted))


def scratch(made: Plan) -> Path:
    """The generated code in a folder of its own under `runs/`, for commands that leave `generated/` alone."""
    from specforge.render import render as render_files
    from specforge.write import write

    folder = made.root / "runs" / f"{made.spec.name}@0"
    write(folder, render_files([made])[0], force=True)
    return folder


def _overridden(data: dict[str, Data] | None, settings: Iterable[str]) -> dict[str, Data] | None:
    for setting in settings:
        keys, separator, value = setting.partition("=")
        if not separator or not keys:
            raise UsageError(f'an override is written as "a.b=c", not "{setting}"')
        data = _with(data or {}, tuple(keys.split(".")), _value(value))
    return data


def _value(text: str) -> Data:
    try:
        value = json.loads(text)
    except ValueError:
        return source.scalar(text)
    return _frozen(value)


def _frozen(value: object) -> Data:
    if isinstance(value, dict):
        return {str(key): _frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    assert value is None or isinstance(value, bool | int | float | str)
    return value


def _with(data: dict[str, Data], keys: Keys, value: Data) -> dict[str, Data]:
    first, *rest = keys
    if not rest:
        return {**data, str(first): value}
    below = data.get(str(first), {})
    if not isinstance(below, dict):
        raise UsageError(f'"{first}" has no keys below it')
    return {**data, str(first): _with(below, tuple(rest), value)}


def rendered(text: Source, problems: Iterable[Problem]) -> list[str]:
    """Problems as text, without colour."""
    return [render([(text, [problem])], "text", False) for problem in problems]


def with_defaults(checked: Checked) -> str:
    """The spec as YAML with every default written out."""
    if checked.plan is None:
        return ""
    import yaml

    values = checked.plan.spec.model_dump(mode="json")
    values = dict(sorted(values.items(), key=lambda field: field[0] in ("evaluate", "accept")))  # the model before them
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100))
