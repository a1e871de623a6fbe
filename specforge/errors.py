"""Failures of the machine. A mistake in a spec is a `Problem` instead.

SpecforgeError
├── UsageError       the command was called wrongly                      exit 2
├── StaleError       a generated file was edited by hand, or is not current   exit 1
└── StageError       a generated script failed                           exit 3
"""

from __future__ import annotations


class SpecforgeError(Exception):
    """A failure that is told in one sentence, without a traceback."""

    exit_code = 3


class UsageError(SpecforgeError):
    """The command was called wrongly."""

    exit_code = 2


class StaleError(SpecforgeError):
    """A generated file was edited by hand, or is not what the spec gives."""

    exit_code = 1


class StageError(SpecforgeError):
    """A generated script failed, or the machine did: a full disk, a folder that cannot be written."""

    exit_code = 3
