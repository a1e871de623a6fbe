"""Base models: what each was trained with, and so expects: prompts, pooling, lengths, similarity, and its size.

A model's own files, where they are at hand, come first (`specforge.models`); what is not known is None. The entries were
checked against the sources below, but for a few values that stand from memory: the pooling of mxbai, granite-125m, jina-v3
and embeddinggemma, the positions of Qwen3-4B, the layers of answerai-colbert-small and the SPLADE models. Sources, besides the model's card and its files at `https://huggingface.co/` and the name
(`config.json`, `modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`):

- weights, dimensions, prompts: embeddings-benchmark/mteb, `mteb/models/model_implementations/`. Its number of weights that
  are embeddings and its number of the others are added up; those of BERT's kind follow from `config.json` as well.
- models of sentence-transformers: UKPLab/sentence-transformers, `docs/_static/html/models_en_sentence_embeddings.html`; of
  msmarco-distilbert-base-tas-b its pooling is wrong, and the model's own file is followed.
- sparse models and cross encoders: `docs/sparse_encoder/pretrained_models.md` and `docs/cross_encoder/` there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Base:
    """What is known of a base model.

    Attributes:
        family: what it was trained as: a family of retrievers, or `cross_encoder`; None for a plain encoder.
        prompts: before queries and before documents, in search; `{task}` stands for words of the user's. Two empty
            texts where the card says that there are none.
        alike: prompts that stand before both sides where queries and documents are texts of one kind.
        pooling: `mean`, `cls` or `last_token`; another word for what the language does not have.
        plain: an encoder that was not trained to give vectors of texts, and has no pooling of its own.
        static: a model without layers.
        normalised: whether its last module scales vectors to length 1.
        similarity: what it was trained to be compared by.
        positions: the most tokens that it can read.
        length: the most tokens that it was trained to read, where that is known to be less.
        dimension: the length of its vectors, or of its tokens' vectors; of a sparse model, of its hidden layers.
        layers: how many it has.
        parameters: how many weights it has.
        code: whether it runs only with Python code of its own.
    """

    family: str | None = None
    prompts: tuple[str, str] | None = None
    alike: tuple[str, ...] = ()
    pooling: str | None = None
    plain: bool = False
    static: bool = False
    normalised: bool | None = None
    similarity: str | None = None
    positions: int | None = None
    length: int | None = None
    dimension: int | None = None
    layers: int | None = None
    parameters: int | None = None
    code: bool = False


_SEARCHING = "Represent this sentence for searching relevant passages: "
_SEARCHING_ZH = "为这个句子生成表示以用于检索相关文章："  # noqa: RUF001
_INSTRUCT = "Instruct: {task}\nQuery: "
_INSTRUCT_QWEN = "Instruct: {task}\nQuery:"
_E5 = ("query: ", "passage: ")
_NOMIC = ("search_query: ", "search_document: ")
_NOMIC_ALIKE = ("search_document: ", "clustering: ", "classification: ")
_GEMMA = ("task: search result | query: ", "title: none | text: ")
_GEMMA_ALIKE = (
    "task: sentence similarity | query: ",
    "task: clustering | query: ",
    "task: classification | query: ",
)
_JINA = ("Represent the query for retrieving evidence documents: ", "Represent the document for retrieval: ")
_COLBERT = ("[unused0] ", "[unused1] ")
_PYLATE = ("[Q] ", "[D] ")


def _plain(dimension: int, layers: int | None, parameters: int, positions: int | None = 512) -> Base:
    """An encoder that was trained on masked words alone."""
    return Base(plain=True, positions=positions, dimension=dimension, layers=layers, parameters=parameters)


_MINILM_6 = _plain(384, 6, 22_713_216)
_MINILM_12 = _plain(384, 12, 33_360_000)
_BERT = _plain(768, 12, 109_482_240)
_BERT_LARGE = _plain(1024, 24, 335_141_888)
_DISTILBERT = _plain(768, 6, 66_362_880)
_DISTILROBERTA = _plain(768, 6, 82_118_400)
_ROBERTA = _plain(768, 12, 124_645_632)
_ROBERTA_LARGE = _plain(1024, 24, 355_359_744)
_MPNET = _plain(768, 12, 109_486_464)
_MINILM_MULTILINGUAL = _plain(384, 12, 117_653_760)
_XLM_R = _plain(768, 12, 278_043_648)
_XLM_R_LARGE = _plain(1024, 24, 559_890_432)
_XLM_R_LONG = _plain(1024, 24, 567_754_752, 8192)
_MODERNBERT = _plain(768, 22, 149_014_272, 8192)
_MODERNBERT_LARGE = _plain(1024, 28, 395_000_000, 8192)
_NOMIC_BERT = _plain(768, 12, 137_000_000, 8192)
_MISTRAL = _plain(4096, 32, 7_110_660_096, 32768)
"""Encoders that many were made from: positions, dimension, layers and weights are theirs. None of them counts the weights
of a head that guesses words."""


def _tuned(
    of: Base,
    pooling: str,
    *,
    prompts: tuple[str, str] | None = None,
    alike: tuple[str, ...] = (),
    normalised: bool | None = None,
    similarity: str = "cosine",
    length: int | None = None,
    code: bool = False,
) -> Base:
    """A model that was trained to give a vector of a text, from an encoder of this size."""
    return replace(
        of,
        family="bi_encoder",
        plain=False,
        prompts=prompts,
        alike=alike,
        pooling=pooling,
        normalised=normalised,
        similarity=similarity,
        length=length,
        code=code,
    )


def _e5(of: Base) -> Base:
    """intfloat/e5-base-v2, intfloat/multilingual-e5-base: "query: " on both sides for symmetric tasks."""
    return _tuned(of, "mean", prompts=_E5, alike=_E5[:1], normalised=True)


def _asking(
    query: str, of: Base, normalised: bool | None = None, length: int | None = None, code: bool = False
) -> Base:
    """BAAI/bge-base-en-v1.5, Snowflake/snowflake-arctic-embed-m, mixedbread-ai/mxbai-embed-large-v1: before queries only."""
    return _tuned(of, "cls", prompts=(query, ""), alike=("",), normalised=normalised, length=length, code=code)


def _instructed(query: str, pooling: str, of: Base, normalised: bool | None = None, length: int | None = None) -> Base:
    """intfloat/e5-mistral-7b-instruct, Qwen/Qwen3-Embedding-0.6B: a task in words before queries, nothing before documents."""
    return _tuned(of, pooling, prompts=(query, ""), alike=(query, ""), normalised=normalised, length=length)


def _nomic(of: Base, normalised: bool | None) -> Base:
    """nomic-ai/nomic-embed-text-v1.5, nomic-ai/modernbert-embed-base: the task before every text."""
    return _tuned(of, "mean", prompts=_NOMIC, alike=_NOMIC_ALIKE, normalised=normalised)


def _dot(of: Base, pooling: str) -> Base:
    """sentence-transformers/multi-qa-mpnet-base-dot-v1: lengths of vectors say something."""
    return _tuned(of, pooling, normalised=False, similarity="dot")


def _static(dimension: int, parameters: int | None = None) -> Base:
    """sentence-transformers/static-retrieval-mrl-en-v1, minishlab/potion-base-8M: vectors of tokens, and no layers."""
    return Base(family="bi_encoder", static=True, dimension=dimension, similarity="cosine", parameters=parameters)


def _sparse(of: Base) -> Base:
    """naver/splade-v3: a weight for each word of the vocabulary."""
    return replace(of, family="sparse_encoder", plain=False, similarity="dot")


def _late(of: Base, dimension: int, prompts: tuple[str, str] | None) -> Base:
    """colbert-ir/colbertv2.0, lightonai/GTE-ModernColBERT-v1: a marker before every text, and a vector of each token."""
    return replace(of, family="late_interaction", plain=False, prompts=prompts, dimension=dimension)


def _cross(of: Base) -> Base:
    """cross-encoder/ms-marco-MiniLM-L6-v2: one score of a query and a document that are read together."""
    return replace(of, family="cross_encoder", plain=False)


BASES: dict[str, Base] = {
    "intfloat/e5-small": _e5(_MINILM_12),
    "intfloat/e5-base": _e5(_BERT),
    "intfloat/e5-large": _e5(_BERT_LARGE),
    "intfloat/e5-small-v2": _e5(_MINILM_12),
    "intfloat/e5-base-v2": _e5(_BERT),
    "intfloat/e5-large-v2": _e5(_BERT_LARGE),
    "intfloat/multilingual-e5-small": _e5(_MINILM_MULTILINGUAL),
    "intfloat/multilingual-e5-base": _e5(_XLM_R),
    "intfloat/multilingual-e5-large": _e5(_XLM_R_LARGE),
    "intfloat/multilingual-e5-large-instruct": _instructed(_INSTRUCT, "mean", _XLM_R_LARGE),
    "intfloat/e5-mistral-7b-instruct": _instructed(_INSTRUCT, "last_token", _MISTRAL, True, 4096),
    "Salesforce/SFR-Embedding-Mistral": _instructed(_INSTRUCT, "last_token", _MISTRAL),
    "Salesforce/SFR-Embedding-2_R": _instructed(_INSTRUCT, "last_token", _MISTRAL),
    "Qwen/Qwen3-Embedding-0.6B": _instructed(_INSTRUCT_QWEN, "last_token", _plain(1024, 28, 595_776_512, 32768)),
    "Qwen/Qwen3-Embedding-4B": _instructed(
        _INSTRUCT_QWEN, "last_token", _plain(2560, 36, 4_021_774_336, 40960), length=32768
    ),
    "Qwen/Qwen3-Embedding-8B": _instructed(
        _INSTRUCT_QWEN, "last_token", _plain(4096, 36, 7_567_295_488, 40960), length=32768
    ),
    "BAAI/bge-small-en": _asking(_SEARCHING, _MINILM_12, True),
    "BAAI/bge-base-en": _asking(_SEARCHING, _BERT, True),
    "BAAI/bge-large-en": _asking(_SEARCHING, _BERT_LARGE, True),
    "BAAI/bge-small-en-v1.5": _asking(_SEARCHING, _MINILM_12, True),
    "BAAI/bge-base-en-v1.5": _asking(_SEARCHING, _BERT, True),
    "BAAI/bge-large-en-v1.5": _asking(_SEARCHING, _BERT_LARGE, True),
    "BAAI/bge-base-zh": _asking(_SEARCHING_ZH, _plain(768, 12, 102_267_648), True),
    "BAAI/bge-large-zh": _asking(_SEARCHING_ZH, _plain(1024, 24, 325_522_432), True),
    "BAAI/bge-small-zh-v1.5": _asking(_SEARCHING_ZH, _plain(512, 4, 23_953_920), True),
    "BAAI/bge-base-zh-v1.5": _asking(_SEARCHING_ZH, _plain(768, 12, 102_267_648), True),
    "BAAI/bge-large-zh-v1.5": _asking(_SEARCHING_ZH, _plain(1024, 24, 325_522_432), True),
    "BAAI/bge-m3": _tuned(_XLM_R_LONG, "cls", prompts=("", ""), normalised=True),
    "thenlper/gte-small": _tuned(_MINILM_12, "mean", normalised=True),
    "thenlper/gte-base": _tuned(_BERT, "mean", normalised=True),
    "thenlper/gte-large": _tuned(_BERT_LARGE, "mean", normalised=True),
    "Alibaba-NLP/gte-base-en-v1.5": _tuned(_plain(768, 12, 136_776_192, 8192), "cls", normalised=False, code=True),
    "Alibaba-NLP/gte-large-en-v1.5": _tuned(_plain(1024, 24, 434_000_000, 8192), "cls", normalised=False, code=True),
    "Alibaba-NLP/gte-multilingual-base": _tuned(_plain(768, 12, 305_368_320, 8192), "cls", normalised=True, code=True),
    "Alibaba-NLP/gte-modernbert-base": _tuned(_MODERNBERT, "cls", normalised=False),
    "sentence-transformers/all-MiniLM-L6-v2": _tuned(_MINILM_6, "mean", normalised=True, length=256),
    "sentence-transformers/all-MiniLM-L12-v2": _tuned(_MINILM_12, "mean", normalised=True, length=256),
    "sentence-transformers/all-mpnet-base-v2": _tuned(_MPNET, "mean", normalised=True, length=384),
    "sentence-transformers/all-distilroberta-v1": _tuned(_DISTILROBERTA, "mean", normalised=True),
    "sentence-transformers/all-roberta-large-v1": _tuned(_ROBERTA_LARGE, "mean", normalised=True, length=256),
    "sentence-transformers/multi-qa-MiniLM-L6-cos-v1": _tuned(_MINILM_6, "mean", normalised=True),
    "sentence-transformers/multi-qa-distilbert-cos-v1": _tuned(_DISTILBERT, "mean", normalised=True),
    "sentence-transformers/multi-qa-mpnet-base-cos-v1": _tuned(_MPNET, "mean", normalised=True),
    "sentence-transformers/multi-qa-MiniLM-L6-dot-v1": _dot(_MINILM_6, "cls"),
    "sentence-transformers/multi-qa-distilbert-dot-v1": _dot(_DISTILBERT, "cls"),
    "sentence-transformers/multi-qa-mpnet-base-dot-v1": _dot(_MPNET, "cls"),
    "sentence-transformers/msmarco-distilbert-base-tas-b": _dot(_DISTILBERT, "cls"),
    "sentence-transformers/msmarco-distilbert-dot-v5": _dot(_DISTILBERT, "mean"),
    "sentence-transformers/msmarco-bert-base-dot-v5": _dot(_BERT, "mean"),
    "sentence-transformers/paraphrase-MiniLM-L6-v2": _tuned(_MINILM_6, "mean", normalised=False, length=128),
    "sentence-transformers/paraphrase-MiniLM-L12-v2": _tuned(_MINILM_12, "mean", normalised=False, length=256),
    "sentence-transformers/paraphrase-mpnet-base-v2": _tuned(_MPNET, "mean", normalised=False),
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": _tuned(
        _MINILM_MULTILINGUAL, "mean", normalised=False, length=128
    ),
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2": _tuned(_XLM_R, "mean", normalised=False, length=128),
    "nomic-ai/nomic-embed-text-v1": _nomic(_NOMIC_BERT, True),
    "nomic-ai/nomic-embed-text-v1.5": _nomic(_NOMIC_BERT, False),
    "nomic-ai/modernbert-embed-base": _nomic(_MODERNBERT, True),
    "lightonai/modernbert-embed-large": _nomic(_MODERNBERT_LARGE, None),
    "Snowflake/snowflake-arctic-embed-xs": _asking(_SEARCHING, _MINILM_6),
    "Snowflake/snowflake-arctic-embed-s": _asking(_SEARCHING, _MINILM_12, True),
    "Snowflake/snowflake-arctic-embed-m": _asking(_SEARCHING, _BERT, True),
    "Snowflake/snowflake-arctic-embed-m-v1.5": _asking(_SEARCHING, _BERT),
    "Snowflake/snowflake-arctic-embed-m-long": _asking(_SEARCHING, _NOMIC_BERT, True, length=2048),
    "Snowflake/snowflake-arctic-embed-l": _asking(_SEARCHING, _BERT_LARGE, True),
    "Snowflake/snowflake-arctic-embed-m-v2.0": _asking("query: ", _plain(768, None, 305_000_000, 8192), code=True),
    "Snowflake/snowflake-arctic-embed-l-v2.0": _asking("query: ", _XLM_R_LONG, True),
    "mixedbread-ai/mxbai-embed-large-v1": _asking(_SEARCHING, _BERT_LARGE),
    "WhereIsAI/UAE-Large-V1": _asking(_SEARCHING, _BERT_LARGE, False),
    "google/embeddinggemma-300m": _tuned(
        _plain(768, None, 307_581_696, 2048), "mean", prompts=_GEMMA, alike=_GEMMA_ALIKE, normalised=True
    ),
    "ibm-granite/granite-embedding-30m-english": _tuned(_plain(384, 6, 30_295_296), "cls"),
    "ibm-granite/granite-embedding-125m-english": _tuned(_ROBERTA, "cls"),
    "ibm-granite/granite-embedding-107m-multilingual": _tuned(_plain(384, None, 106_994_304), "cls"),
    "ibm-granite/granite-embedding-278m-multilingual": _tuned(_XLM_R, "cls"),
    "jinaai/jina-embeddings-v2-small-en": _tuned(_plain(512, 4, 32_700_000, 8192), "mean", code=True),
    "jinaai/jina-embeddings-v2-base-en": _tuned(_plain(768, 12, 137_000_000, 8192), "mean", code=True),
    "jinaai/jina-embeddings-v3": _tuned(
        _plain(1024, None, 570_000_000, 8192), "mean", prompts=_JINA, alike=("",), normalised=True, code=True
    ),
    "sentence-transformers/static-retrieval-mrl-en-v1": _static(1024, 31_254_528),
    "sentence-transformers/static-similarity-mrl-multilingual-v1": _static(1024, 108_420_096),
    "minishlab/potion-base-2M": _static(64, 2_000_000),
    "minishlab/potion-base-4M": _static(128, 3_780_000),
    "minishlab/potion-base-8M": _static(256, 7_560_000),
    "minishlab/potion-base-32M": _static(512),
    "minishlab/potion-retrieval-32M": _static(512),
    "minishlab/potion-multilingual-128M": _static(256, 128_000_000),
    "naver/splade-v3": _sparse(_BERT),
    "naver/splade-v3-distilbert": _sparse(_DISTILBERT),
    "naver/splade-v3-lexical": _sparse(_BERT),
    "naver/splade-cocondenser-ensembledistil": _sparse(_BERT),
    "naver/splade-cocondenser-selfdistil": _sparse(_BERT),
    "naver/splade_v2_max": _sparse(_DISTILBERT),
    "naver/splade_v2_distil": _sparse(_DISTILBERT),
    "prithivida/Splade_PP_en_v1": _sparse(_BERT),
    "prithivida/Splade_PP_en_v2": _sparse(_BERT),
    "ibm-granite/granite-embedding-30m-sparse": Base(family="sparse_encoder", similarity="dot", parameters=30_000_000),
    "colbert-ir/colbertv2.0": _late(_BERT, 128, _COLBERT),
    "answerdotai/answerai-colbert-small-v1": _late(_MINILM_12, 96, None),
    "lightonai/GTE-ModernColBERT-v1": _late(_MODERNBERT, 128, _PYLATE),
    "jinaai/jina-colbert-v2": Base(family="late_interaction", positions=8192, parameters=559_366_144, code=True),
    "cross-encoder/ms-marco-TinyBERT-L2-v2": _cross(_plain(128, 2, 4_386_049)),
    "cross-encoder/ms-marco-MiniLM-L2-v2": _cross(_plain(384, 2, 15_615_745)),
    "cross-encoder/ms-marco-MiniLM-L4-v2": _cross(_plain(384, 4, 19_164_673)),
    "cross-encoder/ms-marco-MiniLM-L6-v2": _cross(_plain(384, 6, 22_713_601)),
    "cross-encoder/ms-marco-MiniLM-L12-v2": _cross(_plain(384, 12, 33_360_385)),
    "BAAI/bge-reranker-base": _cross(_XLM_R),
    "BAAI/bge-reranker-large": _cross(_XLM_R_LARGE),
    "BAAI/bge-reranker-v2-m3": _cross(_XLM_R_LONG),
    "Alibaba-NLP/gte-reranker-modernbert-base": _cross(_MODERNBERT),
    "mixedbread-ai/mxbai-rerank-xsmall-v1": Base(family="cross_encoder", parameters=70_830_337),
    "mixedbread-ai/mxbai-rerank-base-v1": Base(family="cross_encoder", parameters=184_422_913),
    "mixedbread-ai/mxbai-rerank-large-v1": Base(family="cross_encoder", parameters=435_062_785),
    "jinaai/jina-reranker-v2-base-multilingual": Base(family="cross_encoder", code=True),
    "google-bert/bert-base-uncased": _BERT,
    "google-bert/bert-base-cased": _plain(768, 12, 108_310_272),
    "google-bert/bert-large-uncased": _BERT_LARGE,
    "google-bert/bert-large-cased": _plain(1024, 24, 333_579_264),
    "google-bert/bert-base-multilingual-uncased": _plain(768, 12, 167_356_416),
    "google-bert/bert-base-multilingual-cased": _plain(768, 12, 177_853_440),
    "distilbert/distilbert-base-uncased": _DISTILBERT,
    "distilbert/distilbert-base-cased": _plain(768, 6, 65_190_912),
    "distilbert/distilroberta-base": _DISTILROBERTA,
    "FacebookAI/roberta-base": _ROBERTA,
    "FacebookAI/roberta-large": _ROBERTA_LARGE,
    "FacebookAI/xlm-roberta-base": _XLM_R,
    "FacebookAI/xlm-roberta-large": _XLM_R_LARGE,
    "microsoft/mpnet-base": _MPNET,
    "microsoft/MiniLM-L12-H384-uncased": _MINILM_12,
    "nreimers/MiniLM-L6-H384-uncased": _MINILM_6,
    "answerdotai/ModernBERT-base": _MODERNBERT,
    "answerdotai/ModernBERT-large": _MODERNBERT_LARGE,
}
"""The name on the Hub -> what is known."""

_ORGANISATIONS = ("", "sentence-transformers/", "google-bert/", "distilbert/", "FacebookAI/")
"""Those whose models the libraries find by the bare name as well."""

_BY_NAME = {name.lower(): base for name, base in BASES.items()}


def known(name: str) -> Base | None:
    """What is known of a Hub model by its name alone. Case does not count."""
    found = (_BY_NAME.get(f"{organisation}{name}".lower()) for organisation in _ORGANISATIONS)
    return next((base for base in found if base is not None), None)


def is_prompt(text: str, expected: str) -> bool:
    """Whether a prompt is the expected one; `{task}` is any words in one line."""
    pattern = re.escape(expected).replace(re.escape("{task}"), r"[^\n]+")
    return re.fullmatch(pattern, text) is not None
