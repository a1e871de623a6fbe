"""Reads a spec: bytes that are fit to be read, then plain data with the place of every key and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from specforge.errors import UsageError
from specforge.nodes import LINE_BREAK, Data, Place, Reading, scalar, top
from specforge.problems import Keys, Problem, Span, in_order

__all__ = ["MAX_BYTES", "Data", "Place", "Source", "lines_of", "parse", "read", "scalar"]

MAX_BYTES = 1_000_000
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, eq=False)
class Source:
    """A spec's text and what it says.

    Attributes:
        display: the file's name in messages.
        path: the file.
        text: the text, with U+FFFD for bytes that are not UTF-8.
        data: mappings as dict, lists as tuple; None where the text cannot be read.
        places: the place of every value, by its keys.
    """

    display: str
    path: Path
    text: str
    data: dict[str, Data] | None
    places: Mapping[Keys, Place]

    def key_span(self, keys: Keys) -> Span | None:
        """The place of a value's key; of the section around it where the value is not written or has no key."""
        place = self._nearest(keys)
        return None if place is None else place.key or place.value

    def value_span(self, keys: Keys) -> Span | None:
        """The place of a value; of its key where the value is empty or runs over lines; else of the section around it."""
        place = self.places.get(keys)
        if place is None or place.value.is_empty or place.value.line != place.value.end_line:
            return self.key_span(keys)
        return place.value

    def _nearest(self, keys: Keys) -> Place | None:
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys)


def lines_of(text: str) -> list[str]:
    """The lines without their ends; a text has at least one. Line ends are those of editors, not Unicode's."""
    return LINE_BREAK.split(text)


def read(path: Path, display: str | None = None) -> tuple[Source, list[Problem]]:
    """Read a spec. What is wrong with the text is told as problems; a file that cannot be opened raises UsageError."""
    name = display or path.as_posix()
    return parse(_bytes(path, name), path, name)


def parse(raw: bytes, path: Path, display: str) -> tuple[Source, list[Problem]]:
    """The same for bytes that are at hand; the path is only noted."""
    text = raw.decode("utf-8-sig", errors="replace")
    refused = _size(raw) or _encoding(raw) or _character(text)
    if refused is not None:
        shown = "" if len(raw) > MAX_BYTES else text
        return Source(display, path, shown, None, {}), [refused]
    reading = Reading(text)
    data = top(reading)
    return Source(display, path, text, data, MappingProxyType(reading.places)), in_order(reading.problems)


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f'no file "{name}"') from None
    except IsADirectoryError:
        raise UsageError(f'"{name}" is a folder, not a spec') from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f'cannot read "{name}": {reason.lower()}') from None


def _size(raw: bytes) -> Problem | None:
    if len(raw) <= MAX_BYTES:
        return None
    return Problem("SF001", f"a spec has at most {MAX_BYTES} bytes, and this file has more", Span(1, 1, 1, 1))


def _encoding(raw: bytes) -> Problem | None:
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        span = Reading(before + "?").span(len(before), len(before) + 1)
        hint = "save the file as UTF-8"
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            hint = "the file looks like UTF-16; save it as UTF-8"
        return Problem("SF001", f"byte 0x{raw[error.start]:02x} is not UTF-8", span, hint=hint)
    return None


def _character(text: str) -> Problem | None:
    match = _FORBIDDEN.search(text)
    if match is None:
        return None
    span = Reading(text).span(match.start(), match.end())
    hint = f'in double quotes it can be written as "\\u{ord(match[0]):04x}"'
    return Problem("SF001", f"character U+{ord(match[0]):04X} is not allowed in a spec", span, hint=hint)
