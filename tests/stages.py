"""Runs generated stages within the process of a test: the libraries are imported once for all of them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from unittest import mock

from specforge import pipeline
from specforge.render import render
from specforge.write import write


def compiled(path: Path) -> Path:
    """The folder with the generated code of a spec, which must be free of mistakes."""
    checked = pipeline.read(path)
    assert checked.plan is not None, [problem.message for problem in checked.problems]
    write(checked.plan.folder, render([checked.plan])[0], force=True)
    return checked.plan.folder


def run(code: Path, work: Path, *scripts: str) -> None:
    """Run scripts of a code folder one after the other."""
    for script in scripts:
        known = set(sys.modules)
        with (
            mock.patch.object(sys, "argv", [script, "--work", str(work)]),
            mock.patch.object(sys, "path", [str(code), *sys.path]),
        ):
            try:
                runpy.run_path(str(code / script), run_name="__main__")
            finally:
                for name in set(sys.modules) - known:
                    if (code / f"{name}.py").is_file():
                        del sys.modules[name]
