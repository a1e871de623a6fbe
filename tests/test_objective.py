"""objective.sql on made tables: numbers worked out by hand, and the same counts made again in plain Python."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable

import duckdb
import pytest
from kinds import BOTH, DATED, GONE, HASHED
from variations import changed, planned, rich

from specforge.source import Data
from specforge.templating import render

Event = tuple[str, str, str | None]
"""Basket, item, moment."""

Product = tuple[str, str | None, str, str | None]
"""Id, brand, title, family."""

ITEM: dict[str, Data] = {"by": "item", "test": 0.3, "dev": 0.2, "unit": "id", "seed": 7, "judging_groups": 0.4}
SPLITS: dict[str, dict[str, Data]] = {
    "item": ITEM,
    "item_text": {**ITEM, "unit": "text"},
    "item_family": {**ITEM, "unit": "family"},
    "group": HASHED,
    "time": DATED,
    "time_then_item": {**BOTH, "test": 0.3, "dev": 0.2},
    "time_then_item_family": {**BOTH, "test": 0.3, "dev": 0.2, "unit": "family"},
}
WEIGHTS = ("equal", "lift", "count")

PLAIN: dict[str, Data] = {
    "products": {"path": "p.parquet", "id": "sku", "text": "{brand}: {title}"},
    "order_lines": {"path": "o.parquet"},
}
SIZES: dict[str, Data] = {f"objectives.carts.{name}": 1 for name in ("min_groups", "min_count", "judgments.min_count")}


def script(**changes: Data) -> str:
    """The objective of a spec over two plain tables."""
    data = changed(rich(), {"sources": PLAIN, **SIZES, **{key.replace("__", "."): new for key, new in changes.items()}})
    made = planned(data)
    (file,) = (file for file in made.files if file.name == "objective.sql")
    return render(file.template, file.context)[0]


def run(sql: str, products: list[Product], events: list[Event]) -> duckdb.DuckDBPyConnection:
    """The tables that the script makes of products (id, brand, title, family) and events."""
    db = duckdb.connect()
    db.execute("create schema sources")
    db.execute("create table sources.products (sku varchar, brand varchar, title varchar, family varchar)")
    db.execute("create table sources.order_lines (basket varchar, sku varchar, ordered_at varchar)")
    for row in products:
        db.execute("insert into sources.products values (?, ?, ?, ?)", row)
    for event in events:
        db.execute("insert into sources.order_lines values (?, ?, ?)", event)
    db.execute(sql)
    return db


def carts(name: str, moment: str, groups: list[str]) -> list[Event]:
    """One cart a word, one item a letter."""
    return [(f"{name}{place}", item, moment) for place, group in enumerate(groups) for item in group]


HAND = [
    # 40 carts before March: a in 6, b in 5, together 5; c and d in the rest, together in 30
    *carts("train", "2024-01-15", ["ab"] * 5 + ["ac"] + ["cd"] * 30 + ["ce"] * 4),
    # 12 carts from April on: a and b in 4, c and d in 8
    *carts("test", "2024-04-02 10:00:00", ["ab"] * 4 + ["cd"] * 8),
    # 6 carts in March
    *carts("dev", "2024-03-01", ["ab"] * 3 + ["ce"] * 3),
    # a cart across the first cut, and events without a moment
    ("cut", "a", "2024-02-29"), ("cut", "d", "2024-03-02"), ("never", "a", None), ("never", "d", None),
]  # fmt: skip
LETTERS: list[Product] = [(letter, None, f"item {letter}", None) for letter in "abcde"]


def by_hand(together: int, one: int, other: int, total: int) -> float:
    """The lower end of lift's interval."""
    return (together + 1.9208 - 1.96 * math.sqrt(together + 0.9604)) * total / (one * other)


def test_lift_popularity_and_judgments_are_those_worked_out_by_hand() -> None:
    db = run(script(split=DATED), LETTERS, HAND)
    names = dict(db.sql("select doc, doc_id from documents").fetchall())
    lifts = {(names[a], names[b]): lift for a, b, lift in db.sql("select doc, partner, lift from partners").fetchall()}
    # n = 5: 5 + 1.9208 - 1.96 sqrt(5.9604) = 6.9208 - 4.7851 = 2.1357; times 40 / (6 * 5) is 2.8476
    assert lifts == {("a", "b"): pytest.approx(2.8476, abs=1e-4), ("b", "a"): pytest.approx(2.8476, abs=1e-4)}
    assert by_hand(5, 6, 5, 40) == pytest.approx(2.8476, abs=1e-4)
    # c and d meet in 30 of 40 carts, and c stands in 35: 31.9208 - 1.96 sqrt(30.9604) = 21.0150; 40 / (35 * 30) gives 0.80
    assert by_hand(30, 35, 30, 40) == pytest.approx(0.8006, abs=1e-3)
    assert dict(db.sql("select d.doc_id, seen from popularity join documents as d using (doc)").fetchall()) == {
        "a": 6, "b": 5, "c": 35, "d": 30, "e": 4
    }  # fmt: skip
    qrels = {(split, names[a], names[b]) for split, a, b in db.sql("select split, query, doc from qrels").fetchall()}
    # test: a, b: (5.9208 - 1.96 sqrt(4.9604)) 12 / (4 * 4) = 1.17; c, d: (9.9208 - 1.96 sqrt(8.9604)) 12 / 64 = 0.76
    # dev: (4.9208 - 1.96 sqrt(3.9604)) 6 / 9 = 0.68, both
    assert qrels == {("test", "a", "b"), ("test", "b", "a")}
    summary = dict(db.sql("select what, amount from summary").fetchall())
    assert (summary["groups_train"], summary["groups_dev"], summary["groups_test"]) == (40, 6, 12)
    assert summary["groups_cut"] == 1
    assert summary["events"] == len(HAND)


def test_groups_that_are_too_small_or_too_large_are_left_out() -> None:
    events = carts("g", "2024-01-01", ["a", "ab", "abcde"])
    db = run(script(split=DATED, objectives__carts__max_items=4), LETTERS, events)
    summary = dict(db.sql("select what, amount from summary").fetchall())
    assert (summary["groups_too_small"], summary["groups_too_large"], summary["groups_train"]) == (1, 1, 1)


def test_a_text_leaves_out_what_is_missing_and_equal_texts_are_one_document() -> None:
    products: list[Product] = [
        ("1", "Acme", "Red  shoe", None), ("2", None, "Red shoe", None), ("3", " ", "Red shoe", None),
        ("4", "Acme", "", None), ("5", None, "", None), ("6", "x", "y", None), ("6", "x", "y", None), ("6", "z", "z", None),
    ]  # fmt: skip
    db = run(script(split=DATED), products, [])
    texts = {item: (doc, text) for item, doc, text in db.sql("select item_id, doc_id, text from items").fetchall()}
    assert texts == {
        "1": ("1", "Acme: Red shoe"), "2": ("2", "Red shoe"), "3": ("2", "Red shoe"), "4": ("4", "Acme"), "6": ("6", "x: y")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{title}", "t"),
        ("No. {title}", "No. t"),
        ("{brand}, {title}", "t"),
        ("- {title}{brand}!", "- t!"),
        ("{{{title}}}", "{t}"),
        ("{{{brand}}} {title}", "} t"),
    ],
)
def test_text_templates(template: str, expected: str) -> None:
    sources: Data = {**PLAIN, "products": {"path": "p.parquet", "id": "sku", "text": template}}
    db = run(script(split=DATED, sources=sources), [("1", None, "t", None)], [])
    assert db.sql("select text from items").fetchall() == [(expected,)]


def test_a_source_may_have_columns_called_as_the_scripts_own() -> None:
    """`item_id`, `text`, `unit` and `family` of the source are not those of the script."""
    products: Data = {"path": "p.parquet", "id": "sku", "text": "{item_id} {text} {unit}"}
    sql = script(sources={**PLAIN, "products": products}, split={**ITEM, "unit": "text"})
    db = duckdb.connect()
    db.execute("create schema sources")
    db.execute("create table sources.products as select 's' as sku, 'i' as item_id, 't' as text, 'u' as unit")
    db.execute("create table sources.order_lines (basket varchar, sku varchar, ordered_at varchar)")
    db.execute(sql)
    assert db.sql("select item_id, text, unit from items").fetchall() == [("s", "i t u", "i t u")]


def test_columns_taken_over_hide_those_of_the_same_name() -> None:
    sources: Data = {
        "products": PLAIN["products"],
        "order_lines": {"path": "o.parquet", "join": {"source": "articles", "on": "article", "columns": ("sku",)}},
        "articles": {
            "path": "a.parquet",
            "join": {"source": "codes", "on": "code", "key": "number", "columns": ("sku",)},
        },
        "codes": {"path": "c.parquet"},
    }
    db = duckdb.connect()
    db.execute("create schema sources")
    db.execute("create table sources.products as select 'right' as sku, 'b' as brand, 't' as title")
    db.execute(
        "create table sources.order_lines as select 'wrong' as sku, 1 as article, 'g' as basket, null as ordered_at"
    )
    db.execute("create table sources.articles as select 'wrong' as sku, 1 as article, 2 as code")
    db.execute("create table sources.codes as select 'right' as sku, 2 as number")
    db.execute(script(sources=sources, split=DATED))
    assert db.sql("select group_id, item_id from events").fetchall() == [("g", "right")]


def bucket(key: str) -> int:
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16) % 10_000


def role(unit: str) -> str:
    share = bucket(f"item/7/{unit}")
    return "test" if share < 3000 else "dev" if share < 5000 else "train"


def hashed_fold(group: str, moment: str | None) -> str | None:
    share = bucket(f"group/7/{group}")
    return "test" if share < 2000 else "dev" if share < 3000 else "train"


FOLDS: dict[str, Callable[[str, str | None], str | None]] = {
    "item": lambda group, moment: "judge" if bucket(f"group/7/{group}") < 4000 else "train",
    "group": hashed_fold,
    "time": lambda group, moment: (
        moment and ("test" if moment >= "2024-04" else "dev" if moment >= "2024-03" else "train")
    ),
    "time_then_item": lambda group, moment: moment and ("judge" if moment >= "2024-03" else "train"),
}
UNITS: dict[str, Callable[[str], str]] = {
    "id": lambda sku: sku,
    "text": lambda sku: f"maker title {sku}",
    "family": lambda sku: f"f{int(sku) % 9}",
}


def made(seed: int) -> tuple[list[Product], list[Event]]:
    """40 products in families, 300 carts that keep to one of four themes."""
    chance = random.Random(seed)
    products: list[Product] = [(f"{n}", "Maker", f"Title, {n}!", f"f{n % 9}") for n in range(40)]
    events: list[Event] = []
    for cart in range(300):
        theme, moment = chance.randrange(4), chance.choice(["2024-01-05", "2024-03-09", "2024-04-11"])
        items = {4 * chance.randrange(10) + theme for _ in range(chance.randint(1, 6))}
        events += [(f"c{cart}", f"{item}", moment) for item in sorted(items)]
    return products, events


def counted(events: list[Event], by: str) -> dict[tuple[str, str, str], float]:
    """(Fold, item, partner) -> lift's lower bound, where it is above 1; the SQL's counts made again."""
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group, item, moment in events:
        fold = FOLDS[by](group, moment)
        if fold:
            groups[fold, group].add(item)
    groups = {key: items for key, items in groups.items() if len(items) >= 2}
    totals = Counter(fold for fold, _ in groups)
    seen = Counter((fold, item) for (fold, _), items in groups.items() for item in items)
    pairs = Counter((fold, *pair) for (fold, _), items in groups.items() for pair in itertools.permutations(items, 2))
    lifts = {key: by_hand(n, seen[key[:2]], seen[key[0], key[2]], totals[key[0]]) for key, n in pairs.items()}
    return {key: lift for key, lift in lifts.items() if lift > 1}


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("split", SPLITS)
def test_every_split_and_weight_gives_what_plain_python_counts(split: str, weight: str) -> None:
    products, events = made(3)
    section = SPLITS[split]
    by = str(section["by"])
    db = run(script(split=section, objectives__carts__weight=weight), products, events)
    names = dict(db.sql("select doc, doc_id from documents").fetchall())
    found = {
        (f, names[a], names[b]): x
        for f, a, b, x in db.sql("select fold, doc, partner, lift from associations").fetchall()
    }
    assert found == pytest.approx(counted(events, by))
    roles = dict(db.sql("select doc_id, role from documents").fetchall())
    unit = UNITS[str(section["unit"])] if "unit" in section else None
    assert roles == {name: role(unit(name)) if unit else "known" for name in names.values()}
    rank_by_lift(found, roles, by, db)
    copies = Counter(db.sql("select anchor, positive from training").fetchall())
    rows = db.sql("select anchor, positive, together, lift from pairs").fetchall()
    pairs = {(a, b): (together, lift) for a, b, together, lift in rows}
    assert set(copies) <= set(pairs)
    weights = {pair: {"equal": 1.0, "count": row[0], "lift": row[1]}[weight] for pair, row in pairs.items()}
    mean = sum(weights.values()) / len(weights)
    for (a, b), value in weights.items():
        assert copies[a, b] == math.floor(value / mean + bucket(f"{a}/{b}") / 10_000) if weight != "equal" else 1


def rank_by_lift(
    lifts: dict[tuple[str, str, str], float], roles: dict[str, str], by: str, db: duckdb.DuckDBPyConnection
) -> None:
    """Pairs join known documents; judgments are the best partners of a query of that split in the judging fold."""
    names = dict(db.sql("select doc, doc_id from documents").fetchall())
    known = {name for name, of in roles.items() if of in ("train", "known")}
    expected = {(a, b) for fold, a, b in lifts if fold == "train" and a in known and b in known}
    pairs = {(names[a], names[b]) for a, b in db.sql("select anchor, positive from pairs").fetchall()}
    assert pairs <= expected and {a for a, _ in pairs} == {a for a, _ in expected}
    judged = {(s, names[a], names[b]) for s, a, b in db.sql("select split, query, doc from qrels").fetchall()}
    folds = {"dev": "judge", "test": "judge"} if "item" in by else {"dev": "dev", "test": "test"}
    right = {(s, a, b) for s, fold in folds.items() for f, a, b in lifts if f == fold and roles[a] in (s, "known")}
    assert judged <= right and {row[:2] for row in judged} == {row[:2] for row in right}


def test_a_spec_without_time_has_no_moments() -> None:
    assert "null::timestamp as moment" in script(split=ITEM, objectives__carts__time=GONE)
