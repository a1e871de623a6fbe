"""A whole project in miniature, made on the spot: a tiny random model, and carts with a planted structure."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

THEMES = {
    "breakfast": "bread butter jam honey milk oats eggs bacon juice yoghurt",
    "barbecue": "steak sausage charcoal buns ketchup mustard corn beer ribs skewers",
    "baby": "nappies wipes formula bottle rusks lotion bib puree rattle powder",
    "garden": "soil seeds pots gloves trowel hose compost rake bulbs twine",
}
KINDS = ("fresh", "organic", "family", "small", "value", "premium")

SPEC = """\
specforge: 1
name: tiny
sources:
  products: {path: data/products.parquet, id: product_id, text: "{kind} {title}"}
  lines: {path: data/lines.csv}
objectives:
  carts:
    kind: same_cart
    events: lines
    group: basket_id
    item: product_id
    of: products
    min_count: 2
    judgments: {min_count: 2, per_query: 10}
split: {by: item, test: 30%, dev: 20%}
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  loss: {kind: multiple_negatives_ranking}
  train: {epochs: 2, batch_size: 16, learning_rate: 1e-3, checkpoint_steps: 5}
index: {kind: flat}
evaluate:
  primary: nDCG@10
  metrics: [R@10]
  fuse: [neighbour_transfer]
accept:
  SF105: planted themes are dense
  SF307: a test of plumbing
"""


def project(root: Path, spec: str = SPEC) -> Path:
    """Write a project: data, model, spec. The path of the spec."""
    (root / "data").mkdir(parents=True)
    products = [
        (f"p{number:03}", kind, title, theme)
        for number, (theme, title, kind) in enumerate(
            (theme, title, kind) for theme, titles in THEMES.items() for title in titles.split() for kind in KINDS
        )
    ]
    _write_tables(root / "data", products)
    make_model(root / "model", {word for _, kind, title, _ in products for word in (kind, title)})
    path = root / "tiny.yaml"
    path.write_text(spec, encoding="utf-8")
    return path


def _write_tables(folder: Path, products: list[tuple[str, str, str, str]]) -> None:
    draw = random.Random(0)
    themes: dict[str, list[str]] = {}
    for product, _, _, theme in products:
        themes.setdefault(theme, []).append(product)
    lines = ["basket_id,product_id"]
    for basket in range(1500):
        theme = draw.choice(list(themes))
        items = {draw.choice(themes[theme]) for _ in range(6)} | {draw.choice(products)[0]}
        lines += [f"{basket},{item}" for item in sorted(items)]
    (folder / "lines.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with duckdb.connect() as db:
        db.execute("create table products (product_id varchar, kind varchar, title varchar)")
        db.executemany("insert into products values (?, ?, ?)", [list(row[:3]) for row in products])
        db.execute(f"copy products to '{folder / 'products.parquet'}' (format parquet)")


def make_model(folder: Path, words: set[str], size: int = 32, seed: int = 0) -> None:
    """A BERT of two layers with random weights that knows these words, saved as sentence-transformers saves it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    raw = folder.with_name("raw_model")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(words)]
    torch.manual_seed(seed)
    sizes = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=size,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(sizes).save_pretrained(raw)
    _tokenizer(vocabulary).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=32)
    SentenceTransformer(modules=[transformer, Pooling(size, "mean")], device="cpu").save(str(folder))


def make_masked_model(folder: Path, words: set[str]) -> None:
    """A BERT that guesses masked words, saved as transformers saves it: what it guesses for a word is, more or less, that word."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    torch.manual_seed(0)
    sizes = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    model = BertForMaskedLM(sizes)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(25)
        model.cls.predictions.transform.dense.weight.copy_(torch.eye(32))
    model.save_pretrained(folder)
    tokenizer = _tokenizer(vocabulary)
    tokenizer.mask_token = "[MASK]"
    tokenizer.save_pretrained(folder)


def make_cross_encoder(folder: Path, words: set[str]) -> None:
    """A BERT with random weights that scores pairs, and pairs apart from each other; saved as sentence-transformers saves it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(words)]
    torch.manual_seed(1)
    sizes = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=1,
    )
    model = BertForSequenceClassification(sizes)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(50)
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(10)
    model.save_pretrained(folder)
    _tokenizer(vocabulary).save_pretrained(folder)


def _tokenizer(vocabulary: list[str]) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
