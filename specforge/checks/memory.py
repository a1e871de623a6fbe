"""What training keeps in memory, and the rule that refuses a model whose weights alone are too many for the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specforge import rerankers
from specforge.catalog.adaptations import Freeze, Lora
from specforge.catalog.classifiers import Classifier, FineTune, Frozen, LinearProbe
from specforge.catalog.evidence import Evidence
from specforge.catalog.losses.base import Loss
from specforge.catalog.shapes import SHAPES
from specforge.models import Model
from specforge.named import Named
from specforge.problems import Keys, Problem
from specforge.run import machine
from specforge.run.precision import resolve_precision
from specforge.source import Source
from specforge.spec.document import Classification, Experiment, Spec
from specforge.spec.reranker import CrossEncoder
from specforge.spec.retriever import Train

_KINDS_OF_STATE = 4
"""Of every weight that is trained: itself, its gradient, and the two moments of AdamW."""


def memory(spec: Experiment, source: Source, one: Named, base: Model) -> Iterator[Problem]:
    """What a model keeps whatever the batch is: if this alone is more than the machine has, nothing helps."""
    trained = trainable(spec, one.section, base)
    needed, at_hand = kept(base, trained, certain=True), machine.memory()
    if needed <= at_hand:
        return
    what = "training keeps" if trained else f"the {one.role} takes"
    message = (
        f"{what} {gib(needed)} of weights{' and their states' if trained else ''}, and the machine has {gib(at_hand)}"
    )
    hint = "take a smaller one, or a larger machine"
    if one.section == ("retriever",) and trained == base.base.parameters:
        hint = 'take "adaptation: {kind: lora}", which keeps gradients of few weights only, or a smaller base'
    yield Problem("SF404", message, source.value_span(one.keys), one.keys, hint, figures(base, trained))


def kept(base: Model, trained: int, *, certain: bool = False) -> int:
    """Bytes of the weights, and of the gradients and moments of those that are trained. A number of a weight whose file is
    not at hand has four bytes, or at least two."""
    weights = base.base.parameters or 0
    width = base.width if base.shapes or not certain else 2
    return width * (weights + (_KINDS_OF_STATE - 1) * trained) if weights else 0


def trainable(spec: Experiment, section: Keys, base: Model) -> int:
    """The weights of a section's model that training changes; of LoRA, by the shapes of the layers where they are known."""
    weights = base.base.parameters or 0
    if isinstance(spec, Classification):
        return _of_classifier(spec.classifier, base) if section == ("classifier",) else 0
    if not isinstance(spec, Spec) or section == ("reranker",):
        return weights if isinstance(spec, Spec) and rerankers.trained(spec) is not None else 0
    if section != ("retriever",) or spec.train is None:
        return 0
    adaptation = spec.encoded.adaptation
    if isinstance(adaptation, Lora):
        inner = [shape for name, shape in base.shapes.items() if len(shape) == 2 and "embedding" not in name]
        return adaptation.r * sum(map(sum, inner))
    if isinstance(adaptation, Freeze):
        below = adaptation.layers or 0
        if adaptation.all_but_last is not None:
            below = max(0, (base.base.layers or 0) - adaptation.all_but_last)
        return _above(base, below, embeddings=adaptation.embeddings)
    return weights


def _of_classifier(section: Classifier, base: Model) -> int:
    frozen = section.freeze if isinstance(section, FineTune) else None
    if isinstance(section, LinearProbe) or frozen == "all_but_head":
        return 0
    if isinstance(frozen, Frozen):
        return _above(base, frozen.layers, embeddings=frozen.embeddings)
    return base.base.parameters or 0


def _above(base: Model, layers: int, *, embeddings: bool) -> int:
    """The weights that are left where the first layers are frozen, and the embeddings."""
    weights = base.base.parameters or 0
    if not base.base.layers:
        return weights
    inputs = sum(math.prod(shape) for name, shape in base.shapes.items() if "embed" in name)
    return weights - (weights - inputs) * layers // base.base.layers - (inputs if embeddings else 0)


def figures(base: Model, trained: int) -> tuple[str, ...]:
    """The weights in a line."""
    weights = base.base.parameters or 0
    said = f"{weights / 1e6:,.0f} million weights, {trained / 1e6:,.1f} million of them trained"
    return (
        f"{said}: each weight has {base.width} bytes, and if trained three times as many for its gradient and moments",
    )


def activations(base: Model, lengths: list[int], texts: int, precision: str) -> int:
    """Bytes that the backward pass needs of the forward pass, for so many texts of these lengths: 34 s h + 5 a s^2 a layer and
    text in 16 bits, twice as many in 32 (Korthikanti et al. 2022, equation 1); s tokens, h hidden, a heads."""
    layers, hidden = base.base.layers or 0, base.config.get("hidden_size", base.base.dimension)
    heads = base.config.get("num_attention_heads", 12)
    if not lengths or not isinstance(hidden, int) or not isinstance(heads, int):
        return 0
    double = 2 if resolve_precision(precision) == "fp32" else 1
    mean = sum(34 * s * hidden + 5 * heads * s * s for s in lengths) / len(lengths)
    return int(double * layers * mean * texts)


def texts_at_once(spec: Spec) -> int:
    """Anchors and positives, and negatives where there are some."""
    train, loss = spec.train, spec.encoded.loss
    assert train is not None
    contrasted = any(isinstance(value, Evidence) and value.has_negatives for value in spec.objectives.values())
    return (3 if contrasted else 2) * _kept_at_once(loss, train.batch_size)


def pairs_at_once(section: CrossEncoder, train: Train, shape: str) -> int:
    """Pairs of a query and a document that a reranker's batch holds: one a row, or those of a positive and its negatives."""
    rest = section.negatives.per_positive if SHAPES[shape].contrasts and "document" not in SHAPES[shape].roles else 0
    pairs = train.batch_size * (1 + rest + getattr(section.loss, "in_batch_negatives", 0))
    return _kept_at_once(section.loss, pairs)


def _kept_at_once(loss: Loss | None, number: int) -> int:
    """Of a batch, what is kept for the backward pass at one time. Mini batches of lists are all kept until it comes."""
    return min(number, getattr(loss, "mini_batch_size", number)) if loss is not None and loss.cached else number


def gib(amount: int) -> str:
    """`1.5 GiB`."""
    return f"{amount / 2**30:.1f} GiB"
