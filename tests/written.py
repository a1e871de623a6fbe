"""Data of a spec as YAML text, and the line of everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from specforge.problems import Keys
from specforge.source import Data

REPEATED = "repeated"
"""Stands behind the keys of a key that stands twice."""


class Written:
    """A spec as YAML text, in block or flow style section by section, and the line of every key and entry."""

    def __init__(self, data: dict[str, Data], seed: int, twice: Keys | None = None) -> None:
        self.random = Random(seed)
        self.twice = twice
        self.lines: dict[Keys, int] = {}
        self.text = ""
        self._block(data, (), "")

    def _block(self, data: dict[str, Data], keys: Keys, indent: str) -> None:
        for key, mark in self._entries(data, keys):
            self._blank(indent)
            self.lines[(*keys, key, *mark)] = self.text.count("\n") + 1
            self.text += f"{indent}{key}:"
            value, here = data[key], (*keys, key)
            if isinstance(value, dict) and value and self.random.random() < 0.6:
                self.text += "\n"
                self._block(value, here, indent + "  ")
            elif isinstance(value, tuple) and value and self.random.random() < 0.3:
                self._list(value, here, indent)
            else:
                self.text += " "
                self._flow(value, here, indent + "  ")
                self.text += "\n"

    def _list(self, value: tuple[Data, ...], keys: Keys, indent: str) -> None:
        self.text += "\n"
        for row, item in enumerate(value):
            self.lines[(*keys, row)] = self.text.count("\n") + 1
            self.text += f"{indent}- "
            self._flow(item, (*keys, row), indent + "  ")
            self.text += "\n"

    def _blank(self, indent: str) -> None:
        if self.random.random() < 0.1:
            self.text += f"\n{indent}# a remark: with a colon\n"

    def _entries(self, data: dict[str, Data], keys: Keys) -> Iterator[tuple[str, Keys]]:
        yield from ((key, ()) for key in data)
        if self.twice is not None and self.twice[:-1] == keys:
            yield str(self.twice[-1]), (REPEATED,)

    def _flow(self, value: Data, keys: Keys, indent: str) -> None:
        if isinstance(value, dict):
            self._between("{}", [(key, mark, value[key]) for key, mark in self._entries(value, keys)], keys, indent)
        elif isinstance(value, tuple):
            self._between("[]", [(row, (), item) for row, item in enumerate(value)], keys, indent)
        else:
            self.text += scalar(value)

    def _between(self, signs: str, entries: list[tuple[Any, Keys, Data]], keys: Keys, indent: str) -> None:
        self.text += signs[0]
        for place, (key, mark, item) in enumerate(entries):
            self.text += ", " if place else ""
            if self.random.random() < 0.2:
                self.text = f"{self.text.rstrip(' ')}\n{indent}"
            self.lines[(*keys, key, *mark)] = self.text.count("\n") + 1
            self.text += f"{key}: " if isinstance(key, str) else ""
            self._flow(item, (*keys, key), indent + "  ")
        self.text += signs[1]

    def line(self, keys: Keys) -> int:
        """The line of a place, or of the nearest around it that is written; of the whole spec that of its first key."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines[keys] if keys else min(self.lines.values())

    def lines_of(self, keys: Keys) -> set[int]:
        """The line of a place, and those of its entries where it is a list."""
        entries = [at for at in self.lines if at[:-1] == keys and isinstance(at[-1], int)]
        return {self.line(keys), *(self.lines[at] for at in entries)}


def scalar(value: Data) -> str:
    """In quotes where it is text, with what does not print written as an escape."""
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
        return f'"{quoted}"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
