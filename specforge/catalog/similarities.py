"""How two vectors are compared: one row holds every library's spelling of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Similarity:
    """One way to compare two vectors.

    Attributes:
        library: the name that `SentenceTransformer(similarity_fn_name=...)` takes.
        function: the function of `sentence_transformers.util` that losses take.
        pairwise: the same for one pair a row.
        faiss_metric: the metric constant of faiss.
        normalised: whether vectors are scaled to length 1 before they are compared.
    """

    library: str
    function: str
    pairwise: str
    faiss_metric: str
    normalised: bool


SIMILARITIES = {
    "cosine": Similarity("cosine", "cos_sim", "pairwise_cos_sim", "METRIC_INNER_PRODUCT", True),
    "dot": Similarity("dot", "dot_score", "pairwise_dot_score", "METRIC_INNER_PRODUCT", False),
}
