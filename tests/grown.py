"""Specs grown from the typed models: the choices at every place of the language, and the spec that some of them make.

A choice is a path such as `split.by` and a label: a value that can be counted, or `ABSENT` or `GIVEN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from bounded import fitted
from pydantic.fields import FieldInfo

from specforge import references
from specforge.catalog.metrics import UNRANKED
from specforge.catalog.roles import Of, Table
from specforge.shapes import Shape, choices, fields, is_section, members, shape
from specforge.source import Data
from specforge.spec import document
from specforge.spec.base import Moment, Section, Share

ABSENT, GIVEN = "(absent)", "(given)"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

Label = bool | int | float | str
Choices = Mapping[str, Label]
"""Path -> what is chosen there."""


@dataclass(frozen=True)
class Option:
    """What may stand at a place: a value, or a section whose keys are places of their own."""

    label: Label
    value: Data = None
    opens: Shape | None = None
    chosen_by: dict[str, Data] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """A place with a choice, and the choices elsewhere without which it does not exist."""

    path: str
    options: tuple[Option, ...]
    when: frozenset[tuple[str, Label]]
    of: Shape
    default: object = None

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        return tuple(option.label for option in self.options)

    @property
    def is_number(self) -> bool:
        """Whether it is a number that has a default, and of which another changes no more than a figure."""
        told = set(self.labels) <= {ABSENT, GIVEN}
        return told and self.of.type in (int, float) and isinstance(self.default, int | float)


def documents() -> list[type[Section]]:
    """The kinds of specs that there are."""
    sections = [one for one in vars(document).values() if isinstance(one, type) and issubclass(one, Section)]
    whole = [one for one in sections if "specforge" in one.model_fields and one.__module__ == document.__name__]
    return [one for one in whole if not any(other is not one and issubclass(other, one) for other in whole)]


ENTRIES: dict[str, tuple[str, ...]] = {"sources": ("docs", "rows"), "objectives": ("it",)}
"""Section with names of the user's own -> the entries that every spec has; elsewhere there is one entry, `part`."""

SECOND = "objectives.too.kind"
"""The kind of a second objective, one word of each class; it has what it needs and no more."""

FIXED: dict[str, Data] = {
    "specforge": 1, "name": "grown", "sources.docs.id": "id", "sources.docs.text": "{title} {words}",
}  # fmt: skip
"""Places without a choice."""

NEVER = ("sources.rows.id", "sources.rows.text", "sources.rows.chunk", "sources.rows.clean", "sources.rows.if_empty")
"""Places that make a collection of what is none."""

PLACES = (
    *(f"data{suffix}" for suffix in references.FORMATS),
    *(f"{scheme}SHOP" for scheme in references.SCHEMES),
    "folder/",
    "package:shop==1.0/shop/data.csv",
)
"""Where rows may lie: a file of every format, what every other reader reads, a folder, and a package."""

WORDS: dict[str, tuple[Data, ...]] = {
    "path": PLACES,
    "unit": ("id", "text", "family"),
    "split.column": ("part", "side"),
    "slices.part.source": ("docs", "rows"),
    "vectors.part.path": ("data.parquet", "package:shop==1.0/shop/data.parquet"),
    "vectors.part.queries": ("asked.parquet",),
    "primary": ("nDCG@10", "RR@10", "Accuracy", *UNRANKED),
    "metric": ("nDCG@10", "Spearman", "Accuracy"),
    "metrics": (("R@10", "AP@10"), ("F1",)),
    "negatives": (({"kind": "random"}, {"kind": "bm25"}),),
    "matryoshka.dimensions": ((64, 32, 16),),
    "index.dimensions": ((16, 32),),
    "weights": ((1.0, 1.0, 0.5),),
    "range": ((0.0, 5.0),),
    "ranks": ((2, 80),),
    "learning_curve": ((100, 200),),
    "base": ("org/model", "./model", "package:models==1.0/models/small"),
    "revision": (COMMIT,),
    "join.source": ("more",),
    "augmentation.part.source": ("docs",),
    "augmentation.part.text": ("{title}",),
    "join.columns": (("brand", "family"),),
    "evaluate.objective": ("it",),
    "mixture": ({"it": 2.0},),
    "accept": ({"SF204": "the titles say it"},),
    "read_as": ({"price": "integer"},),
    "if_empty": ({"words": "nothing said"},),
    "where": ("price > 0",),
    "judged_from": ("2024-03-01",),
    "dev": ("2024-03-01",),
    "test": ("2024-04-01",),
    "seeds": ((1, 2),),
    "reads": (("rows",),),
    "it.query": ("select words as query, id as document, side, moment from rows",),
    "too.query": ("select words as query, id as document, side, moment from rows",),
}
"""End of a path -> texts and lists that make sense there, where any text would not; an entry for a number is not used."""


NUMBERS: dict[str, tuple[int | float, ...]] = {
    "reranker.negatives.per_positive": (0,),
    "retriever.loss.student_temperature": (0.05,),
}
"""Place -> numbers that mean something else than all others."""

SEVERAL: dict[str, tuple[Data, ...]] = {"baselines": ("bm25", "untuned"), "fuse": ("bm25", "untuned")}
"""End of a path -> the words of a list that stand together, where not all may; of other words all do."""


def points(model: type[Section]) -> tuple[Point, ...]:
    """Every place of the language that has a choice, once for each section around it that it may stand in."""
    return _points(shape(model))


@cache
def _points(root: Shape) -> tuple[Point, ...]:
    found = list(_below(root, "", frozenset()))
    kinds = [point for point in found if point.path == "objectives.it.kind"]
    return (*found, *(_second_of(point) for point in kinds))


def _second_of(kinds: Point) -> Point:
    """The point of a second objective, where there are several kinds of them."""
    classes = {option.opens: option for option in reversed(kinds.options)}
    return Point(SECOND, (Option(ABSENT), *reversed(classes.values())), frozenset(), kinds.of)


@dataclass(frozen=True, eq=False)
class Place:
    """A key of a section, or an entry with a name of the user's own, and how it is declared."""

    path: str
    shape: Shape
    info: FieldInfo | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @cached_property
    def choice(self) -> str:
        """Where a choice is named: `split.by` for the section `split`."""
        return self.path if self.shape.tag is None else f"{self.path}.{self.shape.tag}"

    @cached_property
    def options(self) -> tuple[Option, ...]:
        return options(self.path, self.shape, self.info)

    @cached_property
    def entries(self) -> tuple[Place, ...]:
        """Those with names of the user's own, where every spec has some."""
        found = _entries(self.shape)
        names = ENTRIES.get(self.path, ()) if found is not None else ()
        return tuple(Place(f"{self.path}.{name}", found) for name in names if found is not None)


def _below(section: Shape, path: str, when: frozenset[tuple[str, Label]], known: Iterable[str] = ()) -> Iterator[Point]:
    for key in _keys(section, path):
        if key.name not in known:
            for place in key.entries or (key,):
                yield from _at(place, when)


def _at(place: Place, when: frozenset[tuple[str, Label]]) -> Iterator[Point]:
    if place.path in FIXED or place.path in NEVER:
        return
    found = place.options
    if len(found) > 1:
        yield Point(place.choice, found, when, place.shape, place.info.default if place.info is not None else None)
    for option in found:
        if option.opens is not None:
            here = when | {(place.choice, option.label)} if len(found) > 1 else when
            yield from _below(option.opens, place.path, here, option.chosen_by)


@cache
def _keys(section: Shape, path: str) -> tuple[Place, ...]:
    """The keys of a section."""
    model: type[Section] = section.type
    declared = fields(section).items()
    return tuple(Place(f"{path}.{name}".lstrip("."), of, model.model_fields[name]) for name, of in declared)


def options(place: str, of: Shape, info: FieldInfo | None) -> tuple[Option, ...]:
    """What may stand at a place. What has a default of its own word is always written, so that its value is known."""
    found = [option for member in members(of) for option in _of_member(place, member, of.tag, info)]
    labels = [option.label for option in found]
    optional = info is not None and not info.is_required()
    known = optional and info is not None and (info.default in labels or _tag_of(info.default, of) in labels)
    return ((Option(ABSENT),) if optional and not known else ()) + tuple(found)


def _tag_of(default: object, of: Shape) -> object:
    return getattr(default, of.tag, None) if of.tag else None


def _of_member(place: str, of: Shape, tag: str | None, info: FieldInfo | None) -> Iterator[Option]:
    """What may stand at a place of one of the alternatives of a union; of several words for one section the first."""
    if of.tag is not None:
        yield from (option for one in members(of) for option in _of_member(place, one, of.tag, info))
    elif is_section(of):
        words = choices(fields(of)[tag])[:1] if tag is not None else ()
        yield from (Option(word, None, of, {str(tag): word}) for word in words)
        yield from () if words else (Option(GIVEN, None, of),)
    elif _words(place) and of.type not in (int, float):
        known = [value for value in _words(place) if isinstance(value, get_origin(of.type) or of.type)]
        yield from (Option(_label(value), value) for value in known)
    elif get_origin(of.type) is tuple:
        yield from _lists(place, shape(get_args(of.type)[0]))
    elif _entries(of) is not None:
        yield Option(GIVEN, None, shape(_one_entry(of)))
    else:
        words = (False, True) if of.type is bool else choices(of)
        default = info.default if info is not None else None
        yield from (Option(word, word) for word in words)
        yield from () if words else (Option(GIVEN, scalar(place, of, default)),)
        yield from (Option(number, number) for number in NUMBERS.get(place, ()))


def _label(value: Data) -> Label:
    """A text, and a list of texts with commas between them."""
    texts = value if isinstance(value, tuple) else (value,)
    return ", ".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else GIVEN


def _words(place: str) -> tuple[Data, ...]:
    """Those of the longest end of the path that is listed."""
    parts = place.split(".")
    return next((WORDS[end] for start in range(len(parts)) if (end := ".".join(parts[start:])) in WORDS), ())


def _lists(place: str, entry: Shape) -> Iterator[Option]:
    """Each word alone and several together, or one entry."""
    words = choices(entry)
    if not words or entry.tag:
        yield Option(GIVEN, (scalar(place, entry, None),))
        return
    yield from (Option(str(word), (word,)) for word in words)
    several = SEVERAL.get(place.rpartition(".")[2], ())
    yield Option("all", several if several and {*several} <= {*words} else words)


def _entries(of: Shape) -> Shape | None:
    """The section of an entry, where a key holds entries with names of the user's own."""
    found = shape(get_args(of.type)[1]) if get_origin(of.type) is dict else None
    return found if found is not None and (found.tag or any(map(is_section, members(found)))) else None


@cache
def _one_entry(of: Shape) -> type[Section]:
    """A section whose one key stands for an entry of the user's own name."""
    entry = get_args(of.type)[1]
    return type("Entries", (Section,), {"__annotations__": {"part": entry}, "__module__": __name__})


def scalar(place: str, of: Shape, default: object) -> Data:
    """A number or text that fits, and that is not the default."""
    name = place.rpartition(".")[2]
    role = next((limit for limit in of.limits if isinstance(limit, Table | Of)), None)
    if isinstance(role, Table):
        return {"of": "docs", "asked": "asked"}.get(name, "rows")
    if _is(Share, of):
        return 0.3 if default == 0.5 else 0.15
    if _is(Moment, of):
        return "2024-05-01"
    if of.type in (int, float):
        return number(of, default)
    return name


def _is(named: object, of: Shape) -> bool:
    return set(map(repr, shape(named).limits)) <= set(map(repr, of.limits))


def bounds(of: Shape) -> tuple[float, float]:
    """The lowest and highest number that is allowed; infinite where there is none, and a little inside where it is open."""
    low, high, step = float("-inf"), float("inf"), 1 if of.type is int else 1e-6
    for limit in of.limits:
        low = limit.ge if isinstance(limit, Ge) else limit.gt + step if isinstance(limit, Gt) else low  # type: ignore[assignment, operator]
        high = limit.le if isinstance(limit, Le) else limit.lt - step if isinstance(limit, Lt) else high  # type: ignore[assignment, operator]
    return low, high


def number(of: Shape, default: object) -> int | float:
    """The next to the default, or one near the lower end."""
    low, high = bounds(of)
    if of.type is int:
        wanted = default + 1 if isinstance(default, int) else int(max(low, 0)) + 1
        return int(min(wanted, high))
    if isinstance(default, int | float):
        return default * 1.25 if low <= default * 1.25 <= high and default else min(default + 0.05, high)
    return (low + high) / 2 if high - low < 10 else max(low, 0.0) + 1.5


def ways(model: type[Section]) -> dict[str, tuple[Point, ...]]:
    """Path -> its points."""
    found: dict[str, tuple[Point, ...]] = {}
    for point in points(model):
        found[point.path] = (*found.get(point.path, ()), point)
    return found


def point_at(found: Iterable[Point], chosen: Choices) -> Point | None:
    """The point of a path that the choices so far make; None where they make none."""
    return next((point for point in found if all(chosen.get(path) == label for path, label in point.when)), None)


Value = Callable[[str, Shape, Option], Data]
"""What stands at a place, of the kind that an option says."""


def given(place: str, of: Shape, option: Option) -> Data:
    """Always the same."""
    return option.value


def build(model: type[Section], chosen: Choices, value: Value = given) -> dict[str, Data]:
    """The data of a spec. A place that nothing is chosen for has its first option."""
    data = _section(shape(model), "", chosen, value)
    return fitted(model, completed(model, data, chosen))


def _section(
    section: Shape, path: str, chosen: Choices, value: Value, known: Mapping[str, Data] | None = None
) -> dict[str, Data]:
    data: dict[str, Data] = {**(known or {})}
    for key in _keys(section, path):
        if key.entries:
            data[key.name] = {entry.name: _value(entry, chosen, value) for entry in key.entries}
        elif key.name not in data and key.path not in NEVER:
            data[key.name] = _value(key, chosen, value)
    return {name: here for name, here in data.items() if here != ABSENT}


def _value(place: Place, chosen: Choices, value: Value) -> Data:
    if place.path in FIXED:
        return FIXED[place.path]
    label = chosen.get(place.choice, place.options[0].label)
    option = next(option for option in place.options if option.label == label)
    if option.opens is not None:
        return _section(option.opens, place.path, chosen, value, option.chosen_by)
    return ABSENT if option.label == ABSENT else value(place.path, place.shape, option)


def completed(model: type[Section], data: dict[str, Data], chosen: Choices) -> dict[str, Data]:
    """With the sources and objectives that the others name."""
    objectives, sources = section_at(data, "objectives"), section_at(data, "sources")
    if chosen.get(SECOND, ABSENT) != ABSENT:
        objectives = {**objectives, "too": second(model, chosen)}
        train = section_at(data, "retriever", "train")
        if "mixture" in train:
            train["mixture"] = {"it": 2.0, "too": 1.0}
    if any("asked" in one for one in objectives.values() if isinstance(one, dict)):
        sources = {**sources, "asked": {"path": "asked.csv", "id": "id", "text": "{question}"}}
    if any("join" in one for one in sources.values() if isinstance(one, dict)):
        sources = {**sources, "more": {"path": "more.csv"}}
    return {**data, "sources": sources, "objectives": objectives}


def objective(model: type[Section], name: str, chosen: Choices) -> dict[str, Data]:
    """The data of one objective."""
    if name == "too":
        return second(model, chosen)
    entries = next(key for key in _keys(shape(model), "") if key.path == "objectives").entries
    found = _value(next(entry for entry in entries if entry.name == name), chosen, given)
    assert isinstance(found, dict)
    return found


def second(model: type[Section], chosen: Choices) -> dict[str, Data]:
    """A second objective: what its kind needs, and what the split needs of it."""
    point = next(point for point in points(model) if point.path == SECOND)
    option = next(option for option in point.options if option.label == chosen[SECOND])
    assert option.opens is not None
    declared = option.opens.type.model_fields
    wanted = {
        "user_text": True,
        "relevant_from": True,
        "time": str(chosen.get("split.by")).startswith("time"),
        "group": chosen.get("split.by") == "group",
    }
    choices = {f"objectives.too.{name}": GIVEN for name, needed in wanted.items() if needed and name in declared}
    return _section(option.opens, "objectives.too", choices, given, option.chosen_by)


def section_at(data: Data, *keys: str) -> dict[str, Data]:
    """A section; an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
