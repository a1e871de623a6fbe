"""Logistic regression on vectors of a model that stays as it is."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

STRENGTHS = [0.1, 1.0, 10.0, 100.0]


def fit(
    vectors: NDArray[np.float32],
    labels: list[str],
    held_out: NDArray[np.float32],
    expected: list[str],
) -> LogisticRegression:
    """The head; of the strengths of regularisation, the one that is right most often on the held-out vectors."""
    heads = [
        LogisticRegression(C=strength, class_weight=None, max_iter=1000).fit(vectors, labels) for strength in STRENGTHS
    ]
    return max(heads, key=lambda head: float(head.score(held_out, expected)))
