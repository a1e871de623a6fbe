"""What finds documents for a query: a model that turns texts into vectors and how it is tuned, or words in common."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from specforge.catalog.adaptations import AnyAdaptation, Full
from specforge.catalog.augmentations import AnyAugmentation
from specforge.catalog.losses.base import Loss, Sampler
from specforge.catalog.losses.bi_encoder import AnyBiEncoderLoss
from specforge.catalog.losses.late_interaction import AnyLateInteractionLoss
from specforge.catalog.losses.sparse_encoder import AnySparseEncoderLoss
from specforge.catalog.negatives import AnyNegatives, Negatives
from specforge.spec.base import Count, Name, Section, Text
from specforge.spec.models import AnyTeacher, Prompts

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Select(Section):
    """Which checkpoint becomes the model."""

    metric: Text
    """The metric to choose by, for example `nDCG@10`."""

    on: Literal["dev", "test"] = "dev"
    """The judgments to choose on. Choosing on `test` is refused (SF114)."""

    every: Literal["epoch"] | Annotated[int, Field(ge=1)] = "epoch"
    """When a checkpoint is measured: after each epoch, or every so many steps."""


class Train(Section):
    """How the model is trained."""

    epochs: Annotated[int, Field(ge=1, le=1000)] = 1
    """Passes over the training pairs."""

    batch_size: Annotated[int, Field(ge=2, le=65536)] = 64
    """Pairs in a batch; for in-batch losses the other pairs are the negatives."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 5e-5
    """The highest learning rate."""

    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls after the warm-up."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""

    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """AdamW's decay of the weights."""

    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Longer gradients are cut to this length."""

    gradient_accumulation: Count = 1
    """Batches whose gradients are added up before a step. It does not add in-batch negatives."""

    sampler: Sampler | None = None
    """How batches are drawn: no text twice in a batch, several texts of each class in a batch, or at random. Without it, as the loss needs it."""

    mixture: dict[Name, Annotated[float, Field(ge=0)]] | None = None
    """Of several objectives, how large a part of the training rows each gives, relative to the others: rows of one are repeated, of another left out by lot, and their number stays. An objective with 0 is measured and does not train. Without `mixture`, every row trains once."""

    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the activations that a training step sets to zero; without it, the base model's own."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=20)] = (42,)
    """For the order of the pairs and the dropout. The first makes the model; the training is repeated with the others, and the spread stands in the verdict."""

    checkpoint_steps: Count = 500
    """A killed run goes on from the last of these."""

    select: Select | None = None
    """Which checkpoint becomes the model; without it, the last."""


class Static(Section):
    """A model without layers: the vector of a text is the mean of its tokens' vectors. Some hundred times faster than an encoder, on a CPU, and weaker."""

    embeddings: Literal["own", "base", "random"]
    """`own`: the base is such a model already. `base`: the tokens get the base's input embeddings. `random`: they are drawn, and only the base's tokenizer is used; this needs much data."""

    dimension: Annotated[int, Field(ge=2, le=8192)] | None = None
    """The length of a vector. Of the base's embeddings it keeps so many principal components; without it, they stay whole."""


class Matryoshka(Section):
    """Trains the first dimensions of the vectors to do alone what all of them do, so that they may be cut (Kusupati et al. 2022): the loss is added up over several lengths."""

    dimensions: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1, max_length=20)]
    """The lengths, the whole vector's own among them."""

    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] | None = None
    """How much the loss at each length counts; without it, all alike."""

    dimensions_per_step: Count | None = None
    """At how many of the lengths, by lot, a step computes the loss; without it, at all of them. Fewer are faster."""

    layers: bool = False
    """Whether a layer before the last, another in each step, is trained to do alone as well (2D Matryoshka; Li et al. 2024)."""


class Retriever(Section):
    """What all models share that encode queries and documents, so that near means relevant."""

    family: str
    """What a text becomes."""

    base: Text
    """The model to start from: a Hub name, a folder (`./model`) or `package:DISTRIBUTION==VERSION/path/in/package`."""

    revision: Text | None = None
    """The commit of a Hub model."""

    trust_remote_code: bool = False
    """Whether the model's own Python code may run; it can do anything that you can. A Hub model then needs `revision` (SF403)."""

    prompts: Prompts = Prompts.model_construct()
    """Text put before queries and documents."""

    max_length: Annotated[int, Field(ge=2, le=131072)] = 256
    """Tokens of a text that are read, special tokens among them; the rest is cut."""

    similarity: str
    """How texts are compared, in training, index and search."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the matrix products; `auto` takes bf16 where the machine has it."""

    adaptation: AnyAdaptation = Full.model_construct(kind="full")
    """Which weights are trained."""

    loss: Loss | None = None
    """What training minimises."""

    teacher: AnyTeacher | None = None
    """The model that the training rows are shown to beforehand, for losses that learn from its scores or vectors (distillation)."""

    augmentation: dict[Name, AnyAugmentation] = Field(default_factory=dict)
    """More training rows from the same ones, by name: copies in which texts are said a little differently. For small data."""

    negatives: AnyNegatives | tuple[AnyNegatives, ...] | None = None
    """Where the negatives of training rows come from: one kind, or a list of kinds, each of which adds its own. A document that is known to be relevant to the query is never one, nor is the query itself or a document that is held out. Without it, the objective's own, where it has some; the other texts of a batch serve in-batch losses in any case."""

    train: Train | Literal["none"] = Train.model_construct()
    """How the model is trained, or `none` for the base model as it comes."""

    @property
    def query_limit(self) -> tuple[tuple[str, ...], int]:
        """The field that says how many tokens of a query are read, and the number."""
        return ("max_length",), self.max_length

    @property
    def kinds_of_negatives(self) -> tuple[Negatives, ...]:
        """Where the negatives come from, in the order of the spec; none where nothing is said."""
        found = self.negatives
        return found if isinstance(found, tuple) else (found,) if found is not None else ()

    @property
    def sampler(self) -> Sampler | None:
        """How batches are drawn; None where nothing is trained."""
        if self.train == "none" or self.loss is None:
            return None
        return self.train.sampler or self.loss.samplers[0]


class BiEncoder(Retriever):
    """A model that embeds queries and documents, so that near means relevant."""

    family: Literal["bi_encoder"]
    """One vector a text."""

    pooling: Literal["mean", "cls", "last_token"] | None = None
    """How the vectors of the tokens become one: their mean, that of the first, or that of the last. Without it, as the base says, and the mean where it says nothing."""

    static: Static | None = None
    """Makes a model without layers out of the base."""

    similarity: Literal["cosine", "dot"] = "cosine"
    """How vectors are compared, in training, index and search."""

    matryoshka: Matryoshka | None = None
    """Trains vectors that may be cut to fewer dimensions."""

    truncate_dim: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Vectors are cut to their first so many dimensions and scaled to length 1 again, in index, search and evaluation alike. Without it, they stay whole."""

    loss: AnyBiEncoderLoss | None = None
    """What training minimises."""


class ActiveDims(Section):
    """How many words of a text keep their weight, the heaviest first; the others get none."""

    query: Count | None = None
    """Of a query; without it, all."""

    document: Count | None = None
    """Of a document; without it, all."""


class SparseEncoder(Retriever):
    """A model that weighs the words that a text is about, its own and others (SPLADE; Formal et al. 2021). Its base must guess masked words: a head that starts at random learns little (SF407)."""

    family: Literal["sparse_encoder"]
    """A weight for each word of the model's vocabulary, most of them 0."""

    pooling: Literal["max", "sum"] | None = None
    """How the weights that a text's tokens give a word become one: the largest, or all added up. Without it, as the base says, and the largest where it says nothing."""

    activation: Literal["relu", "log1p_relu"] | None = None
    """What is done to the model's scores of words: `relu` takes log(1 + score) of those above 0, `log1p_relu` takes the logarithm twice, which makes fewer words heavy. Without it, as the base says, and `relu` where it says nothing."""

    max_active_dims: ActiveDims = ActiveDims.model_construct()
    """How many words of a text keep their weight, in index and search."""

    similarity: Literal["dot"] = "dot"
    """How weights are compared: each word's two weights are multiplied, and the products added up."""

    loss: AnySparseEncoderLoss | None = None
    """What training minimises."""


class QueryExpansion(Section):
    """Queries are filled up with tokens that the model turns into words of its own (ColBERT; Khattab and Zaharia 2020)."""

    strategy: Literal["fixed", "min"] = "min"
    """`fixed`: a query has `length` tokens, and what is longer is cut. `min`: it has `length` tokens or more."""

    length: Annotated[int, Field(ge=2, le=4096)] = 32
    """Tokens of a query after filling, special tokens among them."""

    attend: bool = False
    """Whether the other tokens of the query see those that fill it."""

    token: Text | None = None
    """What fills the query; without it, the tokenizer's mask token."""


class LateInteraction(Retriever):
    """A model that keeps one vector a token, and matches each token of the query with its nearest in the document (ColBERT; Khattab and Zaharia 2020). It says more than one vector can, and its index is larger by the tokens of a document."""

    family: Literal["late_interaction"]
    """One vector a token."""

    query_length: Annotated[int, Field(ge=2, le=4096)] = 32
    """Tokens of a query that are read, special tokens among them; the rest is cut. `max_length` is of documents."""

    dimension: Annotated[int, Field(ge=2, le=8192)] | None = None
    """The length of a token's vector: a base of another length gets a new projection, which training starts at random. Without it, the base's own, and 128 where it has none."""

    query_expansion: QueryExpansion | Literal["none"] | None = None
    """Tokens that fill queries up, or `none`. Without it, as the base says, and none where it says nothing."""

    skiplist: Literal["punctuation"] | tuple[Text, ...] | None = None
    """Tokens of documents that get no vector: punctuation, or those in a list. Without it, as the base says, and all are kept where it says nothing."""

    pool_factor: Annotated[float, Field(gt=1, le=100)] | None = None
    """A document keeps one vector for so many tokens: those that are alike become their mean (Clavié et al. 2024). Without it, one a token."""

    similarity: Literal["maxsim"] = "maxsim"
    """How tokens are compared: the cosine of each token of the query to its nearest in the document, added up."""

    loss: AnyLateInteractionLoss | None = None
    """What training minimises."""

    @property
    def query_limit(self) -> tuple[tuple[str, ...], int]:
        """The field that says how many tokens of a query are read, and the number."""
        if isinstance(self.query_expansion, QueryExpansion) and self.query_expansion.strategy == "fixed":
            return ("query_expansion", "length"), self.query_expansion.length
        return ("query_length",), self.query_length


class Bm25(Section):
    """Words in common with the query, weighted by rarity (Robertson et al. 1994; bm25s, Lucene's variant). Nothing is trained."""

    family: Literal["bm25"]
    """The words of a text, counted."""

    k1: Annotated[float, Field(ge=0, le=10)] = 1.5
    """How soon more of the same word in a document counts no more."""

    b: Annotated[float, Field(ge=0, le=1)] = 0.75
    """How far long documents are held to have their words by length alone."""


AnyRetriever = Annotated[Union[BiEncoder, SparseEncoder, LateInteraction, Bm25], Field(discriminator="family")]
