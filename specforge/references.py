"""References to data and models: what a spec's `path` or `base` names, without looking at the disk."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reference:
    """Where something lies.

    Attributes:
        kind: `package`: shipped by an installed distribution; `hub`: a name on the model hub; else a path, or a glob of data.
        path: below the distribution, relative to the project's root, absolute, or the Hub name.
        distribution: the distribution's name, for `package`.
        version: the distribution's version, for `package`.
    """

    kind: Literal["package", "file", "hub"]
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
    if hub and not text.startswith((".", "/", "~")):
        return Reference("hub", text)
    return Reference("file", posixpath.normpath(posixpath.join(base, text)))


FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
"""File suffix -> reader."""


def suffix(path: str) -> str:
    """The suffix that says the format: `.csv` for `a.csv.gz`."""
    name = path.lower().removesuffix(".gz")
    return posixpath.splitext(name)[1]
