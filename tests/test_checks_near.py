"""Near duplicates: what MinHash estimates, and what is found, against a plain count of common pieces."""

from __future__ import annotations

import itertools
import random

import pytest

from specforge.checks import near

DRAW = random.Random(11)
WORDS = ["".join(DRAW.choices("abcdefghijklmnopqrstuvwxyz", k=DRAW.randrange(3, 10))) for _ in range(3000)]


def text(length: int) -> str:
    return " ".join(DRAW.choices(WORDS, k=length))


def altered(original: str) -> str:
    """The same with a few words of its own."""
    words = original.split()
    for place in DRAW.sample(range(len(words)), max(1, len(words) // 15)):
        words[place] = DRAW.choice(WORDS)
    return " ".join(words)


def test_pieces_by_hand() -> None:
    # " red shoes " has 7 pieces of 5, " red shoe " has 6; 5 of them are common
    assert near.jaccard("red shoes", "red shoe") == pytest.approx(5 / 8)
    assert near.jaccard("a", "a") == 1.0


def test_signatures_estimate_the_share_of_common_pieces() -> None:
    differences = []
    for _ in range(300):
        one = text(30)
        other = altered(one)
        signed = near.signatures([one, other])
        differences.append(float((signed[0] == signed[1]).mean()) - near.jaccard(one, other))
    assert abs(sum(differences) / len(differences)) < 0.01
    assert max(map(abs, differences)) < 0.3


def test_what_is_found_is_what_a_plain_count_finds() -> None:
    texts = [text(DRAW.randrange(8, 40)) for _ in range(150)]
    others = [altered(one) for one in texts[:100]] + [text(20) for _ in range(50)]
    forms = {one: near.family(one) for one in [*texts, *others]}
    wanted = {one for one, other in itertools.product(texts, others) if near.jaccard(forms[one], forms[other]) >= 0.8}
    found = near.duplicates(texts, others)
    assert all(near.jaccard(forms[one], forms[other]) >= near.SAME for one, other in found.items())
    assert found.keys() == wanted
    assert 30 < len(wanted) < 120


def test_figures_and_order_of_words_do_not_count() -> None:
    others = ["Milk 1 l", "Acme running shoes for men, blue", "bread"]
    assert near.duplicates(["500 l milk", "acme blue running shoe for men", "rye"], others) == {
        "500 l milk": "Milk 1 l",
        "acme blue running shoe for men": "Acme running shoes for men, blue",
    }
    assert near.duplicates(["!!!", ""], ["???", ""]) == {}


def test_many_equal_texts_find_one() -> None:
    assert near.duplicates(["milk 1 l"] * 3, [f"milk {number} l" for number in range(1000)]).keys() == {"milk 1 l"}
