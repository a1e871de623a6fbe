"""Writes generated files, only those that changed, and never over an edit made by hand; or compares them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from specforge.errors import StageError, StaleError
from specforge.render import MANIFEST


@dataclass(frozen=True)
class Changes:
    """What differs between the files on disk and those that a spec gives, by file name.

    Attributes:
        edited: files whose content neither the spec nor the manifest on disk knows: somebody edited or put them there.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    edited: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def compare(folder: Path, files: dict[str, str]) -> Changes:
    """The differences, without touching the disk.

    Raises:
        StageError: a file cannot be read.
    """
    try:
        hashes = _manifest_hashes(folder)
        found = {name: _read(folder / name) for name in sorted({*files, *hashes})}
    except OSError as error:
        raise StageError(f'cannot read "{folder}": {error.strerror}') from error
    differing = {name: content for name, content in found.items() if content not in (None, _wanted(files, name))}
    return Changes(
        new=tuple(name for name in files if found[name] is None),
        changed=tuple(name for name in differing if name in files),
        gone=tuple(name for name in differing if name not in files),
        edited=tuple(name for name, content in differing.items() if _is_edited(name, content, hashes)),
    )


def _wanted(files: dict[str, str], name: str) -> bytes | None:
    return files[name].encode() if name in files else None


def _is_edited(name: str, content: bytes | None, hashes: dict[str, str]) -> bool:
    return name != MANIFEST and hashlib.sha256(content or b"").hexdigest() != hashes.get(name)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _manifest_hashes(folder: Path) -> dict[str, str]:
    """The hashes that the manifest on disk holds; of plain file names only, so that nothing outside is ever touched."""
    content = _read(folder / MANIFEST)
    try:
        hashes = json.loads(content)["files"] if content else {}
        return {name: str(value) for name, value in hashes.items() if Path(name).name == name and "\0" not in name}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def write(folder: Path, files: dict[str, str], *, force: bool = False) -> Changes:
    """Bring the folder to what the files say: the manifest last, files that the manifest no longer has removed.

    Raises:
        StaleError: a file was edited by hand, and `force` is not given; nothing is written then.
        StageError: the disk does not take it.
    """
    changes = compare(folder, files)
    if changes.edited and not force:
        names = ", ".join(f'"{name}"' for name in changes.edited)
        raise StaleError(f"{names} in {folder} was edited by hand; --force writes over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted({*changes.new, *changes.changed}, key=lambda name: (name == MANIFEST, name)):
            _replace(folder / name, files[name])
        for name in changes.gone:
            (folder / name).unlink()
    except OSError as error:
        raise StageError(f'cannot write "{folder}": {error.strerror}') from error
    return changes


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(text.encode())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
