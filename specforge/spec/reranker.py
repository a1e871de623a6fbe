"""The model that reads a query and a document together, and orders anew what the retriever found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specforge.catalog.losses.base import Sampler
from specforge.catalog.losses.cross_encoder import Activation, AnyCrossEncoderLoss
from specforge.spec.base import Section, Text
from specforge.spec.models import AnyTeacher
from specforge.spec.retriever import Train

Rank = Annotated[int, Field(ge=1, le=10_000)]


class FoundNegatives(Section):
    """Negatives that the reranker trains on besides the objective's own: documents that this retriever finds for the training queries. What is relevant to a query is none of its negatives, nor is what is held out, nor the query itself."""

    per_positive: Annotated[int, Field(ge=0, le=1000)] = 8
    """How many are drawn by lot for each positive; 0 leaves the objective's own."""

    ranks: tuple[Rank, Rank] = (1, 100)
    """The first and the last rank of the retriever's ranking that they are drawn from."""


class RerankerTrain(Train):
    """How the reranker is trained."""

    batch_size: Annotated[int, Field(ge=2, le=65536)] = 16
    """Rows in a batch: pairs, or queries with all documents of their lists or tuples."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-5
    """The highest learning rate."""


class CrossEncoder(Section):
    """A model that reads query and document together: slower than a retriever, and more exact."""

    family: Literal["cross_encoder"]
    """One score a pair of texts."""

    base: Text
    """The model to start from, an encoder (it gets a new head, which is random before training) or a cross encoder: a Hub name, a folder (`./model`) or `package:DISTRIBUTION==VERSION/path/in/package`."""

    revision: Text | None = None
    """The commit of a Hub model."""

    prompt: str = ""
    """Text put before every pair, to the byte."""

    max_length: Annotated[int, Field(ge=4, le=131072)] = 512
    """Tokens of query and document together that are read, special tokens among them; of what is longer, the longer text is cut first."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the matrix products; `auto` takes bf16 where the machine has it. Scores are always of 32 bits."""

    over: Annotated[int, Field(ge=2, le=10_000)] = 100
    """How many documents of the retriever's ranking are reranked; those below keep their order."""

    loss: AnyCrossEncoderLoss | None = None
    """What training minimises."""

    activation: Activation | None = None
    """What is done to a score before the loss sees it; without it, as the loss needs it. Documents are ranked by the score itself."""

    teacher: AnyTeacher | None = None
    """The model that the training pairs are shown to beforehand, for losses that learn from its scores (distillation)."""

    negatives: FoundNegatives = FoundNegatives.model_construct()
    """Documents that are not relevant, to train on."""

    train: RerankerTrain | Literal["none"] = RerankerTrain.model_construct()
    """How the model is trained, or `none` for a cross encoder as it comes."""

    @property
    def sampler(self) -> Sampler | None:
        """How batches are drawn; None where nothing is trained."""
        if self.train == "none" or self.loss is None:
            return None
        return self.train.sampler or self.loss.samplers[0]
