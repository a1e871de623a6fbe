"""The export and its loaders: against PostgreSQL with pgvector, Qdrant without a server, LanceDB, and the requests of OpenSearch."""

from __future__ import annotations

import hashlib
import json
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import faiss
import lancedb
import numpy as np
import opensearch
import postgresql
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stages
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from qdrant_client import QdrantClient
from test_generated import imported, imported_siblings
from test_rerankers import module
from tiny import SPEC, project

from specforge.catalog.libraries import DISTRIBUTIONS
from specforge.catalog.stores import STORES
from specforge.checks import indexes
from specforge.load import load as read
from specforge.source import Source, parse
from specforge.spec.document import Spec

Vectors = NDArray[np.float32]

ROWS, DIMENSION = 400, 16
ODD = (
    "it's", 'say "so"', "two\nlines", "tab\there", "%s", "{}", "'; drop table cosine; --", "größe", "日本語", "🧺", " ", "a\\b", "\u200b",
)  # fmt: skip
"""Ids and texts that are kept as they are."""
SPECS = {
    "cosine": "{kind: hnsw, m: 12, ef_construction: 90, ef_search: 80, export: [pgvector, qdrant, lancedb, opensearch]}",
    "dot": "{kind: flat, export: [opensearch, lancedb, qdrant, pgvector, qdrant]}",
    "chunked": "{kind: binary, export: [pgvector, qdrant, lancedb, opensearch]}",
}
STORED = tuple(STORES)


@dataclass(frozen=True)
class Made:
    """Generated code, and a work folder with an export."""

    code: Path
    work: Path

    @property
    def rows(self) -> dict[str, tuple[str, Vectors]]:
        """Key -> text and vector, as exported."""
        key = "chunk_id" if self.code.name == "chunked" else "doc_id"
        return {row[key]: (row["text"], np.array(row["vector"])) for row in pq.read_table(self.file).to_pylist()}

    @property
    def file(self) -> Path:
        return self.work / "export/vectors.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """Every spec compiled, and exported from vectors that are drawn by lot."""
    root = tmp_path_factory.mktemp("export")
    project(root)
    found: dict[str, Made] = {}
    for name, index in SPECS.items():
        text = SPEC.replace("name: tiny", f"name: {name}").replace("{kind: flat}", index)
        if name == "dot":
            text = text.replace("max_length: 16", "max_length: 16\n  similarity: dot")
            text = text.replace("{kind: multiple_negatives_ranking}", "{kind: multiple_negatives_ranking, scale: 1.0}")
        if name == "chunked":
            text = asked_by_texts(text, root)
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
        found[name] = Made(stages.compiled(root / f"{name}.yaml"), root / "work" / name)
        drawn(found[name].work, similarity="dot" if name == "dot" else "cosine", chunked=name == "chunked")
        stages.run(found[name].code, found[name].work, "export.py")
    return found


def asked_by_texts(text: str, root: Path) -> str:
    """The spec with documents that are cut, which only queries of texts may find."""
    (root / "data/asked.csv").write_text("query,doc\nbread,p000\n", encoding="utf-8")
    head, _, rest = text.partition("objectives:\n")
    _, _, tail = rest.partition("split: {by: item, test: 30%, dev: 20%}\n")
    head = head.replace('"{kind} {title}"}', '"{kind} {title}", chunk: {by: sentences, size: 2}}')
    head = head.replace("lines: {path: data/lines.csv}", "lines: {path: data/asked.csv}")
    objective = "  it: {kind: question_answer, rows: lines, question: query, answer: doc, of: products}\n"
    return f"{head}objectives:\n{objective}split: {{by: anchor}}\n{tail}".replace("  fuse: [neighbour_transfer]\n", "")


def drawn(
    work: Path, similarity: str, chunked: bool, model: str = "model A", dimension: int = DIMENSION, rows: int = ROWS
) -> None:
    """What the stages before the export leave behind."""
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((rows, dimension)).astype(np.float32)
    asked = vectors[draw.integers(0, rows, 30)] + 0.3 * draw.standard_normal((30, dimension)).astype(np.float32)
    vectors[-1] = 0.0  # as of a text without a known token
    if similarity == "cosine":
        vectors[:-1] /= np.linalg.norm(vectors[:-1], axis=1, keepdims=True)
        asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    ids = [*ODD, *(f"d{row}" for row in range(len(ODD), ROWS))]
    ids = ids[: rows // 2 if chunked else rows]
    documents = [f"text of {name}" for name in ids]
    (work / "data").mkdir(parents=True)
    corpus = {"doc": range(len(ids)), "doc_id": ids, "text": documents, "role": ["train"] * len(ids)}
    pq.write_table(pa.table(corpus), work / "data/corpus.parquet")
    parts = [f"part {part} of {name}" for name in ids for part in (0, 1)]
    chunks = {
        "chunk_id": [f"{name}#{part}" for name in ids for part in (0, 1)],
        "doc": [row for row in range(len(ids)) for _ in (0, 1)],
        "text": parts,
    }
    pq.write_table(pa.table(chunks), work / "data/chunks.parquet")
    for folder in ("vectors", "index"):
        (work / folder / "contract").mkdir(parents=True)
        sealed = {"fingerprint": model, "terms": {"similarity": similarity}, "texts": []}
        (work / folder / "contract/contract.json").write_text(json.dumps(sealed), encoding="utf-8")
    np.save(work / "vectors/corpus.npy", vectors)
    np.save(work / "vectors/test.npy", asked)
    index = faiss.IndexFlat(dimension, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    faiss.write_index(index, str(work / "index/index.faiss"))
    (work / "vectors/corpus.sha256").write_text(digest([*ids, *(parts if chunked else documents)]), encoding="utf-8")


def digest(texts: list[str]) -> str:
    """As `ranking.py` has it."""
    found = hashlib.sha256()
    for text in texts:
        found.update(len(text).to_bytes(8, "big") + text.encode())
    return found.hexdigest()


class Place:
    """A store that a loader fills: how it is told where it is, and what it holds afterwards."""

    def __init__(self, name: str, scratch: Path, address: str) -> None:
        self.name, self.scratch, self.address = name, scratch, address

    def arguments(self) -> list[str]:
        if self.name == "pgvector":
            at = urlsplit(self.address)
            return ["--dsn", f"postgresql://{at.username}@{at.hostname}:{at.port}/postgres"]
        if self.name == "opensearch":
            return ["--url", self.address]
        return ["--path", str(self.scratch / self.name)]

    def held(self, table: str) -> dict[str, tuple[str, Vectors]]:
        """Key -> text and vector."""
        found = list(getattr(self, f"_{self.name}")(table))
        rows = {key: (text, np.array(vector, dtype=np.float32)) for key, text, vector in found}
        assert len(rows) == len(found)
        return rows

    def _pgvector(self, table: str) -> Iterator[tuple[str, str, Vectors]]:
        with psycopg.connect(self.address) as db:
            register_vector(db)
            for *keys, text, vector in db.execute(f"select * from {table}").fetchall():
                yield keys[0], text, vector.to_numpy()

    def _qdrant(self, table: str) -> Iterator[tuple[str, str, Vectors]]:
        client = QdrantClient(path=str(self.scratch / self.name))
        for point in client.scroll(table, limit=10_000, with_vectors=True)[0]:
            assert point.payload is not None and isinstance(point.vector, list)
            key: str = point.payload.get("chunk_id", point.payload["doc_id"])
            yield key, point.payload["text"], np.array(point.vector)
        client.close()

    def _lancedb(self, table: str) -> Iterator[tuple[str, str, list[float]]]:
        for row in lancedb.connect(self.scratch / self.name).open_table(table).to_arrow().to_pylist():
            yield row.get("chunk_id", row["doc_id"]), row["text"], row["vector"]

    def _opensearch(self, table: str) -> Iterator[tuple[str, str, list[float]]]:
        for one in OPENSEARCH[self.address].documents[table].values():
            key = str(one.get("chunk_id", one["doc_id"]))
            yield key, one["text"], one["vector"]


OPENSEARCH: dict[str, opensearch.Server] = {}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """A place of every store, empty."""
    scratch = tmp_path_factory.mktemp("stores")
    with opensearch.server() as searched:
        OPENSEARCH[searched.url] = searched
        found = {name: Place(name, scratch, searched.url) for name in STORED}
        if postgresql.programs("vector") is None:
            found.pop("pgvector")
            yield found
            return
        with postgresql.server("vector") as address:
            found["pgvector"] = Place("pgvector", scratch, address)
            yield found


@pytest.fixture(params=STORED)
def place(request: pytest.FixtureRequest, places: dict[str, Place]) -> Place:
    if request.param not in places:
        pytest.skip("no PostgreSQL with pgvector on this machine")
    return places[request.param]


def load(made: Made, place: Place, *more: str, work: Path | None = None) -> str | None:
    """Run a loader as its user would; what it refused with."""
    script = made.code / f"load_{place.name}.py"
    argv = [str(script), "--work", str(work or made.work), *place.arguments(), *more]
    known = set(sys.modules)
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "path", [str(made.code), *sys.path]),
        mock.patch.dict("os.environ", {"PGPASSWORD": postgresql.PASSWORD}),
    ):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            return str(end.code)
        finally:
            for name in set(sys.modules) - known:
                if (made.code / f"{name}.py").is_file():
                    del sys.modules[name]
    return None


def same(one: dict[str, tuple[str, Vectors]], other: dict[str, tuple[str, Vectors]]) -> None:
    assert {key: text for key, (text, _) in one.items()} == {key: text for key, (text, _) in other.items()}
    for key, (_, vector) in one.items():
        np.testing.assert_allclose(vector, other[key][1], atol=1e-6)


@pytest.mark.parametrize("name", SPECS)
def test_what_is_exported_is_what_was_embedded(name: str, made: dict[str, Made]) -> None:
    one = made[name]
    vectors, table = np.load(one.work / "vectors/corpus.npy"), pq.read_table(one.file)
    assert table.schema.field("vector").type == pa.list_(pa.float32(), DIMENSION)
    np.testing.assert_array_equal(np.array(table["vector"].to_pylist(), dtype=np.float32), vectors)
    corpus = pq.read_table(one.work / "data/corpus.parquet").to_pydict()
    if name == "chunked":
        chunks = pq.read_table(one.work / "data/chunks.parquet").to_pydict()
        assert table["chunk_id"].to_pylist() == chunks["chunk_id"] and table["text"].to_pylist() == chunks["text"]
        assert table["doc_id"].to_pylist() == [corpus["doc_id"][row] for row in chunks["doc"]]
    else:
        assert (table["doc_id"].to_pylist(), table["text"].to_pylist()) == (corpus["doc_id"], corpus["text"])
    assert (one.work / "export/index.faiss").exists() == (name != "chunked"), "binary is no index of faiss alone"
    assert (one.work / "export/contract/contract.json").is_file()


def test_blocks_give_the_table_that_one_piece_gives(made: dict[str, Made], tmp_path: Path) -> None:
    one = made["cosine"]
    export, ranking = module(one.code, "export"), module(one.code, "ranking")
    with mock.patch.object(export, "BLOCK", 37):
        vectors = np.load(one.work / "vectors/corpus.npy", mmap_mode="r")
        export.write_vectors(ranking.read_corpus(one.work), vectors, tmp_path / "vectors.parquet")
    assert pq.ParquetFile(tmp_path / "vectors.parquet").num_row_groups == -(-ROWS // 37)
    assert pq.read_table(tmp_path / "vectors.parquet") == pq.read_table(one.file)


@pytest.mark.parametrize("name", SPECS)
def test_a_store_holds_what_was_exported_and_answers_by_it(
    name: str, made: dict[str, Made], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made[name]
    assert load(one, place) is None
    told = capsys.readouterr().out
    assert told.startswith(f"{ROWS} rows; for 30 test queries the store finds ")
    assert float(told.split("finds ")[1].split("%")[0]) >= 95, told
    same(place.held(name), one.rows)
    assert load(one, place) is None, "again"
    same(place.held(name), one.rows)


def test_the_graph_is_that_of_the_spec(made: dict[str, Made], places: dict[str, Place]) -> None:
    one = made["cosine"]
    for place in places.values():
        assert load(one, place, "--collection" if place.name == "qdrant" else _option(place), "graph") is None
    if "pgvector" in places:
        with psycopg.connect(places["pgvector"].address) as db:
            told = db.execute("select indexdef from pg_indexes where indexname = 'graph_embedding'").fetchone()
        assert told is not None
        assert told[0].endswith("USING hnsw (embedding vector_cosine_ops) WITH (m='12', ef_construction='90')")
    table = lancedb.connect(places["lancedb"].scratch / "lancedb").open_table("graph")
    [index] = table.list_indices()
    assert index.index_type == "IvfHnswFlat" and index.num_indexed_rows == ROWS
    assert index.index_details["hnsw"]["max_connections"] == 12
    assert index.index_details["hnsw"]["construction_ef"] == 90
    searched = OPENSEARCH[places["opensearch"].address]
    assert searched.mappings["graph"]["properties"]["vector"]["method"]["parameters"] == {
        "m": 12,
        "ef_construction": 90,
    }
    assert searched.searches[-1]["query"]["knn"]["vector"]["method_parameters"] == {"ef_search": 80}


def _option(place: Place) -> str:
    return {"qdrant": "--collection", "opensearch": "--index"}.get(place.name, "--table")


def test_what_pgvector_cannot_build_is_refused_before(places: dict[str, Place]) -> None:
    """The bounds that the check knows are the server's own."""
    if "pgvector" not in places:
        pytest.skip("no PostgreSQL with pgvector on this machine")
    store = STORES["pgvector"]
    least, most = ({key: bounds[end] for key, bounds in store.bounds.items()} for end in (0, 1))
    longest = store.dimensions or 0
    graphs = [
        *((most["m"] + past, 300, longest, not past) for past in (0, 1)),
        *((least["m"], least["ef_construction"] - past, longest, not past) for past in (0, 1)),
        *((least["m"], most["ef_construction"] + past, longest, not past) for past in (0, 1)),
        *((40, 80 - past, longest, not past) for past in (0, 1)),
        *((16, 64, longest + past, not past) for past in (0, 1)),
    ]
    for m, ef_construction, dimension, is_built in graphs:
        index = f"{{kind: hnsw, m: {m}, ef_construction: {ef_construction}, export: [pgvector]}}"
        spec, source = ranking(SPEC.replace("{kind: flat}", index))
        told = [*indexes.exported(spec, source), *indexes.of_model(spec, source, dimension)]
        assert {one.code for one in told} == (set() if is_built else {"SF205"})
        with psycopg.connect(places["pgvector"].address) as db:
            db.execute("create extension if not exists vector")
            db.execute(f"create temporary table tried (embedding vector({dimension}))")
            try:
                db.execute(
                    "create index on tried using hnsw (embedding vector_cosine_ops) "
                    f"with (m = {m}, ef_construction = {ef_construction})"
                )
            except psycopg.Error:
                assert not is_built
            else:
                assert is_built
            db.rollback()


def ranking(text: str) -> tuple[Spec, Source]:
    source, _ = parse(text.encode(), Path("tiny.yaml"), "tiny.yaml")
    spec, problems = read(source)
    assert isinstance(spec, Spec), problems
    return spec, source


def test_qdrant_is_asked_for_the_graph_of_the_spec(made: dict[str, Made]) -> None:
    """Without a server it keeps no graph: what it is asked for is looked at."""
    client = mock.Mock(spec=QdrantClient)
    client.collection_exists.return_value = False
    loader = module(made["cosine"].code, "load_qdrant")
    loader.make(client, "there", loader.opened(made["cosine"].work))
    asked = client.create_collection.call_args
    assert (asked.kwargs["hnsw_config"].m, asked.kwargs["hnsw_config"].ef_construct) == (12, 90)
    assert (asked.args[1].size, asked.args[1].distance) == (DIMENSION, "Cosine")


@pytest.fixture
def copy(made: dict[str, Made], tmp_path: Path) -> Made:
    """A copy of a work folder, to be damaged."""
    shutil.copytree(made["cosine"].work, tmp_path / "work")
    return Made(made["cosine"].code, tmp_path / "work")


def _cut(work: Path) -> None:
    content = (work / "export/vectors.parquet").read_bytes()
    (work / "export/vectors.parquet").write_bytes(content[: len(content) // 2])


def _other_texts(work: Path) -> None:
    table = pq.read_table(work / "export/vectors.parquet")
    texts = pa.array(["another", *table["text"].to_pylist()[1:]])
    pq.write_table(table.set_column(1, "text", texts), work / "export/vectors.parquet")


def _seal(work: Path, key: str, value: object) -> None:
    path = work / "export/contract/contract.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}), encoding="utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (_cut, 'vectors.parquet" is not what was exported: damaged or changed; export again'),
    "texts": (_other_texts, 'vectors.parquet" is not what was exported: damaged or changed; export again'),
    "gone": (lambda work: (work / "export/queries.npy").unlink(), 'queries.npy" is not what was exported'),
    "model": (lambda work: _seal(work, "fingerprint", "B"), "are of another model than its contract"),
    "similarity": (lambda work: _seal(work, "terms", {"similarity": "dot"}), "compares by dot, and not by cosine"),
    "contract": (lambda work: shutil.rmtree(work / "export/contract"), "is no whole export"),
    "all": (lambda work: shutil.rmtree(work / "export"), "is no whole export"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_refused(damage: str, copy: Made, place: Place) -> None:
    change, told = DAMAGES[damage]
    change(copy.work)
    assert told in (load(copy, place, _option(place), "damaged") or "")


@pytest.mark.parametrize("changed", ["corpus", "model"])
def test_the_export_is_of_one_corpus_and_one_model(changed: str, copy: Made) -> None:
    if changed == "corpus":
        path = copy.work / "data/corpus.parquet"
        pq.write_table(pq.read_table(path).slice(1), path)
    else:
        path = copy.work / "index/contract/contract.json"
        path.write_text(path.read_text(encoding="utf-8").replace("model A", "model B"), encoding="utf-8")
    with pytest.raises(ValueError, match="SF507"):
        stages.run(copy.code, copy.work, "export.py")


def test_a_store_with_other_vectors_is_refused_and_left_alone(
    made: dict[str, Made], place: Place, tmp_path: Path
) -> None:
    assert load(made["cosine"], place, _option(place), "kept") is None
    before = place.held("kept")
    for name, options in {"model": {"model": "model B"}, "dimension": {"dimension": 8}}.items():
        work = tmp_path / name
        drawn(work, "cosine", False, **options)  # type: ignore[arg-type]
        stages.run(made["cosine"].code, work, "export.py")
        told = load(made["cosine"], place, _option(place), "kept", work=work) or ""
        assert ("of another model" if name == "model" else "no vectors of 8 dimensions") in told
        same(place.held("kept"), before)


def test_a_few_rows_are_loaded(made: dict[str, Made], place: Place, tmp_path: Path) -> None:
    few = Made(made["cosine"].code, tmp_path)
    drawn(few.work, "cosine", False, rows=3)
    stages.run(few.code, few.work, "export.py")
    assert load(few, place, _option(place), "few") is None
    same(place.held("few"), few.rows)


def test_a_store_that_is_not_there_is_told_in_a_sentence(made: dict[str, Made], places: dict[str, Place]) -> None:
    nobody = Place("opensearch", Path(), "http://127.0.0.1:9")
    assert "Connection refused" in (load(made["cosine"], nobody) or "")
    if "pgvector" in places:
        told = load(made["cosine"], places["pgvector"], "--dsn", "postgresql://me@127.0.0.1:9/postgres")
        assert "Connection refused" in (told or "")
    with mock.patch.object(Place, "arguments", lambda _: ["--url", "http://127.0.0.1:9"]):
        told = load(made["cosine"], Place("qdrant", Path(), ""))
    assert "Connection refused" in (told or "")


def test_rows_of_others_are_counted(made: dict[str, Made], place: Place, copy: Made) -> None:
    assert load(made["cosine"], place, _option(place), "counted") is None
    corpus = pq.read_table(copy.work / "data/corpus.parquet").slice(0, 100)
    pq.write_table(corpus, copy.work / "data/corpus.parquet")
    np.save(copy.work / "vectors/corpus.npy", np.load(copy.work / "vectors/corpus.npy")[:100])
    found = digest([*corpus["doc_id"].to_pylist(), *corpus["text"].to_pylist()])
    (copy.work / "vectors/corpus.sha256").write_text(found, encoding="utf-8")
    stages.run(copy.code, copy.work, "export.py")
    told = load(copy, place, _option(place), "counted")
    assert told == "the store holds 400 rows, and 100 were exported; load into an empty one"


def test_changed_rows_are_brought_up_to_date(made: dict[str, Made], place: Place, copy: Made) -> None:
    assert load(made["cosine"], place, _option(place), "updated") is None
    corpus = pq.read_table(copy.work / "data/corpus.parquet")
    texts = [f"{text}, anew" for text in corpus["text"].to_pylist()]
    pq.write_table(corpus.set_column(2, "text", pa.array(texts)), copy.work / "data/corpus.parquet")
    np.save(copy.work / "vectors/corpus.npy", np.load(copy.work / "vectors/corpus.npy")[::-1])
    found = digest([*corpus["doc_id"].to_pylist(), *texts])
    (copy.work / "vectors/corpus.sha256").write_text(found, encoding="utf-8")
    stages.run(copy.code, copy.work, "export.py")
    assert load(copy, place, _option(place), "updated") is None
    same(place.held("updated"), copy.rows)


def with_nul(copy: Made, column: str) -> None:
    """The third id or text with NUL in it."""
    corpus = pq.read_table(copy.work / "data/corpus.parquet")
    values = corpus[column].to_pylist()
    values[2] = "with\0nul"
    place = corpus.schema.names.index(column)
    corpus = corpus.set_column(place, column, pa.array(values))
    pq.write_table(corpus, copy.work / "data/corpus.parquet")
    found = digest([*corpus["doc_id"].to_pylist(), *corpus["text"].to_pylist()])
    (copy.work / "vectors/corpus.sha256").write_text(found, encoding="utf-8")
    stages.run(copy.code, copy.work, "export.py")


def test_texts_with_nul_are_kept_but_for_postgresql(
    copy: Made, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with_nul(copy, "text")
    assert load(copy, place, _option(place), "texts_with_nul") is None
    kept = {text for text, _ in place.held("texts_with_nul").values()}
    postgres = place.name == "pgvector"
    assert ("withnul" in kept, "with\0nul" in kept) == (postgres, not postgres)
    assert ("NUL was left out of 1 texts" in capsys.readouterr().err) == postgres


def test_ids_with_nul_are_kept_but_for_postgresql(copy: Made, place: Place) -> None:
    with_nul(copy, "doc_id")
    told = load(copy, place, _option(place), "ids_with_nul")
    if place.name != "pgvector":
        assert told is None and "with\0nul" in place.held("ids_with_nul")
        return
    assert told == r"PostgreSQL cannot keep the id 'with\x00nul': it has NUL, or is too long"
    with psycopg.connect(place.address) as db:
        assert db.execute("select to_regclass('ids_with_nul')").fetchone() == (None,)


def test_a_store_that_answers_by_something_else_is_refused(made: dict[str, Made]) -> None:
    exported = module(made["cosine"].code, "exported")
    export = exported.opened(made["cosine"].work)
    asked = np.load(export.folder / "queries.npy")
    right = {query.tobytes(): found for query, found in zip(asked, exported.exact(export, asked), strict=True)}
    assert exported.verify(export, ROWS, lambda query: right[query.tobytes()]) == 1.0
    with pytest.raises(ValueError, match="similarities are off by"):
        exported.verify(export, ROWS, lambda query: {key: 1 - score for key, score in right[query.tobytes()].items()})
    with pytest.raises(ValueError, match=r"finds 40.0% of the 10 nearest"):
        exported.verify(export, ROWS, lambda query: dict(list(right[query.tobytes()].items())[:4]))
    tied = {query: {f"twin of {key}": score for key, score in found.items()} for query, found in right.items()}
    assert exported.verify(export, ROWS, lambda query: tied[query.tobytes()]) == 1.0, "equal texts under other ids"


def test_exact_search_is_that_of_one_piece(made: dict[str, Made]) -> None:
    one = made["dot"]
    exported = module(one.code, "exported")
    export, vectors = exported.opened(one.work), np.load(one.work / "vectors/corpus.npy")
    asked, ids = np.load(one.work / "vectors/test.npy"), list(one.rows)
    with mock.patch.object(exported, "blocks", lambda export, _: pq.ParquetFile(one.file).iter_batches(33)):
        found = exported.exact(export, asked)
    best = np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :10]
    assert [list(one) for one in found] == [[ids[row] for row in rows] for rows in best]


def test_secrets_are_read_from_the_environment_alone(
    made: dict[str, Made], places: dict[str, Place], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = OPENSEARCH[places["opensearch"].address]
    monkeypatch.setattr(searched, "login", ("reader", "w0rd"))
    monkeypatch.setenv("OPENSEARCH_USER", "reader")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "w0rd")
    assert load(made["cosine"], places["opensearch"], "--index", "secret") is None
    if "pgvector" in places:
        told = load(made["cosine"], places["pgvector"], "--dsn", "postgresql://me:w0rd@127.0.0.1/postgres")
        assert told == "2" and "the password belongs into PGPASSWORD" in capsys.readouterr().err


def test_loaders_need_no_model(made: dict[str, Made]) -> None:
    """They open what is handed over where nothing is installed that encodes."""
    one = made["cosine"]
    for name in STORED:
        siblings = imported_siblings(one.code, f"load_{name}.py")
        assert siblings == {"exported.py"}
        modules = {
            module for file in (*siblings, f"load_{name}.py") for module in imported((one.code / file).read_text())
        }
        foreign = {module for module in modules if module in DISTRIBUTIONS}
        assert {library for module in foreign for library in DISTRIBUTIONS[module]} == {*STORES[name].libraries}
