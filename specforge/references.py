"""References to data and models: what a spec's `path` or `base` names, without looking at the disk."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Reference:
    """Where something lies.

    Attributes:
        kind: `package`: shipped by an installed distribution; `hub`: a name on the Hub; `env`: an environment variable; else a path, or a glob of data.
        path: below the distribution, relative to the project's root, absolute, the Hub name, or the variable's name.
        distribution: the distribution's name, for `package`.
        version: the distribution's version, for `package`.
    """

    kind: Literal["package", "file", "hub", "env"]
    path: str
    distribution: str = ""
    version: str = ""

    @property
    def below_root(self) -> bool:
        """Whether the path is relative to the project's root."""
        return self.kind == "file" and not self.path.startswith("/")


_PACKAGE = re.compile(r"package:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.+!_-]+)/(?P<path>.+)")


def parse(text: str, base: str, *, hub: bool = False) -> Reference | None:
    """A reference; `base` is the spec's folder relative to the root. None where a `package:` reference is malformed.

    With `hub`, a text that is neither absolute nor begins with a dot is a Hub name.
    """
    if text.startswith("package:"):
        match = _PACKAGE.fullmatch(text)
        if match is None or ".." in match["path"].split("/"):
            return None
        return Reference("package", match["path"], match["name"], match["version"])
    if hub and not is_local(text):
        return Reference("hub", text)
    return Reference("file", posixpath.normpath(posixpath.join(base, text)))


def model(base: str, revision: str | None) -> str:
    """What the key of a stage that reads a model fingerprints."""
    name = hub_name(base)
    return f"hub:{name}@{revision or 'main'}" if name is not None else base


SCHEMES = {"hub:": "hub", "sqlite:///": "sqlite", "env:": "postgresql"}
"""How the path of a source begins that is no file -> its reader."""

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
"""File suffix -> reader."""

FOLDERS = {"parquet": "**/*.parquet", "csv": "**/*.csv*", "tsv": "**/*.tsv*", "json": "**/*.json*"}
"""Format -> the files of a folder; the last star stands for `.gz`, `.zst` or the `l` of `.jsonl`."""


@dataclass(frozen=True)
class Place:
    """Where the rows of a source lie, and what reads them.

    Attributes:
        reader: `parquet`, `csv`, `json`, `hub`, `sqlite` or `postgresql`: the stem of a template.
        delimiter: between the values of a csv file.
        many: whether several files are meant.
    """

    at: Reference
    reader: str
    delimiter: str = ","
    many: bool = False

    @property
    def is_files(self) -> bool:
        """Whether the rows lie in files that DuckDB reads."""
        return self.reader in FORMATS.values()

    @property
    def is_database(self) -> bool:
        """Whether a table or a query is wanted."""
        return self.reader in ("sqlite", "postgresql")


def data(path: str, base: str, format: str | None = None) -> Place | None:
    """The place of a source; None where its path is malformed or its format unknown."""
    scheme = next((scheme for scheme in SCHEMES if path.startswith(scheme)), None)
    if scheme is not None:
        return _by_scheme(SCHEMES[scheme], path.removeprefix(scheme), base)
    at = parse(path, base)
    kind = format or suffix(path).removeprefix(".")
    reader = "csv" if kind == "tsv" else FORMATS.get(f".{kind}")
    if at is None or reader is None or (path.endswith("/") and format is None):
        return None
    if path.endswith("/"):
        at = replace(at, path=posixpath.join(at.path, FOLDERS[kind]))
    return Place(at, reader, "\t" if kind == "tsv" else ",", path.endswith("/") or is_glob(path))


def _by_scheme(reader: str, rest: str, base: str) -> Place | None:
    if reader == "postgresql":
        named = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest)
        return Place(Reference("env", rest), reader) if named else None
    if reader == "hub" and not is_local(rest):
        return Place(Reference("hub", rest), reader) if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", rest, re.ASCII) else None
    at = parse(rest, base) if rest else None
    return None if at is None or at.kind == "package" else Place(at, reader)


def is_local(name: str) -> bool:
    """Whether a model or data set is a folder, and no name on the Hub."""
    return name.startswith((".", "/", "~"))


def hub_name(model: str) -> str | None:
    """The name of a model on the Hub; None for one that lies in a folder or a package."""
    place = parse(model, "", hub=True)
    return place.path if place is not None and place.kind == "hub" else None


def is_glob(path: str) -> bool:
    """Whether a path stands for all files that match it."""
    return any(character in path for character in "*?[")


def partitions(path: str) -> set[str]:
    """The columns that folders called `key=value` give, as far as the path names them."""
    return set(re.findall(r"(?:^|/)([^/=*?\[\]]+)=", path))


def suffix(path: str) -> str:
    """The suffix that says the format: `.csv` for `a.csv.gz`."""
    name = path.lower().removesuffix(".gz").removesuffix(".zst")
    return posixpath.splitext(name)[1]
