"""What a classifier needs: the files of its code, the values of their templates, and its stages."""

from __future__ import annotations

from specforge import clusters, context, judging, parts, reading, references, relations, staging, training
from specforge.catalog.classifiers import (
    CLASS_BASELINES,
    Classifier,
    Differentiable,
    FineTune,
    Frozen,
    LinearProbe,
    LogisticRegression,
    SetFit,
)
from specforge.catalog.libraries import ENCODING
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Classification
from specforge.spec.retriever import Select
from specforge.templating import At

Values = dict[str, object]

_LOSSES = {
    "cosine_similarity": "CosineSimilarityLoss",
    "cosent": "CoSENTLoss",
    "online_contrastive": "OnlineContrastiveLoss",
    "supervised_contrastive": "SupConLoss",
}
"""Loss over pairs -> its class."""

_WEIGHTS = {"equal": None, "balanced": "balanced"}
"""Weights of classes -> scikit-learn's `class_weight`."""

_METRICS = {"Accuracy": "accuracy", "F1": "macro_f1"}
"""Metric -> the function that gives its figure."""

_SELECTED = {
    "Accuracy": ("accuracy_score", "accuracy_score(found.label_ids, predicted)"),
    "F1": ("f1_score", 'f1_score(found.label_ids, predicted, average="macro", zero_division=0)'),
}
"""Metric that selects a checkpoint -> scikit-learn's function, and its call."""


def baselines(spec: Classification) -> list[str]:
    """The baselines beside the system under test."""
    asked = CLASS_BASELINES if spec.evaluate.baselines is None else spec.evaluate.baselines
    return [name for name in dict.fromkeys(asked) if name != spec.classifier.family]


def draws(spec: Classification) -> bool:
    """Whether the texts that train are drawn by lot."""
    return spec.objectives[spec.primary].per_class is not None


def more_seeds(spec: Classification) -> tuple[int, ...]:
    """The seeds that the training is repeated with; where nothing is drawn, a linear probe is always the same."""
    if isinstance(spec.classifier, LinearProbe) and not draws(spec):
        return ()
    return spec.classifier.seeds[1:]


def _probe(spec: Classification) -> LinearProbe | None:
    """The linear probe: the system itself, or the baseline with its defaults."""
    if isinstance(spec.classifier, LinearProbe):
        return spec.classifier
    return LinearProbe(family="linear_probe", base=spec.classifier.base) if "linear_probe" in baselines(spec) else None


def files(spec: Classification, folder: str) -> list[tuple[str, str, Values]]:
    """File, template, values. `folder` is the spec's folder relative to the root."""
    values = _values(spec, folder)
    stems = ["encoder", "rows", "predictions", "predict", "evaluation"]
    stems += ["probe"] if _probe(spec) else []
    stems += ["baselines"] if baselines(spec) else []
    stems += ["repeats"] if more_seeds(spec) else []
    found = [(f"{stem}.py", f"python/classifier/{stem}.py.jinja", values) for stem in stems]
    found += [(f"{stem}.py", f"python/{stem}.py.jinja", values) for stem in ("prepare", "intervals")]
    found.append(("train.py", f"python/classifier/train/{spec.classifier.family}.py.jinja", values))
    found.append(("objective.sql", "sql/objective.sql.jinja", values))
    return found


def _values(spec: Classification, folder: str) -> Values:
    at, names = At(spec, ""), baselines(spec)
    return {
        "classifier": at.classifier,
        "encoder": reading.base(spec.classifier, at.classifier, folder),
        "bootstrap": at.evaluate.bootstrap,
        "recomputed": True,
        "clustered": clusters.clustered(spec),
        "evaluate": at.evaluate,
        "measured": [
            {"name": name, "function": Code(_METRICS[str(name.value)])} for name in _metrics(spec, at.evaluate)
        ],
        "metric_partials": [f"python/classifier/metric/{name.value}.py.jinja" for name in _metrics(spec, at.evaluate)],
        "model_system": spec.classifier.family,
        "baseline_names": At(names, "evaluate.baselines"),
        "baselines": [{"name": name, "function": Code(name)} for name in names],
        "baseline_partials": [f"python/classifier/baseline/{name}.py.jinja" for name in names],
        "predict_partial": f"python/classifier/predict/{spec.classifier.family}.py.jinja",
        "more_seeds": At(list(more_seeds(spec)), "classifier.seeds"),
        "seed": At(spec.classifier.seeds[0], "classifier.seeds"),
        **_embedding(spec, at.classifier),
        **_training_rows(spec),
        **_of_probe(spec, at.classifier),
        **_of_family(spec.classifier, at.classifier),
        **_tables(spec, at, folder),
    }


def _metrics(spec: Classification, at: At) -> list[At]:
    """The metrics, the primary one first."""
    return [at.primary, *(At(name, at.metrics.trail) for name in spec.evaluate.measured[1:])]


def _embedding(spec: Classification, at: At) -> Values:
    """How texts become vectors, for the system or for the linear probe beside it."""
    own, encodes = isinstance(spec.classifier, SetFit | LinearProbe), _probe(spec) is not None
    return {
        "embeds": own or encodes,
        "encodes": encodes,
        "asks_torch": encodes or spec.classifier.precision == "auto",
        "prompt": at.prompt if own else "",
        "normalise": at.normalise if own else False,
    }


def _training_rows(spec: Classification) -> Values:
    """The texts that train: all, or those that are drawn."""
    drawn = draws(spec)
    function, call = (
        ("training_rows", "training_rows(work, seed)") if drawn else ("read_rows", 'read_rows(work, "train")')
    )
    return {"drawn": drawn, "training": {"function": Code(function), "call": Code(call)}}


def _of_probe(spec: Classification, at: At) -> Values:
    """The strengths of regularisation that are tried."""
    probe = _probe(spec)
    if probe is None:
        return {}
    own = isinstance(spec.classifier, LinearProbe)
    strengths = at.c if own else At(probe.c, "evaluate.baselines")
    return {
        "chooses": len(probe.c) > 1,
        "strengths": At(list(probe.c), strengths.trail),
        "strength": At(probe.c[0], strengths.trail),
        "class_weight": At(_WEIGHTS[probe.class_weights], at.class_weights.trail if own else strengths.trail),
    }


def _of_family(section: Classifier, at: At) -> Values:
    """What one family alone needs."""
    if isinstance(section, SetFit):
        return _set_fit(section, at)
    if isinstance(section, FineTune):
        return _fine_tune(section, at)
    return {}


def _set_fit(section: SetFit, at: At) -> Values:
    head: Values = {name: getattr(at.head, name) for name in type(section.head).model_fields}
    weights = section.head.class_weights if isinstance(section.head, LogisticRegression) else "equal"
    return {
        "pairs": at.train,
        "pair_loss": At(Code(_LOSSES[section.train.loss]), at.train.loss.trail),
        "loss_partial": f"python/classifier/loss/{section.train.loss}.py.jinja",
        "supervised": section.train.loss == "supervised_contrastive",
        "head": head | {"differentiable": isinstance(section.head, Differentiable)},
        "head_weight": At(_WEIGHTS[weights], f"{at.head.trail}.class_weights"),
    }


def _fine_tune(section: FineTune, at: At) -> Values:
    train = section.train
    return {
        "train": at.train,
        "balanced": section.class_weights == "balanced",
        "saving": training.saving(train.select, at.train),
        **_selection(train.select, at.train),
        **_freezing(section, at),
    }


def _selection(select: Select | None, at: At) -> Values:
    if select is None:
        return {"select": None}
    function, call = _SELECTED[select.metric]
    return {
        "select": True,
        "select_import": Code(function),
        "select_call": Code(call),
        "select_name": at.select.metric,
        "selected": At(f"eval_{select.metric}", at.select.metric.trail),
    }


def _freezing(section: FineTune, at: At) -> Values:
    """What is frozen, as a condition on the names of parameters."""
    frozen = section.freeze
    embeddings = isinstance(frozen, Frozen) and frozen.embeddings
    layers = isinstance(frozen, Frozen) and frozen.layers > 0
    conditions = ['name.startswith("embeddings.")'] if embeddings else []
    conditions += ["layer and int(layer[1]) < LAYERS"] if layers else []
    joined = " or ".join(f"({one})" if len(conditions) > 1 and " and " in one else one for one in conditions)
    words = ["the embeddings"] * embeddings + ["the first layers"] * layers
    return {
        "freezes_all": frozen == "all_but_head",
        "freezes_layers": layers,
        "freeze": at.freeze,
        "freeze_condition": Code(joined) if conditions else None,
        "freeze_words": Code(" and ".join(words)),
    }


def _tables(spec: Classification, at: At, folder: str) -> Values:
    """The SQL, and what prepare.py reads."""
    name = spec.primary
    value = spec.objectives[name]
    return {
        "of_classes": True,
        "objective_partial": f"sql/objective/{value.sql}.sql.jinja",
        "collection": context.collection(value.of, spec),
        "main": relations.relation(value.of, spec),
        "kind": At(Code(value.kind), f"objectives.{name}.kind"),
        "split": at.split,
        "shares": context.shares(spec),
        "folds": At(None, "split.folds"),
        "place": Code("bucket"),
        "slices": parts.slices(spec, name) if spec.evaluate.slices else None,
        "clusters": clusters.values(spec, name) if clusters.clustered(spec) else None,
        "marks": parts.marks(spec),
        "chunked": False,
        "token_chunks": False,
        "mixed": None,
        "asks": [],
        "asked_joins": [],
        "other_texts": [],
        **context.own_sources(spec, name),
        **context.sources(spec, folder),
        **judging.values(name, value, spec.split, lambda source: relations.relation(source, spec)),
    }


def stages(spec: Classification) -> tuple[Stage, ...]:
    """The scripts in order; each names what its output depends on, and no more."""
    precision, model = spec.classifier.precision, references.model(spec.classifier.base, spec.classifier.revision)
    rivals = ("baselines",) if baselines(spec) else ()
    repeats = ("repeats",) if more_seeds(spec) else ()
    own = _LIBRARIES[spec.classifier.family]
    embedded = _probe(spec) is not None
    beside = _PROBING if "linear_probe" in baselines(spec) else ("pyarrow",)
    used = tuple(dict.fromkeys([*own, *(("sentence-transformers",) if embedded else ()), *_selecting(spec)]))
    libraries = ("duckdb", "pyarrow", *staging.readers(spec))
    found = (
        Stage("prepare", "prepare.py", "data", (), staging.data(spec), ("objective.sql",), libraries),
        Stage("baselines", "baselines.py", "baselines", ("prepare",), (model,), (), beside, precision),
        Stage("train", "train.py", "model", ("prepare",), (model,), (), used, precision),
        Stage("predictions", "predictions.py", "predictions", ("prepare", "train"), (), (), used, precision),
        Stage("repeats", "repeats.py", "repeats", ("prepare",), (model,), (), used, precision),
        Stage(
            "evaluation",
            "evaluation.py",
            "evaluation",
            ("prepare", *rivals, "predictions", *repeats),
            (),
            (),
            ("numpy", "pyarrow"),
        ),
    )
    wanted = {"prepare", "train", "predictions", "evaluation", *rivals, *repeats}
    return tuple(stage for stage in found if stage.name in wanted)


def _selecting(spec: Classification) -> tuple[str, ...]:
    """What measures checkpoints."""
    return ("scikit-learn",) if isinstance(spec.classifier, FineTune) and spec.classifier.train.select else ()


_PROBING = (*ENCODING, "scikit-learn", "numpy", "pyarrow")
_LIBRARIES: dict[str, tuple[str, ...]] = {
    "set_fit": (*_PROBING, "setfit", "accelerate", "datasets"),
    "fine_tune": ("transformers", "torch", "accelerate", "datasets", "numpy", "pyarrow"),
    "linear_probe": _PROBING,
}
"""Family -> the distributions that train it."""
