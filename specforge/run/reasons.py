"""Why a stage has to run, in words: what its key is made of now, against the last run of the same name."""

from __future__ import annotations

from collections.abc import Mapping

from specforge.locate import is_remote
from specforge.run.keys import KeyParts

_TOLD = 3
"""Differences that one line names; the rest are counted."""


def reason(now: KeyParts, last: KeyParts | None) -> str:
    """What differs, such as `objective.sql changed`; where nothing does, the output must have been removed."""
    if last is None:
        return "first run"
    told = _differences(now, last)
    if not told:
        return "output removed"
    more = [f"{len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return ", ".join(told[:_TOLD] + more)


def _differences(now: KeyParts, last: KeyParts) -> list[str]:
    return [
        *_changes(now.code, last.code, "{name} changed", "{name} is new", "{name} is gone"),
        *_changes(now.files, last.files, "{name} changed", "{name} is new", "{name} is gone"),
        *_read_changes(now.reads, last.reads),
        *_changes(now.libraries, last.libraries, "{name} {old} -> {new}", "{name} {new}", "without {name}"),
        *_precision_change(now.precision, last.precision),
        *_changes(now.needs, last.needs, "after {name}", "after {name}", "no longer after {name}"),
    ]


def _changes(now: Mapping[str, str], last: Mapping[str, str], changed: str, added: str, gone: str) -> list[str]:
    told = []
    for name in sorted(now.keys() | last.keys()):
        old, new = last.get(name), now.get(name)
        if old != new:
            pattern = added if old is None else gone if new is None else changed
            told.append(pattern.format(name=name, old=old, new=new))
    return told


def _read_changes(now: Mapping[str, str], last: Mapping[str, str]) -> list[str]:
    told = _changes(now, last, "{name}", "", "")
    changed = [f"{name} changed" if is_remote(name) else f"data file {name} changed" for name in told if name]
    added = [f"reads {name}" for name in sorted(now.keys() - last.keys())]
    return [*changed, *added, *(f"no longer reads {name}" for name in sorted(last.keys() - now.keys()) if not added)]


def _precision_change(now: str, last: str) -> list[str]:
    return [f"precision {last or 'any'} -> {now or 'any'}"] if now != last else []
