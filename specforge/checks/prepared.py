"""The tables that prepare.py wrote, open for the rules, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from specforge import feeding
from specforge.checks.near import normalised
from specforge.quote import sql
from specforge.source import Source
from specforge.spec.document import Spec

TABLES = ("corpus", "aliases", "queries", "qrels", "pairs", "popularity", "summary")
MORE = ("triplets", "scored", "labelled", "known")


@dataclass(frozen=True)
class Profile:
    """What a plan tells of the rows.

    Attributes:
        clusters_test: what the test queries are drawn in when intervals are made; None where each is drawn alone.
        queries_dev: what is measured to choose by: queries, anchors of pairs or triplets, documents to cluster.
        groups_train: groups (carts) that train; the other folds are None where the split has no such fold.
        steps_per_epoch: batches of an epoch; None without a batch size.
    """

    documents: int
    queries_dev: int
    queries_test: int
    clusters_test: int | None
    pairs: int
    groups_train: int
    groups_dev: int | None
    groups_test: int | None
    groups_judge: int | None
    steps_per_epoch: int | None


@dataclass(frozen=True, eq=False)
class Tables:
    """Prepared tables and the spec they are of.

    Attributes:
        base: the folder of the spec's file.
        objective: the name of the objective that they are of.
        db: has a function `normalised`, a view for each of `TABLES`, and `embedded` (id and text of the documents, or of their chunks), `graph`,
            `anchored`, `relevant` and `asked` (the texts of all queries held out); of `MORE`, those that the spec needs.
        summary: what became of the events and groups: what -> amount.
    """

    spec: Spec
    source: Source
    base: Path
    objective: str
    db: duckdb.DuckDBPyConnection
    profile: Profile
    summary: dict[str, int]

    def row(self, query: str) -> tuple[float, ...]:
        """The one row of numbers that a query gives; null is 0."""
        found = self.db.execute(query).fetchone()
        return tuple(value or 0 for value in found or ())

    def texts(self, query: str) -> list[str]:
        """The one column of texts that a query gives."""
        return [text for (text,) in self.db.execute(query).fetchall()]

    @property
    def of_items(self) -> bool:
        """Whether the queries are documents themselves."""
        return self.spec.objectives[self.objective].queries == "documents"


@contextmanager
def opened(spec: Spec, source: Source, data: Path, base: Path, objective: str) -> Iterator[Tables]:
    """The tables of an objective, under `data`, which prepare.py wrote; `base` is the folder of the spec's file."""
    with connect(data if objective == spec.primary else data / objective) as db:
        summary = read_summary(db)
        task = spec.task if objective == spec.primary else "retrieval"
        yield Tables(
            spec,
            source,
            base,
            objective,
            db,
            count(db, summary, batch_size(spec), task, trained_rows(spec, objective)),
            summary,
        )


def connect(data: Path) -> duckdb.DuckDBPyConnection:
    """A connection with a view for each table in the folder."""
    db = duckdb.connect()
    db.create_function("normalised", normalised)
    for name in TABLES:
        db.read_parquet(str(data / f"{name}.parquet")).create_view(name)
    of_items = (data / "partners.parquet").is_file()
    known = "partners" if of_items else "positives"
    db.read_parquet(str(data / f"{known}.parquet")).create_view(known)
    chunks = data / "chunks.parquet"
    parts = db.read_parquet(str(chunks)).project("chunk_id as id, text") if chunks.is_file() else None
    (parts or db.table("corpus").project("doc_id as id, text")).create_view("embedded")
    db.execute(_GRAPH_OF_ITEMS if of_items else _GRAPH_OF_TEXTS)
    for name in MORE:
        if (data / f"{name}.parquet").is_file():
            db.read_parquet(str(data / f"{name}.parquet")).create_view(name)
    db.execute(clusters_of(data))
    judged = " union select anchor from scored where split <> 'train'" if (data / "scored.parquet").is_file() else ""
    db.execute(f"create view asked as select text from queries{judged}")
    return db


def clusters_of(data: Path) -> str:
    """SQL that makes a view of which queries are drawn together, without rows where none are."""
    file = data / "clusters.parquet"
    rows = (
        f"from read_parquet({sql(str(file))})"
        if file.is_file()
        else "select '' as query_id, '' as cluster, 1 as among where false"
    )
    return f"create view clusters as {rows}"


_GRAPH_OF_ITEMS = """
    create view graph as
    select a.doc_id as anchor_id, b.doc_id as positive_id
    from partners join corpus a on a.doc = partners.doc join corpus b on b.doc = partners.partner;
    create view anchored as select anchor_id, positive_id from pairs;
    create view relevant as
    select anchor_id, positive_id, a.text as anchor, p.text as positive
    from graph join corpus a on a.doc_id = anchor_id join corpus p on p.doc_id = positive_id
"""
_GRAPH_OF_TEXTS = """
    create view graph as select 'query ' || anchor_id as anchor_id, positive_id from positives;
    create view anchored as select 'query ' || anchor_id as anchor_id, positive_id from pairs;
    create view relevant as
    select k.anchor_id, k.positive_id, a.anchor, p.text as positive
    from positives as k join (select distinct anchor_id, anchor from pairs) as a on a.anchor_id = k.anchor_id
    join corpus p on p.doc_id = k.positive_id
"""
"""`graph`: all that is known to be relevant in training, before it is cut to the pairs that train; `anchored`: those pairs;
`relevant`: the graph with the texts. Queries that are texts have ids apart from the documents'."""


CLUSTERS = """
    select case when count(c.cluster) > 0 then count(distinct coalesce('in ' || c.cluster, 'alone ' || u.unit)) end
    from units as u left join clusters as c on c.query_id = u.unit
    where u.split = 'test'
"""
"""What the test queries are drawn in; null where each is drawn alone."""

_JUDGED = "select split, anchor_id as unit, grade from scored where grade is not null"
_UNITS = {
    "retrieval": "select split, query_id as unit from queries",
    "similarity": "select distinct split, anchor_id as unit from scored where score is not null",
    "pairs": f"""
        select distinct split, unit from ({_JUDGED})
        qualify max(grade) over (partition by split) > 0 and min(grade) over (partition by split) = 0
    """,
    "triplets": f"select split, unit from ({_JUDGED}) group by all having max(grade) > 0 and min(grade) = 0",
    "clustering": """
        select split, doc_id as unit from labelled where split is not null
        qualify min(label) over (partition by split) < max(label) over (partition by split)
    """,
}
"""Task -> what is resampled on each side of the split; nothing where a side cannot be measured."""


def read_summary(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What -> amount."""
    return {str(what): int(amount) for what, amount in db.execute("select what, amount from summary").fetchall()}


def batch_size(spec: Spec) -> int | None:
    """Pairs in a batch; None where nothing is trained."""
    train = spec.train
    return train.batch_size if train is not None else None


PAIRS = "select * from pairs"


def profile(data: Path, batch_size: int | None = None, task: str = "retrieval", rows: str = PAIRS) -> Profile:
    """Counts of the prepared tables in a folder."""
    with connect(data) as db:
        return count(db, read_summary(db), batch_size, task, rows)


def trained_rows(spec: Spec, objective: str) -> str:
    """The rows of an objective that train, as SQL."""
    scored = spec.train is not None and feeding.is_fed(spec) and feeding.shape_of(spec, objective) == "scored_pairs"
    return "select * from scored where split = 'train'" if scored else PAIRS


def count(
    db: duckdb.DuckDBPyConnection, summary: dict[str, int], batch_size: int | None, task: str, rows: str
) -> Profile:
    """The same for open tables."""
    found = db.execute(f"""
        with units as ({_UNITS[task]})
        select
            (select count(*) from corpus),
            (select count(*) from units where split = 'dev'),
            (select count(*) from units where split = 'test'),
            ({CLUSTERS}),
            (select count(*) from ({rows}))
    """).fetchone()
    documents, dev, test, clusters, pairs = found or (0, 0, 0, 0, 0)
    train, *judging = (summary.get(f"groups_{fold}") for fold in ("train", "dev", "test", "judge"))
    steps = math.ceil(pairs / batch_size) if batch_size else None
    return Profile(documents, dev, test, clusters or None, pairs, train or 0, judging[0], judging[1], judging[2], steps)
