"""The same spec gives the same bytes: in any folder, language, and order of hashing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SCRIPT = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from variations import RICHES, planned, variation
from specforge.render import render
names = [*RICHES, "odd_names", "csv"]
files = render([planned(variation(name)) for name in names])
print(hashlib.sha256(json.dumps(files).encode()).hexdigest())
"""


def digest(folder: Path, **environment: str) -> str:
    """The hash of all files, compiled by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(TESTS)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    return digest(TESTS, PYTHONHASHSEED="0", LC_ALL="C.UTF-8")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"},
        {"RUFF_CONFIG": "/nowhere/ruff.toml", "NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "20"},
    ],
    ids=["hashing", "C", "Turkish", "settings"],
)
def test_the_machine_does_not_show(environment: dict[str, str], expected: str, tmp_path: Path) -> None:
    settings = "line-length = 40\n[format]\nquote-style = 'single'\n"
    (tmp_path / "ruff.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 40\n", encoding="utf-8")
    assert digest(tmp_path, **environment) == expected
