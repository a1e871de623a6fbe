"""Writing generated files: only what changed, never over an edit, never outside the folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from specforge.errors import StageError, StaleError
from specforge.write import Changes, compare, write

NOTHING = Changes((), (), (), ())


def files(**texts: str) -> dict[str, str]:
    """Python files with their manifest."""
    named = {f"{name}.py": text for name, text in texts.items()}
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in named.items()}
    return {**named, "manifest.json": json.dumps({"files": hashes})}


OLD, NEW = files(a="a = 1\n", b="b = 1\n", c="c = 1\n"), files(a="a = 1\n", b="b = 2\n", d="d = 1\n")


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the old files."""
    write(tmp_path / "generated/x", OLD)
    return tmp_path / "generated/x"


def test_files_come_change_and_go(folder: Path) -> None:
    assert content(folder) == OLD
    expected = Changes(new=("d.py",), changed=("b.py", "manifest.json"), gone=("c.py",), edited=())
    assert compare(folder, NEW) == expected
    assert content(folder) == OLD
    assert write(folder, NEW) == expected
    assert content(folder) == NEW
    assert compare(folder, NEW) == NOTHING and not compare(folder, NEW)


def test_current_files_are_not_touched(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    inodes = {path: path.stat().st_ino for path in folder.iterdir()}
    assert write(folder, OLD) == NOTHING
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    write(folder, NEW)
    assert (folder / "a.py").stat().st_ino == inodes[folder / "a.py"]


@pytest.mark.parametrize("name", ["a.py", "b.py", "c.py"])
def test_an_edit_is_refused_and_nothing_is_written(folder: Path, name: str) -> None:
    (folder / name).write_text("edited = True\n", encoding="utf-8")
    before = content(folder)
    with pytest.raises(StaleError, match=f'^"{name}" in .* edited by hand; --force writes over'):
        write(folder, NEW)
    assert content(folder) == before
    write(folder, NEW, force=True)
    assert content(folder) == NEW


def test_an_edit_that_the_spec_gives_as_well_is_none(folder: Path) -> None:
    (folder / "b.py").write_text("b = 2\n", encoding="utf-8")
    write(folder, NEW)
    assert content(folder) == NEW


def test_a_deleted_file_is_written_again(folder: Path) -> None:
    (folder / "b.py").unlink()
    assert write(folder, OLD) == Changes(new=("b.py",), changed=(), gone=(), edited=())


@pytest.mark.parametrize("manifest", [None, "", "{", "[]", '{"files": 3}', '{"files": {"b.py": 4}}', '{"other": {}}'])
def test_without_a_manifest_no_file_is_known_to_be_ours(folder: Path, manifest: str | None) -> None:
    (folder / "manifest.json").unlink()
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    assert compare(folder, NEW).edited == ("b.py",)
    with pytest.raises(StaleError):
        write(folder, NEW)
    assert "b = 1" in (folder / "b.py").read_text(encoding="utf-8")
    write(folder, NEW, force=True)
    assert content(folder) == {**NEW, "c.py": OLD["c.py"]}


def test_a_damaged_manifest_alone_is_mended(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe{")
    assert write(folder, OLD) == Changes(new=(), changed=("manifest.json",), gone=(), edited=())


def test_files_of_others_stay(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / "__pycache__").mkdir()
    write(folder, NEW)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["../x", "../../secret", "/etc/hostname", "..", ".", "", "a/b", "a\x00b"])
def test_a_manifest_cannot_name_what_lies_outside(folder: Path, name: str) -> None:
    outside = [folder.parent / "x.txt", folder.parents[1] / "secret", folder.parent / "secret"]
    for path in outside:
        path.write_text("theirs", encoding="utf-8")
    named = {name: hashlib.sha256(b"theirs").hexdigest(), "../x.txt": hashlib.sha256(b"theirs").hexdigest()}
    damaged = json.loads(OLD["manifest.json"])["files"] | named
    (folder / "manifest.json").write_text(json.dumps({"files": damaged}), encoding="utf-8")
    assert compare(folder, NEW).gone == ("c.py",)
    write(folder, NEW)
    assert [path.read_text(encoding="utf-8") for path in outside] == ["theirs"] * 3


def test_a_link_is_replaced_and_not_followed(folder: Path) -> None:
    target = folder.parent / "target.py"
    target.write_text("b = 1\n", encoding="utf-8")
    (folder / "b.py").unlink()
    (folder / "b.py").symlink_to(target)
    write(folder, NEW)
    assert target.read_text(encoding="utf-8") == "b = 1\n"
    assert content(folder) == NEW


def test_a_folder_in_the_place_of_a_file_is_told_in_a_sentence(folder: Path) -> None:
    (folder / "b.py").unlink()
    (folder / "b.py").mkdir()
    with pytest.raises(StageError, match=r'^cannot write ".*": [A-Za-z ]+$'):
        write(folder, NEW)
    assert not list(folder.glob(".*"))


def test_a_file_in_the_place_of_the_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file", encoding="utf-8")
    with pytest.raises(StageError, match=r'^cannot (read|write) ".*": [A-Za-z ]+$'):
        write(tmp_path / "x", NEW)
    with pytest.raises(StageError, match=r'^cannot (read|write) ".*": [A-Za-z ]+$'):
        write(tmp_path / "x/deeper", NEW)


def test_a_folder_that_takes_nothing_is_told_in_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StageError, match=r'^cannot write ".*": No space left on device$'):
        write(folder, NEW)
    monkeypatch.undo()
    assert content(folder) == OLD


def test_the_manifest_is_written_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that stops half-way leaves the old manifest, and the next write goes on from there."""
    replaced: list[str] = []

    def replace(path: Path, target: Path) -> Path:
        replaced.append(target.name)
        return rename(path, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "replace", replace)
    write(folder, NEW)
    assert replaced == ["b.py", "d.py", "manifest.json"]
