"""Build the index that answers queries from the documents' words."""

import argparse
import json
import shutil
from pathlib import Path

from lexical import build, size
from ranking import mark, read_corpus

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `words/` in the work folder."""
    scratch = work / "words.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    corpus = read_corpus(work)
    build(corpus.texts).save(scratch / "bm25", show_progress=False)
    (scratch / "figures.json").write_text(json.dumps({"bytes": size(scratch)}) + "\n", encoding="utf-8")
    mark(corpus, scratch)
    shutil.rmtree(work / "words", ignore_errors=True)
    scratch.rename(work / "words")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
