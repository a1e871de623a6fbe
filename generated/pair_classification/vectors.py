"""Vectors of a model on disk, and how similar they say that two are."""

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

import encoder
from held_out import Floats, read_pairs


def write_vectors(model: SentenceTransformer, work: Path, folder: Path) -> None:
    """Encode both ends of the pairs, a row a pair: `test_anchors.npy`, `test_documents.npy`, and the same of `dev`."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("dev", "test"):
        pairs = read_pairs(work, split)
        np.save(folder / f"{split}_anchors.npy", encoder.encode(model, pairs.anchors, "query"))
        np.save(folder / f"{split}_documents.npy", encoder.encode(model, pairs.documents, "document"))


def similarities(folder: Path, split: str) -> Floats:
    """The inner product of the two vectors of each pair."""
    anchors, documents = (np.load(folder / f"{split}_{end}.npy") for end in ("anchors", "documents"))
    found: Floats = np.einsum("ij,ij->i", anchors, documents, dtype=np.float64)
    return found
