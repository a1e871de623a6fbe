"""Models that a spec names besides those that it tunes: guides, teachers, and those that look through negatives."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section, Text


class Prompts(Section):
    """Text put before every query and every document, to the byte."""

    query: str = ""
    """Put before queries."""

    document: str = ""
    """Put before documents."""


class OtherModel(Section):
    """A model that is read as it comes."""

    model: Text
    """A Hub name, a folder (`./model`) or `package:DISTRIBUTION==VERSION/path/in/package`."""

    revision: Text | None = None
    """The commit of a Hub model."""


class Guide(OtherModel):
    """The bi-encoder that says which texts of a batch are too near to the positive to be negatives. It gets the texts as the model in training does, with its prompts, and reads them in its own length."""


class Judge(OtherModel):
    """What models share that score pairs of a query and a document, or encode them, before training."""

    max_length: Annotated[int, Field(ge=4, le=131072)] = 512
    """Tokens that are read, special tokens among them; the rest is cut."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the matrix products; `auto` takes bf16 where the machine has it."""

    batch_size: Count = 64
    """Pairs, or texts, that go through the model at once."""


class _ReadsPairs(Judge):
    prompt: str = ""
    """Text put before every pair, to the byte."""


class Filter(_ReadsPairs):
    """A cross encoder that looks again at what was found, as `cross_encoder` does in `mine_hard_negatives` of sentence-transformers: its scores, and no longer similarities, put the documents in order, and limits and margins are held against them. They are logits, as they come from its head."""


class CrossEncoderTeacher(_ReadsPairs):
    """A cross encoder as teacher. Its scores are logits, as they come from its head: through a sigmoid all good documents would score alike (Hofstätter et al. 2020)."""

    kind: Literal["cross_encoder"]
    """It reads query and document together, and gives a score."""


class BiEncoderTeacher(Judge):
    """A bi-encoder as teacher. It scores by its own similarity, or gives its vectors."""

    kind: Literal["bi_encoder"]
    """It makes a vector of each text."""

    prompts: Prompts = Prompts.model_construct()
    """Text put before queries and documents."""


AnyTeacher = Annotated[Union[CrossEncoderTeacher, BiEncoderTeacher], Field(discriminator="kind")]
