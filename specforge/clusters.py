"""What test queries are drawn together when intervals are made: those of one user, conversation or family.

Queries of one group are no independent evidence, and intervals that take them so are too narrow, so whole groups are drawn
(Field and Welsh 2007, "Bootstrapping clustered data"). A query of several groups counts to the one that most of its rows
are of, a query of none is drawn alone: joining all groups that share a query would soon make one of everything.
"""

from __future__ import annotations

from specforge import relations
from specforge.catalog.asked import Sql
from specforge.catalog.classes import Labelled
from specforge.catalog.evidence import Interacted, Judged, Linked, ScoredPairs
from specforge.catalog.objectives import Grouped, Objective
from specforge.quote import Code, identifier
from specforge.spec.document import Experiment
from specforge.templating import At

Values = dict[str, object]

FEW = 30
"""Clusters below which intervals come out too narrow (Cameron, Gelbach and Miller 2008, who find it from 5 to 30)."""


def column(spec: Experiment, objective: str) -> str | None:
    """The column that says it: what the objective names as its group or user, else the unit of the split."""
    value = spec.objectives[objective]
    named: str | None = getattr(value, "group", None) or getattr(value, "user", None)
    if isinstance(value, Grouped) or (isinstance(value, Sql) and spec.split.by != "group"):
        named = None  # a cart has many queries, and a query many carts; a query of the user's own gives no such column
    return named or (relations.family(spec) if value.queries == "documents" else None)


def clustered(spec: Experiment) -> bool:
    """Whether the queries of any objective are drawn together."""
    return any(column(spec, name) for name in spec.objectives)


def values(spec: Experiment, objective: str) -> list[Values]:
    """How each table tells of the queries of an objective; nothing where each is drawn alone."""
    value, named = spec.objectives[objective], column(spec, objective)
    if named is None:
        return []
    texts = value.queries == "texts"
    if named == relations.family(spec):
        return [{"partial": "sql/cluster/family.sql.jinja"}]
    if texts and (isinstance(value, Interacted) or spec.split.by == "group"):
        told = Code("side" if spec.split.by == "group" else "cluster")
        return [{"partial": "sql/cluster/texts.sql.jinja", "value": told}]
    if spec.split.by == "group":
        return [{"partial": f"sql/cluster/{'classes' if isinstance(value, Labelled) else 'items'}.sql.jinja"}]
    shared = {"name": "cluster", "value": At(identifier(named), f"objectives.{objective}.group")}
    source = str(getattr(value, value.main))
    keys = [spec.sources[source].id or ""] if isinstance(value, Labelled) else _keys(value)
    return [
        shared
        | {
            "partial": f"sql/slice/{_stem(value)}.sql.jinja",
            "table": relations.relation(source, spec),
            "key": identifier(key),
        }
        for key in keys
    ]


def _stem(objective: Objective) -> str:
    if isinstance(objective, Judged | Labelled):
        return "asked" if isinstance(objective, Judged) else "own"
    return f"rows_of_{'items' if objective.queries == 'documents' else 'texts'}"


def _keys(objective: Objective) -> list[str]:
    """The columns of the rows that name a query."""
    if isinstance(objective, ScoredPairs):
        return [objective.first, objective.second]
    if isinstance(objective, Linked) and objective.symmetric:
        return [objective.item, objective.linked_to]
    return [getattr(objective, objective.asks or "")]
