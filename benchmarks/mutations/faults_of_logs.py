"""Faults of joins and of logs: rows that are lost, multiplied or too many."""

from __future__ import annotations

from mutations.fault import Fault, Row, by_rows, by_value, on


def _twice(rows: list[Row]) -> list[Row]:
    return [row for row in rows for _ in range(2)]


def _one_giant(rows: list[Row]) -> list[Row]:
    """A reseller's session, with everything in it."""
    products = dict.fromkeys(row["product_id"] for row in rows)
    return [*rows, *(rows[0] | {"session": "reseller", "product_id": product} for product in products)]


def _of_two_titles(rows: list[Row]) -> list[Row]:
    return [*rows, *(row | {"title": f"{row['title']}, new"} for row in rows[:60])]


JOINS = (
    Fault(
        "join_multiplies_rows",
        "a key of the joined table stands for several rows, and each multiplies the events",
        "pandas documentation, merge: `validate`; github.com/Abineshabee/watcher/discussions/4, join explosions",
        "joined",
        "SF003",
        edits=(("topics: {path: data/articles.csv}", "topics: {path: data/topics.csv}"),),
        data=(("topics.csv", "articles.csv", by_rows(_of_two_titles)),),
    ),
    Fault(
        "join_loses_rows",
        "half of the keys have no partner in the joined table, and their rows vanish",
        "pandas-dev/pandas#58547, merge validation has no check of totality",
        "joined",
        "SF305",
        edits=(("topics: {path: data/articles.csv}", "topics: {path: data/topics.csv}"),),
        data=(("topics.csv", "articles.csv", by_rows(lambda rows: rows[::2])),),
    ),
    Fault(
        "join_meets_nothing",
        "the keys of the two tables are written differently, and no row has a partner",
        "pandas-dev/pandas#58547, merge validation has no check of totality",
        "joined",
        "SF004",
        edits=(("topics: {path: data/articles.csv}", "topics: {path: data/topics.csv}"),),
        data=(("topics.csv", "articles.csv", by_value("article_id", str.upper)),),
    ),
    Fault(
        "events_twice",
        "the log was exported twice, and every event stands in it two times",
        "Lee et al. 2022, Deduplicating Training Data Makes Language Models Better (ACL)",
        "clicked",
        counted="impressions_repeated",
        data=on("searches.csv", by_rows(_twice)),
    ),
    Fault(
        "one_giant_group",
        "a reseller's session holds everything, and makes pairs of everything with everything",
        "Schelter, Boden and Markl 2012, Scalable Similarity-Based Neighborhood Methods with MapReduce (RecSys): the cut of power users",
        "substitutes",
        counted="events_in_groups_too_large",
        data=on("sessions.csv", by_rows(_one_giant)),
    ),
    Fault(
        "filter_leaves_nothing",
        "the condition holds for no row",
        "greatexpectations.io, expect_table_row_count_to_be_between",
        "judged",
        "SF004",
        edits=(("qrels: {path: data/qrels.csv}", "qrels: {path: data/qrels.csv, where: grade > 5}"),),
    ),
)
