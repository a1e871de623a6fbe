"""What single objectives need besides sources and columns: fields that need each other, and thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from specforge.authoring.guess import Guess, Guesses
from specforge.catalog.asked import Sql
from specforge.catalog.evidence import CitedInAnswer, Clicked, Interacted, Judged, SameAttribute, ScoredPairs
from specforge.catalog.objectives import Grouped, Objective, Substitutes
from specforge.catalog.roles import Of
from specforge.quote import identifier

ROLES_OF_A_QUERY = {"query": Of("reads", holds="text"), "document": Of("reads", key=True, ids=True)}
"""The columns that a query of the user's own gives, as roles of the table that it reads."""

_HISTORY = 3
_FEW_GROUPS = 5_000
_LABELS = 50
"""So many different numbers, and no more, are labels."""


@dataclass(frozen=True)
class Completed:
    """More of an objective.

    Attributes:
        lines: fields that name no column, as YAML.
        needed: optional columns that are written.
        idle: optional columns that would have no effect.
    """

    lines: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()


def of(objective: type[Objective], guesses: Guesses) -> Completed:
    """What an objective needs besides."""
    found = [complete(guesses) for parent, complete in _COMPLETIONS if issubclass(objective, parent)]
    return Completed(
        tuple(line for one in found for line in one.lines),
        frozenset(name for one in found for name in one.needed),
        frozenset(name for one in found for name in one.idle),
    )


def _grouped(guesses: Guesses) -> Completed:
    """In few groups, hardly two items meet often."""
    group = guesses.columns.get("group")
    if group is None or group.column.distinct >= _FEW_GROUPS:
        return Completed()
    return Completed((
        f"    min_count: 2  # look: low for {group.column.distinct:,} groups; in more, rare meetings are chance",
        "    judgments: {min_count: 2}  # look: the same for what is judged",
    ))  # fmt: skip


def _interacted(guesses: Guesses) -> Completed:
    """A user is a text, or what the user took before."""
    if "user_text" in guesses.columns:
        return Completed(needed=frozenset({"user_text"}))
    line = f"    history: {_HISTORY}  # look: the user is told by so many items that the same user took before"
    return Completed((line,), frozenset({"time"}))


def _cited(guesses: Guesses) -> Completed:
    """A row is an answer with lists, of which the longer one is what was retrieved; or it is a passage."""
    cited, retrieved = guesses.columns.get("cited"), guesses.columns.get("retrieved")
    if cited is None or retrieved is None or cited.column.is_list:
        if cited and retrieved and cited.column.length > retrieved.column.length:
            guesses.columns |= {"cited": retrieved, "retrieved": cited}
        return Completed(idle=frozenset({"answer", "rank"}))
    line = f'    one_row: passage  # guessed: "{cited.column.name}" is a flag'
    return Completed((line,), frozenset({"answer", "rank"} if "rank" in guesses.columns else {"answer"}))


def _judged(guesses: Guesses) -> Completed:
    return Completed(needed=frozenset({"grade"} & set(guesses.columns)))


def _clicked(guesses: Guesses) -> Completed:
    if "dwell" not in guesses.columns:
        return Completed()
    return Completed(
        ("    # min_dwell: 5  # look: with `dwell`, a click on which the reader stayed for fewer seconds is none",)
    )


def _scored(guesses: Guesses) -> Completed:
    score = guesses.columns.get("score")
    if score is None or score.column.upper is None:
        return Completed(
            ("    relevant_from: 1.0  # look: the lowest score that makes two documents relevant to each other",)
        )
    return Completed((f"    relevant_from: {score.column.upper:.3g}  # look: a quarter of the scores are as high",))


def _attribute(guesses: Guesses) -> Completed:
    """Numbers are the same within a tolerance."""
    value = guesses.columns.get("attribute")
    if value is None or value.column.low is None or value.column.high is None or value.column.distinct <= _LABELS:
        return Completed()
    within = (value.column.high - value.column.low) / 20
    return Completed((f"    within: {within or 1:.3g}  # look: values that differ by no more are the same",))


def _substitutes(guesses: Guesses) -> Completed:
    """What stands most often in the log is looking; what stands next is buying, unless a value says so itself."""
    action = guesses.columns.get("action")
    if action is None or {"view", "purchase"} <= set(action.column.values):
        return Completed()
    viewed, bought, *_ = (*action.column.values, "purchase")
    return Completed((
        f"    viewed: [{_text(viewed)}]  # look: its values for looking at an item",
        f"    bought: [{_text(bought)}]  # look: its values for buying it",
    ))  # fmt: skip


def _query(guesses: Guesses) -> Completed:
    """A query that gives what was guessed."""
    table = guesses.tables["reads"].name if "reads" in guesses.tables else "rows"
    lines = (
        "    query: |  # look: say which document answers which query; add grade, weight, moment or side",
        "      select",
        f"          {_named(guesses.columns.get('query'), 'query')},",
        f"          {_named(guesses.columns.get('document'), 'document')}",
        f"      from {identifier(table)}",
    )
    return Completed(lines)


def _named(guess: Guess | None, name: str) -> str:
    return f"{identifier(guess.column.name if guess else name)} as {name}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


_COMPLETIONS: tuple[tuple[type[Objective], Callable[[Guesses], Completed]], ...] = (
    (Grouped, _grouped),
    (Substitutes, _substitutes),
    (CitedInAnswer, _cited),
    (Clicked, _clicked),
    (Interacted, _interacted),
    (Judged, _judged),
    (SameAttribute, _attribute),
    (ScoredPairs, _scored),
    (Sql, _query),
)
