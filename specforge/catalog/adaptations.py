"""Adaptations: which weights of the base model training changes, and the learning rates that each wants."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section, Text


class Adaptation(Section):
    """What all adaptations share. `libraries` are the distributions that training needs for it."""

    libraries: ClassVar[tuple[str, ...]] = ()


class Full(Adaptation):
    """Every weight is trained."""

    kind: Literal["full"]


class Freeze(Adaptation):
    """A part of the base stays as it is: less memory, less forgetting, and less to learn with. Give `layers` or `all_but_last`, or neither."""

    kind: Literal["freeze"]

    embeddings: bool = True
    """Whether the token embeddings stay as they are; they hold most weights of a small model."""

    layers: Count | None = None
    """So many layers stay as they are, from the lowest up."""

    all_but_last: Annotated[int, Field(ge=0)] | None = None
    """All layers stay as they are but so many at the top; with 0, what follows the layers is trained alone."""


class Lora(Adaptation):
    """The base stays as it is, and small matrices beside its own are trained (LoRA; Hu et al. 2021), through peft. They are added to the base's when the model is saved, so that it opens without peft and costs nothing more."""

    libraries: ClassVar[tuple[str, ...]] = ("peft",)
    kind: Literal["lora"]

    r: Annotated[int, Field(ge=1, le=1024)] = 16
    """The rank of the matrices: how much they can learn, and their size."""

    alpha: Annotated[float, Field(gt=0, le=4096)] = 32
    """What they add is multiplied by `alpha / r`, or by `alpha` over the root of `r` in the variant `rslora`."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of their inputs that a training step sets to zero."""

    target: Literal["all_linear", "attention"] | Annotated[tuple[Text, ...], Field(min_length=1)] = "all_linear"
    """The layers that get such matrices: all linear ones, those of the attention (queries, keys, values and output), or those whose names end like one of a list."""

    variant: Literal["plain", "rslora", "dora"] = "plain"
    """`rslora` scales so that high ranks learn as well (Kalajdzievski 2023); `dora` learns the length of each column apart from its direction (Liu et al. 2024), slower."""


ADAPTATIONS: tuple[type[Adaptation], ...] = (Full, Freeze, Lora)

AnyAdaptation = Annotated[Union[Full, Freeze, Lora], Field(discriminator="kind")]

LEARNING_RATES = {
    ("bi_encoder", "full"): (1e-6, 2e-4),
    ("bi_encoder", "freeze"): (1e-6, 1e-3),
    ("bi_encoder", "lora"): (2e-5, 2e-3),
    ("static", "full"): (1e-3, 0.5),
    ("late_interaction", "full"): (1e-6, 1e-3),
    ("sparse_encoder", "full"): (1e-6, 2e-4),
    ("cross_encoder", "full"): (1e-6, 2e-4),
    ("set_fit", "full"): (1e-6, 2e-4),
    ("fine_tune", "full"): (1e-6, 1e-3),
}
"""Family and adaptation -> the learning rates that work, with AdamW and a warm-up. A static model is a family of its own.

Fine-tuning of whole encoders: 1e-5 to 5e-5 (Devlin et al. 2019), 2e-5 in sentence-transformers' own scripts, up to 1e-4
and 2e-4 for small ones on short runs; a new projection or head of classes bears more. LoRA: 1e-4 to 1e-3 (Hu et al. 2021,
tables 9 to 15). Static embeddings: 0.2 for static-retrieval-mrl-en-v1."""

ATTENTION = r".*\.(query|key|value|[qkvo](_lin|_proj)?|out_(lin|proj)|qkv_proj|Wqkv|attention\.output\.dense|attn\.Wo)"
"""The linear layers of the attention by the names that BERT, MPNet, T5, DistilBERT, Qwen, Gemma and ModernBERT give them."""
