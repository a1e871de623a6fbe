"""Base models: what each was trained with, and so expects: prompts, pooling, lengths, similarity, and its size.

Each entry is what the model's own card says, at `https://huggingface.co/` and the name; what a card does not say is
None. A model's own files, where they are at hand, come first (`specforge.models`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Base:
    """What is known of a base model.

    Attributes:
        prompts: before queries and before documents, in search; `{task}` stands for words of the user's. Two empty
            texts where the card says that there are none.
        alike: prompts that stand before both sides where queries and documents are texts of one kind.
        pooling: `mean`, `cls` or `last_token`; another word for what the language does not have.
        plain: an encoder that was not trained to give vectors of texts, and has no pooling of its own.
        static: a model without layers.
        normalised: whether its last module scales vectors to length 1.
        similarity: what it was trained to be compared by.
        positions: the most tokens that it can read.
        dimension: the length of its vectors, or of its tokens' vectors.
        layers: how many it has.
        parameters: how many weights it has.
        code: whether it runs only with Python code of its own.
    """

    prompts: tuple[str, str] | None = None
    alike: tuple[str, ...] = ()
    pooling: str | None = None
    plain: bool = False
    static: bool = False
    normalised: bool | None = None
    similarity: str | None = None
    positions: int | None = None
    dimension: int | None = None
    layers: int | None = None
    parameters: int | None = None
    code: bool = False


_SEARCHING = "Represent this sentence for searching relevant passages: "
_SEARCHING_ZH = "为这个句子生成表示以用于检索相关文章："  # noqa: RUF001
_INSTRUCT = "Instruct: {task}\nQuery: "
_INSTRUCT_QWEN = "Instruct: {task}\nQuery:"
_NOMIC = ("search_query: ", "search_document: ")
_NOMIC_ALIKE = ("search_document: ", "clustering: ", "classification: ")


def _tuned(
    pooling: str,
    dimension: int,
    layers: int | None,
    millions: int,
    positions: int = 512,
    *,
    prompts: tuple[str, str] | None = None,
    alike: tuple[str, ...] = (),
    normalised: bool | None = None,
    similarity: str = "cosine",
    code: bool = False,
) -> Base:
    """A model that was trained to give vectors of texts."""
    return Base(
        prompts=prompts,
        alike=alike,
        pooling=pooling,
        normalised=normalised,
        similarity=similarity,
        positions=positions,
        dimension=dimension,
        layers=layers,
        parameters=millions * 1_000_000,
        code=code,
    )


def _e5(dimension: int, layers: int, millions: int) -> Base:
    """intfloat/e5-base-v2, intfloat/multilingual-e5-base: "query: " on both sides for symmetric tasks."""
    prompts = ("query: ", "passage: ")
    return _tuned("mean", dimension, layers, millions, prompts=prompts, alike=("query: ",), normalised=True)


def _asking(query: str, dimension: int, layers: int, millions: int, positions: int = 512) -> Base:
    """BAAI/bge-base-en-v1.5, Snowflake/snowflake-arctic-embed-m, mixedbread-ai/mxbai-embed-large-v1: before queries only."""
    return _tuned("cls", dimension, layers, millions, positions, prompts=(query, ""), alike=("",))


def _instructed(query: str, pooling: str, dimension: int, layers: int, millions: int, positions: int = 32768) -> Base:
    """intfloat/e5-mistral-7b-instruct, Qwen/Qwen3-Embedding-0.6B: a task in words before queries, nothing before documents."""
    return _tuned(pooling, dimension, layers, millions, positions, prompts=(query, ""), alike=(query, ""))


def _nomic(dimension: int, layers: int, millions: int) -> Base:
    """nomic-ai/nomic-embed-text-v1.5, nomic-ai/modernbert-embed-base: the task before every text."""
    return _tuned("mean", dimension, layers, millions, 8192, prompts=_NOMIC, alike=_NOMIC_ALIKE)


def _plain(dimension: int, layers: int, millions: int, positions: int = 512) -> Base:
    """google-bert/bert-base-uncased, answerdotai/ModernBERT-base: trained on masked words alone."""
    weights = millions * 1_000_000
    return Base(plain=True, positions=positions, dimension=dimension, layers=layers, parameters=weights)


def _static(dimension: int) -> Base:
    """sentence-transformers/static-retrieval-mrl-en-v1, minishlab/potion-base-8M: vectors of tokens, and no layers."""
    return Base(static=True, dimension=dimension, similarity="cosine")


BASES: dict[str, Base] = {
    r"intfloat/e5-small(-v2)?": _e5(384, 12, 33),
    r"intfloat/e5-base(-v2)?": _e5(768, 12, 109),
    r"intfloat/e5-large(-v2)?": _e5(1024, 24, 335),
    r"intfloat/multilingual-e5-small": _e5(384, 12, 118),
    r"intfloat/multilingual-e5-base": _e5(768, 12, 278),
    r"intfloat/multilingual-e5-large": _e5(1024, 24, 560),
    r"intfloat/multilingual-e5-large-instruct": _instructed(_INSTRUCT, "mean", 1024, 24, 560, 512),
    r"intfloat/e5-mistral-7b-instruct": _instructed(_INSTRUCT, "last_token", 4096, 32, 7111),
    r"Salesforce/SFR-Embedding-Mistral": _instructed(_INSTRUCT, "last_token", 4096, 32, 7111),
    r"Qwen/Qwen3-Embedding-0\.6B": _instructed(_INSTRUCT_QWEN, "last_token", 1024, 28, 596),
    r"Qwen/Qwen3-Embedding-4B": _instructed(_INSTRUCT_QWEN, "last_token", 2560, 36, 4022, 40960),
    r"Qwen/Qwen3-Embedding-8B": _instructed(_INSTRUCT_QWEN, "last_token", 4096, 36, 7567, 40960),
    r"BAAI/bge-small-en(-v1\.5)?": _asking(_SEARCHING, 384, 12, 33),
    r"BAAI/bge-base-en(-v1\.5)?": _asking(_SEARCHING, 768, 12, 109),
    r"BAAI/bge-large-en(-v1\.5)?": _asking(_SEARCHING, 1024, 24, 335),
    r"BAAI/bge-base-zh(-v1\.5)?": _asking(_SEARCHING_ZH, 768, 12, 102),
    r"BAAI/bge-large-zh(-v1\.5)?": _asking(_SEARCHING_ZH, 1024, 24, 326),
    r"BAAI/bge-m3": _tuned("cls", 1024, 24, 568, 8192, prompts=("", ""), normalised=True),
    r"thenlper/gte-small": _tuned("mean", 384, 12, 33, normalised=True),
    r"thenlper/gte-base": _tuned("mean", 768, 12, 109, normalised=True),
    r"thenlper/gte-large": _tuned("mean", 1024, 24, 335, normalised=True),
    r"Alibaba-NLP/gte-base-en-v1\.5": _tuned("cls", 768, 12, 137, 8192, code=True),
    r"Alibaba-NLP/gte-large-en-v1\.5": _tuned("cls", 1024, 24, 434, 8192, code=True),
    r"Alibaba-NLP/gte-multilingual-base": _tuned("cls", 768, 12, 305, 8192, code=True),
    r"Alibaba-NLP/gte-modernbert-base": _tuned("cls", 768, 22, 149, 8192),
    r"sentence-transformers/all-MiniLM-L6-v2": _tuned("mean", 384, 6, 23, normalised=True),
    r"sentence-transformers/all-MiniLM-L12-v2": _tuned("mean", 384, 12, 33, normalised=True),
    r"sentence-transformers/all-mpnet-base-v2": _tuned("mean", 768, 12, 109, normalised=True),
    r"sentence-transformers/all-distilroberta-v1": _tuned("mean", 768, 6, 82, normalised=True),
    r"sentence-transformers/multi-qa-MiniLM-L6-cos-v1": _tuned("mean", 384, 6, 23, normalised=True),
    r"sentence-transformers/multi-qa-mpnet-base-cos-v1": _tuned("mean", 768, 12, 109, normalised=True),
    r"sentence-transformers/multi-qa-mpnet-base-dot-v1": _tuned(
        "cls", 768, 12, 109, normalised=False, similarity="dot"
    ),
    r"sentence-transformers/msmarco-distilbert-base-tas-b": _tuned(
        "cls", 768, 6, 66, normalised=False, similarity="dot"
    ),
    r"sentence-transformers/msmarco-distilbert-dot-v5": _tuned("mean", 768, 6, 66, normalised=False, similarity="dot"),
    r"sentence-transformers/msmarco-bert-base-dot-v5": _tuned("mean", 768, 12, 109, normalised=False, similarity="dot"),
    r"sentence-transformers/paraphrase-MiniLM-L6-v2": _tuned("mean", 384, 6, 23, normalised=False),
    r"sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": _tuned("mean", 384, 12, 118, normalised=False),
    r"sentence-transformers/paraphrase-multilingual-mpnet-base-v2": _tuned("mean", 768, 12, 278, normalised=False),
    r"nomic-ai/nomic-embed-text-v1(\.5)?": _nomic(768, 12, 137),
    r"nomic-ai/modernbert-embed-base": _nomic(768, 22, 149),
    r"lightonai/modernbert-embed-large": _nomic(1024, 28, 395),
    r"Snowflake/snowflake-arctic-embed-xs": _asking(_SEARCHING, 384, 6, 23),
    r"Snowflake/snowflake-arctic-embed-s": _asking(_SEARCHING, 384, 12, 33),
    r"Snowflake/snowflake-arctic-embed-m(-v1\.5)?": _asking(_SEARCHING, 768, 12, 109),
    r"Snowflake/snowflake-arctic-embed-l": _asking(_SEARCHING, 1024, 24, 335),
    r"Snowflake/snowflake-arctic-embed-l-v2\.0": _asking("query: ", 1024, 24, 568, 8192),
    r"mixedbread-ai/mxbai-embed-large-v1": _asking(_SEARCHING, 1024, 24, 335),
    r"WhereIsAI/UAE-Large-V1": _asking(_SEARCHING, 1024, 24, 335),
    r"google/embeddinggemma-300m": _tuned(
        "mean",
        768,
        24,
        308,
        2048,
        prompts=("task: search result | query: ", "title: none | text: "),
        alike=("task: sentence similarity | query: ",),
        normalised=True,
    ),
    r"ibm-granite/granite-embedding-30m-english": _tuned("cls", 384, None, 30),
    r"ibm-granite/granite-embedding-125m-english": _tuned("cls", 768, 12, 125),
    r"jinaai/jina-embeddings-v2-small-en": _tuned("mean", 512, None, 33, 8192, code=True),
    r"jinaai/jina-embeddings-v2-base-en": _tuned("mean", 768, None, 137, 8192, code=True),
    r"sentence-transformers/static-retrieval-mrl-en-v1": _static(1024),
    r"sentence-transformers/static-similarity-mrl-multilingual-v1": _static(1024),
    r"minishlab/potion-base-8M": _static(256),
    r"minishlab/potion-(base|retrieval)-32M": _static(512),
    r"(google-bert/)?bert-base-(un)?cased": _plain(768, 12, 110),
    r"(google-bert/)?bert-large-(un)?cased": _plain(1024, 24, 335),
    r"(google-bert/)?bert-base-multilingual-(un)?cased": _plain(768, 12, 178),
    r"(distilbert/)?distilbert-base-(un)?cased": _plain(768, 6, 66),
    r"(distilbert/)?distilroberta-base": _plain(768, 6, 82),
    r"(FacebookAI/)?roberta-base": _plain(768, 12, 125),
    r"(FacebookAI/)?roberta-large": _plain(1024, 24, 355),
    r"(FacebookAI/)?xlm-roberta-base": _plain(768, 12, 278),
    r"(FacebookAI/)?xlm-roberta-large": _plain(1024, 24, 560),
    r"microsoft/mpnet-base": _plain(768, 12, 109),
    r"microsoft/MiniLM-L12-H384-uncased": _plain(384, 12, 33),
    r"nreimers/MiniLM-L6-H384-uncased": _plain(384, 6, 23),
    r"answerdotai/ModernBERT-base": _plain(768, 22, 149, 8192),
    r"answerdotai/ModernBERT-large": _plain(1024, 28, 395, 8192),
}
"""The name on the Hub, as a pattern that must match whole -> what is known. Case does not count."""


def known(name: str) -> Base | None:
    """What is known of a Hub model by its name alone. Models of sentence-transformers may be named without their organisation."""
    for text in (name, f"sentence-transformers/{name}"):
        for pattern, base in BASES.items():
            if re.fullmatch(pattern, text, re.IGNORECASE):
                return base
    return None


def is_prompt(text: str, expected: str) -> bool:
    """Whether a prompt is the expected one; `{task}` is any words in one line."""
    pattern = re.escape(expected).replace(re.escape("{task}"), r"[^\n]+")
    return re.fullmatch(pattern, text) is not None
