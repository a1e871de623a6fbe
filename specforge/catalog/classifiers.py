"""Classifiers: each family with the options that its users set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section, Text
from specforge.spec.retriever import Seed, Select

ClassWeights = Literal["equal", "balanced"]
Rate = Annotated[float, Field(gt=0, lt=1)]
Strength = Annotated[float, Field(gt=0)]


class Classifier(Section):
    """What all classifiers declare. `embeds` says that they rest on vectors of a sentence-transformers model."""

    embeds: ClassVar[bool]

    base: Text
    """The model to start from: a Hub name, a folder (`./model`) or `package:DISTRIBUTION==VERSION/path/in/package`."""

    revision: Text | None = None
    """The commit of a Hub model."""

    max_length: Annotated[int, Field(ge=2, le=131072)] = 256
    """Tokens of a text that are read, special tokens among them; the rest is cut."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the matrix products; `auto` takes bf16 where the machine has it."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=20)] = (42,)
    """For the texts that `per_class` draws, new weights, the order of training and the dropout. The first makes the model; with the others texts are drawn and a model is trained anew, and the spread stands in the verdict."""


class _Embedding(Classifier):
    embeds: ClassVar[bool] = True

    prompt: str = ""
    """Text put before every text, to the byte."""

    normalise: bool = False
    """Whether vectors are scaled to length 1 before the head reads them; many models do so themselves."""


class LogisticRegression(Section):
    """Logistic regression of scikit-learn on the tuned vectors."""

    kind: Literal["logistic_regression"]

    c: Strength = 1.0
    """Inverse of the strength of regularisation: smaller is stronger."""

    class_weights: ClassWeights = "equal"
    """Whether rare classes weigh more: `balanced` weighs each class alike."""


class Differentiable(Section):
    """A linear layer, trained by gradient descent on the tuned vectors; with `end_to_end`, together with the model."""

    kind: Literal["differentiable"]

    epochs: Count = 16
    """Passes over the training texts."""

    batch_size: Count = 16
    """Texts in a batch."""

    learning_rate: Rate = 1e-2
    """Of the head; it is halved every 5 epochs."""

    end_to_end: bool = False
    """Whether the model is trained with the head; else it stays as the pairs have tuned it."""

    body_learning_rate: Rate = 1e-5
    """Of the model, with `end_to_end`."""


AnyHead = Annotated[Union[LogisticRegression, Differentiable], Field(discriminator="kind")]


class Pairs(Section):
    """How the model is tuned on pairs of texts: of one class near, of two classes far."""

    loss: Literal["cosine_similarity", "cosent", "online_contrastive", "supervised_contrastive"] = "cosine_similarity"
    """What is minimised over pairs, or over batches with texts of each class in twos (`supervised_contrastive`, Khosla et al. 2020; a text alone in its class trains the head only)."""

    sampling: Literal["oversampling", "undersampling", "unique"] = "oversampling"
    """How pairs are drawn: as many of one class as of two, the rarer sort repeated (`oversampling`) or the other cut (`undersampling`); or every pair once (`unique`)."""

    iterations: Count | None = None
    """Instead of `sampling`: for each text so many pairs of one class and as many of two."""

    epochs: Count = 1
    """Passes over the pairs."""

    batch_size: Annotated[int, Field(ge=2, le=65536)] = 16
    """Pairs in a batch."""

    max_steps: Count | None = None
    """At most so many steps: all pairs of a hundred texts are already five thousand."""

    learning_rate: Rate = 2e-5
    """The highest learning rate; it falls to 0 in a line."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""

    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """AdamW's decay of the weights, of a differentiable head too."""

    checkpoint_steps: Count = 500
    """A killed run goes on from the last of these."""


class SetFit(_Embedding):
    """Few labels: the model is tuned on pairs of texts that are of one class or not, then a head is fitted on its vectors (Tunstall et al. 2022)."""

    family: Literal["set_fit"]
    """Pairs of texts first, then a head on the vectors."""

    train: Pairs = Pairs.model_construct()
    """How the model is tuned."""

    head: AnyHead = LogisticRegression.model_construct(kind="logistic_regression")
    """What tells the classes apart by their vectors."""


class Frozen(Section):
    """What of the model stays as it is."""

    embeddings: bool = False
    """Whether the embeddings of the tokens stay."""

    layers: Annotated[int, Field(ge=0, le=200)] = 0
    """So many layers, counted from the input, stay."""


class FineTuning(Section):
    """How the model and its new head are trained."""

    epochs: Annotated[int, Field(ge=1, le=1000)] = 3
    """Passes over the training texts."""

    batch_size: Annotated[int, Field(ge=1, le=65536)] = 16
    """Texts in a batch."""

    learning_rate: Rate = 5e-5
    """The highest learning rate."""

    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls after the warm-up."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""

    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """AdamW's decay of the weights."""

    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Longer gradients are cut to this length."""

    gradient_accumulation: Count = 1
    """Batches whose gradients are added up before a step."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the probability that is spread over all classes, against overconfidence."""

    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the activations that a training step sets to zero; without it, the base model's own."""

    checkpoint_steps: Count = 500
    """A killed run goes on from the last of these."""

    select: Select | None = None
    """Which checkpoint becomes the model; without it, the last."""


class FineTune(Classifier):
    """The model is trained with a new head that gives each class its probability; parts of it may stay frozen."""

    embeds: ClassVar[bool] = False

    family: Literal["fine_tune"]
    """The model and a new head, together."""

    freeze: Frozen | Literal["all_but_head"] | None = None
    """What of the model stays as it is: `{embeddings: true, layers: 4}`, or `all_but_head`. Without it, all is trained."""

    class_weights: ClassWeights = "equal"
    """Whether errors in rare classes weigh more: `balanced` weighs each class alike."""

    train: FineTuning = FineTuning.model_construct()
    """How the model is trained."""


class LinearProbe(_Embedding):
    """The model stays as it comes; logistic regression reads its vectors (Alain and Bengio 2016)."""

    family: Literal["linear_probe"]
    """A head on the vectors of the model as it comes."""

    c: Annotated[tuple[Strength, ...], Field(min_length=1)] = (0.1, 1.0, 10.0, 100.0)
    """Inverse of the strength of regularisation, smaller is stronger; of several, the one is taken that is right most often on dev."""

    class_weights: ClassWeights = "equal"
    """Whether rare classes weigh more: `balanced` weighs each class alike."""


CLASSIFIERS: tuple[type[Classifier], ...] = (SetFit, FineTune, LinearProbe)

AnyClassifier = Annotated[Union[SetFit, FineTune, LinearProbe], Field(discriminator="family")]


@dataclass(frozen=True)
class ClassBaseline:
    """A rival that is not tuned.

    Attributes:
        title: what it does, in words.
        embeds: whether it reads vectors of the untuned model.
    """

    title: str
    embeds: bool


CLASS_BASELINES = {
    "majority": ClassBaseline("the class that is most frequent in training, for every text", False),
    "linear_probe": ClassBaseline("logistic regression on vectors of the untuned model", True),
}
