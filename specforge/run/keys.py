"""The key of a stage: a hash over everything that its output depends on, with its parts kept to tell reasons by."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from specforge.errors import StageError
from specforge.locate import LookupFailure, fingerprint
from specforge.run.precision import resolve_precision
from specforge.run.stage import Stage

_KEY_DIGITS = 16
_SQL = re.compile(
    r"""(?P<kept>\b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$\w*\$).*?(?P=tag))"""
    r"""|(?:\s+ | --[^\n]* | /\*.*?\*/)+""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class KeyParts:
    """Everything that a stage's output depends on, by name."""

    code: Mapping[str, str]
    """The script and the sibling modules that it imports: digests of their syntax trees."""
    files: Mapping[str, str]
    """Other files of the code folder: digests."""
    needs: Mapping[str, str]
    """The stages before: their keys."""
    reads: Mapping[str, str]
    """References outside: fingerprints."""
    libraries: Mapping[str, str]
    """Distributions: installed versions."""
    precision: str
    """`bf16`, `fp32` or nothing."""


def key_of(parts: KeyParts) -> str:
    """16 hex digits of the sha256 over all parts."""
    return _digest(json.dumps(asdict(parts), sort_keys=True))[:_KEY_DIGITS]


def key_parts(
    stages: Sequence[Stage], code: Path, base: Path, cache: Path, kept: Mapping[str, KeyParts] = MappingProxyType({})
) -> dict[str, KeyParts]:
    """The parts of every stage's key, in the order given: needs come first. Those that are `kept` stay. Raises StageError."""
    parts = dict(kept)
    for stage in stages:
        if stage.name in kept:
            continue
        keys = {need: key_of(parts[need]) for need in stage.needs}
        parts[stage.name] = read_parts(stage, keys, code, base, cache)
    return parts


def read_parts(stage: Stage, needs: Mapping[str, str], code: Path, base: Path, cache: Path) -> KeyParts:
    """One stage's parts as the disk has them now; `needs` are the keys of the stages before. Raises StageError."""
    with _plainly(stage):
        return KeyParts(
            code=_code_digests(code, stage.script),
            files={name: _file_digest(code / name) for name in stage.files},
            needs=dict(needs),
            reads=fingerprints(stage, base, cache),
            libraries={library: _version(library) for library in stage.libraries},
            precision=resolve_precision(stage.precision),
        )


def fingerprints(stage: Stage, base: Path, cache: Path) -> dict[str, str]:
    """What a stage reads from outside, as the disk has it now, by reference. Raises StageError."""
    with _plainly(stage):
        return {reference: fingerprint(reference, base, cache) for reference in stage.reads}


@contextmanager
def _plainly(stage: Stage) -> Iterator[None]:
    try:
        yield
    except (LookupFailure, SyntaxError) as failure:
        raise StageError(f'stage "{stage.name}" cannot run: {failure}') from failure
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StageError(f'stage "{stage.name}" cannot read "{error.filename}": {reason}') from error


def _code_digests(code: Path, script: str) -> dict[str, str]:
    """Digests of the script and of the siblings that it imports, at any remove."""
    digests: dict[str, str] = {}
    pending = [script]
    while pending:
        name = pending.pop()
        if name in digests:
            continue
        tree = ast.parse((code / name).read_bytes(), filename=name)
        digests[name] = _digest(_shape(tree))
        pending += [f"{module}.py" for module in _imported(tree) if (code / f"{module}.py").is_file()]
    return dict(sorted(digests.items()))


def _imported(tree: ast.Module) -> set[str]:
    """The first parts of the names of all modules that are imported, in functions too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def _shape(node: object) -> str:
    """A syntax tree as text: without places, docstrings and absent fields, which differ between Python versions."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name not in ("kind", "type_comment"))
        return f"{type(node).__name__}({','.join(f'{name}={_shape(v)}' for name, v in fields if v not in (None, []))})"
    if isinstance(node, list):
        return f"[{','.join(_shape(item) for item in node if not _is_docstring(item))}]"
    return repr(node)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _file_digest(path: Path) -> str:
    if path.suffix == ".sql":
        return _digest(sql_shape(path.read_text(encoding="utf-8")))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sql_shape(sql: str) -> str:
    """SQL with one space for every run of white space and comments outside of quotes."""
    return _SQL.sub(lambda match: match["kept"] or " ", sql).strip()


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
