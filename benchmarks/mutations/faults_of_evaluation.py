"""Faults of the evaluation: splits that leak, choices on the test set, metrics that measure something else."""

from __future__ import annotations

from mutations.fault import Fault, Row, by_rows, on

_TRAIN = "train: {epochs: 1,"


def _tests_train(rows: list[Row]) -> list[Row]:
    """The test queries' rows once more, on the side that trains."""
    return [*rows, *(row | {"part": "train"} for row in rows if row["part"] == "test")]


def _twins_train(rows: list[Row]) -> list[Row]:
    """The same for a query of another id."""
    tests = [row for row in rows if row["part"] == "test"]
    return [*rows, *(row | {"query_id": f"{row['query_id']}x", "part": "train"} for row in tests)]


def _shouted(rows: list[Row]) -> list[Row]:
    return [*rows, *(row | {"query_id": f"{row['query_id']}x", "query": row["query"].upper() + "  "} for row in rows)]


def _of_two_tickets(rows: list[Row]) -> list[Row]:
    """Every query with the number of a ticket, and once more with that of another."""
    ours = [row | {"query": f"{row['query']} (ticket 1{place:04})"} for place, row in enumerate(rows)]
    others = [
        row | {"query_id": f"{row['query_id']}x", "query": f"{row['query']} (ticket 2{place:04})"}
        for place, row in enumerate(rows)
    ]
    return [*ours, *others]


def _variants(rows: list[Row]) -> list[Row]:
    """Every product once more, with an exclamation mark."""
    return [
        *rows,
        *(row | {"product_id": f"x{row['product_id']}", "description": row["description"][:-1] + "!"} for row in rows),
    ]


SPLITS = (
    Fault(
        "people_split_by_rows",
        "the rows are split at random, and everybody stands on both sides",
        "scikit-learn, User Guide: cross-validation iterators for grouped data",
        "mutual_like",
        "SF302",
        edits=(("split: {by: item, test: 25%, dev: 15%}", "split: {by: anchor}"),),
    ),
    Fault(
        "users_split_by_rows",
        "what one user took stands on both sides of the split",
        "herniqeu/extract0#1, Data leakage: split by chunk and not by document",
        "interacted",
        "SF302",
        edits=(("split: {by: group}", "split: {by: anchor}"),),
    ),
    Fault(
        "named_group_not_used",
        "the rows say which conversation they are of, and the split does not ask",
        "scikit-learn, User Guide: cross-validation iterators for grouped data",
        "joined",
        "SF401",
        edits=(("split: {by: group}", "split: {by: anchor}"),),
    ),
    Fault(
        "dated_events_split_at_random",
        "the events have dates, and later ones train what is tested on earlier ones",
        "Ji et al. 2023, A Critical Study on Data Leakage in Recommender System Offline Evaluation (TOIS)",
        "clicked",
        "SF401",
        edits=(("split: {by: time, dev: 2024-05-01, test: 2024-05-20}", "split: {by: anchor}"),),
    ),
    Fault(
        "chosen_after_reported",
        "the events that choose are later than those that report",
        "Meng et al. 2020, Exploring Data Splitting Strategies for the Evaluation of Recommendation Models (RecSys)",
        "clicked",
        "SF303",
        edits=(("dev: 2024-05-01, test: 2024-05-20", "dev: 2024-05-20, test: 2024-05-01"),),
    ),
    Fault(
        "test_queries_train",
        "the test queries stand among those that train",
        "embeddings-benchmark/mteb#1036, Leaks and duplications in the MTEB leaderboard",
        "judged",
        counted="left_out_for_a_held_out_query",
        data=on("qrels.csv", by_rows(_tests_train)),
    ),
    Fault(
        "test_queries_train_in_capitals",
        "the same, under other ids and in other letters",
        "Lewis, Stenetorp and Riedel 2021, Question and Answer Test-Train Overlap in Open-Domain Question Answering Datasets (EACL)",
        "judged",
        counted="left_out_for_a_held_out_query",
        data=(("qrels.csv", "qrels.csv", by_rows(_twins_train)), ("queries.csv", "queries.csv", by_rows(_shouted))),
    ),
    Fault(
        "test_queries_nearly_train",
        "test queries stand among those that train but for a number",
        "Barz and Denzler 2020, Do We Train on Test Data? Purging CIFAR of Near-Duplicates (J. Imaging)",
        "judged",
        "SF309",
        data=(
            ("qrels.csv", "qrels.csv", by_rows(_twins_train)),
            ("queries.csv", "queries.csv", by_rows(_of_two_tickets)),
        ),
    ),
    Fault(
        "held_out_items_train_under_another_id",
        "variants of the held-out products, the same but for a mark, train",
        "Allamanis 2019, The Adverse Effects of Code Duplication in Machine Learning Models of Code (Onward!)",
        "labelled",
        "SF301",
        data=on("products.csv", by_rows(_variants)),
    ),
    Fault(
        "test_set_too_small",
        "only 2 % of the users report",
        "Card et al. 2020, With Little Power Comes Great Responsibility (EMNLP)",
        "interacted",
        "SF307",
        edits=(
            ("split: {by: group}", "split: {by: group, test: 2%}"),
            ("\naccept:\n  SF307: the tables are made up, and small\n", ""),
        ),
    ),
    Fault(
        "nothing_left_to_train",
        "dev and test take everything",
        "scikit-learn, train_test_split: the sizes of both parts are at most 1",
        "question_answer",
        "SF003",
        edits=(("split: {by: anchor}", "split: {by: anchor, test: 60%, dev: 40%}"),),
    ),
)

CHOICES = (
    Fault(
        "test_set_selects",
        "the best checkpoint on the test queries is kept",
        "JK-Liu7/AttentionMGT-DTA#19; Cawley and Talbot 2010, On Over-fitting in Model Selection (JMLR)",
        "question_answer",
        "SF114",
        edits=((_TRAIN, f"{_TRAIN} select: {{metric: nDCG@10, on: test}},"),),
    ),
    Fault(
        "selects_by_what_is_not_measured",
        "the metric that selects the checkpoint is none that is computed",
        "huggingface/transformers#31450, Give more useful `metric_for_best_model` errors",
        "question_answer",
        "SF002",
        edits=((_TRAIN, f"{_TRAIN} select: {{metric: eval_loss}},"),),
    ),
    Fault(
        "best_of_several_seeds",
        "of several seeds the luckiest is reported",
        "Reimers and Gurevych 2017, Reporting Score Distributions Makes a Difference (EMNLP)",
        "seeds",
        "SF003",
        edits=(("seeds: [42, 43, 44]", "seeds: best"),),
        instead=("evaluation.py", 'metrics["repeats"] = {'),
    ),
    Fault(
        "weight_chosen_on_test",
        "the weight of a fusion is the best on the test queries",
        "Cawley and Talbot 2010, On Over-fitting in Model Selection (JMLR)",
        "substitutes",
        "SF002",
        edits=(("  metrics: [R@10]\n", "  metrics: [R@10]\n  fuse_on: test\n"),),
        instead=("baselines.py", 'read_queries(work, "dev").some(slice(0, 1000)), read_qrels(work, "dev")'),
    ),
)

METRICS = (
    Fault(
        "metric_of_another_task",
        "a ranking is measured by accuracy",
        "terrierteam/ir_measures, documentation: the measures of rankings",
        "question_answer",
        "SF113",
        edits=(("primary: nDCG@10", "primary: Accuracy"),),
    ),
    Fault(
        "metric_past_the_depth",
        "recall at 1,000 is asked for, and rankings are kept to 100",
        "terrierteam/ir_measures, documentation: a measure sees what the run holds",
        "question_answer",
        "SF113",
        edits=(("metrics: [R@10]", "metrics: [R@1000]"),),
    ),
    Fault(
        "metric_by_another_name",
        "the metric is called MRR, and the library has it as RR",
        "terrierteam/ir_measures, documentation: RR, [Mean] Reciprocal Rank",
        "question_answer",
        "SF002",
        edits=(("primary: nDCG@10", "primary: MRR@10"),),
    ),
    Fault(
        "candidates_sampled",
        "the right document is ranked among a hundred drawn at random",
        "Krichene and Rendle 2020, On Sampled Metrics for Item Recommendation (KDD)",
        "question_answer",
        "SF002",
        edits=(("primary: nDCG@10", "primary: nDCG@10\n  candidates: sampled"),),
        instead=(
            "ranking.py",
            'best = scores.shape[1] - 1 - np.argsort(-scores[:, ::-1], axis=1, kind="stable")[:, :depth]',
        ),
    ),
    Fault(
        "positives_put_among_the_candidates",
        "a reranker is given the right documents whether or not the retriever found them",
        "sbert.net, CrossEncoderRerankingEvaluator: `always_rerank_positives` is True",
        "reranker_over_tuned",
        "SF306",
        edits=(("primary: nDCG@10", "primary: nDCG@10\n  candidates: shown"),),
    ),
    Fault(
        "query_finds_itself",
        "a query that is a document of the collection is its own first hit",
        "beir-cellar/beir#91, ignore_identical_ids: important on ArguAna",
        "linked",
        "SF002",
        edits=(("primary: nDCG@10", "primary: nDCG@10\n  keep_own: true"),),
        instead=("ranking.py", "scores[np.arange(len(part.ids)), part.rows] = -np.inf"),
    ),
    Fault(
        "popularity_for_relevance",
        "what is bought with everything is judged to be relevant to everything",
        "Steck 2011, Item Popularity and Recommendation Accuracy (RecSys)",
        "substitutes",
        "SF002",
        edits=(("judgments: {min_count: 2}", "judgments: {min_count: 2, by: count}"),),
        instead=("objective.sql", "1.9208 - 1.96 * sqrt("),
    ),
)
