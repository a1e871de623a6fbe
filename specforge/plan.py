"""Decides which files a spec needs, from which templates, and which stages run them in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specforge import (
    classifying,
    clusters,
    collecting,
    context,
    exporting,
    families,
    feeding,
    measuring,
    named,
    references,
    reranking,
    staging,
    teaching,
)
from specforge.catalog.libraries import LIBRARIES
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Classification, Experiment, Spec
from specforge.systems import (
    baselines,
    fused,
    is_tuned,
    model_system,
    more_seeds,
    needs_untuned,
    reports_index,
    retrieval,
    steps,
    words_place,
)


@dataclass(frozen=True)
class File:
    """A file to write into the code folder, and the template that gives it."""

    name: str
    template: str
    context: dict[str, object]


@dataclass(frozen=True)
class Plan:
    """Everything that compiling and running a spec needs to know.

    Attributes:
        spec: the checked spec.
        root: the project's root: outputs lie in `generated/`, `runs/` and `results/` below it.
        base: the folder of the spec's file, which paths in the spec are relative to.
        source: the spec's file relative to the root.
        files: the files of `generated/<name>/`, but for the manifest.
        stages: the scripts to run, in order.
    """

    spec: Spec | Classification
    root: Path
    base: Path
    source: str
    files: tuple[File, ...]
    stages: tuple[Stage, ...]

    @property
    def folder(self) -> Path:
        """Where the generated code lies."""
        return self.root / "generated" / self.spec.name


def root_of(spec_file: Path) -> Path:
    """The project's root: the folder of the spec, or the one above it where that folder is called `specs`."""
    folder = spec_file.resolve().parent
    return folder.parent if folder.name == "specs" else folder


def make(spec: Spec | Classification, spec_file: Path) -> Plan:
    """The plan of a checked spec."""
    root, base = root_of(spec_file), spec_file.resolve().parent
    folder = base.relative_to(root).as_posix()
    source = spec_file.resolve().relative_to(root).as_posix()
    if isinstance(spec, Classification):
        stages = classifying.stages(spec)
        files = [File(*file) for file in classifying.files(spec, folder)]
        return Plan(spec, root, base, source, _with_texts(spec, files, stages), stages)
    scripts = context.scripts(spec)
    stages = staging.stages(spec, tuple(name for name, _, _ in scripts))
    return Plan(spec, root, base, source, _files(spec, folder, scripts, stages), stages)


def _files(
    spec: Spec, folder: str, scripts: list[tuple[str, str, context.Values]], stages: tuple[Stage, ...]
) -> tuple[File, ...]:
    values = {
        **context.common(spec, folder),
        **reranking.values(spec, folder, retrieval(spec), shown=spec.shown),
        **context.hybrid(spec),
        **teaching.values(spec, folder),
        "clustered": clusters.clustered(spec),
        **collecting.values(spec),
        "steps": steps(spec),
        "tuned": is_tuned(spec),
        "own_model": Code('str(work / "model")' if is_tuned(spec) else "encoder.base_model()"),
        "model_system": model_system(spec),
        **context.baselines(spec, baselines(spec), fused(spec), model_system(spec), folder),
        **measuring.values(spec, baselines(spec)),
        "cut_untuned": bool(spec.evaluate.dimensions) and "untuned" in baselines(spec),
        "compare": is_tuned(spec) and needs_untuned(spec),
        "of_base": needs_untuned(spec),
    }
    files = [File(name, template, values | more) for name, template, more in scripts]
    files += [File(f"{stem}.py", _template(stem, spec), values) for stem in _scripts(spec)]
    files += [File(name, template, values | more) for name, template, more in teaching.files(spec, folder)]
    files += [File(name, template, values | more) for name, template, more in exporting.files(spec)]
    if spec.evaluate.learning_curve:
        files += [File(f"{stem}.sql", f"sql/{stem}.sql.jinja", values) for stem in ("units", "part")]
    if spec.encoder is None or spec.hybrid:
        files.append(File(f"{words_place(spec)}.py", "python/word_index.py.jinja", values))
    files += [
        File(f"{stem}.py", "python/embed.py.jinja", {**values, "embed": context.embedding(stem, is_tuned(spec))})
        for stem in _embeddings(spec)
    ]
    return _with_texts(spec, files, stages)


def _with_texts(spec: Spec | Classification, files: list[File], stages: tuple[Stage, ...]) -> tuple[File, ...]:
    """The files, and those beside the code, by name."""
    readme = {
        "stages": _described(stages),
        "name": spec.name,
        "searched": isinstance(spec, Spec) and spec.ranks,
        "classifies": isinstance(spec, Classification),
        "exported": isinstance(spec, Spec) and exporting.is_exported(spec),
    }
    texts = [
        File("requirements.txt", "text/requirements.txt.jinja", {"libraries": requirements(spec, stages)}),
        File("README.md", "text/README.md.jinja", readme),
    ]
    return tuple(sorted([*files, *texts], key=lambda file: file.name))


def _template(stem: str, spec: Spec) -> str:
    if stem == "vectors" and spec.encoder is not None and spec.ranks:
        return families.vectors_template(spec.encoder)
    return measuring.template(spec, stem)


def _scripts(spec: Spec) -> list[str]:
    trained = ["contract"] if spec.encoder else []
    trained += ["proof", "train"] if is_tuned(spec) else []
    trained += ["augment"] if feeding.augmentations(spec) else []
    trained += ["first"] if feeding.trains_twice(spec) else []
    trained += ["mine"] if feeding.mines(spec) else []
    trained += ["repeats"] if more_seeds(spec) else []
    if not spec.ranks:
        return ["prepare", "encoder", "held_out", "intervals", "vectors", *trained, "evaluation"]
    trained += ["others"] if spec.others else []
    trained += ["folds"] if spec.folds else []
    trained += ["parts", "trained_parts", "learning_curve"] if spec.evaluate.learning_curve else []
    rivals = ["baselines"] if baselines(spec) or fused(spec) else []
    answering = ["lexical", *(["encoder", "vectors", "index"] if spec.encoder else [])]
    answering += ["index_report"] if reports_index(spec) else []
    answering += ["hybrid"] if spec.hybrid else []
    answering += ["latency"] if steps(spec) else []
    shared = ["prepare", "ranking", "measures", "intervals", "evaluation", "search"]
    return [*shared, *answering, *rivals, *trained, *reranking.scripts(spec)]


def _embeddings(spec: Spec) -> list[str]:
    if spec.encoder is None:
        return []
    return ["embed", "untuned"] if needs_untuned(spec) else ["embed"]


def requirements(spec: Experiment, stages: tuple[Stage, ...]) -> list[str]:
    """The distributions that the stages use, and the packages whose files they read, as lines of a requirements file."""
    used = {name for stage in stages for name in stage.libraries}
    if isinstance(spec, Spec) and spec.ranks:
        used |= {"bm25s", *exporting.libraries(spec)}  # the search answers by words as well, and loaders are no stages
    return sorted([*(f"{name}=={LIBRARIES[name]}" for name in used), *_packages(spec)])


def _packages(spec: Experiment) -> list[str]:
    texts = [*(source.path for source in spec.sources.values()), *(one.model for one in named.models(spec))]
    found = [references.parse(text, "") for text in texts if text.startswith("package:")]
    return list(dict.fromkeys(f"{one.distribution}=={one.version}" for one in found if one is not None))


def _described(stages: tuple[Stage, ...]) -> list[dict[str, str]]:
    """The stages in the words of the README."""
    outputs = {stage.name: Code(f"`WORK/{stage.output}/`") for stage in stages}
    reads = {stage.name: Code(", ".join(outputs[name] for name in stage.needs) or "the sources") for stage in stages}
    return [{"script": stage.script, "reads": reads[stage.name], "writes": outputs[stage.name]} for stage in stages]
