"""Specs of every family of retrievers that encodes texts, for the tests of the compiler: what is changed in the rich spec."""

from __future__ import annotations

from kinds import FEW, GONE, TEXTS, Changes

from specforge.source import Data

EPOCHS: dict[str, Data] = {"metric": "nDCG@10", "on": "dev", "every": "epoch"}
TRIPLETS: dict[str, Data] = {"texts": {
    "kind": "triplets", "rows": "order_lines", "anchor": "words", "positive": "sku", "negative": "other", "of": "products"
}}  # fmt: skip
REGULARISER: dict[str, Data] = {
    "document": 0.0003, "query": 0.0005, "document_threshold": 90, "query_threshold": 9, "warmup": 0.5,
}  # fmt: skip
EXPANSION: dict[str, Data] = {"strategy": "min", "length": 20, "attend": False, "token": "[MASK]"}

LATE: Changes = {
    "retriever.family": "late_interaction",
    "retriever.similarity": "maxsim",
    "retriever.pooling": GONE,
    "index": {"kind": "flat"},
    "retriever.loss": {"kind": "multiple_negatives_ranking", "scale": 1.0},
    "evaluate.baselines": ("popularity", "co_occurrence", "bm25", "untuned"),
    "evaluate.fuse": ("untuned",),
}
"""A rich spec of late interaction, with the family's own options left out."""

MULTI_VECTOR: dict[str, Data] = {
    "kind": "multi_vector", "nlist": 64, "nprobe": 6, "codes": "fp16", "tokens": 12, "candidates": 5
}  # fmt: skip

SPARSE: Changes = {
    "retriever.family": "sparse_encoder",
    "retriever.similarity": "dot",
    "retriever.pooling": GONE,
    "index": {"kind": "flat"},
    "retriever.loss": {"kind": "multiple_negatives_ranking", "scale": 1.0},
    "evaluate.baselines": ("popularity", "co_occurrence", "bm25"),
    "evaluate.fuse": ("popularity",),
}
"""The same of a sparse encoder."""


def _sparse_loss(kind: str, **options: Data) -> Changes:
    return {**SPARSE, "retriever.loss": {"kind": kind, "regulariser": REGULARISER, **options}}


def _of_triplets(changes: Changes) -> Changes:
    return {**changes, **FEW, "objectives": TRIPLETS, "split": TEXTS, "retriever.train.sampler": GONE}


RICH_FAMILIES: dict[str, Changes] = {
    "rich_late": {
        **LATE, "retriever.query_length": 24, "retriever.dimension": 96, "retriever.query_expansion": EXPANSION,
        "retriever.skiplist": ("a", "the"), "retriever.pool_factor": 2.0, "retriever.train.select": EPOCHS,
    },
    "rich_late_cached": {
        **LATE, "index": MULTI_VECTOR, "retriever.loss": {"kind": "cached_multiple_negatives_ranking", "scale": 1.0, "mini_batch_size": 16},
    },
    "rich_sparse": {
        **_sparse_loss("multiple_negatives_ranking", scale=1.0), "retriever.pooling": "max", "retriever.activation": "relu",
        "retriever.max_active_dims": {"query": 32, "document": 128},
    },
    "rich_sparse_symmetric": _sparse_loss("symmetric_multiple_negatives_ranking", scale=1.0),
    "rich_sparse_cached": _sparse_loss("cached_multiple_negatives_ranking", scale=1.0, mini_batch_size=16),
    "rich_sparse_cached_symmetric": _sparse_loss(
        "cached_symmetric_multiple_negatives_ranking", scale=1.0, mini_batch_size=16
    ),
    "rich_sparse_triplet": _of_triplets(_sparse_loss("triplet", margin=4.0)),
    "rich_sparse_cosent": _of_triplets(_sparse_loss("cosent", scale=1.5)),
}  # fmt: skip
"""Every option of the families, written out."""

CLICKS: dict[str, Data] = {
    "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku", "rank": "place",
    "clicked": "is_clicked", "of": "products",
}  # fmt: skip
ALONE: Changes = {"evaluate.baselines": (), "evaluate.fuse": ()}
UNTRAINED: Changes = {"retriever.train": "none", "retriever.loss": GONE}
CHUNK: dict[str, Data] = {"by": "tokens", "size": 100, "overlap": 20}


def _more(name: str, family: Changes) -> dict[str, Changes]:
    """What every family is combined with."""
    of_clicks: Changes = {**family, **FEW, "objectives": {"texts": CLICKS}, "split": TEXTS}
    return {
        f"{name}_plain": {**family, "retriever.similarity": GONE, "evaluate.baselines": GONE},
        f"{name}_untrained": {**family, **UNTRAINED, **ALONE},
        f"{name}_seeds": {**family, "retriever.train.seeds": (1, 2)},
        f"{name}_trusted": {**family, "retriever.trust_remote_code": True},
        f"{name}_chunked": {**of_clicks, "sources.products.chunk": CHUNK, "retriever.train.select": EPOCHS},
        f"{name}_folds": {**of_clicks, "split": {"by": "anchor", "folds": 5}},
        f"{name}_mixture": {
            **of_clicks,
            "objectives": {"texts": CLICKS, "more": CLICKS},
            "retriever.train.mixture": {"texts": 1.0, "more": 2.0},
        },
    }  # fmt: skip


MORE_FAMILIES: dict[str, Changes] = {
    **_more("late", LATE),
    **_more("sparse", SPARSE),
    "late_punctuation": {
        **LATE, "retriever.skiplist": "punctuation", "retriever.query_expansion": {**EXPANSION, "strategy": "fixed"},
    },
    "late_unfilled": {**LATE, "retriever.query_expansion": "none", "retriever.precision": "fp32"},
    "late_cells": {**LATE, "index": {"kind": "multi_vector"}},
    "late_pinned": {**LATE, "retriever.base": "colbert-ir/colbertv2.0", "retriever.dimension": 64},
    "sparse_pooled": {**SPARSE, "retriever.pooling": "sum", "retriever.train.select": EPOCHS},
    "sparse_twice": {**SPARSE, "retriever.activation": "log1p_relu", "retriever.revision": GONE},
}  # fmt: skip
"""Choices within a family."""
