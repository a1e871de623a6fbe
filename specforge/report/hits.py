"""What a search finds, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specforge.report.tables import console as standard_console

Json = Mapping[str, Any]

_PARTS = 8
"""Words or tokens of a score that are shown; the rest are counted."""
_ID = 24
"""Letters of an id that are shown."""


def placed(answer: Json) -> Json:
    """An answer of several systems in which each hit says at which rank every other one has it; none where it does not."""
    found = answer.get("found", {})
    if len(found) < 2:
        return answer
    ranks = {system: {hit["doc_id"]: hit["rank"] for hit in hits} for system, hits in found.items()}
    beside = {
        system: [
            {**hit, "ranks": {other: ranks[other].get(hit["doc_id"]) for other in found if other != system}}
            for hit in hits
        ]
        for system, hits in found.items()
    }
    return {**answer, "found": beside}


def answer(found: Json, explain: bool, width: int | None = None) -> str:
    """An answer as tables that fit the terminal, or so many columns: one system's hits, or those of several side by side."""
    console = Console(highlight=False, width=width) if width else standard_console()
    with console.capture() as text:
        if explain:
            for system, read in found["read"].items():
                console.print(_read(system, read))
        if len(found["found"]) > 1:
            console.print(_beside(found["found"], console.width))
        for system, hits in found["found"].items():
            if explain or len(found["found"]) == 1:
                console.print(_of_one(system, hits))
    return text.get()


def _of_one(system: str, hits: Sequence[Json]) -> Table | Text:
    """The hits of one system, each with what its steps made of it where they are told."""
    if not hits:
        return Text(f"{system} finds nothing")
    ids, scores = [_id(hit) for hit in hits], [f"{hit['score']:.3f}" for hit in hits]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column(system, overflow="ellipsis", no_wrap=True, max_width=_ID)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("text")  # the one that gives way
    for hit, id, score in zip(hits, ids, scores, strict=True):
        table.add_row(f"{hit['rank']}", Text(id), score, Text(_plain(hit["text"]), overflow="ellipsis", no_wrap=True))
        for step in hit.get("steps", ()):
            table.add_row("", "", "", Text(_step(step), style="dim"))
    return table


def _beside(found: Mapping[str, Sequence[Json]], width: int) -> Table:
    """Systems side by side, the simplest first; each hit is marked by how it moved from the system to the left."""
    table = Table(box=None, pad_edge=False, header_style="bold", width=width)
    table.add_column("", justify="right", width=len(str(max(map(len, found.values())))))
    for system in found:
        table.add_column(system, overflow="ellipsis", no_wrap=True, ratio=1)
    moves = [[""] * len(next(iter(found.values()))), *(_moves(*pair) for pair in pairwise(found.values()))]
    columns = [
        [_cell(*one) for one in zip(hits, marks, strict=True)]
        for hits, marks in zip(found.values(), moves, strict=True)
    ]
    for place, cells in enumerate(zip_longest(*columns, fillvalue=Text()), start=1):
        table.add_row(f"{place}", *cells)
    gone = [
        Text(),
        *(Text(_gone(*pair), style="dim", overflow="fold", no_wrap=False) for pair in pairwise(found.values())),
    ]
    if any(map(str, gone)):
        table.add_row("", *gone)
    return table


def _moves(before: Sequence[Json], after: Sequence[Json]) -> list[str]:
    ranks = {hit["doc_id"]: hit["rank"] for hit in before}
    return [_move(ranks.get(hit["doc_id"]), hit["rank"]) for hit in after]


def _move(before: int | None, after: int) -> str:
    if before is None:
        return "new"
    return "=" if before == after else f"↑{before - after}" if before > after else f"↓{after - before}"


def _gone(before: Sequence[Json], after: Sequence[Json]) -> str:
    kept = {hit["doc_id"] for hit in after}
    gone = [_plain(hit["doc_id"]) for hit in before if hit["doc_id"] not in kept]
    return f"gone: {', '.join(gone)}" if gone else ""


def _cell(hit: Json, move: str) -> Text:
    """Two lines: how it moved, what it is and its score; its text."""
    head = " ".join([*([move] if move else []), _id(hit), f"{hit['score']:.3f}"])
    return Text.assemble(head, "\n", (_plain(hit["text"]), "dim"))


def _id(hit: Json) -> str:
    return _plain(hit.get("chunk_id", hit["doc_id"]))


def _step(step: Json) -> str:
    """Such as: 3rd of bm25 by words, 12.300 = jam 7.100 + bread 5.200."""
    parts = [f"{_plain(what)} {part:.3f}" for what, part in step["parts"][:_PARTS]]
    more = [f"{len(step['parts']) - _PARTS} more"] if len(step["parts"]) > _PARTS else []
    added = f" = {' + '.join([*parts, *more])}" if parts else ""
    return f"{step['system']}: rank {step['rank']} by {step['measure']} {step['score']:.3f}{added}"


def _read(system: str, read: Json) -> Text:
    cut = ", cut" if read["cut"] else ""
    return Text(f'{system} reads "{_plain(read["text"])}" ({read["tokens"]} tokens{cut})')


def _plain(text: str) -> str:
    """One line without what moves the cursor or colours the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
