"""The values that the stage is filled with which finds negatives."""

from __future__ import annotations

from collections import Counter

from specforge import feeding
from specforge.catalog.negatives import Clusters, Found, Given, Mined
from specforge.quote import Code
from specforge.spec.document import Spec
from specforge.spec.models import Filter
from specforge.templating import At

Values = dict[str, object]

_SHARED = {
    "given": (),
    "random": ("shuffled",),
    "bm25": ("best",),
    "mined": ("best", "similarities"),
    "clusters": ("shuffled", "clustered"),
}
"""Kind -> the functions that it shares with others."""


def values(spec: Spec) -> Values | None:
    """How negatives are found; None where no stage does."""
    if not feeding.mines(spec):
        return None
    kinds = feeding.kinds(spec)
    names = [one.kind for one in kinds]
    shared = dict.fromkeys(stem for name in names for stem in _SHARED[name])
    queries = {str(value.queries) for value in spec.objectives.values()}
    return {
        "kinds": [_kind(spec, row) for row in range(len(kinds))],
        "shared_partials": [f"python/negatives/{stem}.py.jinja" for stem in shared],
        "encodes": any(one.encodes for one in kinds),
        "wants": any(isinstance(one, Given) for one in kinds),
        "tuples": any(feeding.untaught(spec, name) == "tuples" for name in spec.objectives),
        "of_items": _relevant("documents", queries),
        "of_texts": _relevant("texts", queries),
        "objectives": [_objective(spec, name, queries) for name in spec.objectives],
        "judges": [Code(module) for module in filters(spec)],
    }


def filters(spec: Spec) -> dict[str, tuple[int, Filter]]:
    """The modules of the models that look through what was found, each with the row of its kind and its section."""
    found = [(row, one.filter) for row, one in enumerate(feeding.kinds(spec)) if isinstance(one, Mined) and one.filter]
    return {f"filtering_{place}" if place > 1 else "filtering": one for place, one in enumerate(found, start=1)}


def _relevant(wanted: str, queries: set[str]) -> Code | None:
    """The name of the function that reads what is relevant to queries of a kind; None where there are none."""
    if wanted not in queries:
        return None
    return Code("relevant" if len(queries) == 1 else f"relevant_to_{wanted}")


def _objective(spec: Spec, name: str, queries: set[str]) -> Values:
    relevant = _relevant(spec.objectives[name].queries, queries)
    return {"folder": "." if name == spec.primary else name, "relevant": relevant}


def _kind(spec: Spec, row: int) -> Values:
    """One way to find negatives: its function, its name in the counts, its options."""
    kinds = feeding.kinds(spec)
    one, before = kinds[row], Counter(earlier.kind for earlier in kinds[:row])
    name = one.kind
    stem = f"{name}_{one.take}" if isinstance(one, Clusters) else name
    called = f"{name}_{before[name] + 1}" if before[name] else name
    trail = "retriever.negatives"
    found: Values = {
        "name": called,
        "function": Code(called),
        "partial": f"python/negatives/{stem}.py.jinja",
        "per_positive": At(one.per_positive if isinstance(one, Found) else None, f"{trail}.per_positive"),
        "at": At(one, trail),
    }
    if not isinstance(one, Mined):
        return found
    judge = next((module for module, (place, _) in filters(spec).items() if place == row), None)
    return found | _by_model(one, trail) | {"judge": Code(judge) if judge else None}


def _by_model(one: Mined, trail: str) -> Values:
    tuned = one.model == "tuned"
    return {
        "words": Code("tuned" if tuned else "base"),
        "model": At(Code('str(rows.work / "first")' if tuned else "encoder.base_model()"), f"{trail}.model"),
        "by_lot": one.sampling_strategy == "random",
        "margins": one.absolute_margin is not None or one.relative_margin is not None,
        "filters": [
            {"before": Code(before), "value": At(getattr(one, field), f"{trail}.{field}"), "after": Code(after)}
            for field, (before, after) in _FILTERS.items()
            if getattr(one, field) is not None
        ],
    }


_FILTERS = {
    "max_score": ("scores[near] <= ", ""),
    "min_score": ("scores[near] >= ", ""),
    "absolute_margin": ("scores[near] + ", " <= lowest"),
    "relative_margin": ("scores[near] <= lowest - abs(lowest) * ", ""),
}
"""Field -> the code around its value that says which documents stay."""
