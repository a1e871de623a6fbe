"""Score what the retriever found for the test queries."""

import argparse
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import reranking
from ranking import read_corpus, read_queries

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `reranked/` in the work folder: the candidates of the test queries with the scores of each system."""
    scratch = work / "reranked.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    texts = read_corpus(work).texts
    queries = read_queries(work, "test")
    asked = dict(zip(queries.ids, queries.texts, strict=True))
    found = pq.read_table(work / "candidates/test.parquet")
    columns = found.to_pydict()
    pairs = [(asked[query], texts[text]) for query, text in zip(columns["query_id"], columns["text"], strict=True)]
    models = {
        "hybrid+reranker": str(work / "reranker"),
    }
    for name, model in models.items():
        scores = reranking.score(reranking.load(model), pairs)
        found = found.append_column(name, pa.array(scores, pa.float32()))
    pq.write_table(found, scratch / "test.parquet")
    shutil.rmtree(work / "reranked", ignore_errors=True)
    scratch.rename(work / "reranked")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
