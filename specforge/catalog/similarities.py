"""How two encoded texts are compared: one row holds every library's spelling of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Similarity:
    """One way to compare two encoded texts.

    Attributes:
        library: the name that a model's `similarity_fn_name` takes.
        function: the function that losses take.
        pairwise: the same for one pair a row.
        faiss_metric: the metric constant of faiss; None where it has none.
        normalised: whether vectors are scaled to length 1 before they are compared.
    """

    library: str
    function: str
    pairwise: str
    faiss_metric: str | None
    normalised: bool


SIMILARITIES = {
    "cosine": Similarity("cosine", "cos_sim", "pairwise_cos_sim", "METRIC_INNER_PRODUCT", True),
    "dot": Similarity("dot", "dot_score", "pairwise_dot_score", "METRIC_INNER_PRODUCT", False),
    "maxsim": Similarity("maxsim", "colbert_scores", "colbert_scores_pairwise", None, True),
}
