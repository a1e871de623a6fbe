"""Build the index that answers queries from the document vectors."""

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
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


RECALL = 0.95
K = 10
QUERIES = 1_000
SINGLE = 200
VALUES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


@dataclass(frozen=True)
class Tried:
    """An index as it was tried.

    Attributes:
        parameter: what it was tried with, by its name in faiss; nothing where there is nothing to set.
        recall: the share of the `K` nearest that it finds.
        p50: milliseconds of a query that is asked alone, the median.
    """

    kind: str
    parameter: str
    value: int
    recall: float
    p50: float


def cells(count: int) -> int:
    """How many cells so many vectors are sorted into: four times the root of their number, and 39 a cell at least."""
    return max(1, min(round(4 * math.sqrt(count)), count // 39))


def ivf(vectors: NDArray[np.float32]) -> faiss.Index:
    """Vectors are sorted into cells, and a query looks into the nearest."""
    nlist = cells(len(vectors))
    index = faiss.index_factory(vectors.shape[1], f"IVF{nlist},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(sample(vectors, 64 * nlist))
    return filled(index, vectors)


def hnsw(vectors: NDArray[np.float32]) -> faiss.Index:
    """A graph of near neighbours. It is built by one thread, so that the same vectors give the same graph."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    filled(index, vectors)
    faiss.omp_set_num_threads(threads)
    return index


def scalar_quantizer(vectors: NDArray[np.float32]) -> faiss.Index:
    """Every vector is compared, by numbers of one byte."""
    index = faiss.index_factory(vectors.shape[1], "SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(sample(vectors, 0))
    return filled(index, vectors)


AMONG: dict[str, tuple[Callable[[NDArray[np.float32]], faiss.Index], str, list[int]]] = {
    "scalar_quantizer": (scalar_quantizer, "", [0]),
    "ivf": (ivf, "nprobe", VALUES),
    "hnsw": (hnsw, "efSearch", VALUES[3:]),
}
"""Kind -> how it is built, what trades recall for time, and its values, the fastest first."""


def filled(index: faiss.Index, vectors: NDArray[np.float32]) -> faiss.Index:
    """The same index with all vectors, which are read in blocks."""
    for start in tqdm(range(0, len(vectors), BLOCK), unit_scale=BLOCK, disable=len(vectors) <= BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + BLOCK]))
    return index


def sample(vectors: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    """The vectors that the index learns from, by lot: so many, and a block of them at least."""
    rows = np.random.default_rng(0).permutation(len(vectors))[: max(wanted, BLOCK)]
    return np.ascontiguousarray(vectors[np.sort(rows)])


def milliseconds(index: faiss.Index, asked: NDArray[np.float32], k: int, batch: int) -> dict[str, float]:
    """How long a query takes, asked with so many at once: the median, and what 95 % do not exceed."""
    count = len(asked)
    parts = [range(start, min(start + batch, count)) for start in range(0, min(count, SINGLE * batch), batch)]
    index.search(asked[parts[0]], k)
    taken = []
    for part in parts:
        texts = asked[part]
        began = time.perf_counter()
        index.search(texts, k)
        taken.append(1000 * (time.perf_counter() - began) / len(part))
    return {"p50": float(np.quantile(taken, 0.5)), "p95": float(np.quantile(taken, 0.95))}


def choose(vectors: NDArray[np.float32], asked: NDArray[np.float32]) -> tuple[faiss.Index, list[Tried]]:
    """The index that answers the queries of dev soonest, of those that find enough of what is nearest to them; and all
    that were tried, the chosen one last.

    Raises:
        ValueError: there are no such queries.
    """
    if not len(asked):
        raise ValueError('index "auto" measures on the queries of dev, and there are none; name a kind of index')
    asked, k, reference = asked[:QUERIES], min(K, len(vectors)), exact(vectors)
    _, right = reference.search(asked, k)
    best, chosen = reference, Tried("flat", "", 0, 1.0, milliseconds(reference, asked, k, 1)["p50"])
    tried = [chosen]
    for kind, (make, parameter, values) in AMONG.items():
        index = make(vectors)
        for value in values:
            if parameter:
                faiss.ParameterSpace().set_index_parameter(index, parameter, value)
            _, rows = index.search(asked, k)
            recall = float(np.mean([len({*a} & {*b}) / k for a, b in zip(rows, right, strict=True)]))
            tried.append(Tried(kind, parameter, value, recall, milliseconds(index, asked, k, 1)["p50"]))
            if recall >= RECALL:
                break
        if tried[-1].recall >= RECALL and tried[-1].p50 < chosen.p50:
            best, chosen = index, tried[-1]
    return best, [*(one for one in tried if one is not chosen), chosen]


def exact(vectors: NDArray[np.float32]) -> faiss.Index:
    """An index that compares every vector."""
    index = faiss.IndexFlat(vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + BLOCK]))
    return index


def answers(
    index: faiss.Index, asked: NDArray[np.float32], queries: Queries, corpus: Corpus, k: int
) -> list[dict[int, float]]:
    """For each query the `k` best documents, best first: its row -> its score; never the query itself."""
    scores, rows = index.search(asked, min(k + 1, len(corpus.ids)))
    found = [
        [(int(row), float(score)) for row, score in zip(*one, strict=True) if row not in (own, -1)]
        for own, one in zip(queries.rows, zip(rows, scores, strict=True), strict=True)
    ]
    return [dict(best[:k]) for best in found]


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
    index, tried = choose(vectors, np.load(work / "vectors/dev.npy"))
    seconds = time.perf_counter() - began
    faiss.write_index(index, str(scratch / "index.faiss"))
    found = {"bytes": size(scratch), "build_seconds": seconds, "tried": [asdict(one) for one in tried]}
    (scratch / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.copy(work / "vectors/corpus.sha256", scratch)
    contract.hand_on(work / "vectors", scratch)
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
