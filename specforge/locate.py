"""Finds the files that a reference in a spec names, and fingerprints their content."""

from __future__ import annotations

import glob
import hashlib
import importlib.metadata
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from specforge import databases

_PACKAGE = re.compile(r"package:(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^/\s]+)/(?P<path>.+)")
_REMOTE = re.compile(r"hub:|env:|[A-Za-z][A-Za-z0-9+.-]+://")
_SQLITE = "sqlite:///"
_SETTLED_NS = 2_000_000_000
"""A file younger than this may still change within one tick of its file system's clock, so it is not remembered."""


class LookupFailure(ValueError):
    """A reference that names nothing on this machine; the text says why, in one sentence."""


def is_remote(reference: str) -> bool:
    """Whether the reference is fetched by the script itself: `hub:org/name@revision`, `env:VARIABLE query` or a URL."""
    return _REMOTE.match(reference) is not None and not reference.startswith(_SQLITE)


def locate(reference: str, base: Path) -> list[Path]:
    """The files or folders that a reference names, at least one, sorted.

    A reference is an absolute path, a path or glob relative to `base`, `sqlite:///path`, or
    `package:DIST==VERSION/path`, which is looked up in the distribution's metadata and never imported. Raises
    LookupFailure.
    """
    if is_remote(reference):
        raise LookupFailure(f'"{reference}" is not a file of this machine')
    if reference.startswith("package:"):
        return [_in_package(reference)]
    if reference.startswith(_SQLITE):
        return _sqlite(base / reference.removeprefix(_SQLITE))
    if (base / reference).exists():
        return [base / reference]
    found = sorted(base / path for path in glob.glob(reference, root_dir=base, recursive=True))  # noqa: PTH207
    if not found:
        raise LookupFailure(f'no file "{reference}" in "{base}"')
    return found


def fingerprint(reference: str, base: Path, cache: Path) -> str:
    """The sha256 of everything that a reference names; of its own text where it is a pinned data set of the Hub.

    A folder counts with the sorted names and the content of its files. Digests of files are remembered in the JSON file
    `cache` by path, size, times and inode; several processes may share it. Raises LookupFailure and OSError.
    """
    if reference.startswith("env:"):
        return _of_rows(reference)
    if is_remote(reference):
        return _digest(reference.encode())
    found = locate(reference, base)
    known = _read_cache(cache)
    fresh: dict[str, str] = {}
    lines = [f"{name}\0{_file_digest(path, known, fresh)}\n" for name, path in _named_files(found, base)]
    if fresh:
        _remember(cache, fresh)
    return _digest("".join(lines).encode())


def _sqlite(file: Path) -> list[Path]:
    """The file, and the log beside it where rows wait that were written last."""
    if not file.is_file():
        raise LookupFailure(f'no file "{file}"')
    log = file.with_name(f"{file.name}-wal")
    return [file, log] if log.is_file() and log.stat().st_size else [file]


def _of_rows(reference: str) -> str:
    """Of a server, what the query gives: it stands for the rows at hand, so that training runs again only when they
    changed, and a run whose rows change while it reads them is refused. The server goes over them each time."""
    variable, _, query = reference.removeprefix("env:").partition(" ")
    try:
        return _digest(databases.fingerprint(variable, query).encode())
    except databases.FetchFailure as failure:
        raise LookupFailure(str(failure)) from failure


def write_whole(path: Path, text: str) -> None:
    """Replace a file by one rename, so that a reader or a kill never meets half of it. Raises OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with aside.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _in_package(reference: str) -> Path:
    match = _PACKAGE.fullmatch(reference)
    if match is None:
        raise LookupFailure(f'"{reference}" is not of the form "package:NAME==VERSION/PATH"')
    distribution = _distribution(match["name"], match["version"])
    wanted = PurePosixPath(match["path"])
    if wanted.is_absolute() or ".." in wanted.parts:
        raise LookupFailure(f'"{match["path"]}" leads out of the package "{match["name"]}"')
    listed = [PurePosixPath(file) for file in distribution.files or ()]
    path = Path(str(distribution.locate_file(str(wanted))))
    if not any(file == wanted or wanted in file.parents for file in listed) or not path.exists():
        raise LookupFailure(f'package "{match["name"]}" {match["version"]} has no file "{match["path"]}"')
    return path


def _distribution(name: str, version: str) -> importlib.metadata.Distribution:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise LookupFailure(f'package "{name}" is not installed; "pip install {name}=={version}" does it') from None
    if distribution.version != version:
        raise LookupFailure(f'package "{name}" is installed as {distribution.version}, and the spec pins {version}')
    return distribution


def _named_files(found: list[Path], base: Path) -> Iterator[tuple[str, Path]]:
    """Every file with the name that it counts under, which is the same wherever the project lies."""
    for path in found:
        name = "" if len(found) == 1 else os.path.relpath(path, base)
        if path.is_dir():
            yield from ((f"{name}/{file.relative_to(path).as_posix()}", file) for file in _files_below(path))
        else:
            yield name, path


def _files_below(folder: Path) -> list[Path]:
    """Sorted; bytecode comes and goes with imports and is no content."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts and path.is_file())


def _file_digest(path: Path, known: dict[str, str], fresh: dict[str, str]) -> str:
    where = str(path.absolute())
    stamp = _stamp(path)
    remembered, _, digest = known.get(where, "").partition(":")
    if remembered == stamp:
        return digest
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if stamp == _stamp(path) and time.time_ns() - path.stat().st_mtime_ns > _SETTLED_NS:
        fresh[where] = f"{stamp}:{digest}"
    return digest


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_ino}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_cache(cache: Path) -> dict[str, str]:
    """Empty where it is missing or broken: it only saves time."""
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(path): str(entry) for path, entry in content.items()} if isinstance(content, dict) else {}


def _remember(cache: Path, fresh: dict[str, str]) -> None:
    """What another process adds at the same moment may be lost and is then hashed again."""
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cache, json.dumps(_read_cache(cache) | fresh, indent=0, sort_keys=True))
