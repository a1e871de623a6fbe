"""How long documents of a collection are cut into parts that a model reads whole."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from specforge.spec.base import Count, Section


class ByTokens(Section):
    """Windows of so many tokens of the base model. A chunk is the document's own text between two tokens."""

    by: Literal["tokens"]

    size: Annotated[int, Field(ge=8)]
    """Tokens of a chunk."""

    overlap: Annotated[int, Field(ge=0)] = 0
    """Tokens that a chunk shares with the one before."""


class BySentences(Section):
    """So many sentences. One ends at `.`, `!`, `?` or `…` before a blank, unless a small letter follows, and at the full-width forms of these."""

    by: Literal["sentences"]

    size: Count
    """Sentences of a chunk."""

    overlap: Annotated[int, Field(ge=0)] = 0
    """Sentences that a chunk shares with the one before."""


class ByHeadings(Section):
    """Sections that begin with a Markdown heading. A longer section is cut into windows, each under the heading."""

    by: Literal["headings"]

    size: Annotated[int, Field(ge=8)]
    """Tokens of a section, the heading not counted, before it is cut."""


AnyChunk = Annotated[Union[ByTokens, BySentences, ByHeadings], Field(discriminator="by")]
