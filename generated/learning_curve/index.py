"""Build the index that answers queries from the document vectors."""

import argparse
import json
import shutil
import time
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import contract
from ranking import Corpus, Queries, read_corpus, unchanged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


BLOCK = 65_536


def made(dimension: int) -> faiss.Index:
    """Every vector is compared."""
    return faiss.IndexFlat(dimension, faiss.METRIC_INNER_PRODUCT)


def build(vectors: NDArray[np.float32]) -> faiss.Index:
    """An index of vectors, which are read in blocks."""
    index = made(vectors.shape[1])
    for start in tqdm(range(0, len(vectors), BLOCK), unit_scale=BLOCK, disable=len(vectors) <= BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + BLOCK]))
    return index


def answers(
    index: faiss.Index, asked: NDArray[np.float32], queries: Queries, corpus: Corpus, k: int
) -> list[dict[int, float]]:
    """For each query the `k` best documents, best first: its row -> its score."""
    scores, rows = index.search(asked, min(k, len(corpus.ids)))
    return [
        {int(row): float(score) for row, score in zip(*one, strict=True) if row != -1}
        for one in zip(rows, scores, strict=True)
    ]


def size(folder: Path) -> int:
    """The bytes of what answers queries."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.suffix in (".faiss", ".npy", ".npz"))


def opened(work: Path, corpus: Corpus) -> faiss.Index:
    """The index in `index/`.

    Raises:
        ValueError: it holds other documents [SF507], or is damaged.
    """
    folder = work / "index"
    unchanged(corpus, folder)
    written = json.loads((folder / "figures.json").read_text(encoding="utf-8"))["bytes"]
    if size(folder) != written:
        raise ValueError(f'"{folder}" has {size(folder):,} bytes, and {written:,} were written; make it again')
    try:
        return faiss.read_index(str(folder / "index.faiss"))
    except Exception as error:  # of the right size, and damaged: it may fail in many ways
        raise ValueError(f'"{folder}" cannot be read ({error}); make it again') from error


def main(work: Path) -> None:
    """Make `index/` in the work folder: what answers queries, and the contract of the vectors that it holds."""
    contract.opened(str(work / "model"), work / "vectors")
    unchanged(read_corpus(work), work / "vectors")
    scratch = work / "index.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    vectors: NDArray[np.float32] = np.load(work / "vectors/corpus.npy", mmap_mode="r")
    began = time.perf_counter()
    index = build(vectors)
    seconds = time.perf_counter() - began
    faiss.write_index(index, str(scratch / "index.faiss"))
    found = {"bytes": size(scratch), "build_seconds": seconds}
    (scratch / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.copy(work / "vectors/corpus.sha256", scratch)
    contract.hand_on(work / "vectors", scratch)
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
