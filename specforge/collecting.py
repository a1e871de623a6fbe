"""The values of a learning curve: its parts in what the user collects, and the tables that differ from part to part."""

from __future__ import annotations

from specforge import reading, relations
from specforge.catalog.asked import Sql
from specforge.catalog.evidence import (
    Interacted,
    Judged,
    Linked,
    QuestionAnswer,
    SameAttribute,
    ScoredPairs,
)
from specforge.catalog.objectives import Grouped, Objective
from specforge.collected import columns, source
from specforge.feeding import shape_of
from specforge.quote import Code, identifier
from specforge.spec.document import Spec
from specforge.systems import baselines
from specforge.templating import At

Values = dict[str, object]

SEEDS = 3
"""Trainings of each part, where the spec names one seed."""

CHECKPOINTS = 4
"""Between how many of them dev chooses at least."""

_LINES = ("untuned", "bm25")
"""Systems that stand beside the curve, where they are measured."""


def seeds(spec: Spec) -> list[int]:
    """The seeds of a curve: those of the spec where it names several, else its own and the next ones."""
    first = spec.seeds[0]
    return list(spec.seeds) if len(spec.seeds) > 1 else [(first + place) % 2**32 for place in range(SEEDS)]


def values(spec: Spec) -> Values:
    """What the stages of a learning curve are filled with; nothing where the spec has none."""
    if not spec.evaluate.learning_curve:
        return {}
    assert spec.train is not None and spec.train.select is not None, "checked before: a curve without checkpoints"
    every = spec.train.select.every
    value = spec.objectives[spec.primary]
    return {
        "units": _units(spec, value),
        "curve": {
            "points": At(list(spec.evaluate.learning_curve), "evaluate.learning_curve"),
            "seeds": At(seeds(spec), "retriever.train.seeds"),
            "min_steps": At(CHECKPOINTS * every if every != "epoch" else 0, "retriever.train.select.every"),
            "tables": _tables(spec, value),
            "lines": [name for name in _LINES if name in baselines(spec)],
            "heading": value.collected,
        },
    }


def _units(spec: Spec, value: Objective) -> Values:
    """What one is, and how the rows of those are left out that a part does not hold."""
    row = "e" if value.main == "events" else "r"
    names = [f"{row}.{identifier(column)}::varchar" for column in columns(spec, value)]
    if isinstance(value, Linked | ScoredPairs):
        names = [f"least({', '.join(names)})", f"greatest({', '.join(names)})"]
    unit = "nullif(trim(r.query), '')" if isinstance(value, Sql) else _joined(names)
    schema, table, kept = _table(spec, value)
    return {
        "collected": Code(value.collected),
        "partial": f"sql/units/{_form(value)}.sql.jinja",
        "unit": Code(unit),
        "of_evidence": Code(_of_evidence(value)),
        "asked": Code(_asked(value, row)),
        "rows": Code(f"{relations.relation(source(spec, value), spec)} as {row}"),
        "row": Code(row),
        "table": Code(f"{schema}.{table}"),
        "whole": Code(f"{schema}._whole"),  # no source can be called so
        "kept_as": Code(kept),
    }


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"concat_ws(' ', {', '.join(names)})"


def _table(spec: Spec, value: Objective) -> tuple[str, str, str]:
    """The table with the rows, after its schema, and whether it is a view: prepare.py copies rows where it must."""
    if isinstance(value, Sql):
        return "main", "judgments", "table"
    name = source(spec, value)
    rows = spec.sources[name]
    copied = rows.where is not None or reading.place_of(rows).reader == "hub"
    return "sources", identifier(name), "table" if copied else "view"


def _form(value: Objective) -> str:
    """How it is told which of them train: by the groups, the values or the rows, or by what these say of documents and texts."""
    if isinstance(value, Grouped | SameAttribute):
        return "groups" if isinstance(value, Grouped) else "values"
    if value.queries == "documents":
        return "items"
    return "texts" if isinstance(value, Judged | QuestionAnswer | Sql) else "rows"


def _of_evidence(value: Objective) -> str:
    """One of what is collected, as the evidence of an objective names it."""
    if isinstance(value, Linked | ScoredPairs):
        return "concat_ws(' ', least(e.query_id, e.item_id), greatest(e.query_id, e.item_id))"
    return "e.query_text" if isinstance(value, QuestionAnswer | Sql) else "e.query_id"


def _asked(value: Objective, row: str) -> str:
    """The text of the query in a row; a history is of many rows, and has its own side by its group or moment."""
    if isinstance(value, Interacted) and value.user_text is None:
        return "null::varchar"
    return f"{row}.{identifier(getattr(value, value.asks))}::varchar" if value.asks else "null::varchar"


def _tables(spec: Spec, value: Objective) -> list[str]:
    """The tables that training and the search for negatives read."""
    shape = shape_of(spec, spec.primary)
    found = ["pairs", "partners" if value.queries == "documents" else "positives"]
    found += ["triplets"] if getattr(value, "has_negatives", False) else []
    found += [{"classes": "classes", "scored_pairs": "scored"}[shape]] if shape in ("classes", "scored_pairs") else []
    return found
