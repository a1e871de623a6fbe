"""What every training loss declares: the rows that it takes, what it asks of labels, batches and the similarity."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specforge.spec.base import Section

Sampler = Literal["no_duplicates", "group_by_label", "random"]


class Loss(Section):
    """What all losses declare.

    Attributes:
        title: its name in words.
        takes: the shapes of training rows that it takes, the one it learns most from first.
        similarities: what it can train models for that compare by.
        samplers: how batches may be drawn, the usual way first.
        in_batch: whether the other rows of a batch serve as negatives.
        cached: whether it computes in mini batches, with memory that does not grow with the batch.
        labels: the lowest and the highest label that it takes, where it does not take all.
        gap: the largest difference between two distances or similarities that a `margin` is held against.
        copies: whether differences between the model's scores become those between a teacher's.
        of_vectors: whether the model's vectors become a teacher's, whole.
        retokenizes: whether it reads the texts back from their tokens, which takes a tokenizer of transformers.
    """

    title: ClassVar[str]
    takes: ClassVar[tuple[str, ...]]
    similarities: ClassVar[tuple[str, ...]] = ("cosine", "dot")
    samplers: ClassVar[tuple[Sampler, ...]] = ("random", "no_duplicates")
    in_batch: ClassVar[bool] = False
    cached: ClassVar[bool] = False
    labels: ClassVar[tuple[float, float] | None] = None
    gap: ClassVar[float | None] = None
    copies: ClassVar[bool] = False
    of_vectors: ClassVar[bool] = False
    retokenizes: ClassVar[bool] = False

    kind: str


Scale = Annotated[float, Field(gt=0, le=1000)]
Margin = Annotated[float, Field(gt=0, le=100)]
