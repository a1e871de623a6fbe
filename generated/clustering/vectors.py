"""Vectors of a model on disk."""

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

import encoder
from held_out import read_documents


def write_vectors(model: SentenceTransformer, work: Path, folder: Path) -> None:
    """Encode the documents that report: `test.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "test.npy", encoder.encode(model, read_documents(work, "test").texts, "document"))
