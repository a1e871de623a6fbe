"""Whether generated code is clean, for many folders at once: what several of them share is looked at once."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from mypy import api as mypy
from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
RULES = "E,F,I,B,UP,SIM,C4,PTH,RUF"
Files = Mapping[str, str]
"""File name -> text, of one folder."""

_IMPORT = re.compile(r"^(\s*)(?:from (\w+) import |import (\w+)(?: as (\w+))?$)", re.M)


def said_by_ruff(folders: Iterable[Files], at: Path) -> str:
    """What ruff has against the Python files of all folders; each text is looked at once."""
    texts = {(name, text): None for files in folders for name, text in files.items() if name.endswith(".py")}
    for place, (name, text) in enumerate(texts):
        (at / f"{place:05}").mkdir(parents=True)
        (at / f"{place:05}" / name).write_text(text, encoding="utf-8")
    siblings = sorted({Path(name).stem for name, _ in texts})
    settings = ["--isolated", "--no-cache", "--line-length=120", "--target-version=py311", "--output-format=concise"]
    known = ["--config", f"lint.isort.known-first-party = {siblings}"]
    lint = [find_ruff_bin(), "check", f"--select={RULES}", *settings, *known, "."]
    done = subprocess.run(lint, cwd=at, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def said_by_mypy(folders: Iterable[Files], at: Path) -> str:
    """What mypy has against the modules of all folders, in one run: each is called by its text and by what it imports."""
    at.mkdir(parents=True)
    for files in folders:
        for name, text in _modules(files).items():
            (at / name).write_text(text, encoding="utf-8")
    settings = ["--config-file", str(ROOT / "generated/mypy.ini"), "--cache-dir", str(ROOT / ".mypy_cache/coverage")]
    said, wrong, status = mypy.run([*settings, "--no-sqlite-cache", str(at)])
    return said + wrong if status else ""


def _modules(files: Files) -> dict[str, str]:
    """The modules of a folder under names of their own, each importing its siblings by theirs."""
    named: dict[str, tuple[str, str]] = {}

    def visit(stem: str) -> str:
        if stem not in named:
            text = _IMPORT.sub(renamed, files[f"{stem}.py"])
            named[stem] = f"{stem}_{hashlib.sha256(text.encode()).hexdigest()[:12]}", text
        return named[stem][0]

    def renamed(match: re.Match[str]) -> str:
        indent, origin, module, known = match.groups()
        if f"{origin or module}.py" not in files:
            return match[0]
        name = visit(origin or module)
        return f"{indent}from {name} import " if origin else f"{indent}import {name} as {known or module}"

    for name in files:
        if name.endswith(".py"):
            visit(name.removesuffix(".py"))
    return {f"{name}.py": text for name, text in named.values()}


def said_by_python(folders: Iterable[Files]) -> list[str]:
    """The files that do not parse."""
    texts = {text: name for files in folders for name, text in files.items() if name.endswith(".py")}
    found: list[str] = []
    for text, name in texts.items():
        try:
            ast.parse(text)
        except SyntaxError as error:
            found.append(f"{name}: {error}")
    return found
