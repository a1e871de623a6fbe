"""A literal reads back equal, and looks as a person would type it."""

from __future__ import annotations

import ast
import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specforge.quote import Code, identifier, plain, python, sql

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
NESTED = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8)


@given(NESTED)
def test_python_literals_read_back_equal(value: object) -> None:
    back = ast.literal_eval(python(value))
    assert back == value and repr(back) == repr(value)


@given(st.text())
def test_python_texts_are_one_line_of_printable_characters(value: str) -> None:
    assert python(value).isprintable() and "\n" not in python(value)


@settings(deadline=None)
@given(TEXT)
def test_sql_texts_read_back_equal(value: str) -> None:
    assert duckdb.execute(f"select {sql(value)}").fetchall() == [(value,)]
    assert sql(value).isprintable()


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1) | st.floats(1e-300, 1e300) | st.booleans())
def test_sql_numbers_read_back_equal(value: float) -> None:
    ((back,),) = duckdb.execute(
        f"select {sql(value)}::{'double' if isinstance(value, float) else 'hugeint'}"
    ).fetchall()
    assert math.isclose(back, value, rel_tol=1e-15)


@settings(deadline=None)
@given(TEXT.filter(bool))
def test_sql_identifiers_name_their_column(name: str) -> None:
    assert [column[0] for column in duckdb.execute(f"select 1 as {identifier(name)}").description] == [name]


def test_every_reserved_word_is_quoted() -> None:
    reserved = "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
    for (word,) in duckdb.execute(reserved).fetchall():
        assert identifier(word) == f'"{word}"', word


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5e-5, "5e-5"), (2e-4, "2e-4"), (1.5e-5, "1.5e-5"), (0.05, "0.05"), (20.0, "20.0"), (0.0, "0.0"), (-2e-5, "-2e-5"),
        (0.1 + 0.2, "0.30000000000000004"), (1e16, "1e16"), (1e22, "1e22"), (0.001, "0.001"), (0.00099, "9.9e-4"),
        (True, "True"), (None, "None"), (("a", 1), "['a', 1]"), ({"a": 1.0}, "{'a': 1.0}"), (Code("x + 1"), "x + 1"),
    ],
)  # fmt: skip
def test_python_literals_look_typed(value: object, text: str) -> None:
    assert python(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", "'it''s'"),
        ("", "''"),
        ("a\nb", "('a' || chr(10) || 'b')"),
        ("\t", "chr(9)"),
        (True, "true"),
        (0.2, "0.2"),
        (7, "7"),
    ],
)
def test_sql_literals_look_typed(value: object, text: str) -> None:
    assert sql(value) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sku", "sku"),
        ("Item", '"Item"'),
        ("item no", '"item no"'),
        ("order", '"order"'),
        ('a"b', '"a""b"'),
        ("1st", '"1st"'),
        ("größe", '"größe"'),
    ],
)
def test_identifiers_are_quoted_only_where_they_must_be(name: str, text: str) -> None:
    assert identifier(name) == text


@pytest.mark.parametrize("value", ["two words", "a\n", "`x`", "# x", "", 3, None])
def test_what_people_read_holds_names_only(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x"])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        python(value)
    with pytest.raises(TypeError):
        sql(value)
