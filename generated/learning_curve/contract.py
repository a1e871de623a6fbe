"""Whether a model, wherever it is opened, still turns texts into the vectors that it was kept with.

What is made with a model carries `contract/`: the model's fingerprint, the terms of its encoding, and golden vectors.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

import encoder

TEXTS = 16
LEAST_COSINE = 0.999
MOST_OF_NORM = 0.01
TERMS: dict[str, object] = {
    "prompts": encoder.PROMPTS,
    "max_length": encoder.MAX_LENGTH,
    "similarity": encoder.SIMILARITY,
}
"""What a vector depends on besides weights and tokenizer; what precision changes is seen in the golden vectors."""


def first_texts(work: Path, count: int) -> list[str]:
    """The first documents."""
    found: list[str] = pq.read_table(work / "data/corpus.parquet", columns=["text"])["text"].slice(0, count).to_pylist()
    return found


def golden_texts(work: Path) -> list[str]:
    """A few documents, and one text that is longer than what is read."""
    some = first_texts(work, TEXTS - 1)
    return [*some, " ".join(some * (encoder.MAX_LENGTH // max(len(some), 1) + 1))]


def fingerprint(model: SentenceTransformer) -> str:
    """The sha256 of every weight, of the vocabulary, and of the terms."""
    found = hashlib.sha256(json.dumps(TERMS, sort_keys=True).encode())
    found.update(json.dumps(sorted(model.tokenizer.get_vocab().items())).encode())
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(weight(value))
    return found.hexdigest()


def weight(value: torch.Tensor) -> bytes:
    """The bytes of a weight."""
    found: bytes = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return found


def golden(model: SentenceTransformer, texts: list[str]) -> dict[str, NDArray[np.float32]]:
    """Role -> the vectors of the texts, a row each."""
    return {role: encoder.encode(model, texts, role) for role in encoder.PROMPTS}


def seal(model: SentenceTransformer, work: Path, folder: Path) -> None:
    """Make `contract/` in a folder."""
    texts = golden_texts(work)
    (folder / "contract").mkdir()
    sealed = {"fingerprint": fingerprint(model), "terms": TERMS, "bf16": encoder.BF16, "texts": texts}
    (folder / "contract/contract.json").write_text(json.dumps(sealed, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(folder / "contract/golden.npz", allow_pickle=False, **golden(model, texts))


def hand_on(made_with: Path, folder: Path) -> None:
    """Give a folder the contract of what it was made with."""
    shutil.copytree(made_with / "contract", folder / "contract")


def opened(model: str, made: Path) -> SentenceTransformer:
    """Open the model that a folder was made with, and have it encode the golden texts again.

    Raises:
        ValueError: the folder was made by another model or under other terms [SF507], or its model gives other vectors
            here than where it was trained [SF203].
    """
    sealed = read(made)
    kept, own = sealed["terms"], json.loads(json.dumps(TERMS))
    other = [name for name in kept | own if kept.get(name) != own.get(name)]
    if other:
        raise ValueError(f'"{made}" was made under another contract ({", ".join(other)} differ); make it again [SF507]')
    try:
        loaded = encoder.load(model)
    except Exception as error:  # a damaged file: each library has errors of its own
        raise ValueError(f'"{model}" cannot be opened ({error}); make it again') from error
    if sealed["fingerprint"] != fingerprint(loaded):
        raise ValueError(f'"{made}" was made by another model than "{model}"; make it again [SF507]')
    kept_vectors = read_golden(made)
    for role, found in golden(loaded, sealed["texts"]).items():
        told = difference(kept_vectors[role], found)
        if told:
            raise ValueError(f'"{model}" does not give the vectors that it was kept with: {role}, {told} [SF203]')
    return loaded


def same(one: Path, other: Path) -> None:
    """Refuse two folders that were made by different models.

    Raises:
        ValueError: they were.
    """
    if read(one)["fingerprint"] != read(other)["fingerprint"]:
        raise ValueError(f'"{one}" and "{other}" were made by different models; make them again [SF507]')


def read(made: Path) -> dict[str, Any]:
    """What a folder says of the model that it was made with.

    Raises:
        ValueError: it says nothing that can be read.
    """
    try:
        found: dict[str, Any] = json.loads((made / "contract/contract.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f'"{made}" does not say which model made it ({error}); make it again [SF507]') from error
    return found


def read_golden(made: Path) -> dict[str, NDArray[np.float32]]:
    """The vectors that the model of a folder gave of the golden texts, by role.

    Raises:
        ValueError: there are none that can be read.
    """
    try:
        with np.load(made / "contract/golden.npz") as found:
            return {role: found[role] for role in encoder.PROMPTS}
    except Exception as error:  # a damaged archive: it may fail in many ways
        raise ValueError(
            f'"{made}" does not say which vectors its model gave ({error}); make it again [SF507]'
        ) from error


def difference(kept: NDArray[np.float32], found: NDArray[np.float32]) -> str:
    """How vectors differ, in words; nothing where each has nearly the direction and the length that it had."""
    if kept.shape != found.shape:
        return f"shape {found.shape} instead of {kept.shape}"
    before, now = np.linalg.norm(kept, axis=1), np.linalg.norm(found, axis=1)
    empty = (before == 0) & (now == 0)
    cosines = np.where(empty, 1.0, (kept * found).sum(axis=1) / np.maximum(before * now, 1e-12))
    if not cosines.min() >= LEAST_COSINE:
        return f"a cosine of {cosines.min():.4f} in row {cosines.argmin()}"
    off = np.where(empty, 0.0, np.abs(now - before) / np.maximum(before, 1e-12))
    return f"a length that is off by {off.max():.1%} in row {off.argmax()}" if off.max() > MOST_OF_NORM else ""
