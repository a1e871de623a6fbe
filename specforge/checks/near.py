"""Finds near duplicates among many texts: MinHash signatures in bands (Broder 1997), and a count of what is shared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

PIECE = 5
"""Characters of a piece."""

SAME = 0.8
"""Two texts are near duplicates from this share of common pieces on, of all that either has (Jaccard)."""

_BANDS, _ROWS = 12, 4
"""Texts meet that agree in a whole band: with `SAME` of the pieces in common they do with probability 0.998."""

_COMPARED = 3
"""Others that a text is compared with in a bucket, and those of them all whose pieces are counted."""

_CHARACTERS = 300_000
"""Characters that are hashed at once: what fits into a cache."""

_ODD: Hashes = np.random.default_rng(1997).integers(0, 1 << 63, PIECE + 2 * _BANDS * _ROWS, np.uint64) * 2 + 1
_WEIGHTS, _MASKS, _FACTORS = np.split(_ODD, [PIECE, PIECE + _BANDS * _ROWS])


def normalised(text: str) -> str:
    """Letters and digits in NFKC and small, one space between words."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower()))


def family(text: str) -> str:
    """What variants of one product share: the words in order of the alphabet, every number masked."""
    return " ".join(sorted(re.sub(r"\d+", "0", normalised(text)).split()))


def duplicates(texts: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Text -> the other that seems nearest to it, where they are near duplicates, figures and order of the words aside.

    A text without letters and digits has none.
    """
    ours, theirs = _families(texts), _families(others)
    if not ours or not theirs:
        return {}
    found = dict[str, str]()
    for place, near in _candidates(signatures([form for _, form in ours]), signatures([form for _, form in theirs])):
        text, form = ours[place]
        nearest = next((other for other in near if jaccard(form, theirs[other][1]) >= SAME), None)
        if nearest is not None:
            found[text] = theirs[nearest][0]
    return found


def _families(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, form) for text in dict.fromkeys(texts) if (form := family(text))]


def jaccard(one: str, other: str) -> float:
    """The share of common pieces of all that two texts have."""
    a, b = _pieces(one), _pieces(other)
    return len(a & b) / len(a | b)


def _pieces(text: str) -> set[str]:
    padded = _padded(text)
    return {padded[start : start + PIECE] for start in range(len(padded) - PIECE + 1)}


def _padded(text: str) -> str:
    return f" {text} ".ljust(PIECE)


def signatures(texts: Sequence[str]) -> Hashes:
    """A row of hashes a text; the share in which two rows agree estimates the share of common pieces."""
    return np.concatenate([_signed(batch) for batch in _batches(texts)])


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, size = list[str](), 0
    for text in texts:
        batch.append(_padded(text))
        size += len(batch[-1])
        if size > _CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _signed(texts: list[str]) -> Hashes:
    """For each text and hash function, the lowest hash of its pieces."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate([[0], ends[:-1]])
    number = len(codes) - PIECE + 1
    pieces = np.zeros(number, np.uint64)
    for at, weight in enumerate(_WEIGHTS):
        pieces += (codes[at : at + number] + np.uint64(1)) * weight
    pieces ^= pieces >> np.uint64(32)
    pieces *= _WEIGHTS[0]
    across = (ends[:, None] - np.arange(1, PIECE)).ravel()
    across = across[across < number]
    found = np.empty((len(texts), len(_MASKS)), np.uint64)
    for place, (mask, factor) in enumerate(zip(_MASKS, _FACTORS, strict=True)):
        values = ((pieces ^ mask) * factor) >> np.uint64(32)
        values[across] = 1 << 32
        found[:, place] = np.minimum.reduceat(values, starts)
    return found


def _candidates(ours: Hashes, theirs: Hashes) -> Iterator[tuple[int, list[int]]]:
    """Row of ours -> those rows of theirs that share a band with it and agree with it best."""
    codes = np.unique(np.concatenate([_meeting(ours, theirs, band) for band in range(_BANDS)]))
    pairs = np.column_stack(np.divmod(codes, len(theirs)))
    agreeing = np.concatenate([(ours[part[:, 0]] == theirs[part[:, 1]]).sum(axis=1) for part in _parts(pairs)])
    pairs = pairs[np.lexsort((-agreeing, pairs[:, 0]))]
    rows, first, number = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    for row, start, size in zip(rows, first, number, strict=True):
        yield int(row), [int(other) for other in pairs[start : start + min(size, _COMPARED), 1]]


def _parts(pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(pairs, len(pairs) // 100_000 + 1)


def _meeting(ours: Hashes, theirs: Hashes, band: int) -> NDArray[np.int64]:
    """Pairs of rows that agree in a whole band, each as one number: row of ours times rows of theirs, plus row of theirs."""
    here, there = _keys(ours, band), _keys(theirs, band)
    order = np.argsort(there, kind="stable")
    first, end = (np.searchsorted(there, here, side, sorter=order) for side in ("left", "right"))
    found = [np.empty(0, np.int64)]
    for step in range(_COMPARED):
        [rows] = np.nonzero(first + step < end)
        found.append(rows * len(there) + order[first[rows] + step])
    return np.concatenate(found)


def _keys(signed: Hashes, band: int) -> Hashes:
    """One number for the hashes of a band."""
    columns = signed[:, band * _ROWS : (band + 1) * _ROWS]
    keys: Hashes = (columns * _WEIGHTS[:_ROWS]).sum(axis=1, dtype=np.uint64)
    return keys
