"""What a search or a stage cannot read is refused in one sentence: the file, the cause, the remedy; and never a traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import asked
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asked import options, session
from test_search import apart, root

from specforge import searching
from specforge.errors import StageError, UsageError

__all__ = ["apart", "root"]


SOME = pytest.mark.parametrize("copied", ["words", "dense_chunked", "late"], indirect=True)


@pytest.fixture(params=asked.KINDS)
def copied(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Path:
    """A project with one run of a kind, to be spoilt."""
    name = str(request.param)
    session(root, name)
    for model in ("model", "masked", "cross"):
        shutil.copytree(root / model, tmp_path / model)
    shutil.copytree(root / "generated" / name, tmp_path / "generated" / name)
    shutil.copytree(root / "runs" / name, tmp_path / "runs" / name)
    return tmp_path / "runs" / name


def answer(work: Path) -> str:
    return searching.search(searching.session(work.parents[1], work.name), "jam bread", options(), as_json=True)


def refused(work: Path, error: type[Exception] = StageError) -> str:
    """What is said of a run that cannot be asked."""
    with pytest.raises(error) as told:
        answer(work)
    text = str(told.value)
    assert "\n" not in text and "Traceback" not in text and "/tmp/" not in text
    assert f"run {work.name}.yaml" in text
    return text


def files(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def answering(work: Path) -> list[Path]:
    """The files of the index itself."""
    return [path for path in files(work / "index", ".faiss", ".npy", ".npz") if path.parent.name != "contract"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_truncated_index_is_refused(copied: Path) -> None:
    for path in answering(copied):
        whole = path.read_bytes()
        truncate(path)
        assert f'"runs/{copied.name}/index" has' in refused(copied) and "were written" in refused(copied)
        path.unlink()
        assert "were written" in refused(copied)
        path.write_bytes(whole)
    (copied / "index/figures.json").write_text("{", encoding="utf-8")
    refused(copied)
    (copied / "index/figures.json").unlink()
    assert "figures.json" in refused(copied)


def test_an_index_of_the_same_size_that_is_none_is_refused(copied: Path) -> None:
    for path in answering(copied):
        path.write_bytes(b"\0" * path.stat().st_size)
    assert "cannot be read" in refused(copied)


@SOME
def test_documents_that_changed_since_are_refused(copied: Path) -> None:
    name = "chunks" if (copied / "data/chunks.parquet").exists() else "corpus"
    table = pq.read_table(copied / f"data/{name}.parquet")
    texts = pa.array([f"{text} more" for text in table["text"].to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("text"), "text", texts), copied / f"data/{name}.parquet")
    assert "the documents are not those" in refused(copied) and "[SF507]" in refused(copied)


SPOILT: dict[str, Callable[[Path], object]] = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@SOME
@pytest.mark.parametrize("how", SPOILT)
def test_damaged_documents_are_refused(copied: Path, how: str) -> None:
    SPOILT[how](copied / "data/corpus.parquet")
    assert "corpus.parquet" in refused(copied)


WITH_MODELS = pytest.mark.parametrize("copied", ["dense", "late", "sparse", "static"], indirect=True)


@WITH_MODELS
def test_a_damaged_model_is_refused_or_answers_as_before(copied: Path) -> None:
    """The libraries do without some files; the contract proves that the vectors are the same without them."""
    own = (copied / "model").exists()
    folder = copied / "model" if own else copied.parents[1] / ("masked" if copied.name == "sparse" else "model")
    refusals = 0
    for path in (*files(folder, ".safetensors"), *files(folder, ".json")):
        whole = path.read_bytes()
        for damage in SPOILT.values():
            damage(path)
            try:
                answer(copied)
            except StageError as error:
                assert f"runs/{copied.name}/model" in str(error) or folder.name in str(error)
                refusals += 1
            path.write_bytes(whole)
    assert refusals >= 5


@WITH_MODELS
def test_an_index_of_another_model_is_refused(copied: Path) -> None:
    file = copied / "index/contract/contract.json"
    sealed = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**sealed, "fingerprint": "0" * 64}), encoding="utf-8")
    assert "was made by another model" in refused(copied) and "[SF507]" in refused(copied)


def test_what_is_compared_and_what_reranks_is_named(root: Path, tmp_path: Path) -> None:
    session(root, "both")
    shutil.copytree(root, tmp_path / "copy")
    work = tmp_path / "copy/runs/both"
    everything = options(compare=True)
    for path, named in (
        (work / "untuned/corpus.npy", "runs/both/untuned"),
        (work.parents[1] / "cross/model.safetensors", "cross"),
    ):
        whole = path.read_bytes()
        truncate(path)
        with pytest.raises(
            StageError, match=rf'{named}" cannot be read .*; make it again \(specforge run both\.yaml\)$'
        ):
            searching.search(searching.session(work.parents[1], "both"), "jam", everything, as_json=True)
        path.write_bytes(whole)
    searching.search(searching.session(work.parents[1], "both"), "jam", everything, as_json=True)


@SOME
def test_what_is_gone_from_the_store_is_named(copied: Path) -> None:
    store = copied.parents[1] / "away"
    (copied / "index").rename(store)
    (copied / "index").symlink_to(store)
    answer(copied)
    shutil.rmtree(store)
    assert f'"runs/{copied.name}/index" is gone from the store' in refused_here(copied)


def refused_here(work: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work.parents[1])
        return refused(work, UsageError)
