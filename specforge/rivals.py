"""Which baselines fit a spec: asked by checks and plans alike."""

from __future__ import annotations

from specforge.catalog.baselines import BASELINES
from specforge.catalog.evidence import Evidence
from specforge.spec.document import Spec


def fitting(spec: Spec) -> list[str]:
    """The baselines that can what is measured, and know what they need of the objectives."""
    of_items = all(objective.queries == "documents" for objective in spec.objectives.values())
    able = {name: baseline for name, baseline in BASELINES.items() if spec.task in baseline.tasks}
    return [
        name
        for name, one in able.items()
        if (of_items or not one.of_items) and (logs_ranks(spec) or not one.of_ranks) and not one.reranks
    ]


def logs_ranks(spec: Spec) -> bool:
    """Whether the logs of all objectives say what the product itself ranked."""
    return all(isinstance(objective, Evidence) and objective.ranks for objective in spec.objectives.values())
