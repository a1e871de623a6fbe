"""References are found without importing anything, and fingerprints follow content alone."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from specforge.locate import LookupFailure, fingerprint, locate

OLD_NS = 1_600_000_000_000_000_000


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution `toy-data` 1.2, installed in a folder on the path; importing it would fail."""
    site = tmp_path / "site"
    info = site / "toy_data-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-data\nVersion: 1.2\n")
    (info / "RECORD").write_text(
        "toy_data/__init__.py,,\ntoy_data/rows/a.csv,,\ntoy_data/rows/b.csv,,\n../../bin/toy,,\n"
    )
    (site / "toy_data" / "rows").mkdir(parents=True)
    (site / "toy_data" / "__init__.py").write_text("raise RuntimeError\n")
    (site / "toy_data" / "rows" / "a.csv").write_text("1\n")
    (site / "toy_data" / "rows" / "b.csv").write_text("2\n")
    (site / "toy_data" / "stray.csv").write_text("3\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_paths_and_globs(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "[x].csv"):
        (tmp_path / name).write_text(name)
    assert locate("b.csv", tmp_path) == [tmp_path / "b.csv"]
    assert locate(str(tmp_path / "b.csv"), Path("/")) == [tmp_path / "b.csv"]
    assert locate("[ab].csv", tmp_path) == [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert locate("[x].csv", tmp_path) == [tmp_path / "[x].csv"]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("none/*.csv", 'no file "none/*.csv" in'),
        ("hub:org/name@main", '"hub:org/name@main" is not a file of this machine'),
        ("package:toy-data/rows", 'is not of the form "package:NAME==VERSION/PATH"'),
        ("package:toy-absent==1/x", 'package "toy-absent" is not installed'),
        ("package:toy-data==2.0/toy_data/rows", 'package "toy-data" is installed as 1.2, and the spec pins 2.0'),
        ("package:toy-data==1.2/toy_data/c.csv", 'package "toy-data" 1.2 has no file "toy_data/c.csv"'),
        ("package:toy-data==1.2/toy_data/stray.csv", "has no file"),
        ("package:toy-data==1.2/../../bin/toy", 'leads out of the package "toy-data"'),
        ("package:toy-data==1.2//etc/passwd", 'leads out of the package "toy-data"'),
    ],
)
def test_failures_are_one_sentence(package: Path, tmp_path: Path, reference: str, text: str) -> None:
    with pytest.raises(LookupFailure) as failure:
        locate(reference, tmp_path)
    assert text in str(failure.value)
    assert "\n" not in str(failure.value)


def test_packages_are_found_and_not_imported(package: Path, tmp_path: Path) -> None:
    rows = package / "toy_data" / "rows"
    assert locate("package:toy-data==1.2/toy_data/rows/a.csv", tmp_path) == [rows / "a.csv"]
    assert locate("package:toy-data==1.2/toy_data/rows", tmp_path) == [rows]
    assert "toy_data" not in sys.modules


def test_fingerprints_follow_content_and_names(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    (folder / "b.csv").write_text("2\n")
    first = fingerprint("rows", tmp_path, cache)
    assert first == fingerprint("package:toy-data==1.2/toy_data/rows", tmp_path, cache)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("x")
    os.utime(folder / "a.csv", ns=(OLD_NS, OLD_NS))
    assert fingerprint("rows", tmp_path, cache) == first
    (folder / "b.csv").rename(folder / "c.csv")
    assert fingerprint("rows", tmp_path, cache) != first


def test_hub_references_stand_for_themselves(tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    assert fingerprint("hub:a/b@1", tmp_path, cache) != fingerprint("hub:a/b@2", tmp_path, cache)
    assert not cache.exists()


def test_digests_are_remembered_by_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, file = tmp_path / "cache.json", tmp_path / "a.csv"
    file.write_text("1")
    os.utime(file, ns=(OLD_NS, OLD_NS))
    first = fingerprint("a.csv", tmp_path, cache)
    (entry,) = json.loads(cache.read_text()).values()
    assert entry.endswith("6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")  # sha256 of "1"

    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed again"))
        assert fingerprint("a.csv", tmp_path, cache) == first

    file.write_text("2")  # same size; also the same times
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert fingerprint("a.csv", tmp_path, cache) != first


def test_young_files_and_broken_caches_are_hashed_again(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache.json", tmp_path / "a.csv"
    file.write_text("1")
    fingerprint("a.csv", tmp_path, cache)
    assert not cache.exists()
    os.utime(file, ns=(OLD_NS, OLD_NS))
    cache.write_text("{broken")
    fingerprint("a.csv", tmp_path, cache)
    assert json.loads(cache.read_text())


def test_one_cache_serves_many_writers(tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    names = [f"{number}.csv" for number in range(8)]
    for name in names:
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(OLD_NS, OLD_NS))
    threads = [threading.Thread(target=fingerprint, args=(name, tmp_path, cache)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(cache.read_text())
    assert not list(tmp_path.glob(".cache*"))
