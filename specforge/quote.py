"""Quoting: every value of a spec becomes a literal of the language it is written into, and so can never be code."""

from __future__ import annotations

import re
from decimal import Decimal

_WORDS = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create default "
    "deferrable desc describe distinct do else end except false fetch for foreign from group having in initially "
    "intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer pivot_wider "
    "placing primary qualify references returning select show some summarize symmetric table then to trailing true "
    "union unique unpivot using variadic when where window with"
)
_OTHER_WORDS = (
    "anti asof at authorization binary by collation columns concurrently cross freeze full generated glob "
    "ilike inner is isnull join left like map natural notnull outer overlaps positional right semi similar "
    "struct tablesample try_cast tuple unpack verbose"
)
_RESERVED = frozenset([*_WORDS.split(), *_OTHER_WORDS.split()])
"""DuckDB's words that name no column without quotes: of `duckdb_keywords()`, those that are `reserved` or `type_function`."""


class Code(str):
    """Text that is code already. It has `__html__`, so that autoescaping leaves it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def python(value: object) -> Code:
    """A Python literal, as a person would type it.

    Raises:
        TypeError: the value is neither a scalar nor a list, tuple or mapping of such.
    """
    if isinstance(value, Code):
        return value
    if value is None or isinstance(value, bool | int | str):
        return Code(repr(value))
    if isinstance(value, float):
        return Code(_float(value))
    if isinstance(value, list | tuple):
        return Code("[" + ", ".join(python(item) for item in value) + "]")
    if isinstance(value, dict):
        return Code("{" + ", ".join(f"{python(key)}: {python(item)}" for key, item in value.items()) + "}")
    raise TypeError(f"no literal for {type(value).__name__}")


def _float(value: float) -> str:
    """`5e-5` and not `5e-05`, `2e-4` and not `0.0002`; `0.05` and `20.0` as they are."""
    text = repr(value) if value == 0 or abs(value) >= 1e-3 else f"{Decimal(repr(value)):e}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if exponent else mantissa


def sql(value: object) -> Code:
    """An SQL literal. Characters that do not print are written by their code point.

    Raises:
        TypeError: the value is no scalar.
    """
    if isinstance(value, Code):
        return value
    if isinstance(value, bool):
        return Code(str(value).lower())
    if isinstance(value, int | float):
        return Code(repr(value))
    if isinstance(value, str):
        return Code(_sql_text(value))
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def _sql_text(value: str) -> str:
    runs = re.findall(r"(?s).", value)
    parts: list[str] = []
    printable = ""
    for character in runs:
        if character.isprintable():
            printable += character
            continue
        parts += [_quoted(printable)] if printable else []
        parts.append(f"chr({ord(character)})")
        printable = ""
    parts += [_quoted(printable)] if printable or not parts else []
    return parts[0] if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> Code:
    """An SQL identifier, quoted where it must be."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return Code(name)
    return Code('"' + name.replace('"', '""') + '"')


def plain(value: object) -> Code:
    """Text as it is, for files that are read by people; only names and code get there.

    Raises:
        TypeError: the text could be anything.
    """
    if isinstance(value, Code) or (isinstance(value, str) and re.fullmatch(r"[\w.=+!/-]+", value)):
        return Code(value)
    raise TypeError(f"not plain: {value!r}")
