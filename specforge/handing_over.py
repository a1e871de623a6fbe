"""Hands over what a spec made, and first runs what is missing: the export for production, or the training rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from specforge import exporting, feeding, pipeline, running, training_rows
from specforge.errors import StageError, UsageError
from specforge.pipeline import Checked
from specforge.plan import Plan
from specforge.render import MANIFEST
from specforge.spec.document import Spec

Tell = Callable[[list[Checked]], int]

_BESIDE = ("contract.py", "encoder.py", "exported.py", "requirements.txt")
"""The files of the code folder that go with every export."""


def export(root: Path, name: str, to: Path | None, tell: Tell) -> int:
    """Run what the export lacks, and copy it with its loaders `to` a new folder; the exit status.

    Raises:
        UsageError: nothing was compiled under this name, or it has no export, or `to` has something in it.
        StageError: a stage failed, or the disk takes no more.
    """
    checked = _read(root, name)
    made = checked.plan
    if made is None:
        return tell([checked])
    spec = _ranking(made)
    if not exporting.is_exported(spec):
        raise UsageError(f'"{name}" has no export; give its "index" an "export", such as "export: [qdrant]"')
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f'"{to}" is there already; name a new folder')
    status = running.run(checked, only="export", variant=False, force=False, tell=tell)
    if status:
        return status
    folder = made.root / "runs" / name / "export"
    with _told():
        if to is not None:
            _copy(spec, made.folder, folder, to)
    click.echo(str(to or folder))
    return 0


def rows(root: Path, name: str, file: Path, tell: Tell) -> int:
    """Write the rows that train as JSON lines; the exit status.

    Raises:
        UsageError: nothing was compiled under this name, or it trains on no queries.
        StageError: a stage failed, or the disk takes no more.
    """
    checked = _read(root, name)
    made = checked.plan
    if made is None:
        return tell([checked])
    spec = _ranking(made)
    stage = "mine" if feeding.mines(spec) else "prepare"
    status = running.run(checked, only=stage, variant=False, force=False, tell=tell)
    if status:
        return status
    with _told():
        for line in training_rows.write(spec, made.root / "runs" / name, file):
            click.echo(line, err=True)
    click.echo(str(file))
    return 0


def _read(root: Path, name: str) -> Checked:
    manifest = root / "generated" / name / MANIFEST
    if not name.isidentifier() or not manifest.is_file():
        raise UsageError(f'nothing was compiled under the name "{name}"; run specforge compile specs/{name}.yaml first')
    return pipeline.read(root / json.loads(manifest.read_text(encoding="utf-8"))["spec"])


def _ranking(made: Plan) -> Spec:
    if not isinstance(made.spec, Spec):
        raise UsageError(f'"{made.spec.name}" tells classes apart, and finds nothing for queries')
    return made.spec


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StageError(f'cannot write "{error.filename}": {(error.strerror or str(error)).lower()}') from error


def _copy(spec: Spec, code: Path, made: Path, to: Path) -> None:
    """The folder is there only when it is whole."""
    scratch = to.with_name(f"{to.name}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(made, scratch / "export")
    for file in (*_BESIDE, *(f"load_{store}.py" for store in exporting.stores(spec))):
        shutil.copy(code / file, scratch)
    shutil.copy(code / "EXPORT.md", scratch / "README.md")
    shutil.rmtree(to, ignore_errors=True)
    scratch.rename(to)
