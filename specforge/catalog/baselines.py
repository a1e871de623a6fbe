"""Systems that a tuned model must beat, each with what it knows."""

from __future__ import annotations

from dataclasses import dataclass

from specforge.catalog.tasks import OF_RETRIEVER


@dataclass(frozen=True)
class Baseline:
    """A rival that needs no training.

    Attributes:
        title: what it does, in words.
        dense: whether it ranks by vectors of the untuned model.
        known_items_only: whether it has nothing to say about items that were never in a training group.
        of_items: whether it needs queries that are documents of the collection.
        tasks: what it can do.
        reranks: whether it orders anew what the retriever found.
        of_ranks: whether it needs a log that says at which rank a document was shown.
    """

    title: str
    dense: bool
    known_items_only: bool
    of_items: bool = False
    tasks: tuple[str, ...] = ("retrieval",)
    reranks: bool = False
    of_ranks: bool = False


BASELINES = {
    "popularity": Baseline("the items of the most training groups, for every query alike", False, False),
    "co_occurrence": Baseline("the query's own partners in the training groups, by lift", False, True, True),
    "neighbour_transfer": Baseline(
        "the partners of the known items whose texts are nearest (untuned), fused with cosine", True, False, True
    ),
    "bm25": Baseline("words in common, weighted by rarity (Robertson et al. 1994)", False, False),
    "word_overlap": Baseline(
        "words in common, of all that either has (Jaccard)", False, False, tasks=("similarity", "pairs", "triplets")
    ),
    "untuned": Baseline("the base model as it comes", True, False, tasks=OF_RETRIEVER),
    "logged": Baseline("what the product itself ranked for the query, by its log", False, False, of_ranks=True),
    "untuned_reranker": Baseline("the reranker's base as it comes, over the retriever", False, False, reranks=True),
}

TUNED = "tuned"
"""The system that training makes."""
