"""What a reranker adds to the generated code: its files, its stages, and the values that their templates are filled with."""

from __future__ import annotations

from specforge import reading, references, teaching, training
from specforge.catalog.libraries import ENCODING
from specforge.quote import Code
from specforge.rerankers import UNTUNED, graded, grades, has_untuned, shape_of, trained
from specforge.run.stage import Stage
from specforge.spec.document import Spec
from specforge.spec.reranker import CrossEncoder
from specforge.spec.retriever import Train
from specforge.templating import At

Values = dict[str, object]

ACTIVATIONS = {"identity": "Identity", "sigmoid": "Sigmoid"}
"""The word of the language -> the class of `torch.nn`."""

WEIGHTINGS = {
    "ndcg_loss1": "NDCGLoss1Scheme",
    "ndcg_loss2": "NDCGLoss2Scheme",
    "ndcg_loss2pp": "NDCGLoss2PPScheme",
    "lambda_rank": "LambdaRankScheme",
}
"""The word of the language -> the class of `sentence_transformers.cross_encoder.losses`."""


def pipeline(spec: Spec, retriever: str) -> str:
    """The name of the retriever with its reranker, where it has one."""
    return f"{retriever}+reranker" if spec.reranker else retriever


def values(spec: Spec, folder: str, retriever: str, *, shown: bool) -> Values:
    """What the templates are filled with; `retriever` is the name of the retriever as a system."""
    section = spec.reranker
    if section is None:
        return {"reranker": None, "reranker_trained": False, "reranker_grades": None}
    at, train = At(section, "reranker"), trained(spec)
    model = Code('str(work / "reranker")' if train else "reranking.base_model()")
    untuned = {"name": f"{retriever}+{UNTUNED}", "model": Code("reranking.base_model()")}
    by_scores = spec.encoder is None or shown
    finding = "by_scores" if by_scores else "by_hybrid" if spec.hybrid else "by_index"
    return {
        "reranker": at,
        "reranker_trained": train is not None,
        "reranker_base": reading.base(section, at, folder),
        "reranker_exact": section.precision == "fp32",
        "reranker_outputs": Code("GRADES" if grades(spec) else "1"),
        "reranker_grades": at.loss.grades if grades(spec) else None,
        "reranker_model": model,
        "pipeline_system": pipeline(spec, retriever),
        "reranking_systems": [
            *([untuned] if has_untuned(spec) else []),
            {"name": pipeline(spec, retriever), "model": model},
        ],
        "candidates": "shown" if shown else "found",
        "finding": finding,
        "find": Code("find"),
        "by_index": Code("by_index"),
        "by_words": Code("by_words"),
        "finding_partial": f"python/finding/{finding}.py.jinja",
        **(_training(spec, section, train) if train else {}),
    }


def _training(spec: Spec, section: CrossEncoder, train: Train) -> Values:
    """The loss, its rows, and the trainer's arguments."""
    loss, at = section.loss, At(section, "reranker")
    assert loss is not None and section.sampler is not None, "checked before: training without a loss"
    shape = shape_of(spec, spec.primary)
    activation = section.activation or loss.activations[0]
    return {
        "reranker_loss": at.loss,
        "reranker_loss_partial": f"python/reranker_loss/{loss.kind}.py.jinja",
        "reranker_rows_partial": f"python/reranker_rows/{shape}.py.jinja",
        "reranker_activation": Code(ACTIVATIONS[activation]),
        "reranker_weighting": Code(WEIGHTINGS[getattr(loss, "weighting", "ndcg_loss2pp")]),
        "reranker_graded": loss.graded and graded(spec),
        "reranker_tuple_size": tuple_size(section, at),
        "reranker_train": at.train,
        "reranker_sampler": training.SAMPLERS[section.sampler],
        "reranker_seed": At(train.seeds[0], at.train.seeds.trail),
        "reranker_saving": training.saving(train.select, at.train),
        "reranker_select": at.train.select,
    }


def tuple_size(section: CrossEncoder, at: At) -> At:
    """The negatives in one row where a loss takes rows of a fixed number of them."""
    return At(max(1, section.negatives.per_positive), at.negatives.per_positive.trail)


def scripts(spec: Spec) -> list[str]:
    """The files of the code folder that the reranker adds."""
    if spec.reranker is None:
        return []
    return ["candidates", "reranking", *(["train_reranker"] if trained(spec) else []), "rerank"]


def needed(spec: Spec) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What putting in order takes: the stage that trains, or else the base model, and the distributions."""
    if spec.reranker is None:
        return (), (), ()
    if trained(spec):
        return ("train_reranker",), (), ENCODING
    return (), (references.model(spec.reranker.base, spec.reranker.revision),), ENCODING


def stages(
    spec: Spec, needs: tuple[str, ...], reads: tuple[str, ...], searching: tuple[str, ...], precision: str
) -> tuple[Stage, ...]:
    """The reranker's stages. `needs` are those that the retriever's answers need, `reads` its base where it is not tuned."""
    section = spec.reranker
    if section is None:
        return ()
    model = (references.model(section.base, section.revision),)
    answering = (*ENCODING, *searching, *(("bm25s",) if spec.hybrid else ())) if spec.encoder else searching
    tuned = ("train_reranker",) if trained(spec) else ()
    read = model if has_untuned(spec) or not tuned else ()
    found = Stage(
        "candidates", "candidates.py", "candidates", needs, reads, (), (*answering, "numpy", "pyarrow"), precision
    )
    tuning = Stage(
        "train_reranker",
        "train_reranker.py",
        "reranker",
        ("prepare", "candidates", *teaching.reranker_scripts(spec)),
        model,
        (),
        (*ENCODING, "accelerate", "datasets", "numpy", "pyarrow", "ir-measures"),
        section.precision,
    )
    scoring = Stage(
        "rerank",
        "rerank.py",
        "reranked",
        ("prepare", "candidates", *tuned),
        read,
        (),
        (*ENCODING, "pyarrow"),
        section.precision,
    )
    return (found, *teaching.reranker_stages(spec), *([tuning] if tuned else []), scoring)
