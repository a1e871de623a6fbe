"""The commands as a user meets them: what they print, what they write, how they exit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import GOOD
from jsonschema import Draft202012Validator

from specforge import cli, source
from specforge.schema import field_docs, sections


def specforge(*arguments: str | Path) -> int:
    """Run a command in this process; the exit status."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["specforge", *map(str, arguments)])
            cli.main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "specs" / "good.yaml"
    path.parent.mkdir()
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_good_spec_exits_0(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("check", "--no-data", spec) == 0
    assert "1 spec fine, 0 warnings" in capsys.readouterr().err


def test_a_bad_spec_exits_1_and_writes_nothing(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.write_text(GOOD.replace("kind: flat", "kind: flatt"), encoding="utf-8")
    assert specforge("compile", spec) == 1
    assert 'unknown index "flatt" [SF002]' in capsys.readouterr().out
    assert [path.name for path in spec.parents[1].iterdir()] == ["specs"]


def test_wrong_usage_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("check", tmp_path / "absent.yaml") == 2
    assert specforge("chek") == 2
    assert specforge("explain", "SF999") == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error and 'absent.yaml"' in error


def test_missing_data_is_a_problem_at_its_place(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("check", spec) == 1
    output = capsys.readouterr().out
    assert "[SF004]" in output and "good.yaml:" in output and "^^^" in output
    assert not (spec.parents[1] / "generated").exists()


@pytest.mark.parametrize("shape", ["json", "sarif"])
def test_problems_for_machines(spec: Path, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec.write_text(GOOD.replace("kind: flat", "kind: flatt"), encoding="utf-8")
    assert specforge("check", "--no-data", "--format", shape, spec) == 1
    assert "SF002" in json.dumps(json.loads(capsys.readouterr().out))


def test_compile_then_check_then_an_edit_by_hand(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("compile", spec) == 0
    assert specforge("compile", "--check", spec) == 0
    train = spec.parents[1] / "generated" / "good" / "train.py"
    train.write_text(train.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert specforge("compile", "--check", spec) == 1
    assert specforge("compile", spec) == 1
    assert "was edited by hand" in capsys.readouterr().err
    assert train.read_text(encoding="utf-8").endswith("# mine\n")
    assert specforge("compile", "--force", spec) == 0
    assert "# mine" not in train.read_text(encoding="utf-8")


def test_overrides_reach_the_plan(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("plan", spec, "--set", "index.kind=hnsww") == 1
    assert 'unknown index "hnsww"' in capsys.readouterr().out
    assert specforge("plan", spec, "--set", "index") == 2
    assert specforge("run", spec, "--set", "a.b.c=1") == 1


def test_explain_knows_codes_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("explain", "sf002") == 0
    assert capsys.readouterr().out.startswith("# SF002 unknown-name")
    assert specforge("explain", "judging_groups") == 0
    assert "Share of the groups (carts) that only judge." in capsys.readouterr().out
    assert specforge("explain", "hnsw") == 0
    assert "graph of near neighbours" in capsys.readouterr().out
    assert specforge("explain", "hnws") == 2
    assert 'did you mean "hnsw"?' in capsys.readouterr().err


def test_the_schema_takes_the_good_spec_and_refuses_a_bad_one(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specforge("schema") == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    text, _ = source.read(spec)
    data = json.loads(json.dumps(text.data))
    data["split"]["test"] = 0.2
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(data)) == []
    assert list(validator.iter_errors(data | {"indexx": 1}))


def test_every_field_has_a_docstring_and_the_schema_has_it() -> None:
    for section in sections():
        docs = field_docs(section)
        tags = {"kind", "by"}
        missing = [name for name in section.model_fields if name not in docs and name not in tags]
        assert not missing, f"{section.__name__} has fields without docstring: {missing}"


def test_asking_what_was_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert specforge("search", "nothing", "query") == 2
    assert specforge("search", "../nothing", "query") == 2
    assert specforge("results") == 2
    assert specforge("results", "nothing") == 2


def test_the_built_pages_are_current() -> None:
    import importlib.util

    root = Path(__file__).resolve().parents[1]
    found = importlib.util.spec_from_file_location("build", root / "docs" / "build.py")
    assert found is not None and found.loader is not None
    build = importlib.util.module_from_spec(found)
    found.loader.exec_module(build)
    assert (root / "docs" / "language.md").read_text(encoding="utf-8") == build.page()
    assert (root / "docs" / "dictionary.md").read_text(encoding="utf-8") == build.dictionary()
