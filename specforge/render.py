"""Turns a plan into the text of every file: templates, imports moved to the top, one layout by the pinned ruff."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

from specforge.plan import File, Plan
from specforge.templating import TEMPLATES
from specforge.templating import render as fill

MANIFEST = "manifest.json"

_FILES = [
    path
    for folder in ("", "pairs", "clustering", "classifier")
    for path in (TEMPLATES / "python" / folder).glob("*.py.jinja")
]
_STEMS = sorted(
    {
        "untuned",
        "teacher",
        "reranker_teacher",
        "filtering",
        "filtering_*",
        *(path.name.partition(".")[0] for path in _FILES),
    }
)
_SIBLINGS = f"lint.isort.known-first-party = {json.dumps(_STEMS)}"
"""The modules of a code folder that others import."""


@dataclass(frozen=True)
class _Draft:
    """A rendered file before its layout; `marks` are offsets of literals that came from the spec, with their paths."""

    name: str
    text: str
    marks: tuple[tuple[int, str], ...]

    @property
    def is_python(self) -> bool:
        return self.name.endswith(".py")


def render(plans: list[Plan]) -> list[dict[str, str]]:
    """File name -> text for each plan, the manifest among them. One call of ruff serves all."""
    drafts = [[_draft(file) for file in plan.files] for plan in plans]
    final = _laid_out(draft.text for group in drafts for draft in group if draft.is_python)
    return [_files(plan, group, final) for plan, group in zip(plans, drafts, strict=True)]


def _draft(file: File) -> _Draft:
    text, marks = fill(file.template, file.context)
    return _Draft(file.name, text, tuple(marks))


def _files(plan: Plan, drafts: list[_Draft], final: dict[str, str]) -> dict[str, str]:
    texts = {draft.name: final[draft.text] if draft.is_python else draft.text for draft in drafts}
    return {**texts, MANIFEST: _manifest(plan, drafts, texts)}


def _laid_out(modules: Iterable[str]) -> dict[str, str]:
    """Rendered module -> the same with its imports on top and sorted, in ruff's layout."""
    with tempfile.TemporaryDirectory(prefix="specforge-") as folder:
        paths = {text: Path(folder) / f"{place:05}.py" for place, text in enumerate(dict.fromkeys(modules))}
        for text, path in paths.items():
            path.write_text(hoist(text), encoding="utf-8", newline="\n")
        _ruff(folder, "check", "--fix", "--select", "I", "--config", _SIBLINGS)
        _ruff(folder, "format")
        return {text: path.read_text(encoding="utf-8") for text, path in paths.items()}


def _ruff(folder: str, *command: str) -> None:
    settings = ["--quiet", "--isolated", "--no-cache", "--target-version", "py311", "--line-length", "120", folder]
    done = subprocess.run([find_ruff_bin(), *command, *settings], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"ruff could not lay out a generated file: {done.stdout}{done.stderr}")


def hoist(text: str) -> str:
    """The same module with its imports once each, after its docstring."""
    tree = ast.parse(text)
    lines = text.split("\n")
    imports: dict[str, None] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= dict.fromkeys(_one_name_each(node))
            lines[node.lineno - 1 : node.end_lineno] = [""] * len(lines[node.lineno - 1 : node.end_lineno])
    head = tree.body[0].end_lineno if ast.get_docstring(tree) is not None else 0
    return "\n".join([*lines[:head], "", *imports, *lines[head:]])


def _one_name_each(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in node.names]
    if isinstance(node, ast.Import):
        return [f"import {name}" for name in names]
    return [f"from {node.module} import {name}" for name in names]


def _manifest(plan: Plan, drafts: list[_Draft], texts: dict[str, str]) -> str:
    """Hashes of the files, which field of the spec stands on which line, and the stages."""
    fields: dict[str, list[str]] = {}
    for draft in drafts:
        for path, line in _lines(draft, texts[draft.name]):
            place = f"{draft.name}:{line}"
            if place not in fields.setdefault(path, []):
                fields[path].append(place)
    manifest = {
        "spec": plan.source,
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(texts.items())},
        "fields": dict(sorted(fields.items())),
        "stages": [
            {"name": stage.name, "script": stage.script, "needs": list(stage.needs), "output": stage.output}
            for stage in plan.stages
        ],
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"


@lru_cache(maxsize=4096)
def _lines(draft: _Draft, final: str) -> list[tuple[str, int]]:
    """(Path, line in the final text) of every literal that came from the spec. Many specs have a file alike."""
    if not draft.name.endswith(".py"):
        return [(path, draft.text.count("\n", 0, offset) + 1) for offset, path in draft.marks]
    nodes = {(node.lineno, node.col_offset): place for place, node in reversed(list(enumerate(_nodes(draft.text))))}
    placed = _nodes(final)
    return [(path, placed[nodes[_position(draft.text, offset)]].lineno) for offset, path in draft.marks]


def _nodes(text: str) -> list[ast.expr]:
    """All expressions in one order, which layout and the moving of imports do not change."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.expr)]


def _position(text: str, offset: int) -> tuple[int, int]:
    """The line and the column in bytes, as `ast` counts them."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, len(text[start:offset].encode())
