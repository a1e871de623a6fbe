"""How two encoded texts are compared: one row holds every library's spelling of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Distance:
    """How a store compares two vectors.

    Attributes:
        name: its word for it.
        means: what the number is that it answers with.
        similarity: what generated code makes of that number, `score`, to have the similarity again.
        operator: how a query of SQL spells it.
    """

    name: str
    means: str
    similarity: str
    operator: str = ""


@dataclass(frozen=True)
class Similarity:
    """One way to compare two encoded texts.

    Attributes:
        library: the name that a model's `similarity_fn_name` takes.
        function: the function that losses take.
        pairwise: the same for one pair a row.
        faiss_metric: the metric constant of faiss; None where it has none.
        normalised: whether vectors are scaled to length 1 before they are compared.
        stores: the same in each store that holds such vectors.
    """

    library: str
    function: str
    pairwise: str
    faiss_metric: str | None
    normalised: bool
    stores: Mapping[str, Distance]


_OPENSEARCH = Distance(
    "innerproduct",
    "1 more than the inner product, or 1 / (1 - the inner product) where that is below 0",
    "score - 1 if score >= 1 else 1 - 1 / score",
)
"""Its `cosinesimil` refuses vectors of zeros, as a text without any known token has; of vectors with length 1 it is the same."""


SIMILARITIES = {
    "cosine": Similarity(
        "cosine",
        "cos_sim",
        "pairwise_cos_sim",
        "METRIC_INNER_PRODUCT",
        True,
        {
            "pgvector": Distance("vector_cosine_ops", "1 less the cosine", "1 - score", "<=>"),
            "qdrant": Distance("COSINE", "the cosine", "score"),
            "lancedb": Distance("cosine", "1 less the cosine", "1 - score"),
            "opensearch": _OPENSEARCH,
        },
    ),
    "dot": Similarity(
        "dot",
        "dot_score",
        "pairwise_dot_score",
        "METRIC_INNER_PRODUCT",
        False,
        {
            "pgvector": Distance("vector_ip_ops", "the inner product with its sign turned", "-score", "<#>"),
            "qdrant": Distance("DOT", "the inner product", "score"),
            "lancedb": Distance("dot", "1 less the inner product", "1 - score"),
            "opensearch": _OPENSEARCH,
        },
    ),
    "maxsim": Similarity("maxsim", "colbert_scores", "colbert_scores_pairwise", None, True, {}),
}
