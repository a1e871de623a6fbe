"""Composes and writes the record of a run: small, sorted, stable text for git."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import cast

from specforge import __version__
from specforge.errors import StageError
from specforge.locate import fingerprint
from specforge.plan import Plan
from specforge.problems import Problem
from specforge.results.verdict import verdict
from specforge.run import machine
from specforge.run.precision import resolve_precision
from specforge.run.stage import RunRecord
from specforge.significance import corrected
from specforge.spec.document import Classification
from specforge.systems import precision_of

Json = dict[str, object]


def compose(made: Plan, run: RunRecord, metrics: Json, problems: Iterable[Problem], files: dict[str, str]) -> Json:
    """Everything that a reader needs to trust a result or to doubt it. Metrics as evaluation.py wrote them."""
    spec = made.spec.model_dump(mode="json", exclude_defaults=True)
    return {
        "specforge": __version__,
        "name": made.spec.name,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "spec_sha256": spec_hash(made),
        "code_sha256": _digest(files),
        "data_sha256": _data(made),
        "evaluation_fingerprint": metrics["fingerprint"],
        "precision": resolve_precision(precision_of(made.spec) or _of_reranker(made)),
        "libraries": _versions(made),
        "machine": machine.describe(),
        "seconds": round(sum(stage.seconds for stage in run.stages), 1),
        "stages": [
            {
                "name": stage.name,
                "key": stage.key,
                "from_store": stage.cached,
                "seconds": round(stage.seconds, 1),
                "peak_memory_mib": round(stage.peak_memory_mib),
            }
            for stage in run.stages
        ],
        **_index(run.folder),
        **_costs(run.folder),
        **reported(run.folder),
        **{key: value for key, value in metrics.items() if key not in ("fingerprint", "others")},
        **corrected(metrics),
        **_others(metrics),
        "verdict": verdict(metrics),
        "warnings": sorted({problem.code for problem in problems}),
        "accepted": dict(sorted(made.spec.accept.items())),
        "spec": spec,
    }


def _others(metrics: Json) -> Json:
    """The figures of the objectives that do not count, each a family of comparisons of its own."""
    others = cast(dict[str, Json], metrics.get("others", {}))
    return {"others": {name: one | corrected(one) for name, one in others.items()}} if others else {}


_COSTS = ("vectors_per_document", "vectors_per_query", "active_dims_per_document", "active_dims_per_query")
"""What index.py counts of families that make more than one vector of a text, or few weights of many."""


def _costs(folder: Path) -> Json:
    file = folder / "index" / "figures.json"
    figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: round(figures[name], 2) for name in _COSTS if name in figures}


def _of_reranker(made: Plan) -> str:
    """The number format of the reranker, where the retriever has none."""
    section = None if isinstance(made.spec, Classification) else made.spec.reranker
    return section.precision if section else ""


def _index(folder: Path) -> Json:
    """The size of the index, where there is one, and what it costs and finds, where that was measured."""
    files = [file for file in (folder / "index").rglob("*") if file.is_file()]
    report = folder / "index_report" / "report.json"
    found: Json = {"index_bytes": sum(file.stat().st_size for file in files)} if files else {}
    return found | ({"index_report": json.loads(report.read_text(encoding="utf-8"))} if report.is_file() else {})


_REPORTED = {
    "training_rows": "model/mixture.json",
    "augmentation": "model/augmentation.json",
    "reranker_rows": "reranker/rows.json",
    "training": "model/proof.json",
    "learning_curve": "learning_curve/points.json",
    "latency_ms": "latency/milliseconds.json",
}
"""What stages write of themselves, where they run: the rows of each of several objectives, those that augmentation added and
those of the reranker; how many weights training could change and did; the quality on growing parts; how long a query takes."""


def reported(folder: Path) -> Json:
    """What the stages of a run wrote of themselves, each under its key in the record."""
    files = {key: folder / name for key, name in _REPORTED.items()}
    return {key: json.loads(file.read_text(encoding="utf-8")) for key, file in files.items() if file.is_file()}


def spec_hash(made: Plan) -> str:
    """The hash of what a spec says: comments, order and layout do not change it."""
    return _digest(made.spec.model_dump(mode="json"))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _data(made: Plan) -> Json:
    cache = made.root / "runs" / "fingerprints.json"
    references = {reference for stage in made.stages for reference in stage.reads}
    return {reference: fingerprint(reference, made.base, cache) for reference in sorted(references)}


def _versions(made: Plan) -> dict[str, str]:
    return {
        name: metadata.version(name) for name in sorted({name for stage in made.stages for name in stage.libraries})
    }


def write(folder: Path, record: Json, evaluation: Path) -> Path:
    """`<folder>/<utc>-<spec hash>.json`, and beside it every query's values as `.scores.parquet`, of other objectives as
    `.<objective>.scores.parquet`.

    Raises:
        StageError: the disk does not take it.
    """
    stamp = str(record["finished"]).replace("-", "").replace(":", "")[:15]
    path = folder / f"{stamp}Z-{str(record['spec_sha256'])[:8]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(evaluation / "scores.parquet", path.with_suffix(".scores.parquet"))
        for scores in evaluation.glob("*/scores.parquet"):
            shutil.copyfile(scores, path.with_suffix(f".{scores.parent.name}.scores.parquet"))
        aside = path.with_suffix(".tmp")
        aside.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise StageError(f'cannot write the result to "{folder}": {error.strerror}') from error
    return path


def read_all(folder: Path) -> list[tuple[Path, Json]]:
    """The records of a folder, oldest first; what is no record is passed over."""
    found: list[tuple[Path, Json]] = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and "systems" in record:
            found.append((path, record))
    return found
