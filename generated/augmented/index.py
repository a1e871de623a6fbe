"""Build the index that answers queries from the document vectors."""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

import encoder

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def build(vectors: NDArray[np.float32]) -> faiss.Index:
    """Every vector is compared."""
    index = faiss.IndexFlat(vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    return index


def main(work: Path) -> None:
    """Make `index/` in the work folder: the faiss index, and the fingerprint of the vectors that it holds."""
    scratch = work / "index.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    vectors: NDArray[np.float32] = np.load(work / "vectors/corpus.npy")
    faiss.write_index(build(vectors), str(scratch / "index.faiss"))
    contract = {
        "prompts": encoder.PROMPTS,
        "max_length": encoder.MAX_LENGTH,
        "similarity": encoder.SIMILARITY,
        "bf16": encoder.BF16,
        "vectors_sha256": hashlib.sha256(vectors.tobytes()).hexdigest(),
        "bytes": sum(file.stat().st_size for file in scratch.iterdir()),
    }
    (scratch / "contract.json").write_text(json.dumps(contract, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "index", ignore_errors=True)
    scratch.rename(work / "index")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
