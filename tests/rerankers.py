"""Specs with rerankers, for the tests of the compiler: what is changed in the rich spec."""

from __future__ import annotations

from family_kinds import LATE, SPARSE
from kinds import CHUNKS, FEW, GONE, HASHED_ITEMS, ROWS, TEXTS, Changes, of_items, of_texts

from specforge.source import Data

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TRAIN: dict[str, Data] = {
    "epochs": 3, "batch_size": 24, "learning_rate": 3e-5, "schedule": "linear", "warmup": 0.2, "weight_decay": 0.02,
    "max_grad_norm": 2.0, "gradient_accumulation": 1, "sampler": "random", "dropout": 0.2, "seeds": (7,),
}  # fmt: skip
BM25: dict[str, Data] = {"family": "bm25", "k1": 1.2, "b": 0.7}
WORDS: Changes = {
    "retriever": BM25,
    "index": GONE,
    "evaluate.baselines": ("popularity",),
    "evaluate.fuse": ("popularity",),
}
ANSWERS: dict[str, Data] = {
    "kind": "question_answer", **ROWS, "question": "question", "answer": "sku", "group": GONE, "time": GONE,
}  # fmt: skip
JUDGED: Changes = {
    "sources.claims": {"path": "../data/claims.parquet", "id": "claim", "text": "{claim_text}"},
    **of_texts(TEXTS, {
        "kind": "judged", "rows": "order_lines", "asked": "claims", "query": "claim", "document": "sku", "grade": "grade",
    }),
}  # fmt: skip
CLICKED: Changes = of_texts(TEXTS, {
    "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku", "rank": "place",
    "clicked": "is_clicked",
})  # fmt: skip


def reranker(loss: dict[str, Data], **more: Data) -> dict[str, Data]:
    """A reranker with a loss."""
    return {"family": "cross_encoder", "base": "org/encoder", "revision": COMMIT, "loss": loss, **more}


RERANKERS: dict[str, Changes] = {
    "rich_reranker": {"reranker": reranker(
        {"kind": "binary_cross_entropy", "positive_weight": 4.0}, prompt="fits: ", max_length=300, precision="bf16",
        over=50, negatives={"per_positive": 6, "ranks": (2, 80)}, train={**TRAIN, "checkpoint_steps": 90},
        activation="identity",
    )},
    "rich_reranker_over_words": {**JUDGED, **WORDS, "evaluate.baselines": GONE, "evaluate.fuse": GONE, "reranker": reranker(
        {"kind": "lambda", "list_size": 20, "mini_batch_size": 12, "k": 10, "sigma": 1.5, "weighting": "lambda_rank"},
        train={**TRAIN, "select": {"metric": "nDCG@10", "on": "dev", "every": 40}},
    )},
    "rich_reranker_over_both": {**JUDGED, "hybrid": {"kind": "weighted", "depth": 70}, "reranker": reranker(
        {"kind": "binary_cross_entropy", "positive_weight": 5.0})},
    "rich_reranker_mnr": {**JUDGED, "reranker": reranker(
        {"kind": "cached_multiple_negatives_ranking", "scale": 8.0, "in_batch_negatives": 3, "mini_batch_size": 40},
        train={**TRAIN, "sampler": "no_duplicates"}, activation="sigmoid",
    )},
    **{
        f"rich_reranker_{kind}": {"reranker": reranker({"kind": kind})}
        for kind in ("multiple_negatives_ranking", "list_net", "list_mle", "p_list_mle", "rank_net", "mse")
    },
    "rich_reranker_adr_mse": {**CLICKED, "reranker": reranker({"kind": "adr_mse", "list_size": 9, "alpha": 2.0})},
}  # fmt: skip
"""Every field of a reranker written out."""

OTHERS_OF_RERANKERS: dict[str, Data] = {
    "retriever.k1": 1.6,
    "reranker.base": "org/other_encoder",
    "reranker.revision": COMMIT[::-1],
    "reranker.prompt": "matches: ",
    "reranker.precision": "fp32",
    "reranker.activation: sigmoid": "identity",
    "reranker.negatives.ranks": (3, 80),
    "reranker.train.schedule": "cosine",
    "reranker.train.sampler: random": "no_duplicates",
    "reranker.train.sampler: no_duplicates": "random",
    "reranker.train.seeds": (8,),
    "reranker.train.select.metric": "R@20",
    "reranker.train.select.on": "test",
    "reranker.train.select.every": 80,
    "reranker.loss.weighting": "ndcg_loss2",
    "reranker.activation": "sigmoid",
}
"""Path of a text or list, with its value where it has several -> another value of it."""

MORE_RERANKERS: dict[str, Changes] = {
    "words_alone": WORDS,
    "words_cut": {**WORDS, "evaluate.dimensions": (64,)},
    "words_chunked": {
        "sources.products.chunk": CHUNKS[1], **of_texts(TEXTS, ANSWERS), **WORDS, "reranker": reranker({"kind": "list_net"}),
    },
    "words_shown": {**CLICKED, **WORDS, "reranker": reranker({"kind": "rank_net"})},
    "words_folds": {"split": {"by": "anchor", "folds": 4}, "objectives": {"texts": {**ANSWERS, "of": "products"}} , **WORDS},
    "words_of_several": {
        "objectives.links": {"kind": "linked", "rows": "order_lines", "item": "sku", "linked_to": "other", "of": "products"},
        **WORDS,
    },
    "words_untrained_reranker": {**WORDS, "reranker": {
        "family": "cross_encoder", "base": "./cross", "train": "none", "precision": "fp32",
    }},
    "reranker_chunked": {
        "sources.products.chunk": CHUNKS[0], **of_texts(TEXTS, ANSWERS), "reranker": reranker({"kind": "list_mle"}),
        "evaluate.baselines": ("bm25", "untuned", "untuned_reranker"),
    },
    "reranker_of_items": {
        **of_items(HASHED_ITEMS, {"kind": "same_attribute", "attribute": "tempo", "within": 5.0}),
        "reranker": reranker({"kind": "p_list_mle"}, base="../models/cross", revision=None),
    },
    "reranker_over_sparse": {**SPARSE, "reranker": reranker({"kind": "list_net"})},
    "reranker_over_sparse_chunked": {
        "sources.products.chunk": CHUNKS[0], **of_texts(TEXTS, ANSWERS), **SPARSE, "evaluate.baselines": ("untuned",),
        "evaluate.fuse": (), "reranker": reranker({"kind": "mse"}),
    },
    "reranker_over_sparse_shown": {
        **CLICKED, **SPARSE, "evaluate.baselines": (), "evaluate.fuse": (), "reranker": reranker({"kind": "rank_net"}),
    },
    "reranker_over_late": {
        **JUDGED, **LATE, "evaluate.baselines": (), "evaluate.fuse": (), "reranker": reranker({"kind": "list_net"}),
    },
    "reranker_over_late_untrained": {
        **JUDGED, **LATE, "retriever.train": "none", "retriever.loss": GONE, "evaluate.baselines": (), "evaluate.fuse": (),
        "reranker": {"family": "cross_encoder", "base": "./cross", "train": "none"},
    },
    "reranker_over_late_shown": {
        **CLICKED, **LATE, "evaluate.baselines": (), "evaluate.fuse": (), "reranker": reranker({"kind": "rank_net"}),
    },
    "reranker_over_matryoshka": {
        "retriever.matryoshka": {"dimensions": (384, 64)}, "evaluate.dimensions": (64,),
        "reranker": reranker({"kind": "list_net"}),
    },
    "reranker_over_mined": {"retriever.negatives": {"kind": "mined"}, "reranker": reranker({"kind": "list_net"})},
    "reranker_untrained": {
        "reranker": {"family": "cross_encoder", "base": "./cross", "train": "none"}, "evaluate.baselines": ("untuned",),
    },
    "reranker_over_lora": {"retriever.adaptation": {"kind": "lora"}, "reranker": reranker({"kind": "list_net"})},
    "reranker_mse": {**JUDGED, "reranker": reranker({"kind": "mse"}, activation="sigmoid")},
    "reranker_mse_ungraded": {
        "reranker": reranker({"kind": "mse"}, train={"select": {"metric": "nDCG@10"}}), "retriever.train": "none",
        "retriever.loss": GONE, **FEW, "evaluate.fuse": (), "evaluate.baselines": ("bm25",),
    },
    "reranker_mutual": {
        **of_items(HASHED_ITEMS, {
            "kind": "mutual_like", "events": "order_lines", "person": "sku", "other": "other", "liked": "yes",
        }),
        "reranker": reranker({"kind": "multiple_negatives_ranking"}, train={"select": {"metric": "R@5", "every": 10}}),
    },
}  # fmt: skip
"""Choices of rerankers, and of retrievers that compare words."""
