"""Where rows come from, and which source is a collection of texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specforge.spec.base import Column, Count, Name, Reading, Section, Text
from specforge.spec.chunks import AnyChunk


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
    """A table: files, a data set of the Hub, or a table or query of a database. With `id` and `text` it is a collection."""

    path: Text
    """Where the rows lie: a file or glob relative to the spec, a folder (`events/`), `package:DISTRIBUTION==VERSION/path/in/package` (a file that an installed Python package ships), `hub:ORGANISATION/NAME` or `hub:./folder` (a Hub data set), `sqlite:///shop.db`, or `env:DATABASE_URL` (PostgreSQL, by the address that the environment variable holds)."""

    format: Literal["parquet", "csv", "tsv", "json"] | None = None
    """The format of files, where no suffix says it; a folder needs it."""

    revision: Text | None = None
    """The commit of a Hub data set, 40 hex digits; one of the Hub needs it (SF403)."""

    config: Text | None = None
    """The configuration of a Hub data set, where it has several."""

    part: Text | None = None
    """The part of a Hub data set, such as `train`, which the Hub calls a split."""

    table: Text | None = None
    """The table of a database, `TABLE` or `SCHEMA.TABLE`."""

    query: Text | None = None
    """Instead of `table`: one SELECT in the database's own SQL."""

    read_as: dict[Column, Reading] = Field(default_factory=dict)
    """Columns that hold something else than they seem to: `integer` (12345.0 and "12345" are 12345), `number`, `text`, moments as `seconds` or `milliseconds` since 1970, or by a pattern such as `%d/%m/%Y %H:%M`."""

    where: Text | None = None
    """An SQL expression over the columns; rows for which it does not hold are left out. It reaches nothing but its row's table."""

    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds after which `where` is stopped."""

    join: Join | None = None
    """Columns taken over from another source."""

    limit: Count | None = None
    """At most this many rows are read, for smoke runs."""

    id: Column | None = None
    """The column that names a document or item of the collection."""

    text: Text | None = None
    """What is embedded: a format string over the columns, such as `{brand} {description}`; an empty column leaves nothing behind."""

    if_empty: dict[Column, Text] = Field(default_factory=dict)
    """What the text says where a column is empty, such as `{brand: no brand}`; without it, the column takes the text before it along."""

    clean: tuple[Literal["html", "nfkc", "lowercase"], ...] = ()
    """What is done to each column of the text: `html` removes tags and resolves entities, `nfkc` unites forms of one character (Unicode NFKC), `lowercase` is that. White space is always one blank."""

    chunk: AnyChunk | None = None
    """How documents are cut into chunks. Chunks are embedded and searched; a document scores as its best chunk does, and is judged whole."""

    repeated_ids: Literal["refuse", "most_common"] = "refuse"
    """What several rows of one id mean: a mistake, or variants of which the most common text is taken."""

    @property
    def is_collection(self) -> bool:
        return self.id is not None
