"""From templates to files: literals and their places, imports, layout, the manifest."""

from __future__ import annotations

import ast
import hashlib
import json

import pytest
from jinja2 import UndefinedError
from variations import RICHES, compiled, planned, variation

from specforge.quote import Code
from specforge.render import hoist
from specforge.spec.document import Spec
from specforge.templating import At, render

MODULE = '''\
"""What it is for."""

import os  # the rest of the line goes with the import

# a comment that stays
X = 1

import os
from a import c, b as d
import numpy as np


def f() -> None:
    """Not an import of the module."""
    import inner


from a import b as d
import numpy as np
'''


def test_imports_stand_once_each_after_the_docstring() -> None:
    lines = [line for line in hoist(MODULE).split("\n") if line]
    assert lines == [
        '"""What it is for."""', "import os", "from a import c", "from a import b as d", "import numpy as np",
        "# a comment that stays", "X = 1", "def f() -> None:", '    """Not an import of the module."""', "    import inner",
    ]  # fmt: skip


def test_a_module_without_docstring_or_imports_stays() -> None:
    assert ast.dump(ast.parse(hoist("x = 1\n"))) == ast.dump(ast.parse("x = 1\n"))
    assert hoist("import b\nx = 1\nimport a\n").split() == ["import", "b", "import", "a", "x", "=", "1"]


def test_a_string_with_odd_line_ends_does_not_move_imports() -> None:
    text = 'x = "a\x0cb\x85c\u2028d"\nimport a\n'
    assert ast.literal_eval(ast.parse(hoist(text)).body[1].value) == "a\x0cb\x85c\u2028d"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", RICHES)
def test_the_manifest_knows_every_file_and_stage(name: str) -> None:
    files = compiled()[name]
    manifest = json.loads(files["manifest.json"])
    others = {file: text for file, text in files.items() if file != "manifest.json"}
    assert manifest["files"] == {file: hashlib.sha256(text.encode()).hexdigest() for file, text in others.items()}
    assert manifest["spec"] == f"specs/{name}.yaml"
    made = planned(variation(name))
    assert [stage["name"] for stage in manifest["stages"]] == [stage.name for stage in made.stages]
    assert [stage["needs"] for stage in manifest["stages"]] == [list(stage.needs) for stage in made.stages]
    assert [(stage["script"], stage["output"]) for stage in manifest["stages"]] == [
        (stage.script, stage.output) for stage in made.stages
    ]


@pytest.mark.parametrize(
    ("path", "literal"),
    [
        ("retriever.train.epochs", "EPOCHS = 2"),
        ("retriever.train.learning_rate", "learning_rate=5e-5,"),
        ("retriever.train.checkpoint_steps", "save_steps=500,"),
        ("retriever.prompts.document", '"document": "passage: ",'),
        ("retriever.revision", 'revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",'),
        ("retriever.loss.scale", "scale=20.0,"),
        ("sources.products.where", 'where="price > 0",'),
        ("sources.order_lines.limit", "rows = rows.limit(90000)"),
        (
            "sources.products.join.on",
            "join (select distinct on (maker) * from sources.makers) as r on r.maker = l.maker_id;",
        ),
        ("objectives.carts.group", "basket::varchar as group_id,"),
        ("objectives.carts.max_items", "when count(*) > 50 then 'too large'"),
        ("split.test", "create macro test_share() as 2000;"),
        ("evaluate.bootstrap.seed", "SEED = 3"),
        ("evaluate.fuse", '"tuned+neighbour_transfer": baselines.neighbour_transfer,'),
    ],
)
def test_the_manifest_names_the_line_of_a_field(path: str, literal: str) -> None:
    files = compiled()["rich"]
    (place,) = json.loads(files["manifest.json"])["fields"][path]
    file, _, number = place.partition(":")
    assert files[file].splitlines()[int(number) - 1].strip() == literal


def test_every_literal_is_marked_with_its_offset() -> None:
    context: dict[str, object] = {
        "encoded": Code("the texts"),
        "embed": {"words": Code("x"), "folder": Code("v"), "output": At("v\ue000\ue0031", "a.b")},
    }
    context["embed"] |= {"temporary": "\ue002\ue001", "of_tuned": True}  # type: ignore[operator]
    text, marks = render("python/embed.py.jinja", context)
    assert [text[offset:].startswith(repr("v\ue000\ue0031")) for offset, path in marks] == [True] * len(marks)
    assert {path for _, path in marks} == {"a.b"} and repr("\ue002\ue001") in text


def test_marks_in_identifiers_are_no_marks() -> None:
    name = Code('"\ue000x\ue0011\ue002\ue0030"')
    context: dict[str, object] = {"libraries": [At(name, "a"), name]}
    assert render("text/requirements.txt.jinja", context) == (f"{name}\n{name}\n", [(0, "a")])


def test_a_name_that_no_context_has_fails() -> None:
    with pytest.raises(UndefinedError):
        render("python/embed.py.jinja", {})


def test_a_section_is_no_value() -> None:
    spec = At(variation_spec(), "")
    with pytest.raises(TypeError, match="retriever is a section"):
        render("text/requirements.txt.jinja", {"libraries": [spec.retriever]})


def test_names_of_the_users_are_items_and_fields_are_attributes() -> None:
    at = At(variation_spec("odd_names"), "")
    assert at.sources["value"].path.trail == "sources.value.path"
    assert at.sources["trail"].path.value == "c.csv"


def variation_spec(name: str = "rich") -> Spec:
    spec = planned(variation(name)).spec
    assert isinstance(spec, Spec)
    return spec
