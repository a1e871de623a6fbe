"""Augmentation: what becomes of texts, what is added to the training rows, and what never is."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
import stages
from hypothesis import given, settings
from hypothesis import strategies as st
from preparing import problems
from tiny import make_masked_model, make_model

SPEC = """\
specforge: 1
name: small
sources:
  docs: {path: docs.csv, id: id, text: "{brand} {title}", CHUNK}
  rows: {path: rows.csv}
objectives:
  it: {kind: question_answer, rows: rows, question: words, answer: doc, of: docs}
split: {by: anchor, test: 30%, dev: 10%}
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  loss: {kind: multiple_negatives_ranking}
  augmentation:
    fewer: {kind: delete_words, share: 0.3, copies: 2}
    typos: {kind: misspell, of: documents, share: 0.2}
    order: {kind: swap_words, share: 0.5}
    part: {kind: crop, keep: 0.5}
    short: {kind: other_text, of: documents, source: docs, text: "{title}"}
    guessed: {kind: replace_words, share: 0.4, candidates: 3, model: ./masked}
  train: {epochs: 1, batch_size: 8, learning_rate: 2e-4}
index: {kind: flat}
evaluate: {primary: nDCG@10, baselines: []}
""".replace(", CHUNK", "")
WORDS = [
    "bread",
    "butter",
    "jam",
    "honey",
    "milk",
    "soil",
    "seeds",
    "pots",
    "gloves",
    "trowel",
    "rusks",
    "lotion",
    "bib",
    "puree",
    "rattle",
]


def rows_of(query: str) -> list[tuple[str, ...]]:
    with duckdb.connect() as db:
        return db.execute(query).fetchall()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions of one to three words, and documents with a brand or without."""
    folder = tmp_path_factory.mktemp("augmented")
    docs = [f"d{row},{'acme' if row % 2 else ''},{word} {WORDS[row - 1]}" for row, word in enumerate(WORDS)]
    (folder / "docs.csv").write_text("id,brand,title\n" + "\n".join(docs) + "\n", encoding="utf-8")
    draw = random.Random(1)
    rows = [f"{' '.join(draw.sample(WORDS, draw.randint(1, 3)))},d{draw.randrange(len(WORDS))}" for _ in range(120)]
    (folder / "rows.csv").write_text("words,doc\n" + "\n".join(rows) + "\n", encoding="utf-8")
    make_model(folder / "model", {*WORDS, "acme"})
    make_masked_model(folder / "masked", {*WORDS, "acme"})
    (folder / "small.yaml").write_text(SPEC, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def augment(root: Path) -> ModuleType:
    """The generated module."""
    spec = importlib.util.spec_from_file_location("augment_small", stages.compiled(root / "small.yaml") / "augment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses ask for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def work(root: Path) -> Path:
    stages.run(stages.compiled(root / "small.yaml"), root / "work", "prepare.py", "train.py")
    return root / "work"


texts = st.lists(st.text("abcdé-1", min_size=1, max_size=8), min_size=1, max_size=12).map(" ".join)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(texts, st.integers(0, 2**32))
def test_words_stay_words(augment: ModuleType, text: str, seed: int) -> None:
    words = text.split()
    fewer = augment.delete_words(text, random.Random(seed), 0.5).split()
    assert 1 <= len(fewer) <= len(words)
    iterator = iter(words)
    assert all(word in iterator for word in fewer), "in the same order"
    assert sorted(augment.swap_words(text, random.Random(seed), 0.5).split()) == sorted(words)
    part = augment.crop(text, random.Random(seed), 0.5).split()
    assert part in [words[start : start + len(part)] for start in range(len(words))]
    assert len(part) == max(1, round(0.5 * len(words)))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(texts, st.integers(0, 2**32))
def test_a_typing_mistake_is_within_letters(augment: ModuleType, text: str, seed: int) -> None:
    wrong = augment.misspell(text, random.Random(seed), 0.5)
    assert [letter for letter in wrong if not letter.isalpha()] == [letter for letter in text if not letter.isalpha()]
    assert set(wrong) <= set(text)


def masked(root: Path) -> str:
    return str(root / "masked")


def test_words_are_replaced_by_what_the_model_expects_there(augment: ModuleType, root: Path) -> None:
    """Against the model itself, text by text: the masked places, the best words of them without the one that stood there."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(masked(root))
    model = AutoModelForMaskedLM.from_pretrained(masked(root)).eval()
    given = ["bread butter, jam - honey", "Milk (soil) seeds", "pots", "gloves 12 trowel"]
    lots = [random.Random(seed) for seed in range(4)]
    found = augment.replace_words(given, lots, 0.5, 3, masked(root))
    assert augment.replace_words(given, [random.Random(seed) for seed in range(4)], 0.5, 3, masked(root)) == found
    changed = 0
    for seed, (text, other) in enumerate(zip(given, found, strict=True)):
        lot, words = random.Random(seed), list(augment.WORD.finditer(text))
        chosen = [word for word in words if lot.random() < 0.5]
        with_masks = augment.replaced(text, chosen, ["[MASK]"] * len(chosen))
        inputs = tokenizer(with_masks, return_tensors="pt")
        scores = model(**inputs).logits[0][inputs["input_ids"][0] == tokenizer.mask_token_id]
        pieces = [
            word if word in {*WORDS, "acme"} else None
            for word in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        ]
        places = list(augment.WORD.finditer(other))
        assert augment.WORD.sub("_", other) == augment.WORD.sub("_", text), "all but words stays"
        for word, place in zip(words, places, strict=True):
            if word not in chosen:
                assert place.group() == word.group()
                continue
            row = scores[chosen.index(word)]
            order = [pieces[number] for number in torch.argsort(row, descending=True).tolist()]
            best = [one for one in order if one and one != word.group().lower()][:3]
            assert place.group().lower() in best and place.group()[0].isupper() == word.group()[0].isupper()
            changed += 1
    assert changed >= 3


def test_what_is_cut_off_and_what_holds_a_mask_stays(augment: ModuleType, root: Path) -> None:
    long = " ".join(["bread"] * 60)
    [found] = augment.replace_words([long], [random.Random(1)], 0.99, 3, masked(root))
    words = found.split()
    assert len(words) == 60 and "bread" not in words[:20] and words[40:] == ["bread"] * 20
    assert augment.replace_words(["bread [MASK]"], [random.Random(1)], 0.99, 3, masked(root)) == ["bread [MASK]"]


def test_every_copied_row_is_counted(work: Path) -> None:
    counts = json.loads((work / "model/augmentation.json").read_text(encoding="utf-8"))
    [(pairs,)] = rows_of(f"select count(*) from '{work}/data/pairs.parquet'")
    copies = {"fewer": 2, "typos": 1, "order": 1, "part": 1, "short": 1, "guessed": 1}
    assert {name: sum(fates.values()) for name, fates in counts.items()} == {
        name: copy * pairs for name, copy in copies.items()
    }
    assert counts["short"]["rows"] and counts["short"]["unchanged"], "some have a brand, some do not"
    assert counts["part"]["held_out"], "a word of a longer question may be a question that reports"


def test_nothing_that_reports_is_made(augment: ModuleType, work: Path) -> None:
    from datasets import Dataset

    pairs = rows_of(f"select anchor, positive from '{work}/data/pairs.parquet'")
    rows = Dataset.from_dict({"anchor": [row[0] for row in pairs], "positive": [row[1] for row in pairs]})
    parts, _ = augment.augmented({"pairs": rows}, work, 42)
    held_out = {text for (text,) in rows_of(f"select lower(text) from '{work}/data/queries.parquet'")}
    assert set(parts["pairs"]["anchor"]) == {row[0] for row in pairs}, "the rows as given are all there"
    made = {text.lower() for name, part in parts.items() if name != "pairs" for text in part["anchor"]}
    assert made & {row[0].lower() for row in pairs} and not made & held_out


def test_rows_that_share_a_text_go_on_sharing_it(augment: ModuleType, work: Path) -> None:
    from datasets import Dataset

    rows = Dataset.from_dict({"anchor": ["honey milk soil seeds"] * 3, "positive": ["a a", "b b", "c c"]})
    parts, _ = augment.augmented({"pairs": rows}, work, 1)
    for name in ("pairs_fewer_0", "pairs_fewer_1", "pairs_order_0"):
        assert len(set(parts[name]["anchor"])) == 1
    again, _ = augment.augmented({"pairs": rows}, work, 1)
    other, _ = augment.augmented({"pairs": rows}, work, 2)
    assert [again[name].to_dict() for name in again] == [parts[name].to_dict() for name in parts]
    assert [other[name].to_dict() for name in other] != [parts[name].to_dict() for name in parts]


def test_another_template_says_the_same_row(augment: ModuleType, work: Path) -> None:
    short = augment.others(work / "data/other_short.parquet")
    assert short["acme butter bread"] == "butter bread"
    assert all(text.startswith("acme ") for text in short)


def told(root: Path, old: str, new: str) -> list[tuple[str, str]]:
    assert SPEC.count(old) == 1
    (root / "small.yaml").write_text(SPEC.replace(old, new), encoding="utf-8")
    return [(problem.code, problem.message) for problem in problems(root / "small.yaml")]


def test_what_cannot_be_is_refused(root: Path, tmp_path: Path) -> None:
    for name in ("docs.csv", "rows.csv"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    for name in ("model", "masked"):
        (tmp_path / name).symlink_to(root / name)
    chunked = '"{brand} {title}", chunk: {by: sentences, size: 2}}\n'
    assert told(tmp_path, '"{brand} {title}"}\n', chunked) == [
        ("SF003", '"short" says whole documents by another template, and "docs" is cut into chunks')
    ]
    assert told(tmp_path, 'source: docs, text: "{title}"', 'source: rows, text: "{words}"') == [
        ("SF003", 'source "rows" is no collection of an objective, and "short" needs one')
    ]
    assert told(tmp_path, 'text: "{title}"', 'text: "{name}"') == [("SF004", 'no column "name" in "docs"')]
    assert told(tmp_path, 'text: "{title}"', 'text: "title"') == [("SF003", '"text" names no column')]
    assert told(tmp_path, "./masked}", "./model}") == [
        ("SF003", '"./model" is no masked language model, and would guess words at random')
    ]
    assert told(tmp_path, "./masked}", "./none}") == [("SF004", 'no model "./none"')]
    assert told(tmp_path, "./masked}", "org/masked}") == [
        ("SF402", 'masked model "org/masked" is not pinned to a commit')
    ]
    assert told(tmp_path, "source: docs", "source: doc") == [("SF002", 'unknown source "doc"')]
