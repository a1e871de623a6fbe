"""More training rows from the same ones: copies in which texts are said a little differently."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict

# The tables whose dev and test texts must not appear.
FOLDERS = ["data"]


@dataclass(frozen=True)
class Augmentation:
    """What becomes of the texts of some columns, in so many copies of the rows."""

    copies: int
    roles: list[str]
    change: Callable[[list[str], list[random.Random]], list[str]]


def each(change: Callable[[str, random.Random], str], texts: list[str], lots: list[random.Random]) -> list[str]:
    """Texts that are changed one by one."""
    return [change(text, lot) for text, lot in zip(texts, lots, strict=True)]


def misspell(text: str, lot: random.Random, share: float) -> str:
    """With a share of its letters left out, doubled, or in the place of the next one."""
    letters = list(text)
    for place, letter in enumerate(text):
        if not letter.isalpha() or lot.random() >= share:
            continue
        mistake = lot.randrange(3)
        if mistake == 0:
            letters[place] = ""
        elif mistake == 1:
            letters[place] = 2 * letter
        elif text[place + 1 : place + 2].isalpha():
            letters[place : place + 2] = letters[place + 1], letters[place]
    return "".join(letters)


def delete_words(text: str, lot: random.Random, share: float) -> str:
    """Without a share of its words; one stays."""
    words = text.split()
    kept = [word for word in words if lot.random() >= share]
    return " ".join(kept or [lot.choice(words)])


def swap_words(text: str, lot: random.Random, share: float) -> str:
    """With a share of its words in the place of the next one."""
    words = text.split()
    for place in range(len(words) - 1):
        if lot.random() < share:
            words[place : place + 2] = words[place + 1], words[place]
    return " ".join(words)


def crop(text: str, lot: random.Random, keep: float) -> str:
    """A run of its words, at a random place."""
    words = text.split()
    length = max(1, round(keep * len(words)))
    start = lot.randrange(len(words) - length + 1)
    return " ".join(words[start : start + length])


def other_text(text: str, _: random.Random, others: dict[str, str]) -> str:
    """The text of the same row by another template."""
    return others.get(text, text)


def others(file: Path) -> dict[str, str]:
    """Text -> the text by another template."""
    table = pq.read_table(file).to_pydict()
    return dict(zip(table["text"], table["other"], strict=True))


def augmentations(work: Path) -> dict[str, Augmentation]:
    """What is asked for, by name."""
    return {
        "typed_in_haste": Augmentation(
            copies=2,
            roles=["anchor"],
            change=partial(
                each,
                partial(
                    misspell,
                    share=0.05,
                ),
            ),
        ),
        "in_few_words": Augmentation(
            copies=1,
            roles=["anchor"],
            change=partial(
                each,
                partial(
                    delete_words,
                    share=0.3,
                ),
            ),
        ),
        "in_any_order": Augmentation(
            copies=1,
            roles=["anchor"],
            change=partial(
                each,
                partial(
                    swap_words,
                    share=0.2,
                ),
            ),
        ),
        "in_part": Augmentation(
            copies=1,
            roles=["positive"],
            change=partial(
                each,
                partial(
                    crop,
                    keep=0.6,
                ),
            ),
        ),
        "by_title": Augmentation(
            copies=1,
            roles=["positive"],
            change=partial(each, partial(other_text, others=others(work / "data/other_by_title.parquet"))),
        ),
    }


def held_out(work: Path) -> set[str]:
    """The texts that choose and report, in small letters."""
    texts: list[str] = []
    for folder in FOLDERS:
        corpus = pq.read_table(work / folder / "corpus.parquet", filters=[("role", "in", ["dev", "test"])])
        queries = pq.read_table(work / folder / "queries.parquet")
        texts += [*corpus["text"].to_pylist(), *queries["text"].to_pylist()]
    return {text.lower() for text in texts}


def copied(rows: Dataset, asked: Augmentation, lot: str, forbidden: set[str]) -> tuple[Dataset, Counter[str]]:
    """The rows with changed texts, and how many there are; without those that stay as they are or become held out.

    The same text becomes the same wherever it stands, so rows that share a text go on sharing one.
    """
    columns = rows.to_dict()
    texts = sorted({text for role in asked.roles for text in columns[role]})
    changed = asked.change(texts, [random.Random(f"{lot}/{text}") for text in texts])
    said = dict(zip(texts, changed, strict=True))

    def fate(row: int) -> str:
        own = [columns[role][row] for role in asked.roles]
        if any(said[text].lower() in forbidden for text in own):
            return "held_out"
        return "unchanged" if all(said[text] == text for text in own) else "rows"

    fates = [fate(row) for row in range(len(rows))]
    columns |= {role: [said[text] for text in columns[role]] for role in asked.roles}
    kept = [row for row, found in enumerate(fates) if found == "rows"]
    return Dataset.from_dict(columns).select(kept), Counter(fates)


def augmented(parts: dict[str, Dataset], work: Path, seed: int) -> tuple[DatasetDict, dict[str, Counter[str]]]:
    """The rows as given and the copies, each apart: a batch is of one of them. And what became of the copied rows."""
    forbidden, found, counts = held_out(work), dict(parts), dict[str, Counter[str]]()
    for name, asked in augmentations(work).items():
        counts[name] = Counter()
        for copy in range(asked.copies):
            for part, rows in parts.items():
                more, fates = copied(rows, asked, f"{seed}/{name}/{copy}", forbidden)
                counts[name] += fates
                if len(more):
                    found[f"{part}_{name}_{copy}"] = more
    return DatasetDict(found), counts
