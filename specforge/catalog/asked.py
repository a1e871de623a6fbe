"""The objective that is a query of the user's own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specforge.catalog.evidence import Evidence
from specforge.catalog.roles import Collection, SourceNames
from specforge.spec.base import Count, Text


class Sql(Evidence):
    """A document is relevant to a query as far as an SQL query of your own says so.

    Its rows are judgments: `query` is a text and `document` an id of the collection. It may also give `grade` (1 without
    it, 0 for "not relevant", rounded up where it has a fraction; rows where it is null are left out), `weight` (1 where it
    is null), `moment` for splits by time, and `side` for splits by column or group; and nothing else.
    """

    has_negatives: ClassVar[bool] = True
    notes: ClassVar[bool] = True
    main: ClassVar[str] = "reads"
    provides: ClassVar[tuple[str, ...]] = ("triplets", "pairs")
    time: ClassVar[str] = "moment"
    group: ClassVar[str] = "side"
    kind: Literal["sql"]

    of: Collection
    """The source that is the collection: what is found."""

    reads: SourceNames
    """The sources that the query names as tables, with all their columns, after `where`, `read_as` and `join`."""

    query: Text
    """One SELECT in DuckDB's SQL. It reaches nothing but the tables of `reads`, and calls nothing that changes from run to run, such as `random()` or `now()`."""

    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds after which the query is stopped."""

    min_grade: Count = 1
    """The lowest grade that trains."""

    negatives_per_positive: Count = 1
    """Documents graded 0 that a positive is trained against; each makes a row."""
