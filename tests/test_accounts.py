"""Nothing is dropped in silence: for every kind of objective the summary adds up to the rows of the tables."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import duckdb
import pytest
from kinds import KINDS, MORE
from variations import changed, planned, rich

from specforge import context
from specforge.checks.accounts import accounts
from specforge.plan import Plan
from specforge.spec.document import Spec
from specforge.templating import render

ALL = {name: one for name, one in {"rich": {}, **KINDS, **MORE}.items() if "evaluate.slices" not in one}
ROWS = 3000

Draw = Callable[[random.Random], object]


def one_of(prefix: str, number: int, share_of_null: float = 0.05) -> Draw:
    """An id, or none."""
    return lambda draw: None if draw.random() < share_of_null else f"{prefix}{draw.randrange(number)}"


def blank_or(value: Draw) -> Draw:
    """A value, or a text with nothing in it."""
    return lambda draw: " " if draw.random() < 0.05 else value(draw)


def number_to(most: int) -> Draw:
    return lambda draw: draw.randrange(most + 1)


def ids(draw: random.Random) -> object:
    return None if draw.random() < 0.1 else [f"s{draw.randrange(70)}" for _ in range(draw.randrange(4))]


MOMENTS = (None, "2024-01-10", "2024-02-28", "2024-03-02 10:00:00", "2024-05-01")
ARTICLES = [(f"a{number}", f"s{number}") for number in range(70)] + [("a1", "s1")]
LINES: dict[str, tuple[str, Draw]] = {
    "article": ("varchar", one_of("a", 75)),
    **{name: ("varchar", one_of("s", 70)) for name in ("other", "passage", "good", "bad")},
    **{name: ("varchar", one_of("g", 300)) for name in ("basket", "session", "talk", "search", "answer_id", "user")},
    **{name: ("varchar", blank_or(one_of("words ", 400))) for name in ("question", "words", "profile")},
    "claim": ("varchar", one_of("c", 50)),
    "maker": ("varchar", one_of("m", 12)),
    "did": ("varchar", lambda draw: draw.choice(["view", "buy", "wish", None])),
    "part": ("varchar", lambda draw: draw.choice(["train", "dev", "test", "held out", "else", None])),
    **{name: ("varchar", lambda draw: draw.choice(MOMENTS)) for name in ("at", "ordered_at")},
    **dict.fromkeys(("passages", "cited"), ("varchar[]", ids)),
    **{name: ("integer", number_to(3)) for name in ("grade", "place")},
    "stayed": ("double", number_to(30)),
    **{name: ("boolean", lambda draw: draw.random() < 0.5) for name in ("is_cited", "is_clicked", "yes")},
    "score": ("double", lambda draw: draw.random() * 5),
}
PRODUCTS: dict[str, tuple[str, Draw]] = {
    "sku": ("varchar", one_of("s", 60)),
    "title": ("varchar", one_of("title ", 40, 0.2)),
    "size": ("varchar", lambda _: None),
    "maker_id": ("varchar", one_of("m", 12)),
    "tempo": ("double", number_to(100)),
    "label": ("varchar", one_of("label ", 5)),
}


KEPT = {
    "same_group": "select count(*) from occurrences",
    "evidence": "select count(*) from named join questions using (query) where fold is not null and named.doc is distinct from questions.doc",
}
"""What really goes on, counted where it does."""


def fill(db: duckdb.DuckDBPyConnection, name: str, columns: dict[str, tuple[str, Draw]], rows: int) -> None:
    """Rows drawn at random, each of the last hundred twice."""
    draw = random.Random(name)
    made = [[value(draw) for _, value in columns.values()] for _ in range(rows)]
    typed = ", ".join(f'"{column}" {kind}' for column, (kind, _) in columns.items())
    db.execute(f"create table sources.{name} ({typed})")
    places = ", ".join("?" * len(columns))
    db.executemany(f"insert into sources.{name} values ({places})", [*made, *made[-100:]])


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.create_function("nfkc", lambda text: unicodedata.normalize("NFKC", text), ["varchar"], "varchar")
    db.execute("create schema sources")
    fill(db, "order_lines", LINES, ROWS)
    fill(db, "products", PRODUCTS, 150)
    fill(db, "claims", {"claim": ("varchar", one_of("c", 40)), "claim_text": ("varchar", one_of("text ", 40))}, 60)
    db.execute("create table sources.articles as select * from (values ('a1', 's1')) t (article_number, sku) limit 0")
    db.executemany("insert into sources.articles values (?, ?)", ARTICLES)
    db.execute("create table sources.makers (maker varchar, brand varchar, family varchar, about varchar)")
    makers = [(f"m{n}", f"b{n}", f"f{n % 3}", f"about {n}") for n in range(10)]
    db.executemany("insert into sources.makers values (?, ?, ?, ?)", makers)
    return db


@pytest.mark.parametrize("kind", ALL)
def test_the_summary_adds_up_to_the_rows(tables: duckdb.DuckDBPyConnection, kind: str) -> None:
    made = planned(changed(rich(), ALL[kind]))
    for name in made.spec.objectives:
        check_sums(tables, made, name)


def judge(db: duckdb.DuckDBPyConnection, made: Plan) -> None:
    """What prepare.py does for queries of the user's own before the SQL of the objectives."""
    for file in made.files:
        if file.name == "joins.sql":
            db.execute(render(file.template, file.context)[0])
    for file in made.files:
        if file.template == "sql/objective.sql.jinja" and "judgments" in str(file.context["main"]):
            db.execute(f"""
                create table {file.context["main"]} as
                select words as query, sku as document, nullif(grade, 3) as grade, 1.0 as weight, "at"::timestamp as moment, talk as side
                from sources.order_lines as l left join (select distinct sku, article_number from sources.articles) as a
                on a.article_number = l.article
            """)


def check_sums(tables: duckdb.DuckDBPyConnection, made: Plan, name: str) -> None:
    """The sums of one objective, in a transaction that is rolled back."""
    script = context.script(name, made.spec) if isinstance(made.spec, Spec) else "objective.sql"
    [file] = (file for file in made.files if file.name == script)
    db = tables.cursor()
    db.execute("begin")
    db.execute("set search_path = 'main'")
    try:
        judge(db, made)
        db.execute(render(file.template, file.context)[0])
        found = {str(what): int(amount) for what, amount in db.sql("select what, amount from summary").fetchall()}
        objective = made.spec.objectives[name]
        read = file.context["main"]
        [kept] = db.execute(KEPT[objective.sql]).fetchall()
        [given] = db.execute(f"select count(*) from {read}").fetchall()
    finally:
        db.execute("rollback")
    sums = list(accounts(objective))
    assert all(one.adds_up(found) for one in sums), [(one, found) for one in sums if not one.adds_up(found)]
    assert [what for what, amount in found.items() if amount < 0] == []
    assert (found["source_rows"],) == given
    assert found["collection_documents"] > 0
    assert (found.get("rows_kept", found.get("events_kept")),) == kept
    assert kept > (0,)
    known = {part for one in sums for part in one.parts}
    left_out = {what for what in found if what.startswith(("events_", "rows_", "impressions_", "collection_"))}
    assert left_out - known <= {"collection_rows"}, left_out - known
