"""Which choices of sources and slices go together, whatever is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chosen import Chosen, Rule
from grown import ABSENT

from specforge import references


def slice_unsaid(c: Chosen) -> bool:
    asked = c.has("evaluate.slices") and c["evaluate.slices.part.source"] != ABSENT
    return asked and c.has("evaluate.slices.part.column") == c.has("evaluate.slices.part.where")


def reader(c: Chosen, source: str) -> str:
    """What reads a source, as far as its path says it."""
    path = str(c[f"sources.{source}.path"])
    place = references.data(path, "", "csv")
    assert place is not None
    return "folder" if path.endswith("/") else place.reader


def place_rules(source: str) -> Iterator[Rule]:
    at = f"sources.{source}"

    def needs(field: str, *readers: str) -> Callable[[Chosen], bool]:
        return lambda c: reader(c, source) in readers and not c.has(f"{at}.{field}")

    def table_or_query(c: Chosen) -> bool:
        return reader(c, source) in ("sqlite", "postgresql") and c.has(f"{at}.table") == c.has(f"{at}.query")

    yield Rule(f"a folder has a format: {source}", "SF003", (f"{at}.path",), needs("format", "folder"))
    yield Rule(f"a data set has parts: {source}", "SF003", (at,), needs("part", "hub"))
    yield Rule(f"a data set is pinned: {source}", "SF403", (at,), needs("revision", "hub"))
    yield Rule(f"a database has tables: {source}", "SF003", (at,), table_or_query)


RULES = (
    Rule("a slice has one condition", "SF003", ("evaluate.slices.part",), slice_unsaid),
    *place_rules("docs"),
    *place_rules("rows"),
)
