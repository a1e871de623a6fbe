"""Build the index that answers queries from the document vectors."""

import argparse
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import encoder
from encoder import QUERY_LENGTH, TokenVectors, compare
from vectors import read_vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Index:
    """Every document is compared."""

    documents: TokenVectors

    def search(self, asked: TokenVectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and rows of the `k` best documents of each query, best first; in blocks of bounded size."""
        block = max(1, 2**26 // len(self.documents))
        rows = [range(start, min(start + block, len(asked))) for start in range(0, len(asked), block)]
        found = [best(compare(asked[part], self.documents), k) for part in rows]
        return np.concatenate([scores for scores, _ in found]), np.concatenate([places for _, places in found])


def best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` highest scores of each row, the highest first, and where they stand; -1 where nothing has a score."""
    places = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found: NDArray[np.float32] = np.take_along_axis(scores, places, axis=1)
    return found, np.where(np.isfinite(found), places, -1)


def build(vectors: TokenVectors) -> Index:
    """The vectors as they are."""
    return Index(vectors)


def write_index(index: Index, folder: Path) -> None:
    """One file of all tokens, and one of where each document begins."""
    np.save(folder / "tokens.npy", index.documents.tokens)
    np.save(folder / "starts.npy", index.documents.starts)


def read_index(folder: Path) -> Index:
    """The index in a folder."""
    return Index(TokenVectors(np.load(folder / "tokens.npy", mmap_mode="r"), np.load(folder / "starts.npy")))


def figures(vectors: TokenVectors, asked: TokenVectors) -> dict[str, float]:
    """What the index is large by, and what a query costs."""
    return {
        "query_length": QUERY_LENGTH,
        "dimension": vectors.tokens.shape[1],
        "vectors_per_document": len(vectors.tokens) / max(1, len(vectors)),
        "vectors_per_query": len(asked.tokens) / max(1, len(asked)),
    }


def digest(vectors: TokenVectors) -> str:
    """The sha256 of all vectors."""
    return hashlib.sha256(vectors.tokens.tobytes() + vectors.starts.tobytes()).hexdigest()


def main(work: Path) -> None:
    """Make `index/` in the work folder: what answers queries, and the fingerprint of the vectors that it holds."""
    scratch = work / "index.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    vectors = read_vectors(work / "vectors", "corpus")
    write_index(build(vectors), scratch)
    contract = {
        "prompts": encoder.PROMPTS,
        "max_length": encoder.MAX_LENGTH,
        "similarity": encoder.SIMILARITY,
        "bf16": encoder.BF16,
        "vectors_sha256": digest(vectors),
        "bytes": sum(file.stat().st_size for file in scratch.iterdir()),
        **figures(vectors, read_vectors(work / "vectors", "test")),
    }
    (scratch / "contract.json").write_text(json.dumps(contract, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
