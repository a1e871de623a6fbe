"""Every code has a page that explains it, and every page has a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import specforge
from specforge.codes import CODES, Severity, page

PAGES = Path(specforge.__file__).parent / "pages"


@pytest.mark.parametrize("code", CODES)
def test_page(code: str) -> None:
    text = page(code)
    assert text.splitlines()[0] == f"# {code} {CODES[code].name}"
    assert re.findall("^## (.+)$", text, re.M) == ["Why it matters", "Example", "Cure"]
    assert f"[{code}]" in text


@pytest.mark.parametrize("code", CODES)
def test_the_example_shows_the_severity(code: str) -> None:
    [headline] = [line for line in page(code).splitlines() if line.endswith(f"[{code}]")]
    assert (" warning: " in headline) == (CODES[code].severity is Severity.WARNING)


def test_every_page_has_a_code() -> None:
    assert {path.name for path in PAGES.iterdir()} == {f"{code}.md" for code in CODES}
