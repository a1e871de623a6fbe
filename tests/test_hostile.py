"""No text of a spec can become code: the generated Python and SQL keep their shape, and the text reads back."""

from __future__ import annotations

import ast
import io
import posixpath
import tokenize

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from variations import changed, planned, rich

from specforge.quote import identifier, sql
from specforge.source import Data
from specforge.templating import render

STRINGS = {
    "single_quote": "'", "double_quote": '"', "both": "'\"", "triple": '"""', "triple_single": "'''", "newline": "a\nb",
    "carriage": "a\r\nb", "expression": "{{ x }}", "raw": "{% raw %}", "endraw": "{% endraw %}", "comment": "{# x #}",
    "import": "'; import os", "closing": '"); import os; ("', "drop": "'; drop table x; --", "drop_quoted": '"; drop table x; --',
    "block": "*/", "block_open": "/*", "dashes": "--", "hash": "#", "right_to_left": "\u202eabc\u202c", "isolate": "\u2066x\u2069",
    "marks": "\ue000retriever.base\ue001x\ue002", "open": "\ue000", "middle": "\ue001", "close": "\ue002", "escape": "\ue0030",
    "backslash": "\\", "backslash_quote": "\\'", "escaped": "\\n\\x41\\u0041\\N{DASH}", "long": "x" * 240, "dollar": "$$ $1",
    "nul": "a\x00b", "bell": "\x07", "separator": "a\u2028b\x85c\x0cd", "emoji": "🛒", "zero_width": "a\u200bb", "percent": "%s %(x)s",
    "format": "{0}", "dunder": "__import__('os')", "blank": " ", "tab": "\t", "html": "<script>&amp;</script>", "semicolon": ";",
}  # fmt: skip

NOT_IN_COLUMNS = str.maketrans("", "", "{}[.!:")
"""Load refuses these in the columns of a text template."""


def columns(text: str) -> dict[str, str]:
    """Path -> a column called by the text; each has another."""
    paths = (
        "sources.products.id", "sources.products.join.on", "sources.products.join.key", "sources.order_lines.join.on",
        "sources.order_lines.join.key", "objectives.carts.group", "objectives.carts.item", "objectives.carts.time", "split.unit",
    )  # fmt: skip
    return {path: f"{text}{place}" for place, path in enumerate(paths)}


def in_path(text: str) -> str:
    """Without the signs of a glob, which is read in other words."""
    return text.translate(str.maketrans("", "", "*?["))


def in_template(text: str) -> str:
    return text.translate(NOT_IN_COLUMNS) + "in text"


def texts(text: str) -> dict[str, str]:
    """Path -> the text, in fields whose value becomes a Python literal as it is."""
    paths = (
        "sources.products.where", "sources.order_lines.where", "retriever.revision", "retriever.prompts.query",
        "retriever.prompts.document",
    )  # fmt: skip
    return {path: f"{text}{place}" for place, path in enumerate(paths)} | {"retriever.base": f"org/{text}"}


def hostile(text: str) -> dict[str, Data]:
    """The rich spec with the text in every field that takes any."""
    literal = text.replace("{", "{{").replace("}", "}}")
    return changed(
        rich(),
        {
            "description": text,
            "accept": {"SF204": f"{text} "},
            "sources.products.path": f"../data/{in_path(text)}x.csv",
            "sources.order_lines.path": f"/data/{in_path(text)}x.json",
            "sources.products.if_empty": {in_template(text): text},
            "sources.products.read_as": {f"{text}r": f"%d{text}"},
            "sources.makers": {"path": "hub:shop/makers", "config": f"c{text}", "part": f"p{text}"},
            "sources.articles": {"path": "env:ARTICLES", "query": f"q{text}"},
            "sources.products.text": f"No. {literal}{{{in_template(text)}}}{literal}{{title}}{literal}",
            "sources.products.join.columns": (f"{text} taken", "brand"),
            **columns(text),
            **texts(text),
        },
    )


def drafts(text: str) -> dict[str, str]:
    """The files before their layout, which keeps every token."""
    return {file.name: render(file.template, file.context)[0] for file in planned(hostile(text)).files}


def shape(text: str) -> str:
    """The syntax tree with the texts of its literals left out, but for docstrings."""
    tree = ast.parse(text)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if has_docstring(node)}  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            node.value = ""
    return ast.dump(tree)


def has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def literals(text: str) -> set[object]:
    return {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}


def kinds(script: str) -> list[object]:
    return [kind for _, kind in duckdb.tokenize(script)]


def types(script: str) -> list[object]:
    return [statement.type for statement in duckdb.extract_statements(script)]


HARMLESS = drafts("Plain text")
SHAPES = {name: (shape(text), comments(text)) for name, text in HARMLESS.items() if name.endswith(".py")}


def keeps_its_shape(files: dict[str, str], text: str) -> None:
    assert set(files) == set(HARMLESS)
    for name in files:
        if files[name] == HARMLESS[name]:
            continue
        if name.endswith(".py"):
            assert (shape(files[name]), comments(files[name])) == SHAPES[name], name
        elif not name.endswith(".sql"):
            assert files[name] == HARMLESS[name], name
    script = files["objective.sql"]
    assert types(script) == types(HARMLESS["objective.sql"])
    if text.isprintable():
        assert kinds(script) == kinds(HARMLESS["objective.sql"])


def reads_back(files: dict[str, str], text: str) -> None:
    edited = [file for name, file in files.items() if name.endswith(".py") and file != HARMLESS[name]]
    found = {value for file in edited for value in literals(file)}
    plain = in_path(text)
    paths = {posixpath.normpath(f"data/{plain}x.csv"), posixpath.normpath(f"/data/{plain}x.json")}
    keyed = {name for path, name in columns(text).items() if path in ("sources.products.join.on", "split.unit")}
    assert {*texts(text).values(), *paths, *keyed, f"c{text}", f"p{text}", f"q{text}", f"{text}r"} <= found
    for name in {*columns(text).values(), in_template(text), f"{text} taken"}:
        assert identifier(name) in files["objective.sql"], name
    assert sql(text) in files["objective.sql"]


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
def test_texts_stay_texts(text: str) -> None:
    files = drafts(text)
    keeps_its_shape(files, text)
    reads_back(files, text)


# load refuses no control characters yet, and half a surrogate pair has no UTF-8
@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_text_stays_a_text(text: str) -> None:
    files = drafts(text)
    keeps_its_shape(files, text)
    reads_back(files, text)


@settings(deadline=None, max_examples=40)
@given(st.text("'\"`\\{}%#-/*;()\n\r\x00 \ue000\ue001\ue002\ue0030a", min_size=1, max_size=20))
def test_any_text_of_marks_and_quotes_stays_a_text(text: str) -> None:
    files = drafts(text)
    keeps_its_shape(files, text)
    reads_back(files, text)


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
def test_the_script_runs_on_columns_of_that_name(text: str) -> None:
    """One row goes in and one document comes out; nothing else happens to the database."""
    name = columns(text)
    text_column, taken = in_template(text), f"{text} taken"
    tables: dict[str, dict[str, str | None]] = {
        "products": {name["sources.products.id"]: "1", text_column: "shoe", "title": None, name["sources.products.join.on"]: "m"},
        "makers": {name["sources.products.join.key"]: "m", taken: "x", "brand": "b", name["split.unit"]: "f"},
        "order_lines": {
            name["objectives.carts.group"]: "g", name["objectives.carts.time"]: None, name["sources.order_lines.join.on"]: "a"
        },
        "articles": {name["sources.order_lines.join.key"]: "a", "sku": "1", name["objectives.carts.item"]: "1"},
    }  # fmt: skip
    tables["products"][name["split.unit"]] = "f"
    tables["order_lines"][name["objectives.carts.item"]] = "1"
    db = duckdb.connect()
    db.create_function("nfkc", lambda text: text, ["VARCHAR"], "VARCHAR")  # prepare.py brings it
    db.execute("create schema sources")
    for table, row in tables.items():
        made = ", ".join(f"{identifier(column)} varchar" for column in row)
        db.execute(f"create table sources.{table} ({made})")
        db.execute(f"insert into sources.{table} values ({', '.join('?' * len(row))})", list(row.values()))
    db.execute(drafts(text)["objective.sql"])
    ((item, found),) = db.execute("select item_id, text from items").fetchall()
    assert item == "1" and "shoe" in found
    assert db.execute("select group_id, item_id from events").fetchall() == [("g", "1")]
    assert db.execute("select count(*) from duckdb_tables() where schema_name = 'sources'").fetchall() == [(4,)]
