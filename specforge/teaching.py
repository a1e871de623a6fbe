"""What guides, teachers and filters add to the generated code: their modules, the stages that ask a teacher, and the values
that their templates are filled with."""

from __future__ import annotations

from specforge import feeding, mining, named, reading, references, rerankers
from specforge.catalog.libraries import ENCODING
from specforge.catalog.shapes import SHAPES
from specforge.quote import Code
from specforge.run.stage import Stage
from specforge.spec.document import Spec
from specforge.spec.models import BiEncoderTeacher, Guide, Judge
from specforge.templating import At

Values = dict[str, object]


def values(spec: Spec, folder: str) -> Values:
    """The guide, and what the stages of teachers are filled with."""
    guide = guide_of(spec)
    at = At(guide, "retriever.loss.guide")
    return {
        "guide": reading.model(guide, at, folder) if guide is not None else None,
        "labelling": _labelling(spec),
        "reranker_labelling": _reranker_labelling(spec),
        "reranker_taught": rerankers.teacher(spec) is not None,
    }


def guide_of(spec: Spec) -> Guide | None:
    """The guide of the retriever's loss, where it trains."""
    found: Guide | None = getattr(spec.loss, "guide", None)
    return found


def _labelling(spec: Spec) -> Values | None:
    """Which rows the teacher is shown, and what it says of them."""
    if feeding.teacher(spec) is None:
        return None
    shape = feeding.shape_of(spec, spec.primary)
    return {
        **_asking("label_parts", scores="scores" in SHAPES[shape].roles),
        "rows_folder": "mined" if feeding.mines(spec) else "data",
        "folders": ["." if name == spec.primary else name for name in spec.objectives],
        "table": f"{feeding.untaught(spec, spec.primary)}.parquet",
        "output": f"{shape}.parquet",
        "texts": feeding.columns(spec, spec.primary),
    }


def _reranker_labelling(spec: Spec) -> Values | None:
    if rerankers.teacher(spec) is None:
        return None
    one = rerankers.shape_of(spec, spec.primary) == "taught_pairs"
    return {**_asking("reranker_label_parts", scores=True), "one": one}


def _asking(parts: str, *, scores: bool) -> Values:
    return {"parts": parts, "scores": scores, "item": Code("tuple[str, str]" if scores else "str")}


def files(spec: Spec, folder: str) -> list[tuple[str, str, Values]]:
    """File, template, values: the modules of the models, and the stages that ask teachers."""
    found: list[tuple[str, str, Values]] = []
    for module, section, trail, words in _judges(spec):
        kind = "bi_encoder" if isinstance(section, BiEncoderTeacher) else "cross_encoder"
        found.append((f"{module}.py", f"python/scorer/{kind}.py.jinja", _scorer(spec, section, trail, words, folder)))
    if feeding.teacher(spec) is not None:
        found.append(("label.py", "python/label.py.jinja", {}))
    if rerankers.teacher(spec) is not None:
        found.append(("label_reranker.py", "python/label_reranker.py.jinja", {}))
    return found


def _judges(spec: Spec) -> list[tuple[str, Judge, str, str]]:
    """Module, section, its place, and what it is in words."""
    taught, reranker_taught = feeding.teacher(spec), rerankers.teacher(spec)
    found = [("teacher", taught, "retriever.teacher", "teacher")] if taught is not None else []
    if reranker_taught is not None:
        found.append(("reranker_teacher", reranker_taught, "reranker.teacher", "teacher"))
    filters = mining.filters(spec) if feeding.mines(spec) else {}
    found += [(name, one, "retriever.negatives.filter", "filter") for name, (_, one) in filters.items()]
    return found


def _scorer(spec: Spec, section: Judge, trail: str, words: str, folder: str) -> Values:
    at = At(section, trail)
    vectors = section is feeding.teacher(spec) and feeding.shape_of(spec, spec.primary) == "vector_targets"
    scorer = {
        "at": at,
        "place": reading.model(section, at, folder) | reading.precision(section.precision),
        "words": Code(words),
        "exact": section.precision == "fp32",
        "outputs": Code("1"),
        "scores": not vectors,
    }
    return {"scorer": scorer}


def scripts(spec: Spec) -> tuple[str, ...]:
    """The stages that ask the retriever's teacher."""
    return ("label",) if feeding.teacher(spec) is not None else ()


def reranker_scripts(spec: Spec) -> tuple[str, ...]:
    """The stages that ask the reranker's teacher."""
    return ("label_reranker",) if rerankers.teacher(spec) is not None else ()


def precision(spec: Spec, own: str) -> str:
    """The number format of a stage that other models compute in as well: `auto` where any of them asks the machine."""
    judges = [section for _, _, section in named.others(spec) if isinstance(section, Judge)]
    return "auto" if any(one.precision == "auto" for one in judges) else own


def stages(spec: Spec, needs: tuple[str, ...]) -> tuple[Stage, ...]:
    """What shows the retriever's teacher the training rows."""
    section = feeding.teacher(spec)
    return () if section is None else (_stage("label", "labels", needs, section),)


def reranker_stages(spec: Spec) -> tuple[Stage, ...]:
    """The same of the reranker's."""
    section, needs = rerankers.teacher(spec), ("prepare", "candidates")
    return () if section is None else (_stage("label_reranker", "reranker_labels", needs, section, "datasets"),)


def _stage(name: str, output: str, needs: tuple[str, ...], section: Judge, *more: str) -> Stage:
    model = references.model(section.model, section.revision)
    libraries = (*ENCODING, "numpy", "pyarrow", *more)
    return Stage(name, f"{name}.py", output, needs, (model,), (), libraries, section.precision)
