"""Augmentation of small training data: ways to say a text once more, a little differently."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Name, Section, Text
from specforge.spec.models import OtherModel

Part = Annotated[float, Field(gt=0, lt=1)]


class Augmentation(Section):
    """What all of them share. Each gives copies of the training rows in which the texts of one side are changed.

    The same text becomes the same text wherever it stands in a copy, and a batch is of one copy or of the rows as given:
    so whatever kept two rows apart (a text that they share) keeps their copies apart as well.

    Attributes:
        by_lot: whether chance decides, so that further copies differ.
    """

    by_lot: ClassVar[bool] = True

    kind: str
    """How a text is changed."""

    of: Literal["anchors", "documents"] = "anchors"
    """Which texts are changed: those that ask, or those that are found. Texts with a class are documents."""


class _Noise(Augmentation):
    copies: Count = 1
    """How many copies of the training rows are added, each with noise of its own."""


class DeleteWords(_Noise):
    """Words are left out at random (EDA; Wei and Zou 2019)."""

    kind: Literal["delete_words"]

    share: Part = 0.1
    """The share of words that is left out; one always stays."""


class SwapWords(_Noise):
    """Neighbouring words change places (EDA; Wei and Zou 2019)."""

    kind: Literal["swap_words"]

    share: Part = 0.1
    """The share of words that changes places with the next one."""


class Misspell(_Noise):
    """Typing mistakes: a letter is left out, doubled, or changes places with the next (Belinkov and Bisk 2018)."""

    kind: Literal["misspell"]

    share: Part = 0.05
    """The share of letters with a mistake."""


class Crop(_Noise):
    """A run of words from the text, at a random place (Izacard et al. 2022)."""

    kind: Literal["crop"]

    keep: Part = 0.6
    """The share of words that is kept; at least one."""


class ReplaceWords(_Noise, OtherModel):
    """Words are replaced by others that a masked language model expects in their place (contextual augmentation; Kobayashi 2018). What is likely in a place need not be alike in meaning: `good` may become `bad`."""

    kind: Literal["replace_words"]

    share: Part = 0.1
    """The share of words, which are runs of letters, that is masked; all of a text are masked at once."""

    candidates: Annotated[int, Field(ge=1, le=1000)] = 10
    """The likeliest words in a place, without the one that stands there; one of them is drawn, each as likely as the model says."""


class OtherText(Augmentation):
    """The text of the same row by another template, such as `{title}` alone where the description may be missing."""

    by_lot: ClassVar[bool] = False
    kind: Literal["other_text"]

    source: Name
    """The collection whose texts are said by the other template."""

    text: Text
    """The other template, a format string over the columns as `text` of the source is."""


AUGMENTATIONS: tuple[type[Augmentation], ...] = (
    DeleteWords,
    SwapWords,
    Misspell,
    Crop,
    ReplaceWords,
    OtherText,
)

AnyAugmentation = Annotated[
    Union[DeleteWords, SwapWords, Misspell, Crop, ReplaceWords, OtherText], Field(discriminator="kind")
]
