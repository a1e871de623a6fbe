"""What training changed: the saved model, opened again, beside its base."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

import encoder
from contract import first_texts, golden_texts, weight

TEXTS = 100
ROLES = {
    "anchor": "query",
    "positive": "document",
    "negative": "document",
}
"""Columns of the training rows, and what their texts are."""


@dataclass(frozen=True)
class Look:
    """A model as it is at one moment: the size and the digest of every weight, and the vectors of a few documents."""

    weights: dict[str, tuple[int, str]]
    vectors: NDArray[np.float32]


def look(model: SentenceTransformer, work: Path) -> Look:
    """Look at a model."""
    weights = {
        name: (value.numel(), hashlib.sha256(weight(value)).hexdigest()) for name, value in model.named_parameters()
    }
    return Look(weights, encoder.encode(model, first_texts(work, TEXTS), "document"))


def trained(model: SentenceTransformer) -> dict[str, int]:
    """How many weights training may change, and their bytes."""
    found = [value for value in model.parameters() if value.requires_grad]
    return {"trainable": sum(value.numel() for value in found), "trainable_bytes": sum(value.nbytes for value in found)}


def compare(before: Look, after: Look) -> dict[str, float]:
    """How many weights there are, how many lie in one that changed, and how far the vectors turned: 1 - cosine."""
    changed = [size for name, (size, seen) in after.weights.items() if before.weights.get(name) != (size, seen)]
    lengths = [np.linalg.norm(one.vectors, axis=1) for one in (before, after)]
    cosines = (before.vectors * after.vectors).sum(axis=1) / np.maximum(lengths[0] * lengths[1], 1e-12)
    return {
        "parameters": sum(size for size, _ in after.weights.values()),
        "changed": sum(changed),
        "turned": float(np.mean(1 - cosines)),
    }


Batch = Callable[[list[dict[str, str]]], dict[str, torch.Tensor]]
"""Makes a batch of training rows, as tokens."""


def tokens(batch: Batch, model: SentenceTransformer, work: Path) -> dict[str, object]:
    """Whether training and encoding read texts as the same tokens; the last text is longer than what is read."""
    seen: list[list[int]] = []
    hook = model[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]["input_ids"].flatten().tolist()))
    texts, otherwise = golden_texts(work), []
    for text in texts:
        rows = batch([dict.fromkeys(ROLES, text)])
        for column, role in ROLES.items():
            seen.clear()
            encoder.encode(model, [text], role)
            trained = rows[f"{column}_input_ids"].flatten().tolist()
            if seen != [trained]:
                otherwise.append(
                    {"column": column, "trained": trained, "encoded": [one for read in seen for one in read]}
                )
    hook.remove()
    return {"read": len(texts) * len(ROLES), "otherwise": otherwise}
