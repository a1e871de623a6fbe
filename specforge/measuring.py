"""The values and files of what a retriever is measured at, where that is not ranking documents for queries."""

from __future__ import annotations

from specforge import feeding
from specforge.catalog.evidence import Evidence, ScoredPairs
from specforge.catalog.objectives import Objective
from specforge.catalog.tasks import TASKS
from specforge.quote import Code
from specforge.spec.document import Spec
from specforge.templating import At

Values = dict[str, object]

_PARTIALS = {
    "Spearman": ("correlation", "spearman"),
    "Pearson": ("correlation", "pearson"),
    "AP": ("average_precision",),
    "F1": ("f1",),
    "TripletAccuracy": ("triplet_accuracy",),
    "VMeasure": ("k_means", "v_measure"),
}
"""Metric -> the functions that it takes; the last gives its figure."""


def form(spec: Spec) -> str:
    """The folder of the templates: what is measured is pairs, or the vectors of documents."""
    return "clustering" if spec.task == "clustering" else "pairs"


def template(spec: Spec, stem: str) -> str:
    """The template of a file that every task has in its own way."""
    own = not spec.ranks and stem in ("held_out", "vectors", "evaluation")
    return f"python/{form(spec)}/{stem}.py.jinja" if own else f"python/{stem}.py.jinja"


def selects(spec: Spec) -> str | None:
    """The metric that selects the checkpoint."""
    return spec.train.select.metric if spec.train is not None and spec.train.select is not None else None


def scored(spec: Spec, objective: str) -> bool:
    """Whether the judgments of an objective are wanted as they are, each once."""
    if spec.train is not None and feeding.shape_of(spec, objective) == "scored_pairs":
        return True
    return objective == spec.primary and TASKS[spec.task].needs in ("scored_pairs", "triplets")


def labelled(spec: Spec, objective: str) -> bool:
    """Whether the classes of the documents are wanted."""
    return objective == spec.primary and TASKS[spec.task].needs == "classes"


def of_objective(spec: Spec, name: str) -> Values:
    """What the SQL of an objective gives beside training rows and what is relevant."""
    value = spec.objectives[name]
    own = isinstance(value, ScoredPairs)
    return {
        "scored": scored(spec, name),
        "scored_partial": f"sql/scored/{'scores' if own else 'judgments'}.sql.jinja",
        "range": _range(value, f"objectives.{name}.range"),
        "labelled": labelled(spec, name),
        "ranks": spec.ranks and isinstance(value, Evidence) and value.ranks,
        "ungraded": isinstance(value, ScoredPairs) and value.relevant_from is None,
    }


def _range(value: Objective, trail: str) -> Values | None:
    """The scores that become 0 and 1."""
    if not isinstance(value, ScoredPairs) or value.range is None:
        return None
    low, high = value.range
    return {"low": At(low, trail), "high": At(high, trail)}


def values(spec: Spec, baselines: list[str]) -> Values:
    """What the templates of an evaluation are filled with, and those that say what it is of."""
    if spec.ranks:
        return {
            "recomputed": False,
            "encoded": Code("the corpus and the queries"),
            "select_partial": "python/select.py.jinja",
        }
    return {
        "task": spec.task,
        "recomputed": True,
        "encoded": Code("what is held out"),
        "by_score": spec.task == "similarity",
        "contrasted": spec.task == "triplets",
        "by_threshold": "F1" in spec.evaluate.measured,
        "on_dev": "F1" in spec.evaluate.measured,
        "measured_systems": baselines,
        "measured": [_metric(spec, name) for name in spec.evaluate.measured],
        "metric_partials": _partials(spec.evaluate.measured),
        **_selection(spec),
    }


def _metric(spec: Spec, name: str) -> Values:
    trail = "evaluate.primary" if name == spec.evaluate.primary else "evaluate.metrics"
    return {"name": At(name, trail), "function": Code(_PARTIALS[name][-1]), "threshold": name == "F1"}


def _partials(names: tuple[str, ...]) -> list[str]:
    stems = dict.fromkeys(stem for name in names for stem in _PARTIALS[name])
    return [f"python/metric/{stem}.py.jinja" for stem in stems]


def _selection(spec: Spec) -> Values:
    chosen = selects(spec)
    if chosen is None:
        return {"select_partial": "python/select.py.jinja"}
    return {
        "select_partial": f"python/{form(spec)}/select.py.jinja",
        "selecting": _metric(spec, chosen),
        "select_partials": _partials((chosen,)),
    }
