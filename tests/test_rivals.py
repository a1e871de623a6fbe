"""Systems beside the model that are no code of this project: the product's own ranking, and vectors made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stages import compiled, run
from variations import changed, planned, variation

from specforge import pipeline, running
from specforge.problems import Problem
from specforge.source import Data
from specforge.spec.document import Spec

SPEC = """\
specforge: 1
name: small
sources:
  docs: {{path: docs.csv, id: id, text: "{{title}}"}}
  log: {{path: log.csv}}
objectives:
  it: {{{objective}, of: docs}}
split: {{by: {split}, column: part, dev: [dev]}}
retriever: {{family: bm25}}
evaluate:
  primary: nDCG@10
  {evaluate}
accept: {{SF307: a test, SF401: a test}}
"""
CLICKED = "kind: clicked, events: log, search: search, query: words, document: doc, rank: place, clicked: hit"
LINKED = "kind: linked, rows: log, item: one, linked_to: other"
DOCS = "id,title\na,first text\nb,second text\nc,third text\nd,fourth text\n"

LOG = """\
search,words,doc,place,hit,part
s1,tents,a,1,0,train
s1,tents,b,2,1,train
s2,stoves,a,1,0,dev
s2,stoves,b,2,1,dev
s3,boots,a,1,0,test
s3,boots,b,2,1,test
s4, Boots ,c,1,0,test
s4, Boots ,b,7,1,test
s4, Boots ,a,9,1,test
s5,boots,d,1,1,train
"""
"""In the test lists of "boots", a stands 1st and 3rd, b 2nd and 2nd, c 1st; ranks 7 and 9 are the next after it."""

LINKS = "one,other,part\na,b,train\nb,c,dev\nc,a,test\nd,a,test\n"


def project(root: Path, objective: str, log: str, evaluate: str, split: str = "column") -> Path:
    (root / "docs.csv").write_text(DOCS, encoding="utf-8")
    (root / "log.csv").write_text(log, encoding="utf-8")
    path = root / "small.yaml"
    text = SPEC.format(objective=objective, evaluate=evaluate, split=split)
    path.write_text(text, encoding="utf-8")
    return path


def vectors(path: Path, key: str, rows: Mapping[str, list[float] | None], kind: pa.DataType | None = None) -> None:
    columns = {key: list(rows), "x": pa.array(rows.values(), kind or pa.list_(pa.float32()))}
    pq.write_table(pa.table(columns), path)


def ranked(path: Path, system: str) -> dict[str, list[tuple[str, float]]]:
    """Query's text -> documents with their scores, best first, as the generated baselines.py ranks them for test queries."""
    code, work = compiled(path), path.parent / "work"
    run(code, work, "prepare.py", "baselines.py")
    texts = {row["query_id"]: row["text"] for row in pq.read_table(work / "data/queries.parquet").to_pylist()}
    found: dict[str, list[tuple[str, float]]] = {}
    for line in (work / f"baselines/{system}.test.trec").read_text(encoding="utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        found.setdefault(texts[query].lower(), []).append((doc, float(score)))
    return found


def problems(path: Path) -> list[Problem]:
    return list(pipeline.with_rows(pipeline.read(path)).problems)


def told(path: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in problems(path)]


def test_a_logged_ranking_is_of_the_lists_of_test(tmp_path: Path) -> None:
    """a: 1 / 1 + 1 / 3; b: 1 / 2 + 1 / 2; c: 1 / 1. The click on d is of another side, and of equals the last id is first."""
    path = project(tmp_path, CLICKED, LOG, "baselines: [logged]\n  candidates: corpus")
    [(query, docs)] = ranked(path, "logged").items()
    assert query == "boots"
    assert docs == [("a", pytest.approx(4 / 3, abs=1e-5)), ("c", 1.0), ("b", 1.0)]


def test_of_what_was_shown_what_was_judged_is_ranked(tmp_path: Path) -> None:
    path = project(tmp_path, CLICKED, LOG, "baselines: [logged]")
    assert [doc for doc, _ in ranked(path, "logged")["boots"]] == ["a", "c", "b"]
    assert (tmp_path / "work/baselines/logged.corpus.trec").exists()


CITED = (
    "kind: cited_in_answer, answers: log, question: words, one_row: passage, answer: search, retrieved: doc, cited: hit"
)


@pytest.mark.parametrize(
    ("objective", "fits"), [(CLICKED, True), (CITED + ", rank: place", True), (CITED, False)], ids=str
)
def test_ranks_make_it_a_baseline_of_its_own_accord(tmp_path: Path, objective: str, fits: bool) -> None:
    path = project(tmp_path, objective, LOG, "metrics: [R@10]")
    text = (compiled(path) / "baselines.py").read_text(encoding="utf-8")
    assert ('"logged": logged' in text) == fits


OF_ITEMS = {"a": [1.0, 0.0], "b": [0.0, 2.0], "c": [0.6, 0.8], "d": [3.0, 0.0], "e": [1.0, 1.0]}
BOUGHT = "baselines: []\n  vectors: {bought: {path: v.parquet, id: id, vector: x%s}}"


@pytest.mark.parametrize(
    ("similarity", "of_c", "of_d"),
    [
        ("cosine", [("d", 0.6), ("a", 0.6), ("b", 0.8)], [("a", 1.0), ("c", 0.6), ("b", 0.0)]),
        ("dot", [("d", 1.8), ("b", 1.6), ("a", 0.6)], [("a", 3.0), ("c", 1.8), ("b", 0.0)]),
    ],
)
def test_documents_are_compared_by_their_vectors(
    tmp_path: Path, similarity: str, of_c: list[tuple[str, float]], of_d: list[tuple[str, float]]
) -> None:
    vectors(tmp_path / "v.parquet", "id", OF_ITEMS)
    path = project(tmp_path, LINKED, LINKS, BOUGHT % f", similarity: {similarity}")
    assert told(path) == []
    found = ranked(path, "bought")
    for text, expected in (("third text", of_c), ("fourth text", of_d)):
        assert dict(found[text]) == {doc: pytest.approx(score, abs=1e-5) for doc, score in expected}
        scores = [score for _, score in found[text]]
        assert scores == sorted(scores, reverse=True)


def test_what_has_no_vector_is_last_and_counted(tmp_path: Path) -> None:
    vectors(tmp_path / "v.parquet", "id", {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [1.0, 1.0], "d": None})
    path = project(tmp_path, LINKED, LINKS, BOUGHT % "")
    [problem] = problems(path)
    assert (problem.code, problem.message) == ("SF311", '25 % of the documents have no vector in "v.parquet"')
    assert problem.evidence[0] == "1 of 4 documents"
    found = ranked(path, "bought")
    assert [doc for doc, _ in found["third text"]] == ["b", "a"]
    assert "fourth text" not in found


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float64()), pa.list_(pa.float16(), 2), pa.large_list(pa.float32())], ids=str
)
def test_any_lists_of_numbers_are_vectors(tmp_path: Path, kind: pa.DataType) -> None:
    vectors(tmp_path / "v.parquet", "id", OF_ITEMS, kind)
    path = project(tmp_path, LINKED, LINKS, BOUGHT % "")
    assert told(path) == []
    assert [doc for doc, _ in ranked(path, "bought")["fourth text"]] == ["a", "c", "b"]


def test_queries_of_text_have_vectors_of_their_own(tmp_path: Path) -> None:
    vectors(tmp_path / "v.parquet", "id", OF_ITEMS)
    vectors(tmp_path / "q.parquet", "text", {"BOOTS": [0.0, 1.0], "tents": [1.0, 0.0]})
    path = project(tmp_path, CLICKED, LOG, BOUGHT % ", queries: q.parquet, query: text" + "\n  candidates: corpus")
    assert told(path) == []
    assert [doc for doc, _ in ranked(path, "bought")["boots"]][:2] == ["b", "c"]


WRONG = {
    "twice": ({"one": ["a", "a", "b"], "x": [[1.0], [2.0], [3.0]]}, '"v.parquet" repeats 1 key'),
    "length": ({"one": ["a", "b"], "x": [[1.0], [2.0, 3.0]]}, 'the vectors of "v.parquet" differ in length: 1 to 2'),
    "nan": (
        {"one": ["a", "b"], "x": [[1.0], [float("nan")]]},
        '"v.parquet" has 1 vector with what is no finite number',
    ),
    "null": ({"one": ["a"], "x": [[1.0, None]]}, '"v.parquet" has 1 vector with what is no finite number'),
    "column": ({"two": ["a"], "x": [[1.0]]}, 'no column "one" in "v.parquet"'),
    "none": ({"one": ["x", "y"], "x": [[1.0], [2.0]]}, '100 % of the documents have no vector in "v.parquet"'),
    "text": ({"one": ["a"], "x": ["1.0 2.0"]}, '"v.parquet" holds no vectors'),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_are_no_vectors_is_refused(tmp_path: Path, name: str) -> None:
    columns, message = WRONG[name]
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    path = project(tmp_path, LINKED, LINKS, (BOUGHT % "").replace("id: id", "id: one"))
    [problem] = problems(path)
    assert problem.message == message
    assert problem.code == ("SF004" if name in ("column", "none", "text") else "SF003")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = project(tmp_path, LINKED, LINKS, BOUGHT % "")
    assert told(path) == [("SF004", 'no file "v.parquet"')]


def test_vectors_of_two_lengths_are_not_compared(tmp_path: Path) -> None:
    vectors(tmp_path / "v.parquet", "id", OF_ITEMS)
    vectors(tmp_path / "q.parquet", "text", {"boots": [0.0, 1.0, 2.0]})
    path = project(tmp_path, CLICKED, LOG, BOUGHT % ", queries: q.parquet, query: text")
    assert told(path)[0] == ("SF003", "vectors of queries and of documents differ in length: 2 and 3")


@pytest.mark.parametrize("name", ["twice", "length", "nan"])
def test_generated_code_refuses_them_by_itself(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table(WRONG[name][0]), tmp_path / "v.parquet")
    path = project(tmp_path, LINKED, LINKS, (BOUGHT % "").replace("id: id", "id: one"))
    with pytest.raises(ValueError, match="keys stand twice, vectors differ in length"):
        ranked(path, "bought")


@pytest.mark.parametrize(
    ("split", "readers"),
    [({"by": "item"}, ["baselines"]), ({"by": "item", "folds": 4}, ["baselines", "evaluation"])],
    ids=["once", "folds"],
)
def test_the_files_are_inputs_of_the_stages_that_read_them(split: dict[str, Data], readers: list[str]) -> None:
    made = planned(changed(variation("bought_vectors"), {"split": split}))
    assert [stage.name for stage in made.stages if "/data/two.parquet" in stage.reads] == readers


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("clicked_in_corpus", {}, "favour it over every other system"),
        ("rich_clicked", {}, "speak against it"),
        ("rich_cited", {"evaluate.candidates": "shown"}, "speak against it"),
        ("rich_cited_lists", {"evaluate.candidates": "shown"}, "what it did not show is not ranked"),
        ("rich_cited_lists", {}, "favour it over every other system"),
    ],
)
def test_which_way_judgments_of_a_log_lean_is_said(name: str, changes: dict[str, Data], words: str) -> None:
    spec = planned(changed(variation(name), changes)).spec
    assert isinstance(spec, Spec)
    assert words in running.bias(spec)
