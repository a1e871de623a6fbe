"""Decides which files a spec needs, from which templates, and which stages run them in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specforge import (
    classifying,
    context,
    families,
    feeding,
    measuring,
    parts,
    reading,
    references,
    relations,
    rerankers,
    reranking,
)
from specforge.catalog.baselines import BASELINES
from specforge.catalog.families import FAMILIES
from specforge.catalog.libraries import LIBRARIES, READERS
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Classification, Experiment, Spec


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
        model = references.model(spec.encoder.base, spec.encoder.revision)
        stages = classifying.stages(spec, _data(spec), model, _reading(spec))
        files = [File(*file) for file in classifying.files(spec, folder)]
        return Plan(spec, root, base, source, _with_texts(spec, files, stages), stages)
    scripts = context.scripts(spec)
    stages = _stages(spec, tuple(name for name, _, _ in scripts))
    return Plan(spec, root, base, source, _files(spec, folder, scripts, stages), stages)


def is_tuned(spec: Spec) -> bool:
    """Whether the spec trains anything."""
    return spec.train is not None


def more_seeds(spec: Spec) -> tuple[int, ...]:
    """The seeds that the training is repeated with."""
    return spec.train.seeds[1:] if spec.train else ()


def model_system(spec: Spec) -> str:
    """The name of the system under test."""
    if spec.encoder is None:
        return "bm25"
    return "tuned" if is_tuned(spec) else "untuned"


def system(spec: Spec) -> str:
    """The name of what users get, which the verdict is about: the retriever, or it with its reranker."""
    return reranking.pipeline(spec, model_system(spec))


def precision_of(spec: Experiment) -> str:
    """The number format that the model encodes in; nothing where it does not encode."""
    return spec.encoder.precision if spec.encoder else ""


def baselines(spec: Spec) -> list[str]:
    """The baselines beside the system under test, but for the reranker's own."""
    apart = (model_system(spec), rerankers.UNTUNED)
    return [name for name in dict.fromkeys(asked_baselines(spec)) if name not in apart]


def asked_baselines(spec: Spec) -> tuple[str, ...]:
    """The baselines that the spec names, or else all that fit its objectives."""
    if spec.evaluate.baselines is not None:
        return spec.evaluate.baselines
    of_items = all(objective.queries == "documents" for objective in spec.objectives.values())
    fitting = {name: baseline for name, baseline in BASELINES.items() if spec.task in baseline.tasks}
    names = [name for name, baseline in fitting.items() if (of_items or not baseline.of_items) and not baseline.reranks]
    return tuple(name for name in names if not BASELINES[name].dense or is_dense(spec))


def is_dense(spec: Spec) -> bool:
    """Whether the retriever makes one vector of a text, as its base does before training."""
    return spec.encoder is not None and FAMILIES[spec.encoder.family].dense


def fused(spec: Spec) -> list[str]:
    """The baselines that are fused with the system under test."""
    return [name for name in dict.fromkeys(spec.evaluate.fuse) if name != model_system(spec)]


def needs_untuned(spec: Spec) -> bool:
    """Whether the base model's vectors are wanted as well as the system's own."""
    return any(BASELINES[name].dense for name in [*baselines(spec), *fused(spec)])


def _files(
    spec: Spec, folder: str, scripts: list[tuple[str, str, context.Values]], stages: tuple[Stage, ...]
) -> tuple[File, ...]:
    values = {
        **context.common(spec, folder),
        **reranking.values(spec, folder, model_system(spec), shown=context.shown(spec)),
        "tuned": is_tuned(spec),
        "model_system": model_system(spec),
        **context.baselines(baselines(spec), fused(spec), model_system(spec)),
        **measuring.values(spec, baselines(spec)),
        "cut_untuned": bool(spec.evaluate.dimensions) and "untuned" in baselines(spec),
        "compare": is_tuned(spec) and needs_untuned(spec),
        "of_base": needs_untuned(spec),
    }
    files = [File(name, template, values | more) for name, template, more in scripts]
    files += [File(f"{stem}.py", _template(stem, spec), values) for stem in _scripts(spec)]
    if spec.encoder is None:
        files.append(File("index.py", "python/word_index.py.jinja", values))
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
    trained = ["proof", "train"] if is_tuned(spec) else []
    trained += ["augment"] if feeding.augmentations(spec) else []
    trained += ["first"] if feeding.trains_twice(spec) else []
    trained += ["mine"] if feeding.mines(spec) else []
    trained += ["repeats"] if more_seeds(spec) else []
    if not spec.ranks:
        return ["prepare", "encoder", "held_out", "intervals", "vectors", *trained, "evaluation"]
    trained += ["others"] if spec.others else []
    trained += ["folds"] if spec.folds else []
    rivals = ["baselines"] if baselines(spec) or fused(spec) else []
    answering = ["encoder", "vectors", "index"] if spec.encoder else ["lexical"]
    shared = ["prepare", "ranking", "measures", "intervals", "evaluation", "search"]
    return [*shared, *answering, *rivals, *trained, *reranking.scripts(spec)]


def _embeddings(spec: Spec) -> list[str]:
    if spec.encoder is None:
        return []
    return ["embed", "untuned"] if needs_untuned(spec) else ["embed"]


def requirements(spec: Experiment, stages: tuple[Stage, ...]) -> list[str]:
    """The distributions that the stages use, and the packages whose files they read, as lines of a requirements file."""
    used = {name for stage in stages for name in stage.libraries}
    return sorted([*(f"{name}=={LIBRARIES[name]}" for name in used), *_packages(spec)])


def _reading(spec: Experiment) -> tuple[str, ...]:
    """The distributions that read the sources, besides DuckDB."""
    readers = {reading.place_of(spec.sources[name]).reader for name in relations.used_sources(spec)}
    return tuple(dict.fromkeys(name for reader in sorted(readers) for name in READERS.get(reader, ())))


def _packages(spec: Experiment) -> list[str]:
    models = [one.base for one in (spec.encoder, getattr(spec, "reranker", None)) if one is not None]
    texts = [*(source.path for source in spec.sources.values()), *models]
    found = [references.parse(text, "") for text in texts if text.startswith("package:")]
    return list(dict.fromkeys(f"{one.distribution}=={one.version}" for one in found if one is not None))


def _described(stages: tuple[Stage, ...]) -> list[dict[str, str]]:
    """The stages in the words of the README."""
    outputs = {stage.name: Code(f"`WORK/{stage.output}/`") for stage in stages}
    reads = {stage.name: Code(", ".join(outputs[name] for name in stage.needs) or "the sources") for stage in stages}
    return [{"script": stage.script, "reads": reads[stage.name], "writes": outputs[stage.name]} for stage in stages]


def _data(spec: Experiment) -> tuple[str, ...]:
    """What the sources are fingerprinted by."""
    return tuple(dict.fromkeys(reading.reference(spec.sources[name]) for name in relations.used_sources(spec)))


def _stages(spec: Spec, scripts: tuple[str, ...]) -> tuple[Stage, ...]:
    """The scripts in order; `scripts` are those in SQL. Each names what its output depends on, and no more."""
    files = _data(spec)
    model = (references.model(spec.encoder.base, spec.encoder.revision),) if spec.encoder else ()
    embed = ("embed",) if spec.encoder else ()
    precision = precision_of(spec)
    known = ("prepare", "untuned") if needs_untuned(spec) else ("prepare",)
    rivals = ("baselines",) if spec.ranks and baselines(spec) else ()
    trained = ("train",) if is_tuned(spec) else ()
    mined = ("mine",) if feeding.mines(spec) else ()
    first = ("first",) if feeding.trains_twice(spec) else ()
    base = () if is_tuned(spec) else model
    encoding = ("sentence-transformers", "transformers", "torch")
    training = (*encoding, "accelerate", "datasets", *(spec.encoder.adaptation.libraries if spec.encoder else ()))
    repeats = ("repeats",) if more_seeds(spec) else ()
    others = ("others",) if spec.ranks and spec.others else ()
    more_folds = ("folds",) if spec.folds else ()
    answering = (*embed, *(("index",) if spec.ranks else ()))
    reranked = ("rerank",) if spec.reranker else ()
    measured = (*known, *rivals, *answering, *repeats, *others, *more_folds, *reranked)
    ranking = ("ir-measures", "numpy", "scipy")
    searching = FAMILIES[spec.encoder.family].libraries if spec.encoder else ("bm25s",)
    judging = (*searching, "pytrec-eval-terrier", *ranking) if spec.ranks else ("numpy", "pyarrow")
    clustering = ("scikit-learn",) if spec.task == "clustering" else ()
    training = (*training, *clustering) if measuring.selects(spec) else training
    base_read, cutting = (model, ("tokenizers",)) if parts.chunks(spec)["token_chunks"] else ((), ())
    stages = (
        Stage(
            "prepare",
            "prepare.py",
            "data",
            (),
            (*files, *base_read),
            scripts,
            ("duckdb", "pyarrow", *_reading(spec), *cutting),
        ),
        Stage("untuned", "untuned.py", "untuned", ("prepare",), model, (), encoding, precision),
        Stage("baselines", "baselines.py", "baselines", known, (), (), (*_lexical(baselines(spec)), *ranking)),
        Stage("first", "first.py", "first", ("prepare",), model, (), training, precision),
        _mine(spec, model, encoding),
        Stage("train", "train.py", "model", ("prepare", *mined), model, (), training, precision),
        Stage("embed", "embed.py", "vectors", ("prepare", *trained), base, (), encoding, precision),
        Stage("index", "index.py", "index", embed or ("prepare",), (), (), (*searching, "numpy"), precision),
        Stage("repeats", "repeats.py", "repeats", ("prepare", *mined), model, (), training, precision),
        Stage(
            "folds",
            "folds.py",
            "folds",
            (),
            (*files, *model),
            scripts,
            (
                "duckdb",
                "pyarrow",
                *_reading(spec),
                *(training if is_tuned(spec) else encoding if embed else ()),
                *searching,
                *_finding(spec),
            ),
            precision,
        ),
        Stage(
            "others",
            "others.py",
            "others",
            ("prepare", *trained),
            model,
            (),
            (*(encoding if embed else ()), *searching),
            precision,
        ),
        *reranking.stages(spec, ("prepare", *trained, *answering), base, searching, precision),
        Stage(
            "evaluation",
            "evaluation.py",
            "evaluation",
            measured,
            (),
            (),
            (*_lexical(fused(spec)), *judging, *clustering),
            precision,
        ),
    )
    wanted = {*measured, *first, *mined, *trained, "candidates", "train_reranker", "evaluation"}
    return tuple(stage for stage in stages if stage.name in wanted)


def _mine(spec: Spec, model: tuple[str, ...], encoding: tuple[str, ...]) -> Stage:
    """The stage that finds negatives; a model embeds for some kinds alone."""
    kinds = feeding.kinds(spec)
    encodes = any(one.encodes for one in kinds)
    return Stage(
        "mine",
        "mine.py",
        "mined",
        ("prepare", "first") if feeding.trains_twice(spec) else ("prepare",),
        model if encodes else (),
        (),
        ("pyarrow", *(encoding if encodes else ()), *_finding(spec)),
        precision_of(spec) if encodes else "",
    )


def _finding(spec: Spec) -> tuple[str, ...]:
    """The distributions that finding negatives takes, besides those of a model."""
    if not feeding.mines(spec):
        return ()
    return tuple(dict.fromkeys(name for one in feeding.kinds(spec) for name in one.libraries))


def _lexical(names: list[str]) -> tuple[str, ...]:
    return ("bm25s",) if "bm25" in names else ()
