"""The reader: YAML 1.2 scalars, places, and texts that are no spec."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from conftest import GOOD, Write, check, check_read
from hypothesis import given, settings
from hypothesis import strategies as st

from specforge.errors import UsageError
from specforge.nodes import scalar
from specforge.output import FORMATS, render
from specforge.problems import Problem, Span
from specforge.source import MAX_BYTES, lines_of, parse, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5), ("5e-5", 5e-5), ("1e4", 1e4), (".5", 0.5), ("1.", 1.0), ("-0.0", -0.0), ("1.5E+3", 1500.0),
        ("12", 12), ("-3", -3), ("+3", 3), ("007", 7), ("0o17", 15), ("0x1f", 31), ("0xFF", 255),
        ("true", True), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("NULL", None),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("nULL", "nULL"),
        ("1:30", "1:30"), ("2024-05-31", "2024-05-31"), ("20%", "20%"), ("1_000", "1_000"), ("0b1", "0b1"),
        ("e5", "e5"), ("1e", "1e"), (".", "."), ("+", "+"), ("=", "="), ("<<", "<<"), ("١٢", "١٢"),
        (".inf", math.inf), ("-.INF", -math.inf), ("9" * 200, "9" * 200),
    ],
)  # fmt: skip
def test_scalar(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_nan_is_read_so_that_loading_can_refuse_it() -> None:
    value = scalar(".nan")
    assert isinstance(value, float) and math.isnan(value)


def test_quoted_scalars_are_text_and_lists_are_tuples(write: Write) -> None:
    source, problems = read(write("a: '5'\nb: \"true\"\nc: [1, [x]]\nd: |\n  5\ne: {}\nf:\n"))
    assert problems == []
    assert source.data == {"a": "5", "b": "true", "c": (1, ("x",)), "d": "5\n", "e": {}, "f": None}


def test_places(write: Write) -> None:
    source, _ = read(write("é😀: [a, {b: 'x y'}]\nc:\n  d: 1\n  e: 2 # why\nf:\n"))
    assert source.places[("é😀",)].key == Span(1, 1, 1, 3)
    assert source.value_span(("é😀", 1, "b")) == Span(1, 13, 1, 18)
    assert source.places[("c",)].value == Span(3, 3, 4, 7)
    assert source.value_span(("c",)) == Span(2, 1, 2, 2)
    assert source.value_span(("f",)) == Span(5, 1, 5, 2)
    assert source.value_span(("c", "not written")) == Span(2, 1, 2, 2)


@pytest.mark.parametrize("content", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, GOOD.replace("\n", "\r")])
def test_line_ends_and_marks_do_not_matter(write: Write, content: str) -> None:
    source, problems = check(write(content))
    assert problems == []
    assert source.places[("index", "kind")].value == Span(25, 15, 25, 19)


def test_aliases_are_written_out(write: Write) -> None:
    source, problems = read(write("a: &x {b: [1]}\nc: *x\n"))
    assert problems == []
    assert source.data == {"a": {"b": (1,)}, "c": {"b": (1,)}}
    assert source.places[("c",)].value == Span(2, 4, 2, 6)
    assert source.places[("c", "b")].value == Span(1, 11, 1, 14)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 40))
DEEP_ALIASES = "a0: &a0 " + "[" * 50 + "]" * 50 + "\na1: " + "[" * 50 + "*a0" + "]" * 50 + "\n"


@pytest.mark.parametrize(
    ("content", "message", "line", "column"),
    [
        (b"a: 1\nb: \xc3\xa9\xff\n", "byte 0xff is not UTF-8", 2, 5),
        (b"\xff\xfea\x00", "byte 0xff is not UTF-8", 1, 1),
        (b"a: \xc3", "byte 0xc3 is not UTF-8", 1, 4),
        (b"a: 1\nb: \x00x\n", "character U+0000 is not allowed in a spec", 2, 4),
        (b"a: \x1b[31m\n", "character U+001B is not allowed in a spec", 1, 4),
        ("a: x\u2028y\n", "character U+2028 is not allowed in a spec", 1, 5),
        (b"", "the spec is empty", 1, 1),
        (b"\n\n# x\n", "the spec is empty", 1, 1),
        (b"---\n...\n", "the spec is empty", 1, 1),
        (b"a: " + b"x" * MAX_BYTES, f"a spec has at most {MAX_BYTES} bytes, and this file has more", 1, 1),
        ("a: " + "[" * 100_000, "sections stand in each other more than 64 deep", 1, 67),
        ("? " * 100_000, "sections stand in each other more than 64 deep", 1, 129),
        (LAUGHS, "the spec holds more than 100000 values, aliases written out", 1, 13),
        (DEEP_ALIASES, "sections stand in each other more than 64 deep, aliases written out", 1, 23),
        ("a: *a\n", 'alias "*a" stands for nothing', 1, 4),
        ("a: &a {b: *a}\n", 'alias "*a" stands for a section that holds it', 1, 11),
        ("a: 1\n--- \nb: 2\n", "a file holds one spec, and here a second one starts", 2, 1),
        ("a: 1\n...\nb: 2\n", "text stands after the end of the spec", 3, 1),
    ],
)
def test_refused(write: Write, content: str | bytes, message: str, line: int, column: int) -> None:
    source, problems = read(write(content))
    assert [(p.code, p.message) for p in problems] == [("SF001", message)]
    assert problems[0].span is not None
    assert (problems[0].span.line, problems[0].span.column) == (line, column)
    assert source.data is None
    assert render([(source, problems)], "text", color=False)


def test_tags_are_refused_and_never_act(write: Write) -> None:
    _, problems = read(write("a: !!python/object/apply:os.system [echo]\nb: !x y\nc: !!int '5'\n"))
    assert [(p.code, p.span and p.span.line) for p in problems] == [("SF001", 1), ("SF001", 2), ("SF001", 3)]


def test_every_wrong_key_is_told(write: Write) -> None:
    _, problems = read(write("1: a\ntrue: b\n~: c\n? [d]\n: e\n? {f: g}\n: h\na: 1\na: 2\n"))
    assert [p.code for p in problems] == ["SF003"] * 5 + ["SF005"]


def test_what_cannot_be_opened_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / ("x" * 300), Path("a\0b")):
        with pytest.raises(UsageError, match=r'^(no file|"|cannot read)'):
            read(path)


def _inside(text: str, problem: Problem) -> bool:
    lines, span = lines_of(text), problem.span
    if span is None:
        return False
    starts = 1 <= span.line <= span.end_line <= len(lines) and 1 <= span.column <= len(lines[span.line - 1]) + 1
    return starts and (span.line, span.column) <= (span.end_line, span.end_column)


PIECES = st.sampled_from(["{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "\t", "'", '"', "&a ", "*a", "!!x ", "? ", "|", "0", "none", "\r", "é", "#"])  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), PIECES | st.text(max_size=4)), max_size=4))
@settings(max_examples=250, deadline=None)
def test_a_damaged_spec_gives_problems_inside_its_text(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for start, removed, added in edits:
        text = text[:start] + added + text[start + removed :]
    source, problems = check_read(*parse(text.encode(errors="replace"), Path("good.yaml"), "good.yaml"))
    assert all(_inside(source.text, problem) for problem in problems)
    for format in FORMATS:
        render([(source, problems)], format, color=True)


@given(
    st.binary(max_size=60)
    | st.text(st.characters(codec="utf-8"), max_size=60).map(str.encode)
    | st.lists(PIECES).map(lambda p: "".join(p).encode())
)
@settings(max_examples=250, deadline=None)
def test_any_bytes_give_problems_inside_their_text(raw: bytes) -> None:
    source, problems = check_read(*parse(raw, Path("good.yaml"), "good.yaml"))
    assert problems
    assert all(_inside(source.text, problem) for problem in problems)
    render([(source, problems)], "text", color=False)
