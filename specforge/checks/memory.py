"""What training keeps in memory, and the rule that refuses a model whose weights alone are too many for the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specforge.catalog.adaptations import Freeze, Lora
from specforge.catalog.evidence import Evidence
from specforge.models import Model
from specforge.problems import Keys, Problem
from specforge.run import machine
from specforge.run.precision import resolve_precision
from specforge.source import Source
from specforge.spec.document import Spec

_BASE: Keys = ("retriever", "base")
_KINDS_OF_STATE = 4
"""Of every weight that is trained: itself, its gradient, and the two moments of AdamW."""


def memory(spec: Spec, source: Source, base: Model) -> Iterator[Problem]:
    """What training keeps whatever the batch is: if this alone is more than the machine has, nothing helps."""
    needed, at_hand = kept(spec, base, certain=True), machine.memory()
    if needed <= at_hand:
        return
    what = "training keeps" if spec.train is not None else "the model takes"
    message = f"{what} {gib(needed)} of weights and their states, and the machine has {gib(at_hand)}"
    yield Problem("SF404", message, source.value_span(_BASE), _BASE, _smaller(spec), figures(spec, base))


def kept(spec: Spec, base: Model, *, certain: bool = False) -> int:
    """Bytes of the weights, and of the gradients and moments of those that are trained. A number of a weight whose file is
    not at hand has four bytes, or at least two."""
    weights = base.base.parameters or 0
    width = base.width if base.shapes or not certain else 2
    return width * (weights + (_KINDS_OF_STATE - 1) * trainable(spec, base)) if weights else 0


def trainable(spec: Spec, base: Model) -> int:
    """The weights that training changes; of LoRA, by the shapes of the layers where they are known."""
    weights, adaptation = base.base.parameters or 0, spec.encoded.adaptation
    if spec.train is None:
        return 0
    if isinstance(adaptation, Lora):
        inner = [shape for name, shape in base.shapes.items() if len(shape) == 2 and "embedding" not in name]
        return adaptation.r * sum(map(sum, inner))
    if isinstance(adaptation, Freeze) and base.base.layers:
        embeddings = sum(math.prod(shape) for name, shape in base.shapes.items() if "embed" in name)
        below = adaptation.layers or 0
        if adaptation.all_but_last is not None:
            below = max(0, base.base.layers - adaptation.all_but_last)
        frozen = (weights - embeddings) * below // base.base.layers
        return weights - frozen - (embeddings if adaptation.embeddings else 0)
    return weights


def _smaller(spec: Spec) -> str:
    if spec.train is not None and spec.encoded.adaptation.kind == "full" and spec.static is None:
        return 'take "adaptation: {kind: lora}", which keeps gradients of few weights only, or a smaller base'
    return "take a smaller base, or a larger machine"


def figures(spec: Spec, base: Model) -> tuple[str, ...]:
    """The weights in a line."""
    weights = base.base.parameters or 0
    said = f"{weights / 1e6:,.0f} million weights, {trainable(spec, base) / 1e6:,.1f} million of them trained"
    return (
        f"{said}: each weight has {base.width} bytes, and if trained three times as many for its gradient and moments",
    )


def activations(spec: Spec, base: Model, lengths: list[int]) -> int:
    """Bytes that the backward pass needs of the forward pass: 34 s h + 5 a s^2 a layer and text in 16 bits, twice as many in
    32 (Korthikanti et al. 2022, equation 1); s tokens, h hidden, a heads."""
    layers, hidden = base.base.layers or 0, base.config.get("hidden_size", base.base.dimension)
    heads = base.config.get("num_attention_heads", 12)
    if not lengths or not isinstance(hidden, int) or not isinstance(heads, int):
        return 0
    double = 2 if resolve_precision(spec.encoded.precision) == "fp32" else 1
    mean = sum(34 * s * hidden + 5 * heads * s * s for s in lengths) / len(lengths)
    return int(double * layers * mean * texts_at_once(spec))


def texts_at_once(spec: Spec) -> int:
    """Anchors and positives, and negatives where there are some."""
    train, loss = spec.train, spec.encoded.loss
    assert train is not None
    contrasted = any(isinstance(value, Evidence) and value.has_negatives for value in spec.objectives.values())
    return (3 if contrasted else 2) * min(train.batch_size, getattr(loss, "mini_batch_size", train.batch_size))


def gib(amount: int) -> str:
    """`1.5 GiB`."""
    return f"{amount / 2**30:.1f} GiB"
