"""Write what production needs: ids, texts and vectors as parquet, the faiss index, and the contract of their model."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

import contract
from exported import digest
from ranking import Corpus, read_corpus, unchanged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

BLOCK = 16_384
ASKED = 100
"""Test queries that a store is asked after it was loaded."""


def write_vectors(corpus: Corpus, vectors: NDArray[np.float32], path: Path) -> None:
    """A row a document; vectors are read and written in blocks."""
    dimension = vectors.shape[1]
    columns = {
        "doc_id": pa.string(),
        "text": pa.string(),
        "vector": pa.list_(pa.float32(), dimension),
    }
    with pq.ParquetWriter(path, pa.schema(columns), compression="zstd") as file:
        for start in tqdm(range(0, len(vectors), BLOCK), unit_scale=BLOCK, disable=len(vectors) <= BLOCK):
            part = slice(start, start + BLOCK)
            block = pa.FixedSizeListArray.from_arrays(pa.array(vectors[part].reshape(-1)), dimension)
            file.write(pa.table([corpus.ids[part], corpus.texts[part], block], schema=file.schema))


def main(work: Path) -> None:
    """Make `export/` in the work folder; export.json says what each file of it was when it was written."""
    contract.same(work / "vectors", work / "index")
    corpus = read_corpus(work)
    unchanged(corpus, work / "vectors")
    scratch = work / "export.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    vectors: NDArray[np.float32] = np.load(work / "vectors/corpus.npy", mmap_mode="r")
    write_vectors(corpus, vectors, scratch / "vectors.parquet")
    np.save(scratch / "queries.npy", np.load(work / "vectors/test.npy")[:ASKED])
    shutil.copy(work / "index/index.faiss", scratch)
    written = {
        "model": contract.read(work / "vectors")["fingerprint"],
        "rows": vectors.shape[0],
        "dimension": vectors.shape[1],
        "files": {file.name: digest(file) for file in sorted(scratch.iterdir())},
    }
    (scratch / "export.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    contract.hand_on(work / "vectors", scratch)
    shutil.rmtree(work / "export", ignore_errors=True)
    scratch.rename(work / "export")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
