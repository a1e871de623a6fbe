"""A picture of the data of a spec on one page: how much there is, what was left out, how it is spread."""

from __future__ import annotations

import json
import tempfile
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import duckdb

from specforge import relations
from specforge.catalog.evidence import Judged, MutualLike, SameAttribute, ScoredPairs
from specforge.catalog.objectives import Grouped, Objective
from specforge.catalog.roles import Named, columns
from specforge.checks.accounts import accounts
from specforge.checks.near import duplicates
from specforge.checks.opening import Rows, open_all
from specforge.checks.prepared import Tables, opened
from specforge.checks.texts import shared, token_counts, tokenizer_file
from specforge.checks.words import clipped, percent
from specforge.errors import UsageError
from specforge.pipeline import Checked
from specforge.quote import identifier
from specforge.spec.document import Spec
from specforge.spec.models import Prompts

Figures = dict[str, object]
Spread = dict[str, float]

QUANTILES = {"least": 0.0, "25 %": 0.25, "half": 0.5, "75 %": 0.75, "90 %": 0.9, "most": 1.0}
_SAMPLE = 20_000
_SHOWN = 6
_WIDTH = 100
_QUERIES = "select distinct on (text) * from (select query_id as id, text from queries union select anchor_id, anchor from pairs)"
_DOCUMENTS = "select doc_id as id, text from corpus"


def describe(checked: Checked, *, as_json: bool) -> str:
    """The page of a spec whose rows were looked at, as text of 100 columns or as JSON."""
    figures = of(checked)
    if as_json:
        return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    return "\n".join(page(name, sections) for name, sections in figures.items())


def of(checked: Checked) -> dict[str, Figures]:
    """The figures: objective -> section -> what is counted -> number, or spread."""
    assert checked.data is not None and checked.plan is not None
    if not isinstance(checked.spec, Spec):
        raise UsageError("a profile is of the rows of retrieval; of classes, specforge run shows each")
    base = checked.plan.base
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect(Path(scratch) / "rows.duckdb") as raw:
        rows = Rows(checked.spec, checked.source, base, raw)
        list(open_all(rows))
        return {name: _of_objective(checked.data, rows, name) for name in checked.spec.objectives}


def _of_objective(data: Path, rows: Rows, name: str) -> Figures:
    assert isinstance(rows.spec, Spec)
    with opened(rows.spec, rows.source, data, rows.base, name) as tables:
        return dict(_sections(tables, rows))


def _sections(tables: Tables, rows: Rows) -> Iterator[tuple[str, object]]:
    value = tables.spec.objectives[tables.objective]
    yield "kind", str(getattr(value, "kind", ""))
    yield "rows", _rows(tables.summary, value)
    yield "documents and queries", _queries(tables)
    yield "sizes of groups", dict(_groups(rows, value))
    yield "lengths of texts", _lengths(tables)
    yield "pairs", _pairs(tables)
    yield "overlap of test with train", _overlap(tables)
    yield "scripts", _scripts(tables)
    yield "labels", dict(_labels(rows, value))


def _rows(summary: Mapping[str, int], value: Objective) -> Figures:
    """Each total with what it is the sum of, but for what did not happen."""
    return {
        one.total: {"all": summary[one.total], **{part: summary[part] for part in one.parts if summary.get(part)}}
        for one in accounts(value)
    }


def _queries(tables: Tables) -> Figures:
    """Queries by side, and the documents that are relevant to them."""
    found = tables.db.execute("""
        select 'train', count(distinct anchor_id), count(*) from graph where anchor_id in (select anchor_id from anchored)
        union all
        select split, count(distinct query_id), count(*) from qrels group by split
    """).fetchall()
    by_side = {str(side): {"queries": queries, "relevant": relevant} for side, queries, relevant in found}
    return {"documents": tables.profile.documents} | {
        side: by_side[side] for side in ("train", "dev", "test") if side in by_side
    }


def _groups(rows: Rows, value: Objective) -> Iterator[tuple[str, Spread]]:
    """Rows of a group, search, user or answer, as the source has them; distinct items where meetings are counted."""
    for one in columns(value):
        if one.field in ("group", "search", "user", "answer") and one.role.key and not one.role.ids:
            item = f"distinct {identifier(value.item)}" if isinstance(value, Grouped) else "*"
            name, relation = identifier(one.column), relations.relation(one.source, rows.spec)
            sizes = f"select count({item}) as n from {relation} where {name} is not null group by {name}"
            yield one.column, _spread(rows.db, sizes)


def _spread(db: duckdb.DuckDBPyConnection, query: str) -> Spread:
    """How many numbers `n` a query gives, and their quantiles: values that occur."""
    found = db.execute(f"select count(n), quantile_disc(n, {list(QUANTILES.values())}) from ({query})").fetchall()
    [(number, values)] = found
    return {"number": number, **dict(zip(QUANTILES, values or (), strict=bool(values)))}


def _lengths(tables: Tables) -> Figures:
    prompts = tables.spec.encoder.prompts if tables.spec.encoder else Prompts()
    sides = {"documents": (_DOCUMENTS, prompts.document)}
    if not tables.of_items:
        sides["queries"] = (_QUERIES, prompts.query)
    file, found = tokenizer_file(tables), Figures()
    for side, (texts, prompt) in sides.items():
        found[f"{side}, words"] = _spread(
            tables.db, f"select len(regexp_extract_all(text, '\\S+')) as n from ({texts})"
        )
        if file is not None:
            counts = [length for length, _, _ in token_counts(tables, file, texts, prompt)]
            found[f"{side}, tokens"] = _spread(tables.db, f"select unnest({counts}::integer[]) as n")
    return found


def _pairs(tables: Tables) -> Figures:
    return {
        "training rows": int(tables.row("select count(*) from pairs")[0]),
        "positives a query, train": _spread(tables.db, "select count(*) as n from graph group by anchor_id"),
        "queries a document, train": _spread(tables.db, "select count(*) as n from graph group by positive_id"),
        "relevant a query, test": _spread(
            tables.db, "select count(*) as n from qrels where split = 'test' group by query_id"
        ),
    }


def _overlap(tables: Tables) -> Figures:
    """Texts of the test side that train has: the same to a reader, or nearly. Empty where documents are known to all."""
    sides: dict[str, tuple[str, str]] = {}
    if tables.spec.split.holds_out_items:
        sides["documents"] = (
            "from corpus where role = 'test'",
            "select distinct text from corpus where role = 'train'",
        )
    if not tables.of_items:
        sides["queries"] = ("from queries where split = 'test'", "select distinct anchor from pairs")
    found = Figures()
    for side, (held_out, train) in sides.items():
        texts, known = tables.texts(f"select distinct text {held_out} order by text"), tables.texts(train)
        same = shared(texts, known)
        near = duplicates([text for text in texts if text not in same], known)
        found[side] = {"texts": len(texts), "the same": len(same), "nearly": len(near)}
    return found


def _scripts(tables: Tables) -> Figures:
    """The share of texts by the script of most of their letters."""
    sides = {"documents": _DOCUMENTS} | ({} if tables.of_items else {"queries": _QUERIES})
    return {
        side: _shares(
            Counter(map(_script, tables.texts(f"select text from ({texts}) order by hash(id), id limit {_SAMPLE}")))
        )
        for side, texts in sides.items()
    }


def _script(text: str) -> str:
    letters = Counter(filter(None, map(_script_of, text)))
    return max(letters, key=lambda name: (letters[name], name), default="none")


@cache
def _script_of(letter: str) -> str:
    """The script of a letter, as the Unicode name begins; nothing for what is no letter."""
    return unicodedata.name(letter, "unknown").split()[0].lower() if letter.isalpha() else ""


def _shares(counts: Counter[str]) -> dict[str, float]:
    """The most frequent, as shares; the rest together."""
    total, shown = counts.total(), counts.most_common(_SHOWN)
    rest = total - sum(number for _, number in shown)
    return {name: number / total for name, number in [*shown, *([("others", rest)] if rest else [])]}


def _labels(rows: Rows, value: Objective) -> Iterator[tuple[str, object]]:
    """How often each value of a label is there; the spread of scores."""
    for one in columns(value):
        name, relation = identifier(one.column), relations.relation(one.source, rows.spec)
        if _is_score(value, one):
            yield one.column, _spread(rows.db, f"select {name}::double as n from {relation}")
        elif one.field in _label_fields(value):
            found = rows.ask(
                f"select {name}::varchar, count(*) from {relation} where {name} is not null group by all order by all"
            )
            yield one.column, _shares(Counter({clipped(label): int(str(number)) for label, number in found}))


def _is_score(value: Objective, one: Named) -> bool:
    tolerance = isinstance(value, SameAttribute) and value.within is not None
    return (isinstance(value, ScoredPairs) and one.field == "score") or (tolerance and one.field == "attribute")


def _label_fields(value: Objective) -> tuple[str, ...]:
    if isinstance(value, Judged):
        return ("grade",)
    if isinstance(value, MutualLike):
        return ("liked",)
    return ("attribute", "clicked", "action")


def page(name: str, figures: Mapping[str, object]) -> str:
    """The same of one objective, as text."""
    lines = [f"{name} ({figures['kind']})"]
    for section, content in figures.items():
        if isinstance(content, Mapping) and content:
            spreads = any(isinstance(value, Mapping) and "half" in value for value in content.values())
            lines += ["", _line(section, ("number", *QUANTILES)) if spreads else section]
            lines += [line for what, value in content.items() for line in _entry(what, value)]
    return "\n".join(lines) + "\n"


def _line(name: str, cells: Iterable[str]) -> str:
    return f"{name:<30.30}" + "".join(f"{cell:>10}" for cell in cells)


def _entry(name: str, value: object) -> list[str]:
    """One figure, a spread in columns, or several figures of one thing in lines of bounded length."""
    label = f"  {name.replace('_', ' ')}"
    if not isinstance(value, Mapping):
        return [_line(label, [_number(value)])]
    if "half" in value:
        return [_line(label, map(_number, value.values()))]
    parts = [_part(key.replace("_", " "), number) for key, number in value.items()]
    return textwrap.wrap(f"{label}: {', '.join(parts)}", _WIDTH, subsequent_indent="      ", break_on_hyphens=False)


def _part(name: str, value: object) -> str:
    """A count, or a share."""
    return f"{name} ({percent(value)})" if isinstance(value, float) else f"{name} {_number(value)}"


def _number(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
