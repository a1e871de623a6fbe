"""Rules about prepared tables and about results: small tables, figures checked against a plain count."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from good_spec import good

from specforge.checks import results, tables
from specforge.problems import Problem

COLUMNS = {
    "corpus": "doc integer, doc_id varchar, text varchar, role varchar",
    "aliases": "item_id varchar, doc_id varchar",
    "queries": "split varchar, query_id varchar, text varchar, doc integer",
    "qrels": "split varchar, query_id varchar, doc_id varchar, relevance integer",
    "pairs": "anchor_id varchar, positive_id varchar, anchor varchar, positive varchar",
    "partners": "doc integer, partner integer, together bigint, lift double",
    "popularity": "doc integer, seen bigint",
    "summary": "what varchar, amount bigint",
}
SPLIT = "split: {by: item, test: 20%}"
OF = "    of: products\n"
BATCH = "batch_size: 64"
BASE = "base: sentence-transformers/all-MiniLM-L6-v2"
BY_TIME = ((SPLIT, "split: {by: time, dev: 2024-02-01, test: 2024-03-01}"), (OF, f"{OF}    time: sold_at\n"))
SUMMARY = {"events": 1000, "groups_train": 100, "groups_judge": 100}

Rows = Sequence[Sequence[object]]


def corpus(texts: Sequence[str], role: str = "train") -> list[tuple[object, ...]]:
    return [(doc, f"d{doc}", text, role) for doc, text in enumerate(texts)]


def pairs(edges: Sequence[tuple[int, int]]) -> list[tuple[str, ...]]:
    return [(f"d{a}", f"d{b}", f"text {a}", f"text {b}") for a, b in edges]


def queries(dev: int, test: int) -> list[tuple[object, ...]]:
    return [
        (split, f"{split}{row}", "text", row)
        for split, number in (("dev", dev), ("test", test))
        for row in range(number)
    ]


def write(data: Path, summary: Mapping[str, int] = SUMMARY, **rows: Rows) -> Path:
    """Tables with the rows given; without them, enough of everything and nothing wrong."""
    apart = [(2 * row, 2 * row + 1) for row in range(100)]
    fine: dict[str, Rows] = {"corpus": corpus(words(200)), "queries": queries(10, 200), "pairs": pairs(apart)}
    data.mkdir(exist_ok=True)
    with duckdb.connect() as db:
        for name, columns in COLUMNS.items():
            db.execute(f"create table {name} ({columns})")
            content = list(summary.items()) if name == "summary" else (fine | rows).get(name, ())
            if content:
                db.executemany(f"insert into {name} values ({', '.join('?' * len(content[0]))})", content)
            db.table(name).write_parquet(str(data / f"{name}.parquet"))
    return data


def words(number: int) -> list[str]:
    """Texts that differ in their letters."""
    letters = itertools.product("abcdefghij", repeat=3)
    return ["".join(found) for found in itertools.islice(letters, number)]


def found(data: Path, *changes: tuple[str, str]) -> list[Problem]:
    return tables.check(*good(*changes), data, data.parent)


def the_one(problems: list[Problem]) -> Problem:
    [problem] = problems
    return problem


def test_nothing_is_wrong(tmp_path: Path) -> None:
    data = write(tmp_path / "data")
    assert found(data) == []
    assert tables.profile(data, 64) == tables.Profile(200, 10, 200, None, 100, 100, None, None, 100, 2)
    assert tables.profile(data).steps_per_epoch is None


def test_nothing_trains(tmp_path: Path) -> None:
    problem = the_one(found(write(tmp_path / "data", pairs=[])))
    assert (problem.code, problem.path, problem.evidence) == (
        "SF004",
        ("objectives", "carts"),
        ("groups: 100 train, 100 judge",),
    )
    assert problem.hint == 'lower "min_count" (5) or "min_groups" (0)'
    problem = the_one(found(write(tmp_path / "data", {"groups_too_small": 9}, pairs=[])))
    assert problem.hint == 'lower "min_items" (2) or raise "max_items" (60)'


def test_nothing_is_judged(tmp_path: Path) -> None:
    problems = found(write(tmp_path / "data", queries=[]))
    assert {(one.code, one.path) for one in problems} == {("SF004", ("split", "dev")), ("SF004", ("split", "test"))}


def test_dates_outside_the_events(tmp_path: Path) -> None:
    moments = {"first_moment": 1_717_200_000_000_000, "last_moment": 1_719_791_999_000_000}
    data = write(tmp_path / "data", {"groups_test": 9, **moments}, pairs=[], queries=queries(0, 200))
    problems = found(data, *BY_TIME)
    assert {(one.code, one.message) for one in problems} == {
        ("SF303", "no group of events lies before 2024-02-01"),
        ("SF303", 'no group of events lies from 2024-02-01 to "test"'),
    }
    assert problems[0].evidence == ("the events run from 2024-06-01 00:00:00 to 2024-06-30 23:59:59",)


def test_groups_on_both_sides_of_a_date(tmp_path: Path) -> None:
    groups = {"groups_train": 50, "groups_dev": 20, "groups_test": 20}
    problem = the_one(found(write(tmp_path / "data", {**groups, "groups_cut": 10}), *BY_TIME))
    assert (problem.code, problem.evidence) == ("SF302", ("10 of 100 groups",))
    assert found(write(tmp_path / "data", {**groups, "groups_cut": 4}), *BY_TIME) == []


@pytest.mark.parametrize(("number", "codes"), [(125, ["SF307"]), (126, [])])
def test_detectable(tmp_path: Path, number: int, codes: list[str]) -> None:
    assert [one.code for one in found(write(tmp_path / "data", queries=queries(1, number)))] == codes


def test_held_out_texts_in_train(tmp_path: Path) -> None:
    rows = corpus([*words(198), "Milk, 1 L", "\uff2d\uff29\uff2c\uff2b 1 l"])
    rows[199] = (199, "d199", rows[199][2], "test")
    problem = the_one(found(write(tmp_path / "data", corpus=rows)))
    assert (problem.code, problem.message) == ("SF301", "1 held-out text also stands in train")
    assert problem.hint == 'set "unit: text" in "split", so that equal texts fall on one side'
    assert found(write(tmp_path / "data", corpus=rows), (SPLIT, "split: {by: group}")) == []


def test_near_duplicates(tmp_path: Path) -> None:
    rows = corpus(["Milk 1 l", "bread", "500 l milk", "rye"])
    rows[2:] = [(*row[:3], "test") for row in rows[2:]]
    problem = the_one(found(write(tmp_path / "data", corpus=rows)))
    assert (problem.code, problem.message) == ("SF309", "50 % of the held-out texts have a near duplicate in train")
    assert problem.evidence[0] == '"500 l milk" and "Milk 1 l"'


def test_one_text_of_several_ids(tmp_path: Path) -> None:
    problem = the_one(found(write(tmp_path / "data", aliases=[("x1", "d0"), ("x2", "d0"), ("x3", "d1")])))
    assert (problem.code, problem.message) == ("SF304", "5 ids have only 2 texts; each text is one document")
    assert problem.evidence == ('"aaa": d0, x1, x2', '"aab": d1, x3')


def test_batches_that_cannot_fill(tmp_path: Path) -> None:
    hub = pairs([(0, row) for row in range(1, 100)])
    problem = the_one(found(write(tmp_path / "data", pairs=hub)))
    assert (problem.code, problem.message) == ("SF104", "an epoch has 2 steps, and one text stands in 99 pairs")
    assert problem.evidence == ("at least 97 of 99 pairs are left out of an epoch",)
    few = pairs(list(itertools.permutations(range(20), 2)))
    problem = the_one(found(write(tmp_path / "data", pairs=few), (BATCH, "batch_size: 128")))
    assert problem.message == "an epoch has 3 steps, and one text stands in 38 pairs"
    wide = pairs([(2 * row, 2 * row + 1) for row in range(20)] * 5)
    problem = the_one(found(write(tmp_path / "data", pairs=wide)))
    assert problem.message == "an epoch has 2 steps, and one text stands in 5 pairs"
    problem = the_one(found(write(tmp_path / "data"), (BATCH, "batch_size: 128")))
    assert (problem.code, problem.message) == ("SF104", "a batch wants 128 pairs, and there are 100")


def by_counting(edges: list[tuple[int, int]], partners: set[tuple[int, int]], size: int) -> tuple[float, float]:
    """The share of negatives that are positives, and of rows with one, over all rows that may stand together."""
    apart = [(one, two) for one, two in itertools.permutations(edges, 2) if not set(one) & set(two)]
    false = [(one, two) for one, two in apart if (one[0], two[1]) in partners]
    hit = 0.0
    for anchor, _ in edges:
        met = sum(one[0] == anchor for one, _ in false) / sum(one[0] == anchor for one in edges)
        hit += 1 - (1 - met / (len(apart) / len(edges))) ** (size - 1)
    return len(false) / len(apart), hit / len(edges)


def test_false_negatives_are_those_of_a_plain_count(tmp_path: Path) -> None:
    graph = {(a, b) for a, b in itertools.permutations(range(24), 2) if (a * b + a + b) % 3 == 0}
    edges = [(a, b) for a, b in sorted(graph) if (a + b) % 4 == 0] + [(0, 3), (0, 3), (5, 8)]
    graph |= set(edges)
    data = write(
        tmp_path / "data",
        pairs=pairs(edges),
        partners=[(a, b, 5, 2.0) for a, b in sorted(graph)],
        corpus=corpus(words(24)),
    )
    [problem] = [one for one in found(data, (BATCH, "batch_size: 8")) if one.code == "SF105"]
    share, rows = by_counting(edges, graph, 8)
    assert problem.message.startswith(f"{100 * share:.0f} % of the in-batch negatives")
    assert problem.evidence[0].startswith(f"{100 * rows:.0f} % of the rows")


def test_pairs_without_other_partners_have_no_false_negatives(tmp_path: Path) -> None:
    apart = [(2 * row, 2 * row + 1) for row in range(100)]
    assert found(write(tmp_path / "data", partners=[(a, b, 5, 2.0) for a, b in apart])) == []


def test_texts_that_are_cut(tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"word": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_truncation(3)
    (tmp_path / "model").mkdir()
    tokenizer.save(str(tmp_path / "model/tokenizer.json"))
    texts = [f"{one} word word word" for one in words(199)] + ["word " * 10]
    data = write(tmp_path / "data", corpus=corpus(texts))
    base = (BASE, "base: ./model\n  max_length: 4")
    assert found(data, base) == []
    prompted = (BASE, 'base: ./model\n  max_length: 4\n  prompts: {document: "passage: "}')
    problem = the_one(found(data, prompted))
    assert (problem.code, problem.message) == ("SF204", "100 % of the texts have more than 4 tokens and are cut")
    assert problem.evidence[0] == "half of the texts have at most 6 tokens, the longest has 12"
    assert problem.hint == 'nine in ten texts are whole at "max_length: 6"'
    (tmp_path / "model/config.json").write_text('{"max_position_embeddings": 5}', encoding="utf-8")
    assert the_one(found(data, prompted)).hint == (
        "nine in ten texts have up to 6 tokens, and the model has positions for 5: put what matters first, or split the texts"
    )


def metrics(**changes: object) -> dict[str, Any]:
    """What evaluation.py writes, with a tuned model that is better than everything."""
    better = {"mean": 0.05, "low": 0.02, "high": 0.08, "p": 0.001}
    fine: dict[str, Any] = {
        "queries": 200,
        "documents": 5000,
        "candidates": [{"documents": 5000, "relevant": 20, "queries": 200}],
        "primary": "nDCG@10",
        "confidence": 0.95,
        "systems": {"tuned": {"nDCG@10": {"mean": 0.5, "low": 0.4, "high": 0.6}}, "co_occurrence": None},
        "differences": [
            {"system": "tuned", "over": over, "metric": "nDCG@10", **better}
            for over in ("untuned", "bm25", "popularity")
        ],
        "sanity": {"oracle": {"nDCG@10": 1.0, "R@10": 0.6}, "random": {"nDCG@10": 0.004, "R@10": 0.002}},
    }
    return json.loads(json.dumps(fine | changes))  # type: ignore[no-any-return]


def after(figures: dict[str, Any]) -> list[Problem]:
    return results.check(*good(), figures)


def test_results_are_fine() -> None:
    assert after(metrics()) == []


def test_above_the_oracle() -> None:
    figures = metrics(systems={"bm25": {"R@10": {"mean": 0.61, "low": 0.6, "high": 0.7}}})
    problem = the_one(after(figures))
    assert (problem.code, problem.message) == ("SF504", '"bm25" has R@10 0.6100, above the best possible, 0.6000')


def test_oracle_and_chance() -> None:
    figures = metrics(sanity={"oracle": {"nDCG@10": 0.9}, "random": {"nDCG@10": 0.03}}, systems={})
    assert [one.message for one in after(figures)] == [
        "a random ranking has nDCG@10 0.0300, and chance allows 0.0263",
        "the best possible ranking has nDCG@10 0.9000, and must have 1",
    ]


def test_chance_bound() -> None:
    """20 relevant of 5000: a random rank is relevant with probability 0.004, and so is the expected nDCG@10."""
    bound = results.chance_bound("nDCG@10", [{"documents": 5000, "relevant": 20, "queries": 200}])
    assert bound == pytest.approx(0.004 + 5 * math.sqrt(0.004 * 0.996 / 200))


def test_chance_among_what_was_shown() -> None:
    """One relevant of four finds itself in the first two in half of all orders; one of 100 in a fiftieth."""
    shown = [{"documents": 4, "relevant": 1, "queries": 300}, {"documents": 100, "relevant": 1, "queries": 100}]
    mean = (300 * 0.5 + 100 * 0.02) / 400
    assert results.chance_bound("R@2", shown) == pytest.approx(mean + 5 * math.sqrt(mean * (1 - mean) / 400))
    assert results.chance_bound("R@10", [{"documents": 4, "relevant": 1, "queries": 9}]) == 1


def test_no_improvement() -> None:
    figures = metrics()
    figures["differences"][1] |= {"mean": 0.01, "low": -0.01}
    problem = the_one(after(figures))
    assert (problem.code, problem.message) == ("SF505", '"tuned" does not beat "bm25" on nDCG@10')
    assert problem.evidence == ("over bm25: +0.0100 (95 % -0.0100 to +0.0800)",)
