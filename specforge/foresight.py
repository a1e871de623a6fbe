"""What an evaluation will be able to see, said before anything is trained."""

from __future__ import annotations

import math
from pathlib import Path

from specforge import clusters, significance
from specforge.catalog.tasks import TASKS
from specforge.checks import classes
from specforge.checks.prepared import profile
from specforge.checks.words import counted
from specforge.results.record import Json, read_all
from specforge.significance import Difference, smallest
from specforge.spec.document import Classification, Experiment


def stated(spec: Experiment, data: Path, results: Path) -> str:
    """The smallest difference that the test queries, or their clusters, can show; `data` has the prepared tables.

    How much differences deviate is measured where a run of the folder `results` had the metric, and else assumed.
    """
    task, (queries, drawn) = TASKS[spec.task], _sizes(spec, data)
    units = drawn or queries
    before = next(filter(None, (_measured(spec, record) for _, record in reversed(read_all(results)))), None)
    deviation, source = before or (task.deviation, "assumed")
    said = counted(queries, *task.unit)
    if drawn:
        said += f' in {counted(drawn, "cluster")} by "{clusters.column(spec, spec.primary)}"'
    found = smallest(deviation, units)
    each = "clusters" if drawn else task.unit[1].removeprefix("test ")
    return (
        f"{said} can show a difference of {found:.3f} {spec.evaluate.primary} and more "
        f"(80 % power, 5 % error, if it deviates by {deviation:.2f} over {each}: {source})"
    )


def _sizes(spec: Experiment, data: Path) -> tuple[int, int | None]:
    """Test queries, and what they are drawn in where they are not drawn alone."""
    if isinstance(spec, Classification):
        return classes.tested(data)
    found, folds = profile(data, task=spec.task), getattr(spec, "folds", None) or 1
    return found.queries_test * folds, found.clusters_test and found.clusters_test * folds


def _measured(spec: Experiment, record: Json) -> tuple[float, str] | None:
    """How much the differences of a recorded run deviate over what it drew, and of which systems."""
    if record["primary"] != spec.evaluate.primary or not significance.of(record):
        return None
    family = significance.of(record)
    one: Difference = next((one for one in family if one["over"] in significance.REFERENCES), family[0])
    units = int(str(record.get("clusters", record["queries"])))
    deviation = significance.error(one, float(str(record["confidence"]))) * math.sqrt(units)
    return (deviation, f'measured, "{one["system"]}" over "{one["over"]}"') if deviation > 0 else None
