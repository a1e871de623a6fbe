"""Turns a plan into the text of every file: templates, imports moved to the top, one layout by the pinned ruff."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ruff.__main__ import find_ruff_bin

from specforge.plan import Plan
from specforge.templating import render as fill

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class _Draft:
    """A rendered file before its layout; `marks` are offsets of literals that came from the spec, with their paths."""

    name: str
    text: str
    marks: list[tuple[int, str]]


def render(plans: list[Plan]) -> list[dict[str, str]]:
    """File name -> text for each plan, the manifest among them. One call of ruff serves all."""
    drafts = [[_draft(file.name, *fill(file.template, file.context)) for file in plan.files] for plan in plans]
    laid_out = _lay_out([draft for group in drafts for draft in group if draft.name.endswith(".py")])
    texts = iter(laid_out)
    return [_files(plan, group, texts_of(group, texts)) for plan, group in zip(plans, drafts, strict=True)]


def texts_of(group: list[_Draft], laid_out: object) -> dict[str, str]:
    """The final text of each draft: Python as ruff laid it out, the rest as it was rendered."""
    assert hasattr(laid_out, "__next__")
    return {draft.name: next(laid_out) if draft.name.endswith(".py") else draft.text for draft in group}


def _draft(name: str, text: str, marks: list[tuple[int, str]]) -> _Draft:
    return _Draft(name, text, marks)


def hoist(text: str) -> str:
    """The same module with its imports once each, after its docstring."""
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    imports: dict[str, None] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= dict.fromkeys(_one_name_each(node))
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    head = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) is not None else 0
    return "".join([*lines[:head], "\n", *(f"{line}\n" for line in imports), *lines[head:]])


def _one_name_each(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in node.names]
    if isinstance(node, ast.Import):
        return [f"import {name}" for name in names]
    return [f"from {node.module} import {name}" for name in names]


def _lay_out(drafts: list[_Draft]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="specforge-") as folder:
        paths = [Path(folder) / f"{place:05}.py" for place, _ in enumerate(drafts)]
        for path, draft in zip(paths, drafts, strict=True):
            path.write_text(hoist(draft.text), encoding="utf-8")
        settings = ["--isolated", "--no-cache", "--target-version", "py311", "--line-length", "120", folder]
        _ruff(["check", "--fix", "--quiet", "--select", "I", "--config", _SIBLINGS, *settings])
        _ruff(["format", "--quiet", *settings])
        return [path.read_text(encoding="utf-8") for path in paths]


_SIBLINGS = 'lint.isort.known-first-party = ["baselines", "encoder", "ranking", "vectors"]'


def _ruff(arguments: list[str]) -> None:
    if arguments[0] == "format":
        arguments = [one for one in arguments]
    done = subprocess.run([find_ruff_bin(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ruff could not lay out a generated file: {done.stdout}{done.stderr}")


def _files(plan: Plan, drafts: list[_Draft], texts: dict[str, str]) -> dict[str, str]:
    return {**texts, MANIFEST: _manifest(plan, drafts, texts)}


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


def _lines(draft: _Draft, final: str) -> list[tuple[str, int]]:
    """(Path, line in the final text) of every literal that came from the spec."""
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
