"""Rules about the negatives that a stage has found: none is a positive, and there are as many as were wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from specforge import feeding
from specforge.checks.contrasts import contradictions
from specforge.checks.dead import trains
from specforge.checks.prepared import Tables, opened
from specforge.checks.words import counted, percent
from specforge.problems import Keys, Problem, in_order
from specforge.source import Source
from specforge.spec.document import Spec

_KEYS: Keys = ("retriever", "negatives")
_SHORT = 0.01
"""The share of wanted negatives that may be missing without a word."""


def check(spec: Spec, source: Source, data: Path, mined: Path, base: Path) -> list[Problem]:
    """Every mistake that the tables in the folder `mined` show; `data` holds the prepared ones."""
    names = [name for name in spec.objectives if trains(spec, name)]
    return in_order(problem for name in names for problem in _of_objective(spec, source, data, mined, base, name))


def _of_objective(spec: Spec, source: Source, data: Path, mined: Path, base: Path, name: str) -> Iterator[Problem]:
    folder = mined if name == spec.primary else mined / name
    with opened(spec, source, data, base, name) as tables:
        for table in ("triplets", "summary"):
            tables.db.execute(
                f"create or replace view {table} as from read_parquet('{_quoted(folder / table)}.parquet')"
            )
        for problem in (*contradictions(tables, _KEYS), *too_few(tables)):
            yield replace(problem, message=f'"{name}": {problem.message}') if spec.others else problem


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def too_few(tables: Tables) -> Iterator[Problem]:
    """Rows that got fewer negatives than they want: nothing else is left that may be one."""
    amounts: dict[str, int] = dict(tables.db.execute("select what, amount from summary").fetchall())
    short = {what.removesuffix("_short"): n for what, n in amounts.items() if what.endswith("_short")}
    wanted = sum(n + amounts[f"{kind}_found"] for kind, n in short.items())
    missing = sum(short.values())
    if missing <= _SHORT * wanted:
        return
    message = f"{percent(missing / wanted)} of the negatives that the rows want are not there"
    evidence = [
        f"{kind}: {amounts[f'{kind}_found']:,} of {amounts[f'{kind}_found'] + n:,}" for kind, n in short.items() if n
    ]
    evidence += _consequence(tables, amounts)
    hint = 'lower "per_positive", raise "range_max" or loosen a margin; or add {kind: random}, which always finds some'
    yield Problem("SF107", message, tables.source.key_span(_KEYS), _KEYS, hint, tuple(evidence))


def _consequence(tables: Tables, amounts: dict[str, int]) -> Iterator[str]:
    """What becomes of the rows that have too few."""
    loss = tables.spec.loss
    assert loss is not None, "nothing is mined without a loss"
    shape = feeding.untaught(tables.spec, tables.objective)
    left = amounts["rows"] - amounts["tuples"] if shape == "tuples" else amounts["rows_without"]
    if left:
        fate = "without a negative of their own" if "pairs" in loss.takes else "with their positive alone"
        fate = f"train {fate}" if "pairs" in loss.takes or shape == "labelled_pairs" else "do not train"
        yield f"{counted(left, 'row')} of {amounts['rows']:,} {fate}"


RULES = (contradictions, too_few)
