"""The values that the SQL of an objective is filled with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

from specforge.catalog.asked import Sql
from specforge.catalog.classes import Labelled
from specforge.catalog.evidence import CitedInAnswer, Clicked, Evidence, Interacted, Judged, SameAttribute
from specforge.catalog.objectives import Grouped, Objective, Substitutes
from specforge.catalog.roles import columns, tables
from specforge.catalog.splits import ByColumn, Split
from specforge.quote import Code, identifier, sql
from specforge.templating import At

Values = dict[str, object]
Relation = Callable[[str], Code]
"""The name of a source -> its table in SQL."""


def values(name: str, objective: Objective, split: Split, relation: Relation) -> Values:
    """What the template of an objective is filled with: its fields as SQL, and the partials."""
    named = _fields(name, objective, relation)
    if isinstance(objective, Grouped):
        return {"objective": named | _of_groups(name, objective), "negatives": False}
    if isinstance(objective, Labelled):
        return _of_classes(named, At(objective, f"objectives.{name}"), objective, split)
    assert isinstance(objective, Evidence)
    at = At(objective, f"objectives.{name}")
    o = named | {"moment": _moment(at, objective), "side": _side(at, objective, split)} | _of_kind(at, objective, split)
    of_items = objective.queries == "documents"
    return {
        "objective": _shared(at, objective),
        "o": o,
        "of_items": of_items,
        "negatives": objective.has_negatives,
        "notes": objective.notes and getattr(objective, "history", 1) is not None,
        "evidence_partial": f"sql/evidence/{_stem(objective)}.sql.jinja",
        "known_partial": f"sql/evidence/{'items' if of_items else 'texts'}.sql.jinja",
        "side_partial": f"sql/side/{split.by}.sql.jinja",
        "side": _side_values(split, of_items),
    }


def _fields(name: str, objective: Objective, relation: Relation) -> Values:
    """Every field as SQL: columns as identifiers, sources as tables, all else as literals."""
    at = At(objective, f"objectives.{name}")
    found: Values = {field: getattr(at, field) for field in type(objective).model_fields}
    found |= {field: At(relation(source), getattr(at, field).trail) for field, source, _ in tables(objective)}
    found |= {one.field: At(identifier(one.column), getattr(at, one.field).trail) for one in columns(objective)}
    return found | {"kind": At(Code(at.kind.value), at.kind.trail)}


def _of_classes(named: Values, at: At, objective: Labelled, split: Split) -> Values:
    """Of texts with classes: the class, what the split looks at, and whether a text may stand on several sides."""
    apart = split.by != "item"
    label = _column(objective, objective.attribute, "varchar")
    unit = "form_of(i.text)" if apart else "i.unit"
    return {
        "objective": named,
        "o": {
            "label": At(label, f"{at.trail}.attribute"),
            "side": _side(at, objective, split),
            "unit": Code(unit),
            "apart": apart,
        },
        "side_partial": f"sql/side/{split.by}.sql.jinja",
        "side": _side_values(split, of_items=True),
    }


def _of_groups(name: str, objective: Grouped) -> Values:
    at = At(objective, f"objectives.{name}")
    moment = f"{identifier(objective.time)}::timestamp" if objective.time else "null::timestamp"
    return {
        "moment": At(Code(moment), at.time.trail),
        "weight_partial": f"sql/weight/{objective.weight}.sql.jinja",
        "judged_min_count": at.judgments.min_count,
        "judged_per_query": at.judgments.per_query,
        **_actions(at, objective),
    }


def _actions(at: At, objective: Grouped) -> Values:
    if not isinstance(objective, Substitutes):
        return {"action": None}
    both = [*objective.viewed, *objective.bought]
    return {
        "counted": At(_list(both), at.viewed.trail),
        "bought": At(_list(objective.bought), at.bought.trail),
    }


def _list(values: Iterable[str]) -> Code:
    return Code(", ".join(map(sql, dict.fromkeys(values))))


def _shared(at: At, objective: Evidence) -> Values:
    """What the part that all kinds share is filled with."""
    return {
        "kind": At(Code(at.kind.value), at.kind.trail),
        "min_grade": at.min_grade if isinstance(objective, Judged | Sql) else 1,
        "min_times": at.min_clicks if isinstance(objective, Clicked) else None,
        "positives_per_query": at.positives_per_query,
        "negatives_per_positive": at.negatives_per_positive if objective.has_negatives else None,
        "weight_partial": f"sql/evidence/weight_{objective.weight}.sql.jinja",
    }


def _stem(objective: Evidence) -> str:
    """The template: its name is the kind, or the first of several kinds."""
    return str(get_args(type(objective).model_fields["kind"].annotation)[0])


def _alias(objective: Objective) -> str:
    return "e" if objective.main == "events" else "r"


def _column(objective: Objective, column: str | None, kind: str) -> Code:
    return Code(f"{_alias(objective)}.{identifier(column)}::{kind}" if column else f"null::{kind}")


def _moment(at: At, objective: Evidence) -> At:
    """When a row was, for splits by time."""
    return At(_column(objective, getattr(objective, "time", None), "timestamp"), f"{at.trail}.time")


def _side(at: At, objective: Evidence | Labelled, split: Split) -> At:
    """What of a row says on which side of the split it falls, where that is no hash of the query or document."""
    if isinstance(split, ByColumn):
        return At(_column(objective, split.column, "varchar"), "split.column")
    group = getattr(objective, "group", None) or getattr(objective, "user", None) if split.by == "group" else None
    return At(_column(objective, group, "varchar"), f"{at.trail}.group")


def _side_values(split: Split, of_items: bool) -> Values:
    lists = {
        key: At(_list(getattr(split, key)), f"split.{key}")
        for key in ("train", "dev", "test")
        if isinstance(split, ByColumn) and getattr(split, key)
    }
    unit = "q.unit" if of_items else "query_unit(e.query_text)"
    given = isinstance(split, ByColumn)
    return {
        "dev": None,
        "given": given,
        **lists,
        "no_query": Code("e.query_id is null" if of_items else "coalesce(query_key(e.query_text), '') = ''"),
        "unit": Code(unit),
    }


def _of_kind(at: At, objective: Evidence, split: Split) -> Values:
    """What one kind alone needs."""
    if isinstance(objective, Judged):
        graded = f"greatest(r.{identifier(objective.grade)}, 0)::integer" if objective.grade else "1"
        return {"graded": At(Code(graded), f"{at.trail}.grade")}
    if isinstance(objective, CitedInAnswer):
        return _cited(at, objective)
    if isinstance(objective, Clicked):
        return _clicked(at, objective)
    if isinstance(objective, Interacted):
        named = _column(objective, objective.group or objective.user, "varchar")
        return {"cluster": At(named, f"{at.trail}.group") if split.by != "group" else None}
    if isinstance(objective, SameAttribute):
        return _attribute(at, objective)
    return {}


_UNCITED = {"all": "", "above_cited": "is_cited or rank < last_cited", "none": "is_cited"}


def _cited(at: At, objective: CitedInAnswer) -> Values:
    form = "lists" if objective.one_row == "answer" else "rows"
    rank = f"r.{identifier(objective.rank)}" if objective.rank else "null::bigint"
    return {
        "form_partial": f"sql/evidence/cited_{form}.sql.jinja",
        "rank_or_null": At(Code(rank), f"{at.trail}.rank"),
        "condition": At(Code(_UNCITED[objective.uncited]), f"{at.trail}.uncited"),
    }


def _clicked(at: At, objective: Clicked) -> Values:
    weight = {"none": "1", "inverse": "case when clicked then rank else 1 end"}[objective.position_weights]
    return {"position_weight": At(Code(weight), f"{at.trail}.position_weights")}


def _attribute(at: At, objective: SameAttribute) -> Values:
    number = objective.within is not None
    alike = f"abs(other - one) <= {objective.within!r}" if number else "other = one"
    return {
        "value": At(
            _column(objective, objective.attribute, "double" if number else "varchar"), f"{at.trail}.attribute"
        ),
        "alike": At(Code(alike), f"{at.trail}.within"),
    }
