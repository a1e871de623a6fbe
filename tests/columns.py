"""Random specs with files that have the columns that they name, and the same with one of these misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from mistakes import Spot, put, spots

from specforge.catalog.roles import Of, Table
from specforge.problems import Keys
from specforge.shapes import shape
from specforge.source import Data
from specforge.spec.base import Section

_KEPT = ("id", "text", "clean", "chunk", "repeated_ids")
"""What a source says besides where its rows lie, and which of them are read."""

_ALWAYS = ("id", "title", "words", "part", "side", "family", "question")
"""Columns that texts, splits and queries name."""

_SLICE: Keys = ("evaluate", "slices", "part", "column")


@dataclass(frozen=True)
class WithColumns:
    """A spec, and the places where it names one column."""

    data: dict[str, Data]
    places: tuple[Keys, ...]

    def misspelt(self) -> Iterator[tuple[Keys, dict[str, Data]]]:
        for keys in self.places:
            changed = put(self.data, keys, "{nowhere}" if keys[-1] == "text" else "nowhere")
            assert isinstance(changed, dict)
            yield keys, changed


def written_columns(model: type[Section], data: dict[str, Data], seed: int, folder: Path) -> WithColumns:
    """The spec on files of one row with its columns, and three of the places that name one."""
    sources = data["sources"]
    assert isinstance(sources, dict)
    tables: dict[str, Data] = {name: _on_a_file(name, table) for name, table in sources.items()}
    local = {**data, "sources": tables}
    found = list(spots(shape(model), local))
    columns = dict.fromkeys([*_ALWAYS, *(str(spot.value) for spot in found if _is_column(spot))])
    header = ",".join('"' + column.replace('"', '""') + '"' for column in columns)
    for name in sources:
        (folder / f"{name}.csv").write_text(f"{header}\n{','.join('1' for _ in columns)}\n", encoding="utf-8")
    used = {str(spot.value) for spot in found if any(isinstance(limit, Table) for limit in spot.shape.limits)}
    possible = [spot.keys for spot in found if _is_column(spot) or _is_of_collection(spot.keys, used)]
    return WithColumns(local, tuple(Random(seed).sample(possible, min(3, len(possible)))))


def _on_a_file(name: str, table: Data) -> dict[str, Data]:
    assert isinstance(table, dict)
    return {"path": f"{name}.csv", **{key: value for key, value in table.items() if key in _KEPT}}


def _is_column(spot: Spot) -> bool:
    named = any(isinstance(limit, Of) for limit in spot.shape.limits) or spot.keys == _SLICE
    return named and isinstance(spot.value, str)


def _is_of_collection(keys: Keys, used: set[str]) -> bool:
    """Whether it is the id, or the text, of a collection that an objective names."""
    return keys[:1] == ("sources",) and {*keys[1:2]} <= used and keys[2:] in (("id",), ("text",))
