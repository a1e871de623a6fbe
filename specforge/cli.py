"""The commands."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from specforge import __version__, pipeline
from specforge.errors import SpecforgeError, StaleError, UsageError
from specforge.output import FORMATS
from specforge.output import render as render_problems
from specforge.pipeline import Checked
from specforge.problems import exit_code

_specs = click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPEC...")
_spec = click.argument("spec", type=click.Path(path_type=Path))
_as_json = click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", help="Output as.")
_settings = click.option("--set", "settings", multiple=True, metavar="A.B=C", help="Override a field of the spec.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="specforge")
def cli() -> None:
    """Compile experiment specs for representation models to code, and run it."""


def main() -> None:
    """The command `specforge`: exit 0 fine, 1 problems or stale files, 2 wrong usage, 3 a stage failed."""
    try:
        sys.exit(cli.main(standalone_mode=False))  # a command returns its exit status
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except SpecforgeError as error:
        click.echo(f"specforge: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _tell(found: Iterable[Checked], shape: str = "text") -> int:
    found = list(found)
    listed = [(one.source, list(one.problems)) for one in found]
    text = render_problems(listed, shape, _colors())
    click.echo(text, nl=bool(text) and not text.endswith("\n"))
    return max(exit_code(one.problems) for one in found)


@cli.command()
@click.argument("name")
@click.option("--objective", "kind", required=True, metavar="KIND", help="What similar means, such as same_cart.")
@click.option(
    "--from", "files", multiple=True, metavar="FILE...", type=click.Path(path_type=Path), help="A file with data."
)
@click.argument("more", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
def new(name: str, kind: str, files: tuple[Path, ...], more: tuple[Path, ...]) -> int:
    """Write a starter spec; from files, its columns are guessed and said so."""
    from specforge.authoring import starter

    if more and not files:
        raise UsageError("files are named after --from")
    path = starter.write(name, kind, (*files, *more), Path.cwd())
    click.echo(f"{path}: look at the lines that are marked, then run specforge check {path}")
    return 0


@cli.command()
@_specs
@click.option("--no-data", is_flag=True, help="Look at the spec alone, not at its data.")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="text", help="Output as.")
@click.option("--show-defaults", is_flag=True, help="Print the spec with every default written out.")
def check(specs: tuple[Path, ...], no_data: bool, shape: str, show_defaults: bool) -> int:
    """Check specs: everything that is wrong, at its place."""
    found = [pipeline.read(path) for path in specs]
    if not no_data:
        found = [pipeline.with_rows(one) for one in found]
    status = _tell(found, shape)
    if show_defaults:
        click.echo("".join(pipeline.with_defaults(one) for one in found), nl=False)
    if shape == "text" and status == 0:
        counted = sum(len(one.problems) for one in found)
        click.echo(
            f"{len(found)} spec{'s' * (len(found) != 1)} fine, {counted} warning{'s' * (counted != 1)}", err=True
        )
    return status


@cli.command()
@click.argument("term")
def explain(term: str) -> int:
    """The page of a check, such as SF105, or a word of the language."""
    from specforge import codes, schema
    from specforge.shapes import nearest

    if term.upper() in codes.CODES:
        click.echo(codes.page(term.upper()), nl=False)
        return 0
    words = schema.terms()
    if term in words:
        click.echo("\n".join([f"# {term}", *(f"\n{text}" for text in words[term])]))
        return 0
    near = nearest(term, [*words, *codes.CODES])
    raise UsageError(f'nothing is called "{term}"' + (f'; did you mean "{near}"?' if near else ""))


@cli.command()
def schema() -> int:
    """The JSON schema of the language, for editors."""
    from specforge.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
    return 0


@cli.command()
@_specs
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 where generated code is stale.")
@click.option("--force", is_flag=True, help="Write over files that were edited by hand.")
def compile(specs: tuple[Path, ...], only_check: bool, force: bool) -> int:
    """Write the generated code of specs."""
    from specforge import compiling

    found = [pipeline.read(path) for path in specs]
    status = _tell(found)
    if status:
        return status
    plans = [one.plan for one in found if one.plan is not None]
    lines, stale = compiling.check(plans) if only_check else compiling.write(plans, force=force)
    click.echo("".join(f"{line}\n" for line in lines), nl=False)
    if stale:
        raise StaleError("generated code is not what the specs give; run specforge compile")
    return 0


@cli.command()
@_spec
@_settings
@_as_json
def plan(spec: Path, settings: tuple[str, ...], shape: str) -> int:
    """Which stages a run would run, and why; shapes, rows, steps."""
    from specforge import planning

    checked = pipeline.read(spec, settings)
    if checked.plan is None:
        return _tell([checked])
    click.echo(planning.describe(checked.plan, as_json=shape == "json"), nl=False)
    return 0


@cli.command()
@_spec
@_settings
@_as_json
def profile(spec: Path, settings: tuple[str, ...], shape: str) -> int:
    """A picture of the data on one page."""
    checked = pipeline.with_rows(pipeline.read(spec, settings))
    if checked.data is None:
        return _tell([checked])
    from specforge import profiling

    click.echo(profiling.describe(checked, as_json=shape == "json"), nl=False)
    return 0


@cli.command()
@_spec
@click.option("--only", metavar="STAGE", help="Run one stage, and what it needs.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="ROWS", help="Read this many events: a smoke run, not recorded."
)
@click.option("--force", is_flag=True, help="Write over generated files that were edited by hand.")
@click.option("--model", metavar="RUN", help="Train nothing: measure the model of this recorded run on today's data.")
@_settings
def run(
    spec: Path, only: str | None, limit: int | None, force: bool, model: str | None, settings: tuple[str, ...]
) -> int:
    """Compile a spec, run its stages, and record the result."""
    from specforge import rescoring, running

    if model is not None and (only or limit or force or settings):
        raise UsageError("--model measures the spec as it is: leave the other options out")
    checked = running.read(spec, settings, limit)
    if checked.plan is None:
        return _tell([checked])
    if model is not None:
        return rescoring.run(checked, model, tell=_tell)
    done = running.run(checked, only=only, variant=bool(limit or settings), force=force, tell=_tell)
    return done


@cli.command()
@_spec
@_settings
@_as_json
def baseline(spec: Path, settings: tuple[str, ...], shape: str) -> int:
    """Do you need to fine-tune? Everything of a spec but training, and what it means."""
    from specforge import baseline

    checked = pipeline.read(spec, settings)
    if checked.plan is None:
        return _tell([checked])
    return baseline.describe(checked, as_json=shape == "json", tell=_tell)


@cli.command()
@click.argument("name")
@click.argument("query", required=False)
@click.option("-k", type=click.IntRange(1, 1000), default=10, help="Documents to show.")
@click.option("--system", metavar="NAME", help="Ask this one, such as bm25, or the retriever without its reranker.")
@click.option("--compare", is_flag=True, help="Show all systems side by side, with what moved from one to the next.")
@click.option("--explain", is_flag=True, help="Show how the query is read, and the scores of each step.")
@_as_json
def search(name: str, query: str | None, k: int, system: str | None, compare: bool, explain: bool, shape: str) -> int:
    """Ask the index of the last run: one QUERY, or what is typed, or lines such as {"query": "..."}."""
    from specforge import dialogue, searching

    asked, options = searching.session(Path.cwd(), name), searching.Options(k, system, compare, explain)
    if query is not None:
        click.echo(searching.search(asked, query, options, as_json=shape == "json"), nl=False)
        return 0
    if shape == "text" and sys.stdin.isatty():
        dialogue.dialogue(asked, options, input, lambda text: click.echo(text, nl=False))
        return 0
    failed = False
    for answer in searching.stream(asked, sys.stdin.buffer, options):
        click.echo(json.dumps(answer, ensure_ascii=False))
        failed |= "error" in answer
    return int(failed)


@cli.command()
@click.argument("name")
@click.argument("text")
@click.option("-k", type=click.IntRange(1, 1000), default=5, help="Classes to show.")
@_as_json
def predict(name: str, text: str, k: int, shape: str) -> int:
    """Ask the classifier of the last run for the class of a text."""
    from specforge import searching

    click.echo(searching.predict(Path.cwd(), name, text, k, as_json=shape == "json"), nl=False)
    return 0


@cli.command()
@click.argument("a", metavar="RUN")
@click.argument("b", metavar="RUN")
@_as_json
def compare(a: str, b: str, shape: str) -> int:
    """Compare two recorded runs query by query, by their ids or by the names of their specs."""
    from specforge import comparing

    click.echo(comparing.compare(Path.cwd(), a, b, as_json=shape == "json"), nl=False)
    return 0


@cli.command()
@click.argument("name")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="A new folder for the export and its loaders."
)
@click.option(
    "--rows",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="JSON lines for hosted reranker tuning.",
)
def export(name: str, to: Path | None, rows: Path | None) -> int:
    """Hand over vectors, index and loaders, or the training rows; what is missing is run."""
    from specforge import handing_over

    if to is not None and rows is not None:
        raise UsageError("an export goes --to a folder, training rows go into the file of --rows: one at a time")
    return (
        handing_over.export(Path.cwd(), name, to, _tell)
        if rows is None
        else handing_over.rows(Path.cwd(), name, rows, _tell)
    )


@cli.command()
@click.argument("name", required=False)
@_as_json
def results(name: str | None, shape: str) -> int:
    """Every recorded run."""
    from specforge import listing

    click.echo(listing.results(Path.cwd(), name, as_json=shape == "json"), nl=False)
    return 0
