"""Find negatives for the training rows: documents that are not held out, and not known to be relevant to the query."""

import argparse
import re
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from random import Random

import bm25s
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Rows:
    """Training rows, and the documents that may be negatives of them.

    Attributes:
        data: the folder of their tables.
        work: the work folder.
        pairs: the rows: ids and texts of anchor and positive.
        anchors: the distinct anchors.
        anchor: of each row, its anchor among them.
        positive: of each row, its positive among the documents.
        ids: of each document, its id.
        documents: of each document, its text.
        barred: of each anchor, the documents that are known to be relevant to it, and itself.
    """

    data: Path
    work: Path
    pairs: pa.Table
    anchors: list[str]
    anchor: list[int]
    positive: list[int]
    ids: list[str]
    documents: list[str]
    barred: list[set[int]]

    @cached_property
    def place(self) -> dict[tuple[str, str], int]:
        """Id and text of a document -> its place."""
        return {one: place for place, one in enumerate(zip(self.ids, self.documents, strict=True))}


Find = Callable[[Rows], Iterable[Iterable[int]]]
"""Gives for each row the documents that may be its negatives, the first choice first."""


@cache
def form(text: str) -> str:
    """What texts have in common that are one to a reader: letters and digits in NFKC and small."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower())) or text


def relevant(data: Path, pairs: pa.Table) -> Iterator[tuple[str, str]]:
    """A query and a document that is relevant to it: all that is known in training, not only the rows."""
    corpus = pq.read_table(data / "corpus.parquet", columns=["doc_id", "text"]).to_pydict()
    texts = dict(zip(corpus["doc_id"], corpus["text"], strict=True))
    anchors = dict(zip(pairs["anchor_id"].to_pylist(), pairs["anchor"].to_pylist(), strict=True))
    table = pq.read_table(data / "positives.parquet").to_pydict()
    for anchor, positive in zip(table["anchor_id"], table["positive_id"], strict=True):
        if anchor in anchors:
            yield anchors[anchor], texts[positive]


def read_rows(work: Path, data: Path) -> Rows:
    """The training rows; texts that are one to a reader are one here."""
    pairs = pq.read_table(data / "pairs.parquet", columns=["anchor_id", "positive_id", "anchor", "positive"])
    corpus = pq.read_table(data / "corpus.parquet", columns=["doc_id", "text", "role"]).to_pydict()
    found = [
        (doc, text)
        for doc, text, role in zip(corpus["doc_id"], corpus["text"], corpus["role"], strict=True)
        if role in ("train", "known")
    ]
    ids, documents = [one[0] for one in found], [one[1] for one in found]
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(documents):
        places[form(text)].append(place)
    asked, answers = pairs["anchor"].to_pylist(), pairs["positive"].to_pylist()
    known: defaultdict[str, set[str]] = defaultdict(set)
    for query, document in [*relevant(data, pairs), *zip(asked, answers, strict=True)]:
        known[form(query)].add(form(document))
    anchors = list(dict.fromkeys(asked))
    row = {anchor: place for place, anchor in enumerate(anchors)}
    at = {one[:2]: place for place, one in enumerate(found)}
    return Rows(
        data=data,
        work=work,
        pairs=pairs,
        anchors=anchors,
        anchor=[row[anchor] for anchor in asked],
        positive=[at[one] for one in zip(pairs["positive_id"].to_pylist(), answers, strict=True)],
        ids=ids,
        documents=documents,
        barred=[
            {place for one in known[form(anchor)] | {form(anchor)} for place in places.get(one, ())}
            for anchor in anchors
        ],
    )


def best(scores: NDArray[np.float32], barred: set[int], depth: int) -> NDArray[np.int64]:
    """The documents with the highest scores that are not barred, the highest first."""
    scores[list(barred)] = -np.inf
    first = np.sort(np.argpartition(-scores, min(depth, len(scores)) - 1)[:depth])
    ranked = first[np.argsort(-scores[first], kind="stable")]
    return ranked[scores[ranked] > -np.inf]


def shuffled(places: Sequence[int], lot: Random) -> Iterator[int]:
    """The places in an order by lot, one at a time (Fisher and Yates), so that the first few cost as much as a few."""
    moved: dict[int, int] = {}
    for last in range(len(places) - 1, -1, -1):
        drawn = lot.randint(0, last)
        yield places[moved.get(drawn, drawn)]
        moved[drawn] = moved.get(last, last)


def bm25(rows: Rows) -> Iterator[list[int]]:
    """Most words in common with the anchor, weighted by rarity (bm25s, Lucene's variant)."""
    index = bm25s.BM25(
        method="lucene",
        k1=1.5,
        b=0.75,
    )
    index.index(bm25s.tokenize(rows.documents, stopwords=None, stemmer=None, show_progress=False), show_progress=False)
    words = bm25s.tokenize(rows.anchors, stopwords=None, stemmer=None, return_ids=False, show_progress=False)
    found: list[list[int]] = []
    for query, barred in zip(words, rows.barred, strict=True):
        scores = index.get_scores_from_ids(index.get_tokens_ids(query))
        near = best(np.where(scores > 0, scores, -np.inf), barred, 50)
        found.append(near.tolist())
    for anchor in rows.anchor:
        yield found[anchor]


def random(rows: Rows) -> Iterator[Iterator[int]]:
    """Any document, by lot."""
    lot = Random(0)
    for _ in rows.anchor:
        yield shuffled(range(len(rows.documents)), lot)


# How negatives are found, and how many of each kind a row gets, in this order.
KINDS: dict[str, tuple[Find, int]] = {
    "bm25": (bm25, 2),
    "random": (random, 8),
}


def choose(rows: Rows) -> tuple[list[list[int]], dict[str, int]]:
    """The negatives of each row, and what became of those that were wanted."""
    chosen: list[list[int]] = [[] for _ in rows.anchor]
    summary = {"rows": len(chosen)}
    for name, (find, wanted) in KINDS.items():
        before = sum(map(len, chosen))
        for candidates, anchor, taken in zip(find(rows), rows.anchor, chosen, strict=True):
            free = (one for one in candidates if one not in rows.barred[anchor] and one not in taken)
            taken += list(islice(free, wanted))
        summary[f"{name}_found"] = sum(map(len, chosen)) - before
        summary[f"{name}_short"] = wanted * len(chosen) - summary[f"{name}_found"]
    summary["rows_without"] = sum(not negatives for negatives in chosen)
    return chosen, summary


def write(rows: Rows, chosen: list[list[int]], summary: dict[str, int], folder: Path) -> None:
    """Write the tables of the rows, as prepare.py writes them, and those with all their negatives in one row."""
    folder.mkdir(parents=True, exist_ok=True)
    each = [(row, negative) for row, negatives in enumerate(chosen) for negative in negatives]
    triplets = rows.pairs.take(pa.array([row for row, _ in each], pa.int64()))
    triplets = triplets.append_column("negative_id", pa.array([rows.ids[one] for _, one in each], pa.string()))
    triplets = triplets.append_column("negative", pa.array([rows.documents[one] for _, one in each], pa.string()))
    columns = ["anchor_id", "positive_id", "negative_id", "anchor", "positive", "negative"]
    pq.write_table(triplets.select(columns), folder / "triplets.parquet")
    most = sum(wanted for _, wanted in KINDS.values())
    whole = [row for row, negatives in enumerate(chosen) if len(negatives) == most]
    tuples = rows.pairs.take(pa.array(whole, pa.int64()))
    for place in range(most):
        texts = pa.array([rows.documents[chosen[row][place]] for row in whole], pa.string())
        tuples = tuples.append_column(f"negative_{place + 1}", texts)
    pq.write_table(tuples, folder / "tuples.parquet")
    contrasted = pa.array([len(negatives) == most for negatives in chosen], pa.bool_())
    pq.write_table(rows.pairs.append_column("contrasted", contrasted), folder / "pairs.parquet")
    counts = {**summary, "triplets": len(each), "tuples": len(whole)}
    pq.write_table(pa.table({"what": list(counts), "amount": list(counts.values())}), folder / "summary.parquet")


def main(work: Path) -> None:
    """Make `mined/` in the work folder: rows with negatives, and all rows."""
    scratch = work / "mined.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    rows = read_rows(work, work / "data")
    write(rows, *choose(rows), scratch)
    shutil.rmtree(work / "mined", ignore_errors=True)
    scratch.rename(work / "mined")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
