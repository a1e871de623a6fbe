"""The values that augmentation is filled with: the changed texts, and the other templates of a collection."""

from __future__ import annotations

from specforge import reading, relations
from specforge.catalog.augmentations import Augmentation, OtherText, ReplaceWords
from specforge.catalog.objectives import Objective
from specforge.feeding import augmentations, changed
from specforge.quote import Code, identifier
from specforge.spec.document import Spec
from specforge.templating import At

Values = dict[str, object]

_TRAIL = "retriever.augmentation"


def values(spec: Spec, roles: list[str], folder: str) -> Values:
    """What is done to which columns; `roles` are the texts of the training rows."""
    found = augmentations(spec)
    replacing = {name: value for name, value in found.items() if isinstance(value, ReplaceWords)}
    places = {name: reading.model(value, At(value, f"{_TRAIL}.{name}"), folder) for name, value in replacing.items()}
    return {
        "of_package": any(place["packaged"] for place in places.values()),
        "of_folder": any(place["local"] for place in places.values()),
        "of_revision": any(one.revision for one in replacing.values()),
        "augmentations": [_one(name, value, spec, roles, places.get(name)) for name, value in found.items()],
        "augment_partials": list(dict.fromkeys(f"python/augment/{value.kind}.py.jinja" for value in found.values())),
        "data_folders": ["data" if name == spec.primary else f"data/{name}" for name in spec.objectives],
    }


def _one(name: str, value: Augmentation, spec: Spec, roles: list[str], model: Values | None) -> Values:
    at = At(value, f"{_TRAIL}.{name}")
    options = [field for field in type(value).model_fields if field in ("share", "keep", "candidates")]
    return {
        "model": model,
        "name": name,
        "copies": at.copies if value.by_lot else 1,
        "roles": At(changed(value, roles), at.of.trail),
        "function": Code(value.kind),
        "options": [{"name": Code(field), "value": getattr(at, field)} for field in options],
        "file": _file(name, spec) if isinstance(value, OtherText) else None,
    }


def _file(name: str, spec: Spec) -> str:
    """The table of a template's texts, in the folder of the first objective that has it."""
    having = [one for one, objective in spec.objectives.items() if name in _templates(objective, spec)]
    folder = "" if spec.primary in having else f"{having[0]}/"
    return f"data/{folder}{_table(name)}.parquet"


def _table(name: str) -> str:
    return f"other_{name}"


def _templates(objective: Objective, spec: Spec) -> dict[str, OtherText]:
    """The other templates of the collections that an objective has."""
    collections = (objective.of, getattr(objective, "asked", None))
    found = {name: value for name, value in augmentations(spec).items() if isinstance(value, OtherText)}
    return {name: value for name, value in found.items() if value.source in collections}


def other_texts(objective: Objective, spec: Spec) -> list[Values]:
    """The SQL of the other templates."""
    return [
        {
            "table": Code(identifier(_table(name))),
            "name": _table(name),
            "query": f"select text, other from {identifier(_table(name))} order by text",
            "text": relations.text_expression(value.source, spec.sources[value.source]),
            "other": At(
                relations.text_expression(value.source, spec.sources[value.source], value.text), f"{_TRAIL}.{name}.text"
            ),
            "source": At(relations.relation(value.source, spec), f"{_TRAIL}.{name}.source"),
        }
        for name, value in _templates(objective, spec).items()
    ]
