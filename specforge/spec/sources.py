"""Where rows come from, and which source is a collection of texts."""

from __future__ import annotations

from typing import Literal

from specforge.spec.base import Column, Count, Name, Section, Text


class Join(Section):
    """Columns taken over from another source, matched by key; rows without a partner are left out."""

    source: Name
    """The other source."""

    on: Column
    """The column of this source that holds the key."""

    key: Column | None = None
    """The column of the other source that holds the key, where its name differs from `on`."""

    columns: tuple[Column, ...]
    """The columns to take over."""


class Source(Section):
    """A table: parquet, csv, tsv, json or jsonl, by path, glob or `package:` reference. With `id` and `text` it is a collection."""

    path: Text
    """A file or glob, relative to the spec, or `package:DISTRIBUTION==VERSION/path/in/package`: a file that an installed Python package ships."""

    where: Text | None = None
    """An SQL expression over the columns; rows for which it does not hold are left out."""

    join: Join | None = None
    """Columns taken over from another source."""

    limit: Count | None = None
    """At most this many rows are read, for smoke runs."""

    id: Column | None = None
    """The column that names a document or item of the collection."""

    text: Text | None = None
    """What is embedded: a format string over the columns, such as `{brand} {description}`; an empty column leaves nothing behind."""

    repeated_ids: Literal["refuse", "most_common"] = "refuse"
    """What several rows of one id mean: a mistake, or variants of which the most common text is taken."""

    @property
    def is_collection(self) -> bool:
        return self.id is not None
