"""Answers "do you need to fine-tune?": runs everything of a spec but training, and says what that means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from rich.console import Console

from specforge import models, pipeline, references, rerankers, running, worth
from specforge.catalog.libraries import ENCODING
from specforge.checks import heads
from specforge.errors import UsageError
from specforge.pipeline import Checked
from specforge.plan import File, Plan
from specforge.report import tables as report
from specforge.results.record import Json
from specforge.run import runner
from specforge.run.stage import RunRecord, Stage
from specforge.spec.document import Classification, Spec
from specforge.systems import baselines, is_dense, is_tuned, model_system, precision_of

_READY = ("prepare", "untuned", "baselines")
"""Stages that a run of the spec has too, and takes from the store."""


def describe(checked: Checked, *, as_json: bool, tell: Callable[[list[Checked]], int]) -> int:
    """Print what is measured without training, and the verdict; the exit status.

    Nothing goes to `results/`: what was measured is no result of the spec. It lies in `runs/<name>@0/rivals/`.

    Raises:
        UsageError: nothing is ranked, or nothing would be trained, or no baseline is left.
        StageError: a stage failed.
    """
    if checked.plan is not None:
        refuse(checked.plan.spec)
    console = Console(stderr=True, highlight=False) if as_json else report.console()
    told = running.reporter(console)
    checked = pipeline.with_rows(checked, told)
    if checked.refused or not as_json:
        status = tell([checked])
        if status:
            return status
    assert checked.plan is not None
    made = plan(checked.plan)
    assert isinstance(made.spec, Spec)
    code = pipeline.scratch(made)
    done = runner.run(made.stages, code, made.root, code.name, made.base, None, told, running.MODULES)
    figures: Json = json.loads((done.folder / "rivals/figures.json").read_text(encoding="utf-8"))
    found = worth.weigh(figures)
    cost = costs(made.spec, figures, done)
    if as_json:
        verdict = {"tuning": found.tuning, "reasons": [asdict(reason) for reason in found.reasons]}
        print(json.dumps({**figures, "verdict": verdict, "costs": cost}, indent=1))
        return 0
    console.print(report.systems(figures))
    for line in lines(made.spec, figures, found, cost):
        console.print(line, soft_wrap=True, markup=False)
    return 0


def refuse(spec: Spec | Classification) -> None:
    """Refuse what has no answer.

    Raises:
        UsageError: nothing is ranked, or nothing would be trained, or no baseline is left.
    """
    if not isinstance(spec, Spec) or not spec.ranks:
        raise UsageError(f'"{spec.name}" ranks no documents; its untuned rivals stand in the table of specforge run')
    if not is_tuned(spec) and rerankers.trained(spec) is None:
        raise UsageError(f'"{spec.name}" trains nothing; specforge run measures it as it is')
    if is_tuned(spec) and not baselines(spec):
        raise UsageError(f'"{spec.name}" has no baselines; leave "baselines" out of "evaluate" for all that fit')


def plan(made: Plan) -> Plan:
    """The stages of a spec that train nothing, and one that measures what they make."""
    spec = made.spec
    assert isinstance(spec, Spec)
    ready = _READY if is_tuned(spec) else (*_READY, "embed", "index")
    stages = tuple(stage for stage in made.stages if stage.name in ready)
    [evaluation] = [file for file in made.files if file.name == "evaluation.py"]
    measured = baselines(spec)
    finding = ("untuned", "bm25") if is_tuned(spec) else (model_system(spec),)
    start = next((name for name in finding if not is_tuned(spec) or name in measured), None)
    over = start is not None and reranks(made, spec)
    folder = "untuned/corpus.npy" if is_tuned(spec) else "vectors/corpus.npy"
    has_vectors = is_dense(spec) and (not is_tuned(spec) or any(stage.name == "untuned" for stage in stages))
    values = evaluation.context | {
        "with_words": "bm25" in measured and start == "untuned",
        "reranks": over,
        "reranked_over": start,
        "reranked_system": f"{start}+{rerankers.UNTUNED}",
        "vectors_folder": folder if has_vectors else None,
    }
    files = (*made.files, File("rivals.py", "python/rivals.py.jinja", values))
    return replace(made, files=files, stages=(*stages, _stage(spec, stages, reranked=over)))


def _stage(spec: Spec, stages: tuple[Stage, ...], *, reranked: bool) -> Stage:
    libraries = {name for stage in stages for name in stage.libraries}
    needs, section = tuple(stage.name for stage in stages), spec.reranker
    if not reranked or section is None:
        return Stage("rivals", "rivals.py", "rivals", needs, (), (), tuple(sorted(libraries)), precision_of(spec))
    model = (references.model(section.base, section.revision),)
    libraries |= set(ENCODING)
    return Stage("rivals", "rivals.py", "rivals", needs, model, (), tuple(sorted(libraries)), section.precision)


def reranks(made: Plan, spec: Spec) -> bool:
    """Whether the reranker's base ranks as it comes, and reads whole documents."""
    section = spec.reranker
    if section is None or any(source.chunk for source in spec.sources.values()):
        return False
    found = models.named(section.base, section.revision, made.base)
    return heads.has_head(found) and heads.scores(found) == (rerankers.grades(spec) or 1)


def costs(spec: Spec, figures: Json, done: RunRecord) -> Json:
    """What adopting would cost: of a tuned retriever every document is embedded again, of a reranker none is."""
    found: Json = {"reranker": figures.get("reranker")}
    if is_tuned(spec):
        seconds = {stage.name: round(stage.seconds, 1) for stage in done.stages}
        found["retriever"] = {
            "documents": figures["documents"],
            "seconds": seconds.get("untuned"),
            "vectors_bytes": figures.get("vectors_bytes"),
        }
    return found


def lines(spec: Spec, figures: Json, found: worth.Worth, cost: Json) -> list[str]:
    """What the figures mean, in lines."""
    marks = {"for": "+", "against": "-", "open": "?"}
    return [
        "",
        worth.differences(figures),
        *worth.silent(figures),
        *([running.bias(spec)] if worth.has(figures, "logged") else []),
        "",
        f"by rules of thumb, {worth.SENTENCES[found.tuning]}:",
        *(f"  {marks[reason.says]} {reason.text}" for reason in found.reasons),
        worth.reranker(figures),
        "",
        *_adopting(cost),
    ]


def _adopting(cost: Json) -> list[str]:
    told, retriever, reranker = [], cost.get("retriever"), cost["reranker"]
    if isinstance(retriever, dict):
        told.append(f"adopting a tuned retriever: {retriever['documents']} documents to embed again")
        if retriever["seconds"] is not None:
            told[0] += f" ({retriever['seconds']} s here, with the queries)"
        if retriever["vectors_bytes"] is not None:
            told[0] += f", {retriever['vectors_bytes'] / 2**20:.1f} MiB of vectors"
    pairs = "pairs to score for every query, whose time is measured where a spec names a trained cross encoder"
    if isinstance(reranker, dict):
        pairs = f"{reranker['over']} pairs to score for a query ({reranker['seconds_per_query']:.3f} s here)"
    return [*told, f"adopting only a reranker: vectors stay; {pairs}"]
