"""Every mistake has a spec that makes it, `bad/NAME.yaml`, and the exact text that it gets, `bad/NAME.txt`.

`SPECFORGE_UPDATE=1 pytest tests/test_bad_specs.py` writes the texts anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from conftest import check

from specforge.codes import CODES
from specforge.output import render

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str) -> None:
    found = check(BAD / f"{name}.yaml", f"tests/bad/{name}.yaml")
    text, golden = render([found], "text", color=False), BAD / f"{name}.txt"
    if os.environ.get("SPECFORGE_UPDATE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert text, f"{name}.yaml has no mistake"


def test_every_text_has_its_spec() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_messages_keep_the_house_style(name: str) -> None:
    for problem in check(BAD / f"{name}.yaml")[1]:
        assert not problem.message.endswith("."), problem.message
        assert problem.message[0].islower() or problem.message[0] == '"', problem.message
        assert len(problem.message) <= 120, problem.message


@pytest.mark.parametrize("code", ["SF001", "SF002", "SF003", "SF005"])
def test_code_has_a_bad_spec_and_a_page(code: str) -> None:
    texts = [(BAD / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES]
    assert any(f"[{code}]" in text for text in texts)


@pytest.mark.parametrize("code", ["SF001", "SF002", "SF003", "SF004", "SF005"])
def test_page_opens_with_code_and_name(code: str) -> None:
    page = Path("specforge/pages") / f"{code}.md"
    text = (Path(__file__).parent.parent / page).read_text(encoding="utf-8")
    assert text.startswith(f"# {code} {CODES[code].name}\n")
    assert re.search(r"^## Cure$", text, re.M)
