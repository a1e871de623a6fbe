"""Loading: what is right becomes a spec, what is wrong becomes problems, and problems become text for people and machines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from conftest import GOOD, Write, check
from pydantic import BaseModel

from specforge.catalog.families import FAMILIES
from specforge.codes import CODES, Severity
from specforge.load import load
from specforge.output import render
from specforge.problems import Keys, Problem, Span, exit_code, in_order
from specforge.shapes import Shape, choices, expected, fields, members, shape
from specforge.source import Data, Source, parse, read
from specforge.spec.document import Classification, Spec


def _loaded(*changes: tuple[str, str]) -> tuple[Spec | None, list[Problem]]:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    source, problems = parse(text.encode(), Path("good.yaml"), "good.yaml")
    spec, more = load(source)
    assert not isinstance(spec, Classification)
    return spec, problems + more


def test_a_good_spec_loads() -> None:
    spec, problems = _loaded()
    assert problems == []
    assert spec is not None
    assert spec.train is not None and spec.train.learning_rate == 5e-5
    assert spec.evaluate.metrics == ("R@10", "RR@10")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("test: 20%", "test: 0.2"),
        ("train: {epochs: 1, batch_size: 64, learning_rate: 5e-5}", "train: none"),
        ("epochs: 1", "select: {metric: nDCG@10, every: 100}"),
        ("{by: item, test: 20%}", "{by: time, dev: 2024-05-01, test: 2024-05-31T18:00:00}"),
        ("{brand} {description}", "{{{product name}}}"),
        ("evaluate:", "accept: {SF204: titles carry the meaning}\n\nevaluate:"),
        ("{path: order_lines.parquet}", "{path: o.csv, join: {source: products, on: id, columns: [brand]}}"),
    ],
)
def test_a_good_change_loads(old: str, new: str) -> None:
    spec, problems = _loaded((old, new))
    assert problems == []
    assert spec is not None


def test_what_cannot_be_read_is_not_loaded(write: Write) -> None:
    source, problems = read(write("a: ["))
    assert exit_code(problems) == 1
    assert load(source) == (None, [])


def test_a_joined_circle_is_told_at_each_join() -> None:
    join = "join: {{source: {}, on: id, columns: [x]}}"
    _, problems = _loaded(
        ("{path: products.parquet,", "{path: products.parquet, " + join.format("order_lines") + ","),
        ("{path: order_lines.parquet}", "{path: order_lines.parquet, " + join.format("products") + "}"),
    )
    assert [problem.message for problem in problems] == [
        'source "products" is joined to itself',
        'source "order_lines" is joined to itself',
    ]


def _all_shapes(of: Shape, seen: set[str]) -> list[Shape]:
    found = []
    for member in (*members(of), *(shape(arg) for arg in get_args(of.type) if not isinstance(arg, str | int))):
        for inner in fields(member).values():
            if repr(inner) not in seen:
                seen.add(repr(inner))
                found += [inner, *_all_shapes(inner, seen)]
    return found


@pytest.mark.parametrize("of", _all_shapes(shape(Spec), set()), ids=lambda _: "")
def test_every_field_is_said_in_plain_words(of: Shape) -> None:
    values: tuple[Data, ...] = (None, "", "x", 5, (), {})
    for value in values:
        words = expected(of, value)
        assert not any(word in words for word in ("<", "int ", "str", "float", "tuple", "dict", "Literal", "valid"))


def test_choices_come_from_the_models() -> None:
    assert choices(fields(shape(Spec))["index"]) == (*FAMILIES["bi_encoder"].indexes, "multi_vector")
    assert issubclass(fields(shape(Spec))["evaluate"].type, BaseModel)


SPAN = Span(1, 4, 1, 7)
ERROR = Problem("SF002", 'unknown loss "a,b"', SPAN, ("retriever", "loss"), "50% of\nit", ("first row", "second row"))
WARNING = Problem("SF204", "texts are cut", None)


def _source(text: str = "a: bcd\n") -> Source:
    return Source("specs/my spec.yaml", Path("x.yaml"), text, {}, {})


def test_severity_is_the_tables() -> None:
    assert ERROR.severity is Severity.ERROR
    assert exit_code([WARNING]) == 0
    assert exit_code([WARNING, ERROR]) == 1
    assert in_order([WARNING, ERROR, WARNING]) == [ERROR, WARNING]
    assert all(code == row.code for code, row in CODES.items())


def test_text() -> None:
    assert render([(_source(), [ERROR, WARNING])], "text", color=False) == (
        'specs/my spec.yaml:1:4: unknown loss "a,b" [SF002]\n'
        "  |\n"
        "1 | a: bcd\n"
        "  |    ^^^\n"
        "  = 50% of\n"
        "  = it\n"
        "  = first row\n"
        "  = second row\n"
        "specs/my spec.yaml: warning: texts are cut [SF204]\n"
    )


def test_color_is_only_added() -> None:
    plain = render([(_source(), [ERROR, WARNING])], "text", color=False)
    colored = render([(_source(), [ERROR, WARNING])], "text", color=True)
    assert "\x1b[31m^^^\x1b[0m" in colored
    for style in ("0", "1", "2", "31", "33"):
        colored = colored.replace(f"\x1b[{style}m", "")
    assert colored == plain


@pytest.mark.parametrize("column", [1, 20, 60, 150, 290])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    line = "".join(chr(ord("a") + i % 26) for i in range(300))
    problem = Problem("SF001", "x", Span(1, column, 1, column + 5))
    _, _, shown, caret, *_ = render([(_source(line), [problem])], "text", color=False).splitlines()
    assert len(shown) <= 100
    start, end = caret.index("^"), caret.rindex("^") + 1
    assert shown[start:end] == line[column - 1 : column + 4]


@pytest.mark.parametrize(
    ("before", "columns"), [("", 0), ("abc", 3), ("商品", 4), ("e\u0301", 1), ("\u200f", 6), ("\t", 2), ("😀", 2)]
)
def test_the_caret_stands_below_what_it_means(before: str, columns: int) -> None:
    start = len(before) + 1
    problem = Problem("SF001", "x", Span(1, start, 1, start + 1))
    caret = render([(_source(f"{before}X"), [problem])], "text", color=False).splitlines()[3]
    assert caret == "  | " + " " * columns + "^"


def test_no_control_character_reaches_a_terminal() -> None:
    problem = Problem("SF002", 'unknown "\x1b[31m"', SPAN, hint="\x07", evidence=("\u202e",))
    text = render([(_source("a: \x1b\u202e\n"), [problem])], "text", color=False)
    assert all(char == "\n" or char.isprintable() for char in text)


def test_json() -> None:
    first, second = json.loads(render([(_source(), [ERROR, WARNING])], "json", color=True))
    assert first["file"] == "specs/my spec.yaml"
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (1, 4, 1, 7)
    assert (first["code"], first["name"], first["severity"]) == ("SF002", "unknown-name", "error")
    assert first["path"] == ["retriever", "loss"]
    assert second["line"] is None
    assert json.loads(render([(_source(), [])], "json", color=False)) == []


def test_github() -> None:
    first, second = render([(_source(), [ERROR, WARNING])], "github", color=False).splitlines()
    assert first == (
        "::error file=specs/my spec.yaml,line=1,endLine=1,col=4,endColumn=7,title=SF002"
        '::unknown loss "a,b"%0A50%25 of%0Ait%0Afirst row%0Asecond row'
    )
    assert second == "::warning file=specs/my spec.yaml,title=SF204::texts are cut"


def test_sarif() -> None:
    log = json.loads(render([(_source(), [ERROR, WARNING])], "sarif", color=False))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/my%20spec.yaml"
    assert place["region"] == {"startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 7}
    assert "region" not in run["results"][1]["locations"][0]["physicalLocation"]


def test_the_good_spec_has_no_problem(write: Write) -> None:
    assert check(write(GOOD))[1] == []


def _replaced(data: Data, keys: Keys, value: Data) -> Data:
    if not keys:
        return value
    if isinstance(data, dict):
        return {key: _replaced(inner, keys[1:], value) if key == keys[0] else inner for key, inner in data.items()}
    assert isinstance(data, tuple)
    return tuple(_replaced(inner, keys[1:], value) if i == keys[0] else inner for i, inner in enumerate(data))


WHOLE, _ = parse(GOOD.encode(), Path("good.yaml"), "good.yaml")
SCALARS: list[Data] = [None, True, 5, -1.5, 10**99, float("nan"), "", "x", "[key]"]
SECTIONS: list[Data] = [{"kind": 5}, {"kind": "x"}, {"kind": "flat", "flat": {}}, {"by": None}, {"[key]": 1}]
STRANGE: list[Data] = [*SCALARS, *SECTIONS, {"Train": {}}, {"": {}}, {}, (), ("x", 5)]


@pytest.mark.parametrize("keys", [keys for keys in WHOLE.places if keys], ids=repr)
def test_no_value_anywhere_is_too_strange(keys: Keys) -> None:
    for value in STRANGE:
        data = _replaced(WHOLE.data, keys, value)
        assert isinstance(data, dict)
        spec, problems = load(replace(WHOLE, data=data))
        assert (spec is None) == bool(problems)
        assert all(problem.span for problem in problems)
