"""Rerankers: every loss trains, candidates keep the rules, and the pipeline is measured as users will get it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from tiny import make_cross_encoder, make_masked_model, make_model

from specforge import pipeline, planning
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.base import Loss
from specforge.catalog.losses.cross_encoder import CrossEncoderLoss
from specforge.checks.losses import kind_of
from specforge.problems import Problem

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
  docs: {{path: docs.csv, id: id, text: "{{title}}"}}
  asked: {{path: asked.csv, id: id, text: "{{words}}"}}
  qrels: {{path: qrels.csv}}
objectives:
  it: {objective}
split: {split}
{retriever}
reranker:
  family: cross_encoder
  base: {base}
  max_length: 24
  precision: fp32
  over: 12
  negatives: {{per_positive: 2, ranks: [1, 20]}}
{reranker}
evaluate: {{primary: nDCG@10, metrics: [R@10], baselines: {baselines}}}
"""
JUDGED = "{kind: judged, rows: qrels, asked: asked, query: query, document: doc, grade: grade, of: docs}"
LINKED = "{kind: linked, rows: qrels, item: doc, linked_to: other, of: docs}"
BM25 = "retriever: {family: bm25}"
TUNED = """\
retriever:
  family: bi_encoder
  base: ./model
  max_length: 16
  precision: fp32
  loss: {kind: multiple_negatives_ranking}
  train: {epochs: 1, batch_size: 8, learning_rate: 1e-3}
index: {kind: flat}"""

FAMILIES_OF_MANY = {
    "late_interaction": TUNED.replace("bi_encoder", "late_interaction").replace("\n  max", "\n  dimension: 16\n  max"),
    "sparse_encoder": TUNED.replace("bi_encoder", "sparse_encoder")
    .replace("./model", "./masked")
    .replace("ranking}", "ranking, regulariser: {document: 1e-4, query: 1e-4}}"),
}
"""Families that make no single vector of a text."""


def spec(
    reranker: str,
    objective: str = JUDGED,
    split: str = "{by: anchor, test: 30%, dev: 10%}",
    retriever: str = BM25,
    base: str = "./model",
    baselines: str = "[]",
) -> str:
    lines = "\n".join(f"  {line}" for line in reranker.splitlines())
    return SPEC.format(
        reranker=lines, objective=objective, split=split, retriever=retriever, base=base, baselines=baselines
    )


TEACHER = "{kind: cross_encoder, model: ./cross, max_length: 24, precision: fp32}"
TRAIN = "train: {epochs: 1, batch_size: 8, learning_rate: 1e-3}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of two words, queries that have one of them and one of another, graded; a model with random weights."""
    folder = tmp_path_factory.mktemp("rerankers")
    docs = [f"{one} {WORDS[(row + 4) % 15]}" for row, one in enumerate(WORDS)] + [
        f"{one} {WORDS[(row + 7) % 15]} jam" for row, one in enumerate(WORDS)
    ]
    asked = [f"{one} {WORDS[(row + step) % 15]}" for row, one in enumerate(WORDS) for step in (1, 4, 7, 9)]
    _write(folder / "docs.csv", "id,title", [f"d{row},{text}" for row, text in enumerate(docs)])
    _write(folder / "asked.csv", "id,words", [f"q{row},{text}" for row, text in enumerate(asked)])
    graded = [
        f"q{query},d{doc},d{(doc + 1) % 30},{len(set(text.split()) & set(title.split()))}"
        for query, text in enumerate(asked)
        for doc, title in enumerate(docs)
        if (query + doc) % 5 < 2 and (set(text.split()) & set(title.split()) or (query * 7 + doc) % 9 == 0)
    ]
    _write(folder / "qrels.csv", "query,doc,other,grade", graded)
    make_model(folder / "model", {*WORDS})
    make_cross_encoder(folder / "cross", {*WORDS})
    return folder


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def compiled(root: Path, text: str) -> Path:
    (root / "small.yaml").write_text(text, encoding="utf-8")
    return stages.compiled(root / "small.yaml")


def module(code: Path, name: str) -> ModuleType:
    """A generated module, imported on its own."""
    with mock.patch.object(sys, "path", [str(code), *sys.path]):
        known = set(sys.modules)
        found = importlib.util.spec_from_file_location(f"generated_{name}", code / f"{name}.py")
        assert found is not None and found.loader is not None
        made = importlib.util.module_from_spec(found)
        sys.modules[f"generated_{name}"] = made
        found.loader.exec_module(made)
        for other in set(sys.modules) - known:
            if (code / f"{other}.py").is_file():
                del sys.modules[other]
    return made


@pytest.mark.parametrize("loss", LOSSES["cross_encoder"], ids=kind_of)
def test_it_trains(loss: type[Loss], root: Path) -> None:
    import torch
    from safetensors.torch import load_file

    assert issubclass(loss, CrossEncoderLoss)
    grades = ", grades: 3" if "graded_pairs" in loss.takes else ""
    teacher = f"teacher: {TEACHER}\n" if loss.copies else ""
    code = compiled(root, spec(f"loss: {{kind: {kind_of(loss)}{grades}}}\n{teacher}{TRAIN}"))
    work = root / kind_of(loss)
    labelling = ["label_reranker.py"] if teacher else []
    stages.run(code, work, "prepare.py", "index.py", "candidates.py", *labelling, "train_reranker.py")
    before, after = (load_file(root / name / "model.safetensors") for name in ("model", work.name + "/reranker"))
    body = {name: value for name, value in after.items() if name.startswith("bert.encoder")}
    assert body and any(not torch.equal(value, before[name.removeprefix("bert.")]) for name, value in body.items())
    assert all(torch.isfinite(value).all() for value in after.values())
    counts = json.loads((work / "reranker/rows.json").read_text(encoding="utf-8"))
    assert counts["rows"] > 0


def test_what_losses_declare() -> None:
    for loss in LOSSES["cross_encoder"]:
        assert issubclass(loss, CrossEncoderLoss)
        assert loss.activations and loss.takes and loss.samplers
        assert loss.in_batch == (loss.samplers == ("no_duplicates",))


def table(path: Path, **columns: list[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def by_hand(work: Path) -> None:
    """Six documents with the word `jam`; query q0 trains, q1 chooses, q2 reports."""
    data = work / "data"
    texts = ["jam", "jam bread", "jam milk", "jam soil", "jam pots", "jam bib"]
    table(
        data / "corpus.parquet",
        doc=list(range(6)),
        doc_id=[f"d{doc}" for doc in range(6)],
        text=list(texts),
        role=["known", "known", "train", "test", "known", "known"],
    )
    table(
        data / "queries.parquet",
        split=["dev", "test"], query_id=["q1", "q2"], text=["jam milk", "bread"], doc=[None, None], query=[1, 2],
    )  # fmt: skip
    table(data / "qrels.parquet", split=["dev", "test"], query_id=["q1", "q2"], doc_id=["d2", "d4"], relevance=[1, 1])
    table(data / "pairs.parquet", anchor_id=["q0", "q0"], positive_id=["d1", "d1"], anchor=["jam", "jam"],
          positive=["jam bread", "jam bread"])  # fmt: skip
    # d1 trains; d2 is known to be relevant and was left out of the pairs; d4 was judged and does not answer
    table(data / "known.parquet", anchor_id=["q0"] * 3, document_id=["d1", "d2", "d4"], grade=[2, 1, 0])
    table(data / "triplets.parquet", anchor_id=["q0"], positive_id=["d1"], negative_id=["d4"], anchor=["jam"],
          positive=["jam bread"], negative=["jam pots"])  # fmt: skip


def test_candidates_by_hand(root: Path, tmp_path: Path) -> None:
    code = compiled(root, spec(f"loss: {{kind: mse}}\n{TRAIN}"))
    by_hand(tmp_path)
    stages.run(code, tmp_path, "index.py", "candidates.py")
    found = pq.read_table(tmp_path / "candidates/train.parquet").to_pydict()
    # every document has the word, d0 is the shortest; relevant (d1, d2) and held out (d3) documents are no negatives
    assert dict(zip(found["doc_id"], found["rank"], strict=True)) == {"d0": 1, "d5": 2, "d4": 3}
    assert set(found["query_id"]) == {"q0"}
    test = pq.read_table(tmp_path / "candidates/test.parquet").to_pydict()
    # what the retriever misses is not there, though it is relevant: nothing is put in by hand
    assert (test["query_id"], test["doc_id"]) == (["q2"], ["d1"])
    dev = pq.read_table(tmp_path / "candidates/dev.parquet").to_pydict()
    assert dev["doc_id"][0] == "d2" and set(dev["doc_id"]) == {f"d{doc}" for doc in range(6)}


def test_ranks_bound_the_negatives(root: Path, tmp_path: Path) -> None:
    code = compiled(root, spec(f"loss: {{kind: mse}}\n{TRAIN}").replace("ranks: [1, 20]", "ranks: [2, 5]"))
    by_hand(tmp_path)
    stages.run(code, tmp_path, "index.py", "candidates.py")
    assert pq.read_table(tmp_path / "candidates/train.parquet").to_pydict()["doc_id"] == ["d5", "d4"]


ROWS = {
    "binary_cross_entropy": {("jam bread", 1.0), ("jam pots", 0.0), ("jam", 0.0), ("jam bib", 0.0)},
    "mse": {("jam bread", 1.0), ("jam pots", 0.0), ("jam", 0.0), ("jam bib", 0.0)},
}


@pytest.mark.parametrize("kind", ROWS)
def test_labelled_rows_by_hand(kind: str, root: Path, tmp_path: Path) -> None:
    rows = training_rows(kind, root, tmp_path)
    assert {(row["document"], row["label"]) for row in rows} == ROWS[kind]
    assert {row["anchor"] for row in rows} == {"jam"}
    assert [row["document"] for row in rows].count("jam bread") == 2, "a pair that is drawn twice trains twice"


def training_rows(kind: str, root: Path, work: Path) -> list[dict[str, object]]:
    code = compiled(root, spec(f"loss: {{kind: {kind}}}\n{TRAIN}"))
    by_hand(work)
    stages.run(code, work, "index.py", "candidates.py")
    train = module(code, "train_reranker")
    return list(train.training_rows(train.asked(work, 0)))


def test_lists_by_hand(root: Path, tmp_path: Path) -> None:
    (row,) = training_rows("list_net", root, tmp_path)
    assert row["documents"][:2] == ["jam bread", "jam pots"]  # type: ignore[index]
    assert set(row["documents"][2:]) == {"jam", "jam bib"}  # type: ignore[index]
    assert row["labels"] == [2.0, 0.0, 0.0, 0.0]


def test_tuples_by_hand(root: Path, tmp_path: Path) -> None:
    rows = training_rows("multiple_negatives_ranking", root, tmp_path)
    assert [list(row) for row in rows] == [["anchor", "positive", "negative_1", "negative_2"]] * 2
    negatives = [row[name] for row in rows for name in ("negative_1", "negative_2")]
    assert set(negatives) == {"jam", "jam bib", "jam pots"}


def test_a_query_is_no_candidate_of_itself(root: Path, tmp_path: Path) -> None:
    code = compiled(root, spec(f"loss: {{kind: rank_net}}\n{TRAIN}", LINKED, "{by: item, test: 30%, dev: 10%}"))
    stages.run(code, tmp_path, "prepare.py", "index.py", "candidates.py")
    corpus = pq.read_table(tmp_path / "data/corpus.parquet").to_pydict()
    held_out = {doc for doc, role in zip(corpus["doc_id"], corpus["role"], strict=True) if role in ("dev", "test")}
    known = pq.read_table(tmp_path / "data/known.parquet").to_pydict()
    positives = set(zip(known["anchor_id"], known["document_id"], strict=True))
    assert held_out and positives
    for split in ("train", "dev", "test"):
        found = pq.read_table(tmp_path / f"candidates/{split}.parquet").to_pydict()
        assert found["query_id"]
        pairs = list(zip(found["query_id"], found["doc_id"], strict=True))
        assert all(query != doc for query, doc in pairs)
        if split == "train":
            assert not positives & set(pairs)
            assert not held_out & set(found["doc_id"])


ALL = ("index.py", "baselines.py", "candidates.py", "train_reranker.py", "rerank.py", "evaluation.py")


def test_the_pipeline_over_a_tuned_retriever(root: Path, tmp_path: Path) -> None:
    text = spec(
        "loss: {kind: lambda}\ntrain: {epochs: 2, batch_size: 8, learning_rate: 1e-3, select: {metric: nDCG@10}}",
        retriever=TUNED,
        baselines="[bm25, untuned]",
    )
    code = compiled(root, text)
    stages.run(code, tmp_path, "prepare.py", "untuned.py", "train.py", "embed.py", *ALL)
    metrics = json.loads((tmp_path / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert list(metrics["systems"]) == ["bm25", "untuned", "tuned", "tuned+reranker"]
    assert {one["over"] for one in metrics["differences"] if one["system"] == "tuned+reranker"} == {
        "bm25", "untuned", "tuned"
    }  # fmt: skip
    reranking, found = metrics["reranking"], metrics["systems"]["tuned+reranker"]
    assert (reranking["candidates"], reranking["over"]) == ("found", 12)
    assert 0 < found["nDCG@10"]["mean"] <= reranking["ceiling"]["nDCG@10"]["mean"] < 1
    assert reranking["found"] < 1
    _keeps_what_is_below(tmp_path)
    history = json.loads((tmp_path / "reranker/history.json").read_text(encoding="utf-8"))
    assert [line["epoch"] for line in history if "eval_nDCG@10" in line] == [1.0, 2.0]
    hits = module(code, "search").SYSTEMS["tuned+reranker"](tmp_path)("jam bread", 5).hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]


@pytest.mark.parametrize("family", FAMILIES_OF_MANY)
def test_the_pipeline_over_a_retriever_without_one_vector(family: str, root: Path, tmp_path: Path) -> None:
    if family == "sparse_encoder":
        make_masked_model(root / "masked", {*WORDS})
    code = compiled(root, spec(f"loss: {{kind: list_net}}\n{TRAIN}", retriever=FAMILIES_OF_MANY[family]))
    stages.run(code, tmp_path, "prepare.py", "train.py", "embed.py", *(one for one in ALL if one != "baselines.py"))
    metrics = json.loads((tmp_path / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert list(metrics["systems"]) == ["tuned", "tuned+reranker"]
    reranking, found = metrics["reranking"], metrics["systems"]["tuned+reranker"]
    assert 0 < found["nDCG@10"]["mean"] <= reranking["ceiling"]["nDCG@10"]["mean"] < 1
    _keeps_what_is_below(tmp_path)
    assert pq.read_table(tmp_path / "candidates/train.parquet").num_rows > 0
    hits = module(code, "search").SYSTEMS["tuned+reranker"](tmp_path)("jam bread", 5).hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]


def _keeps_what_is_below(work: Path) -> None:
    """What is not reranked stands below in the retriever's order."""
    runs = {name: trec(work / f"evaluation/{name}.trec") for name in ("tuned", "tuned+reranker")}
    for query, docs in runs["tuned"].items():
        assert set(runs["tuned+reranker"][query][:12]) == set(docs[:12])
        assert runs["tuned+reranker"][query][12:] == docs[12:]


def trec(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, doc, *_ = line.split()
        found.setdefault(query, []).append(doc)
    return found


def test_a_trained_cross_encoder_is_a_baseline_and_needs_no_training(root: Path, tmp_path: Path) -> None:
    first = compiled(root, spec(f"loss: {{kind: binary_cross_entropy}}\n{TRAIN}"))
    stages.run(first, root / "first", "prepare.py", "index.py", "candidates.py", "train_reranker.py")
    beside = spec(
        f"loss: {{kind: list_net}}\n{TRAIN}", base="./first/reranker", baselines="[popularity, untuned_reranker]"
    )
    stages.run(compiled(root, beside), tmp_path, "prepare.py", *ALL)
    metrics = json.loads((tmp_path / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert list(metrics["systems"]) == ["popularity", "bm25", "bm25+untuned_reranker", "bm25+reranker"]
    alone = spec("train: none", base="./first/reranker")
    again = tmp_path / "again"
    stages.run(compiled(root, alone), again, "prepare.py", "index.py", "candidates.py", "rerank.py", "evaluation.py")
    untrained = json.loads((again / "evaluation/metrics.json").read_text(encoding="utf-8"))
    same = metrics["systems"]["bm25+untuned_reranker"]["nDCG@10"]["mean"]
    assert untrained["systems"]["bm25+reranker"]["nDCG@10"]["mean"] == pytest.approx(same)


def test_pairs_that_are_cut(root: Path) -> None:
    short = spec(f"loss: {{kind: mse}}\n{TRAIN}").replace("max_length: 24", "max_length: 4")
    assert codes(root, short) == {"SF204"}
    (problem,) = [one for one in problems(root, short) if one.code == "SF204"]
    assert problem.path == ("reranker", "max_length")
    assert problem.message.endswith("of the pairs have more than 4 tokens together and are cut")
    # two words and two or three; this tokenizer puts nothing around pairs
    assert problem.evidence[0].endswith("the longest has 5")
    assert codes(root, spec(f"loss: {{kind: mse}}\n{TRAIN}")) == set()


def problems(root: Path, text: str) -> list[Problem]:
    """What all checks say, but for the size of the evaluation and a learning rate that only a tiny model bears."""
    (root / "small.yaml").write_text(text, encoding="utf-8")
    found = pipeline.with_rows(pipeline.read(root / "small.yaml"))
    return [one for one in found.problems if one.code not in ("SF110", "SF307")]


def codes(root: Path, text: str) -> set[str]:
    return {one.code for one in problems(root, text)}


def test_a_new_head_is_no_rival(root: Path) -> None:
    beside = spec(f"loss: {{kind: mse}}\n{TRAIN}", baselines="[untuned_reranker]")
    (problem,) = problems(root, beside)
    assert (problem.code, problem.path) == ("SF113", ("evaluate", "baselines", 0))
    told = {one.message for one in problems(root, spec("train: none"))}
    assert told == {'"./model" has no trained head', '"negatives" has no effect: nothing is trained'}
    assert codes(root, spec(f"loss: {{kind: mse}}\n{TRAIN}", base="./nowhere")) == {"SF004"}


def test_a_base_without_a_commit(root: Path) -> None:
    (problem,) = problems(root, spec(f"loss: {{kind: mse}}\n{TRAIN}", base="org/encoder"))
    assert (problem.code, problem.path) == ("SF402", ("reranker", "base"))


def test_a_base_of_the_hub_is_known_by_its_name(root: Path) -> None:
    def told(base: str) -> set[str]:
        return {one.message for one in problems(root, spec("train: none", base=base)) if one.code in ("SF003", "SF403")}

    assert told("cross-encoder/ms-marco-MiniLM-L6-v2") == set()
    assert told("org/unknown") == set()
    for encoder in ("sentence-transformers/all-MiniLM-L6-v2", "answerdotai/ModernBERT-base"):
        assert told(encoder) == {f'"{encoder}" has no trained head'}
    assert told("jinaai/jina-reranker-v2-base-multilingual") == {
        "the base model runs only with Python code of its own, which a reranker cannot be given"
    }


def test_no_more_is_read_than_the_base_has_positions(root: Path) -> None:
    long = spec(f"loss: {{kind: mse}}\n{TRAIN}").replace("max_length: 24", "max_length: 5000")
    (problem,) = [one for one in problems(root, long) if one.code == "SF003"]
    assert problem.path == ("reranker", "max_length") and "positions for" in problem.message


def test_a_classifier_of_pairs_gives_no_score(root: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    classifier = AutoModelForSequenceClassification.from_pretrained(root / "model", num_labels=3)
    classifier.save_pretrained(root / "classifier")
    (problem,) = problems(root, spec(f"loss: {{kind: mse}}\n{TRAIN}", base="./classifier"))
    assert problem.message == '"./classifier" tells 3 classes apart, and a reranker gives one score'


def test_what_a_plan_says(root: Path) -> None:
    (root / "small.yaml").write_text(spec(f"loss: {{kind: list_net}}\n{TRAIN}"), encoding="utf-8")
    made = pipeline.read(root / "small.yaml").plan
    assert made is not None
    said = planning.describe(made, as_json=False)
    assert "triplets become lists: the documents of an anchor stand in one row" in said
    assert 'loss "list_net" takes lists, with 2 negatives a positive of ranks 1 to 20' in said


def test_grades_are_classes_and_documents_rank_by_the_expected_one(root: Path, tmp_path: Path) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    code = compiled(root, spec(f"loss: {{kind: cross_entropy, grades: 3}}\n{TRAIN}"))
    stages.run(code, tmp_path, "prepare.py", "index.py", "candidates.py", "train_reranker.py")
    pairs = [("bread milk", "milk soil"), ("jam", "jam bread"), ("bread milk", "milk soil"), ("pots", "bib puree jam")]
    reranking = module(code, "reranking")
    scores = reranking.score(reranking.load(str(tmp_path / "reranker")), pairs)
    plain = CrossEncoder(str(tmp_path / "reranker"), device="cpu", max_length=24, activation_fn=torch.nn.Identity())
    logits = torch.tensor(plain.predict(pairs))
    assert logits.shape == (4, 3)
    expected = [sum(grade * float(share) for grade, share in enumerate(row)) for row in logits.softmax(dim=1)]
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)
    assert scores.min() > 0 and scores.max() < 2 and scores[0] == scores[2]


def test_every_grade_has_a_class(root: Path) -> None:
    header, *lines = (root / "qrels.csv").read_text(encoding="utf-8").splitlines()
    doubled = [f"{line[:-1]}{2 * int(line[-1])}" for line in lines]
    _write(root / "doubled.csv", header, doubled)
    told = {wanted: of_grades(root, wanted) for wanted in (3, 5)}
    assert [problem.message for problem in told[3]] == ['the highest grade is 4, and "grades: 3" has 0 to 2']
    assert told[3][0].span is not None and told[3][0].hint == 'set "grades: 5"'
    assert not told[5]


def of_grades(root: Path, wanted: int) -> list[Problem]:
    """What is said of the labels of so many classes."""
    text = spec(f"loss: {{kind: cross_entropy, grades: {wanted}}}\n{TRAIN}").replace("qrels.csv", "doubled.csv")
    (root / "small.yaml").write_text(text, encoding="utf-8")
    found = pipeline.with_rows(pipeline.read(root / "small.yaml"))
    return [problem for problem in found.problems if problem.code == "SF102"]
