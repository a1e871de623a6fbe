"""Asks one query after the other, as they are typed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from specforge.errors import SpecforgeError, UsageError
from specforge.searching import Options, Session, search, systems

MOST = 1000
"""Documents that are shown at most."""

HELP = """\
a query      the best documents for it
:k 20        show so many
:system bm25 ask this system; without a name, what users get
:compare     show all systems side by side, or no longer
:explain     show the scores of each step, or no longer
:quit        leave, as Ctrl-D does
"""


def dialogue(asked: Session, options: Options, read: Callable[[str], str], write: Callable[[str], None]) -> None:
    """Answer what is read until it ends, by Ctrl-D, Ctrl-C or `:quit`. An empty line is ignored.

    Args:
        read: gives the next line after a prompt, or raises EOFError.

    Raises:
        SpecforgeError: the system cannot be asked at all.
    """
    write(f"asking {', '.join(systems(asked, options))} of {asked.name}; :help says what else there is\n")
    with suppress(ImportError):
        importlib.import_module("readline")  # `input` then edits lines and keeps a history
    with suppress(EOFError, KeyboardInterrupt):
        while (line := read("> ").strip()) != ":quit":
            try:
                if line.startswith(":"):
                    options = _changed(asked, options, *line.partition(" ")[::2], write)
                elif line:
                    write(search(asked, line, options, as_json=False))
            except SpecforgeError as error:
                write(f"{error}\n")
        return
    write("\n")


def _changed(asked: Session, options: Options, command: str, value: str, write: Callable[[str], None]) -> Options:
    """The options after a command; they stay where it cannot be done. Raises SpecforgeError."""
    if command not in _COMMANDS:
        write(HELP)
        return options
    changed = _COMMANDS[command](options, value.strip())
    write(f"{', '.join(systems(asked, changed))}, {changed.k} documents{', explained' * changed.explain}\n")
    return changed


def _k(options: Options, value: str) -> Options:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= MOST):
        raise UsageError(f":k takes a number from 1 to {MOST}")
    return replace(options, k=int(value))


_COMMANDS: dict[str, Callable[[Options, str], Options]] = {
    ":k": _k,
    ":system": lambda options, value: replace(options, system=value or None, compare=False),
    ":compare": lambda options, _: replace(options, system=None, compare=not options.compare),
    ":explain": lambda options, _: replace(options, explain=not options.explain),
}
