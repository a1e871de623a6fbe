"""How the rules put names and figures into words."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 60


def listed(names: Iterable[str], last: str = ", ") -> str:
    """Names in double quotes: `"a", "b" and "c"` with ` and ` as the last separator."""
    *most, final = [f'"{name}"' for name in names] or [""]
    return last.join(filter(None, (", ".join(most), final)))


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 pair`, `12,345 pairs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """`0.4 %`, `12 %`."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def clipped(text: object) -> str:
    """The text in one line of bounded length."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
