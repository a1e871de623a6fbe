"""Vectors of a model on disk, and how similar they say that two are."""

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

import encoder
from held_out import Floats, read_pairs


def write_vectors(model: SentenceTransformer, work: Path, folder: Path) -> None:
    """Encode both ends of the pairs, a row a pair: `test_anchors.npy`, `test_documents.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = read_pairs(work, "test")
    np.save(folder / "test_anchors.npy", encoder.encode(model, pairs.anchors, "query"))
    np.save(folder / "test_documents.npy", encoder.encode(model, pairs.documents, "document"))


def similarities(folder: Path, split: str) -> Floats:
    """The inner product of the two vectors of each pair."""
    anchors, documents = (np.load(folder / f"{split}_{end}.npy") for end in ("anchors", "documents"))
    found: Floats = np.einsum("ij,ij->i", anchors, documents, dtype=np.float64)
    return found
