"""Decides which stages run a spec, in which order, and what the output of each depends on."""

from __future__ import annotations

from dataclasses import dataclass

from specforge import exporting, feeding, measuring, named, parts, reading, references, relations, reranking, teaching
from specforge.catalog.families import FAMILIES
from specforge.catalog.hybrids import Weighted
from specforge.catalog.indexes import MultiVector
from specforge.catalog.libraries import ENCODING, READERS
from specforge.run.stage import Stage
from specforge.spec.document import Experiment, Spec
from specforge.systems import (
    baselines,
    fused,
    is_dense,
    is_tuned,
    more_seeds,
    needs_untuned,
    precision_of,
    reports_index,
    steps,
)

_RANKING = ("ir-measures", "numpy")


@dataclass(frozen=True)
class _Shared:
    """What several stages of a spec depend on.

    Attributes:
        data: the references of the sources.
        model: the reference of the base model; none where there is no model.
        scripts: the files of the code folder that are in SQL.
        encoding: the distributions that encode texts.
        training: those that train.
        searching: those that find documents.
        ready: the stages that the retriever's answers need before texts are encoded.
        answering: those after which it answers, besides these.
        mined: the stage that finds negatives, where one does.
        learnt: the models that training reads: the base model, a guide, and those that replace words.
        rows: the stages whose output is trained on.
    """

    data: tuple[str, ...]
    model: tuple[str, ...]
    scripts: tuple[str, ...]
    encoding: tuple[str, ...]
    training: tuple[str, ...]
    searching: tuple[str, ...]
    ready: tuple[str, ...]
    answering: tuple[str, ...]
    mined: tuple[str, ...]
    learnt: tuple[str, ...]
    rows: tuple[str, ...]


def _shared(spec: Spec, scripts: tuple[str, ...]) -> _Shared:
    retriever = spec.encoder
    clustering = _clustering(spec) if measuring.selects(spec) else ()
    adapting = retriever.adaptation.libraries if retriever else ()
    training = (*ENCODING, "accelerate", "datasets", *adapting, *clustering)
    model = (references.model(retriever.base, retriever.revision),) if retriever else ()
    mined = ("mine",) if feeding.mines(spec) else ()
    return _Shared(
        data=data(spec),
        model=model,
        scripts=scripts,
        encoding=ENCODING if retriever else (),
        training=training if is_tuned(spec) else (),
        searching=_searching(spec),
        ready=("prepare", "train") if is_tuned(spec) else ("prepare",),
        answering=(*(("embed",) if retriever else ()), *(("index",) if spec.ranks else ())),
        mined=mined,
        learnt=(*model, *named.references(spec, "guide"), *named.references(spec, "masked model")),
        rows=("prepare", *(teaching.scripts(spec) or mined)),
    )


def _searching(spec: Spec) -> tuple[str, ...]:
    """The distributions that find documents."""
    if spec.encoder is None:
        return ("bm25s",)
    by_cells = ("faiss-cpu",) if isinstance(spec.index, MultiVector) else ()
    return (*FAMILIES[spec.encoder.family].libraries, *by_cells)


def stages(spec: Spec, scripts: tuple[str, ...]) -> tuple[Stage, ...]:
    """The scripts in order; `scripts` are those in SQL. Each names what its output depends on, and no more."""
    shared = _shared(spec, scripts)
    found = [
        _prepare(spec, shared),
        *_parts(spec, shared),
        *_of_baselines(spec, shared),
        *_of_training(spec, shared),
        *_of_answers(spec, shared),
        *_of_words(spec, shared),
        *_repeated(spec, shared),
        *reranking.stages(
            spec,
            (*shared.ready, *shared.answering, *_words(spec)),
            _base(spec, shared),
            shared.searching,
            precision_of(spec),
        ),
    ]
    measured = tuple(stage.name for stage in found if stage.name not in _UNMEASURED)
    checked = ("train",) if is_tuned(spec) else ()
    evaluation = _evaluation(spec, shared, (*checked, *measured))
    curve = _learning_curve(spec, shared, evaluation.libraries)
    last = (*_index_report(spec, shared), *_latency(spec, shared), *curve, *exporting.stages(spec))
    return (*found, evaluation, *last)


_UNMEASURED = ("parts", "first", "mine", "label", "train", "candidates", "label_reranker", "train_reranker")
"""Stages whose figures the evaluation reads by way of others alone."""


def _prepare(spec: Spec, shared: _Shared) -> Stage:
    cuts = parts.chunks(spec)["token_chunks"]
    reads = (*shared.data, *(shared.model if cuts else ()))
    libraries = ("duckdb", "pyarrow", *readers(spec), *(("tokenizers",) if cuts else ()))
    return Stage("prepare", "prepare.py", "data", (), reads, shared.scripts, libraries)


def _parts(spec: Spec, shared: _Shared) -> list[Stage]:
    """The tables of growing parts; early, for they show whether there is as much as the spec asks for."""
    if not spec.evaluate.learning_curve:
        return []
    prepare = _prepare(spec, shared)
    return [
        Stage(
            "parts",
            "parts.py",
            "parts",
            (),
            prepare.reads,
            (*prepare.files, "units.sql", "part.sql"),
            prepare.libraries,
        )
    ]


def _learning_curve(spec: Spec, shared: _Shared, measuring: tuple[str, ...]) -> list[Stage]:
    """Training on the parts, and what comes of it: apart, so that another metric trains nothing."""
    if not spec.evaluate.learning_curve:
        return []
    precision, known = precision_of(spec), ("baselines",) if baselines(spec) else ()
    number = teaching.precision(spec, precision)
    libraries = (*shared.training, "pyarrow", *shared.searching, *_finding(spec), *_RANKING)
    reads = (*shared.learnt, *named.references(spec))
    needs = ("prepare", "parts")
    return [
        Stage("trained_parts", "trained_parts.py", "trained_parts", needs, reads, (), libraries, number),
        Stage(
            "learning_curve",
            "learning_curve.py",
            "learning_curve",
            (*needs, *known, "trained_parts"),
            (),
            (),
            (*measuring, "matplotlib", "scipy"),
            precision,
        ),
    ]


def _of_baselines(spec: Spec, shared: _Shared) -> list[Stage]:
    """The untuned model's vectors, and the rankings of other baselines."""
    found, encoding, precision = [], shared.encoding, precision_of(spec)
    if needs_untuned(spec):
        found.append(Stage("untuned", "untuned.py", "untuned", ("prepare",), shared.model, (), encoding, precision))
    if spec.ranks and baselines(spec):
        libraries = (*_beside([*baselines(spec), *fused(spec)]), *_RANKING)
        known = ("prepare", *(stage.name for stage in found))
        found.append(Stage("baselines", "baselines.py", "baselines", known, elsewhere(spec), (), libraries))
    return found


def _of_training(spec: Spec, shared: _Shared) -> list[Stage]:
    """The tuned model, its negatives, and the model that finds them."""
    if not is_tuned(spec):
        return []
    found, precision, learnt, training = [], precision_of(spec), shared.learnt, shared.training
    if feeding.trains_twice(spec):
        found.append(Stage("first", "first.py", "first", ("prepare",), learnt, (), training, precision))
    if shared.mined:
        found.append(_mine(spec, shared))
    found += teaching.stages(spec, ("prepare", *shared.mined))
    return [*found, Stage("train", "train.py", "model", shared.rows, learnt, (), training, precision)]


def _of_answers(spec: Spec, shared: _Shared) -> list[Stage]:
    """The vectors of the system under test, and their index."""
    found, precision, ready, base = [], precision_of(spec), shared.ready, _base(spec, shared)
    if spec.encoder:
        found.append(Stage("embed", "embed.py", "vectors", ready, base, (), shared.encoding, precision))
        ready = (*ready, "embed")
    if spec.ranks:
        building = ("tqdm",) if "faiss-cpu" in shared.searching else ()
        libraries = (*shared.encoding, *shared.searching, *building, "numpy", "pyarrow")
        found.append(Stage("index", "index.py", "index", ready, base, (), libraries, precision))
    return found


def _words(spec: Spec) -> tuple[str, ...]:
    """The stages that a hybrid adds."""
    tuned = ("hybrid",) if isinstance(spec.hybrid, Weighted) else ()
    return ("words", *tuned) if spec.hybrid else ()


def _of_words(spec: Spec, shared: _Shared) -> list[Stage]:
    """The index of words beside that of vectors, and the weight of each."""
    if not spec.hybrid:
        return []
    words = Stage("words", "words.py", "words", ("prepare",), (), (), ("bm25s", "numpy", "pyarrow"))
    libraries = (
        "bm25s",
        *(() if is_dense(spec) else shared.encoding),
        *shared.searching,
        *_RANKING,
        "pytrec-eval-terrier",
        "pyarrow",
    )
    needs = ("prepare", "embed", "index", "words")
    tuned = Stage("hybrid", "hybrid.py", "hybrid", needs, (), (), libraries, precision_of(spec))
    return [words, tuned] if isinstance(spec.hybrid, Weighted) else [words]


def _repeated(spec: Spec, shared: _Shared) -> list[Stage]:
    """The same again: by other seeds, over other folds, for other objectives."""
    found, precision, model = [], precision_of(spec), shared.model
    encoding, searching = shared.encoding, shared.searching
    if more_seeds(spec):
        found.append(
            Stage("repeats", "repeats.py", "repeats", shared.rows, shared.learnt, (), shared.training, precision)
        )
    if spec.folds:
        reads, making = (*shared.data, *named.references(spec)), ("duckdb", "pyarrow", *readers(spec))
        libraries = (*making, *(shared.training or encoding), *searching, *_finding(spec))
        number = teaching.precision(spec, precision)
        found.append(Stage("folds", "folds.py", "folds", (), reads, shared.scripts, libraries, number))
    if spec.ranks and spec.others:
        found.append(
            Stage("others", "others.py", "others", shared.ready, model, (), (*encoding, *searching), precision)
        )
    return found


def _index_report(spec: Spec, shared: _Shared) -> list[Stage]:
    """What the index costs and finds."""
    if not reports_index(spec):
        return []
    figure = ("matplotlib",) if spec.index and (spec.index.swept or spec.index.kind == "auto") else ()
    judging = () if spec.shown else ("ir-measures", "pytrec-eval-terrier")
    encoding = () if is_dense(spec) else shared.encoding
    libraries = (*encoding, *shared.searching, *figure, *judging, "numpy", "pyarrow")
    needs = ("prepare", "embed", "index")
    return [Stage("index_report", "index_report.py", "index_report", needs, (), (), libraries, precision_of(spec))]


def _latency(spec: Spec, shared: _Shared) -> list[Stage]:
    """How long a query takes, by the steps of what answers it."""
    if not steps(spec):
        return []
    tuned, read, encoding = reranking.needed(spec)
    needs = (*shared.ready, *shared.answering, *_words(spec), *tuned)
    libraries = tuple(dict.fromkeys((*shared.encoding, *encoding, *shared.searching, "bm25s", "numpy", "pyarrow")))
    reads = (*_base(spec, shared), *read)
    return [Stage("latency", "latency.py", "latency", needs, reads, (), libraries, precision_of(spec))]


def _evaluation(spec: Spec, shared: _Shared, measured: tuple[str, ...]) -> Stage:
    judging = (*shared.searching, "pytrec-eval-terrier", *_RANKING) if spec.ranks else ("numpy", "pyarrow")
    words = [*fused(spec), *(["bm25"] if spec.hybrid else [])]
    libraries = (*shared.encoding, *_beside(words), *judging, *_clustering(spec))
    reads = (*_base(spec, shared), *(elsewhere(spec) if spec.folds else ()))
    return Stage("evaluation", "evaluation.py", "evaluation", measured, reads, (), libraries, precision_of(spec))


def _base(spec: Spec, shared: _Shared) -> tuple[str, ...]:
    """The base model where it is the system under test."""
    return () if is_tuned(spec) else shared.model


def _clustering(spec: Spec) -> tuple[str, ...]:
    return ("scikit-learn",) if spec.task == "clustering" else ()


def _mine(spec: Spec, shared: _Shared) -> Stage:
    """The stage that finds negatives; a model embeds for some kinds alone."""
    encodes = any(one.encodes for one in feeding.kinds(spec))
    return Stage(
        "mine",
        "mine.py",
        "mined",
        ("prepare", "first") if feeding.trains_twice(spec) else ("prepare",),
        (*shared.model, *named.references(spec, "filter")) if encodes else (),
        (),
        ("pyarrow", *(shared.encoding if encodes else ()), *_finding(spec)),
        teaching.precision(spec, precision_of(spec)) if encodes else "",
    )


def _finding(spec: Spec) -> tuple[str, ...]:
    """The distributions that finding negatives takes, besides those of a model."""
    if not feeding.mines(spec):
        return ()
    return tuple(dict.fromkeys(name for one in feeding.kinds(spec) for name in one.libraries))


def _beside(names: list[str]) -> tuple[str, ...]:
    """What baselines take that a ranking does not: an index of words, a table of partners."""
    partners = {"co_occurrence", "neighbour_transfer"} & set(names)
    return (*(("bm25s",) if "bm25" in names else ()), *(("scipy",) if partners else ()))


def elsewhere(spec: Spec) -> tuple[str, ...]:
    """The files with vectors that were made elsewhere."""
    files = (file for one in spec.evaluate.vectors.values() for file in (one.path, one.queries) if file is not None)
    return tuple(dict.fromkeys(files))


def data(spec: Experiment) -> tuple[str, ...]:
    """What the sources are fingerprinted by."""
    return tuple(dict.fromkeys(reading.reference(spec.sources[name]) for name in relations.used_sources(spec)))


def readers(spec: Experiment) -> tuple[str, ...]:
    """The distributions that read the sources, besides DuckDB."""
    readers = {reading.place_of(spec.sources[name]).reader for name in relations.used_sources(spec)}
    return tuple(dict.fromkeys(name for reader in sorted(readers) for name in READERS.get(reader, ())))
