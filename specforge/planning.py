"""Says what a run would do, before it does it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from specforge import feeding, models, named, pipeline, references, rerankers
from specforge.plan import Plan
from specforge.report import tables as report
from specforge.run import runner
from specforge.run.stage import StageStatus
from specforge.spec.document import Classification, Spec


def describe(made: Plan, *, as_json: bool) -> str:
    """Stages with reasons; the shapes of data and loss; rows and steps where the tables are prepared already."""
    code = pipeline.scratch(made)
    found = runner.status(made.stages, code, made.root, made.spec.name, made.base)
    rows, foreseen = _rows(made, found), _foreseen(made, found)
    if as_json:
        return (
            json.dumps(
                {
                    "stages": [asdict(one) for one in found],
                    "shapes": _shapes(made),
                    "models": _models(made),
                    "rows": rows,
                    "foreseen": foreseen,
                },
                indent=1,
            )
            + "\n"
        )
    console = report.console()
    with console.capture() as text:
        console.print(report.stages(found))
        console.print("\n" + _shapes(made), soft_wrap=True)
        for line in _models(made):
            console.print(line, soft_wrap=True)
        for name, amount in rows.items():
            console.print(f"{name}: {amount:,}")
        if foreseen is not None:
            console.print(foreseen, soft_wrap=True)
    return text.get()


def _models(made: Plan) -> list[str]:
    """The models that the spec names, each once, and whether they are at hand."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for one in named.models(made.spec):
        found.setdefault((one.model, one.revision), []).append(one.role)
    return [
        f"{' and '.join(dict.fromkeys(roles))} {model}: {_at_hand(model, revision)}"
        for (model, revision), roles in found.items()
    ]


def _at_hand(model: str, revision: str | None) -> str:
    name = references.hub_name(model)
    if name is None:
        return "at hand"
    return "downloaded before" if models.cached(name, revision) else "to be downloaded from the Hub"


def _shapes(made: Plan) -> str:
    """What each objective gives, by which coercions it becomes what the loss takes, and how batches are drawn."""
    if isinstance(made.spec, Classification):
        [(name, labelled)] = made.spec.objectives.items()
        return f'"{name}" gives {" and ".join(labelled.provides)}; "{made.spec.classifier.family}" takes classes'
    encoder, loss, lines = made.spec.encoder, made.spec.loss, list[str]()
    for name, one in made.spec.objectives.items():
        lines.append(f'"{name}" gives {" and ".join(one.gives())}')
        found = feeding.path(made.spec, one) if loss else None
        if loss is not None and found is not None and encoder is not None:
            lines += [f"{step.given} become {step.wanted}: {step.does}" for step in found[1]]
            lines.append(f'loss "{loss.kind}" takes {found[0]}, drawn by sampler "{encoder.sampler}"')
    lines += _reranked(made.spec)
    return "; ".join(lines if loss or rerankers.trained(made.spec) else [*lines, "nothing is trained"])


def _reranked(spec: Spec) -> list[str]:
    """What the reranker takes of what the objective gives and the retriever finds."""
    section = spec.reranker
    if section is None:
        return []
    loss, found = section.loss, rerankers.way(spec, spec.primary) if rerankers.trained(spec) else None
    if loss is None or found is None:
        return []
    negatives, (first, last) = section.negatives.per_positive, section.negatives.ranks
    return [
        *(f"{step.given} become {step.wanted}: {step.does}" for step in found[1]),
        f'the reranker\'s loss "{loss.kind}" takes {found[0]}, with {negatives} negatives a positive of ranks {first} to {last}',
    ]


def _prepared(made: Plan, found: list[StageStatus]) -> Path | None:
    """The folder of the prepared tables, where they are in the store."""
    prepare = found[0]
    return made.root / "runs" / "store" / prepare.name / prepare.key if prepare.state == "done" else None


def _rows(made: Plan, found: list[StageStatus]) -> dict[str, int]:
    """The profile of the prepared tables."""
    data = _prepared(made, found)
    return _profile(made, data) if data is not None else {}


def _foreseen(made: Plan, found: list[StageStatus]) -> str | None:
    """What the evaluation will be able to see."""
    data = _prepared(made, found)
    if data is None:
        return None
    from specforge import foresight

    return foresight.stated(made.spec, data, made.root / "results" / made.spec.name)


def _profile(made: Plan, data: Path) -> dict[str, int]:
    from specforge.checks.classes import sizes
    from specforge.checks.prepared import profile, trained_rows

    if isinstance(made.spec, Classification):
        return sizes(data)
    train = made.spec.train
    found = asdict(
        profile(data, train.batch_size if train else None, made.spec.task, trained_rows(made.spec, made.spec.primary))
    )
    return {name.replace("_", " "): value for name, value in found.items() if value is not None}
