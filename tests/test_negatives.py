"""Negatives: of every kind, none is relevant to the query, itself, or held out; ranges, scores and margins hold."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from tiny import make_model

from specforge.checks import mined
from specforge.load import load
from specforge.source import read
from specforge.spec.document import Spec

WORDS = [
    "bread",
    "butter",
    "jam",
    "honey",
    "milk",
    "soil",
    "seeds",
    "pots",
    "gloves",
    "trowel",
    "rusks",
    "lotion",
    "bib",
    "puree",
    "rattle",
]

SPEC = """\
specforge: 1
name: small
sources:
  docs: {{path: {docs}.csv, id: id, text: "{{title}}"{chunk}}}
  rows: {{path: {rows}.csv}}
objectives:
{objectives}
split: {split}
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  precision: fp32
  loss: {loss}
  negatives: {negatives}
  train: {{epochs: 1, batch_size: 8, learning_rate: 1e-3{train}}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: []}}
"""
LINKED = "{kind: linked, rows: rows, item: a, linked_to: b, of: docs, positives_per_query: 2}"
ASKED = "{kind: question_answer, rows: rows, question: q, answer: b, of: docs, positives_per_query: 2}"
SCORED = "{kind: scored_pairs, rows: rows, first: a, second: b, score: score, relevant_from: 3, of: docs, negatives_per_positive: 2}"
BY_ITEM = "{by: item, test: 20%, dev: 10%}"
RANKING = "{kind: multiple_negatives_ranking}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 documents, of which some differ in case alone; each refers to six others; a model with random weights."""
    folder, draw = tmp_path_factory.mktemp("negatives"), random.Random(1)
    docs = [(f"d{row}", " ".join(draw.sample(WORDS, 3))) for row in range(80)]
    docs += [(f"d{80 + row}", docs[row][1].upper() + "!") for row in range(10)]
    lines = [f"{ident},{title}" for ident, title in docs]
    (folder / "docs.csv").write_text("id,title\n" + "\n".join(lines) + "\n", encoding="utf-8")
    rows = [
        f"{one},question {draw.choice(WORDS)} {one},{other},{draw.choice((1, 5))}"
        for one, _ in docs
        for other in draw.sample([ident for ident, _ in docs if ident != one], 6)
    ]
    (folder / "rows.csv").write_text("a,q,b,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    make_model(folder / "model", set(WORDS) | {"question"})
    return folder


def write(root: Path, negatives: str, **values: str) -> Path:
    """The code of a spec with these negatives."""
    filled = {
        "objectives": f"  it: {LINKED}", "split": BY_ITEM, "loss": RANKING, "train": "", "chunk": "",
        "docs": "docs", "rows": "rows", **values,
    }  # fmt: skip
    (root / "small.yaml").write_text(SPEC.format(negatives=negatives, **filled), encoding="utf-8")
    return stages.compiled(root / "small.yaml")


def table(work: Path, name: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pq.read_table(work / f"{name}.parquet").to_pydict()
    return found


def triplets(work: Path) -> list[tuple[str, str, str]]:
    found = table(work, "mined/triplets")
    return list(zip(found["anchor_id"], found["positive_id"], found["negative_id"], strict=True))


def summary(work: Path, folder: str = "mined") -> dict[str, int]:
    found = table(work, f"{folder}/summary")
    return dict(zip(found["what"], found["amount"], strict=True))


def plain(text: str) -> str:
    return text.lower().strip("! ")


def relevant(work: Path) -> dict[str, set[str]]:
    """Id of a query -> the plain texts of all that is relevant to it in training."""
    corpus, found = table(work, "data/corpus"), defaultdict[str, set[str]](set)
    texts = dict(zip(corpus["doc_id"], corpus["text"], strict=True))
    if (work / "data/partners.parquet").is_file():
        known = table(work, "data/partners")
        pairs = [
            (corpus["doc_id"][a], corpus["doc_id"][b]) for a, b in zip(known["doc"], known["partner"], strict=True)
        ]
    else:
        known = table(work, "data/positives")
        pairs = list(zip(known["anchor_id"], known["positive_id"], strict=True))
    asked = texts | dict(zip(*(table(work, "data/pairs")[key] for key in ("anchor_id", "anchor")), strict=True))
    alike = defaultdict[str, set[str]](set)
    for query, document in pairs:
        alike[plain(asked.get(query, query))].add(plain(texts[document]))
    for query, _ in pairs:
        found[query] = alike[plain(asked.get(query, query))]
    return found


KINDS = {
    "random": "{kind: random, per_positive: 3}",
    "bm25": "{kind: bm25, per_positive: 3, range_min: 2}",
    "mined": "{kind: mined, per_positive: 3}",
    "by_lot": "{kind: mined, per_positive: 3, sampling_strategy: random, range_max: 20}",
    "same": "{kind: clusters, take: same, number: 3, per_positive: 3}",
    "others": "{kind: clusters, take: others, number: 6, per_positive: 3}",
    "mixture": "[{kind: mined}, {kind: random}, {kind: bm25}]",
}


@pytest.mark.parametrize("objective", [LINKED, ASKED], ids=["items", "texts"])
@pytest.mark.parametrize("kind", KINDS)
def test_none_is_relevant_or_held_out(root: Path, kind: str, objective: str) -> None:
    split = BY_ITEM if objective == LINKED else "{by: anchor}"
    work = root / f"{kind}_{len(objective)}"
    code = write(root, KINDS[kind], objectives=f"  it: {objective}", split=split)
    stages.run(code, work, "prepare.py", "mine.py")
    corpus = table(work, "data/corpus")
    texts, roles = (dict(zip(corpus["doc_id"], corpus[key], strict=True)) for key in ("text", "role"))
    known, found = relevant(work), triplets(work)
    anchors = dict(
        zip(table(work, "mined/triplets")["anchor_id"], table(work, "mined/triplets")["anchor"], strict=True)
    )
    assert found
    for anchor, positive, negative in found:
        assert roles[negative] in ("train", "known")
        assert plain(texts[negative]) not in known[anchor] | {plain(texts[positive]), plain(anchors[anchor])}
    counts, rows = summary(work), len(table(work, "data/pairs")["anchor"])
    assert counts["rows"] == rows
    assert sum(n for what, n in counts.items() if what.endswith(("_found", "_short"))) == 3 * rows
    assert counts["triplets"] == len(found)
    each = Counter(zip(*(table(work, "mined/tuples")[key] for key in ("anchor_id", "positive_id")), strict=True))
    assert sum(each.values()) == counts["tuples"] == sum(table(work, "mined/pairs")["contrasted"])
    assert max(Counter(found).values()) == 1, "a document stands once in a row"


def test_known_by_the_whole_graph(root: Path) -> None:
    """Six are relevant and two train: without the graph, the other four would be among the nearest."""
    work = root / "mined_graph"
    stages.run(write(root, KINDS["mined"]), work, "prepare.py", "mine.py")
    trained = Counter(table(work, "data/pairs")["anchor"])
    known = relevant(work)
    assert max(map(len, known.values())) > max(trained.values())


def library(work: Path, root: Path, **options: Any) -> dict[str, set[str]]:  # noqa: ANN401
    """What sentence-transformers mines where all that is relevant trains: text of a query -> texts."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    pairs, corpus = table(work, "data/pairs"), table(work, "data/corpus")
    documents = [text for text, role in zip(corpus["text"], corpus["role"], strict=True) if role in ("train", "known")]
    found = mine_hard_negatives(
        Dataset.from_dict({"anchor": pairs["anchor"], "positive": pairs["positive"]}),
        SentenceTransformer(str(root / "model"), device="cpu"),
        corpus=documents,
        output_format="triplet",
        verbose=False,
        **options,
    )
    negatives = defaultdict[str, set[str]](set)
    for one in found:
        negatives[one["anchor"]].add(one["negative"])
    return negatives


@pytest.mark.parametrize(
    "options",
    [
        {"range_min": 0, "range_max": 40},  # the library looks a little further where documents are passed over
        {"range_min": 5, "range_max": 40},
        {"range_max": 80, "max_score": 0.95, "min_score": 0.85},
        {"range_max": 80, "absolute_margin": 0.01},
        {"range_max": 80, "relative_margin": 0.01, "range_min": 2},
    ],
    ids=str,
)
def test_mined_as_the_library_does(root: Path, options: dict[str, float]) -> None:
    said = ", ".join(f"{name}: {value}" for name, value in options.items())
    work = root / "library"
    # all that is relevant trains, and no two texts are one to a reader
    docs = (root / "docs.csv").read_text(encoding="utf-8").splitlines()[:81]
    (root / "distinct.csv").write_text("\n".join(docs) + "\n", encoding="utf-8")
    code = write(
        root, f"{{kind: mined, per_positive: 4, {said}}}", docs="distinct", split="{by: anchor}",
        objectives=f"  it: {ASKED.replace('query: 2', 'query: 99')}",
    )  # fmt: skip
    stages.run(code, work, "prepare.py", "mine.py")
    found, rows = defaultdict[str, set[str]](set), table(work, "mined/triplets")
    for anchor, negative in zip(rows["anchor"], rows["negative"], strict=True):
        found[anchor].add(negative)
    wanted = library(work, root, num_negatives=4, **options)
    assert found == wanted
    assert any(wanted.values())


def problems(root: Path, work: Path) -> list[tuple[str, str]]:
    """What the checks say of the negatives in a work folder."""
    source, _ = read(root / "small.yaml")
    spec, _ = load(source)
    assert isinstance(spec, Spec)
    found = mined.check(spec, source, work / "data", work / "mined", root)
    return [(one.code, one.message) for one in found]


def test_the_table_is_checked(root: Path) -> None:
    work = root / "checked"
    stages.run(write(root, KINDS["random"]), work, "prepare.py", "mine.py")
    assert problems(root, work) == []
    rows = pq.read_table(work / "mined/triplets.parquet").to_pylist()
    wrong = [{**one, "negative": f"{one['positive'].upper()} ?"} for one in rows[:3]]
    pq.write_table(pa.Table.from_pylist([*wrong, *rows[3:]]), work / "mined/triplets.parquet")
    share = f"{100 * 3 / len(rows):.1f}"
    assert problems(root, work) == [
        ("SF106", f"3 training rows ({share} %) have a positive of the query as negative"),
    ]


def test_too_few_are_told(root: Path) -> None:
    work = root / "short"
    stages.run(write(root, "{kind: mined, per_positive: 3, absolute_margin: 0.1}"), work, "prepare.py", "mine.py")
    [(code, message)] = problems(root, work)
    counts = summary(work)
    assert code == "SF107" and "of the negatives that the rows want are not there" in message
    assert counts["mined_short"] > 0.5 * 3 * counts["rows"]
    assert counts["tuples"] < counts["rows"]


def test_given_are_the_objectives_own(root: Path) -> None:
    work = root / "given"
    code = write(root, "[{kind: given}, {kind: random, per_positive: 2}]", objectives=f"  it: {SCORED}")
    stages.run(code, work, "prepare.py", "mine.py")
    own = set(
        zip(*(table(work, "data/triplets")[key] for key in ("anchor_id", "positive_id", "negative_id")), strict=True)
    )
    counts, found = summary(work), set(triplets(work))
    known = relevant(work)
    texts = dict(zip(table(work, "data/corpus")["doc_id"], table(work, "data/corpus")["text"], strict=True))
    contradicted = {one for one in own if plain(texts[one[2]]) in known[one[0]] | {plain(texts[one[0]])}}
    assert own - contradicted <= found
    assert counts["given_found"] == len(own - contradicted)
    assert counts["random_found"] + counts["random_short"] == 2 * counts["rows"]
    assert not (work / "mined/tuples.parquet").exists()


def test_clusters_part_the_documents(root: Path) -> None:
    """What is near the positive on average, and what is not."""
    works = {}
    for take in ("same", "others"):
        works[take] = root / f"near_{take}"
        stages.run(write(root, f"{{kind: clusters, take: {take}, number: 8}}"), works[take], "prepare.py", "mine.py")
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(root / "model"), device="cpu")
    means = {}
    for take, work in works.items():
        rows = table(work, "mined/triplets")
        positives, negatives = (model.encode(rows[key], normalize_embeddings=True) for key in ("positive", "negative"))
        means[take] = float(np.mean(np.sum(positives * negatives, axis=1)))
    assert means["same"] > means["others"] + 0.02


@pytest.mark.parametrize(
    ("loss", "file", "columns"),
    [
        (RANKING, "tuples", ["anchor", "positive", "negative_1", "negative_2"]),
        ("{kind: triplet}", "triplets", ["anchor", "positive", "negative"]),
        ("{kind: contrastive}", "labelled_pairs", []),
    ],
    ids=["tuples", "triplets", "labelled_pairs"],
)
def test_the_loss_is_fed(root: Path, loss: str, file: str, columns: list[str]) -> None:
    code, work = write(root, "{kind: random, per_positive: 2}", loss=loss), root / f"fed_{file}"
    stages.run(code, work, "prepare.py", "mine.py", "train.py")
    train = (code / "train.py").read_text(encoding="utf-8")
    assert all(f'"{column}": encoder.PROMPTS' in train for column in columns)
    assert (work / "model/modules.json").is_file()


def test_a_tuned_model_finds_them(root: Path) -> None:
    code, work = write(root, "{kind: mined, model: tuned, per_positive: 2}"), root / "tuned"
    stages.run(code, work, "prepare.py", "first.py", "mine.py", "train.py")
    assert (work / "first/modules.json").is_file() and not (work / "first.tmp").exists()
    assert summary(work)["mined_found"] > 0
    untuned = root / "untuned"
    stages.run(write(root, "{kind: mined, per_positive: 2}"), untuned, "prepare.py", "mine.py")
    assert set(triplets(work)) != set(triplets(untuned)), "another model finds others"


def test_with_other_seeds(root: Path) -> None:
    code, work = write(root, "{kind: random}", train=", seeds: [1, 2]"), root / "seeds"
    stages.run(code, work, "prepare.py", "mine.py", "train.py", "repeats.py")
    assert (work / "repeats/2/model/modules.json").is_file()
    assert not (work / "repeats/2/mined").exists()


def test_in_folds(root: Path) -> None:
    split = "{by: item, folds: 2, dev: 10%}"
    code, work = write(root, "{kind: mined, model: tuned}", split=split), root / "folds"
    stages.run(code, work, "folds.py")
    assert sorted(path.name for path in (work / "folds/01").iterdir()) == ["data", "index", "vectors"]


def test_of_several_objectives(root: Path) -> None:
    objectives = f"  links: {LINKED}\n  asked: {ASKED}"
    split = "{by: column, column: part, dev_share: 20%}"
    rows = (root / "rows.csv").read_text(encoding="utf-8").splitlines()
    (root / "parts.csv").write_text(
        "\n".join(
            [f"{rows[0]},part", *(f"{row},{'test' if i % 9 == 0 else 'train'}" for i, row in enumerate(rows[1:]))]
        ),
        encoding="utf-8",
    )
    code = write(root, "[{kind: bm25}, {kind: random}]", objectives=objectives, split=split, rows="parts")
    work = root / "mixture"
    stages.run(code, work, "prepare.py", "mine.py", "train.py")
    assert summary(work)["rows"] == len(table(work, "data/pairs")["anchor"])
    assert summary(work, "mined/asked")["rows"] == len(table(work, "data/asked/pairs")["anchor"])
    assert summary(work, "mined/asked")["random_found"] > 0


def test_of_chunks(root: Path) -> None:
    long = root / "long.csv"
    titles = [line.split(",") for line in (root / "docs.csv").read_text(encoding="utf-8").splitlines()[1:]]
    long.write_text(
        "id,title\n" + "\n".join(f"{ident},{title}. {title[::-1]}. And {ident}." for ident, title in titles), "utf-8"
    )
    code = write(
        root, "{kind: bm25, per_positive: 2}", objectives=f"  it: {ASKED}", split="{by: anchor}", docs="long",
        chunk=", chunk: {by: sentences, size: 1}",
    )  # fmt: skip
    work = root / "chunks"
    stages.run(code, work, "prepare.py", "mine.py", "train.py")
    rows, chunks = table(work, "mined/triplets"), set(table(work, "data/chunks")["text"])
    positives = table(work, "data/positives")
    known = set(zip(positives["anchor_id"], positives["positive_id"], strict=True))
    assert set(rows["negative"]) <= chunks
    assert not known & set(zip(rows["anchor_id"], rows["negative_id"], strict=True))
