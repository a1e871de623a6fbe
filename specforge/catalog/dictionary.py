"""The dictionary of similarity: every objective of the language."""

from __future__ import annotations

from typing import Annotated, Union

from pydantic import Field

from specforge.catalog.asked import Sql
from specforge.catalog.evidence import (
    CitedInAnswer,
    Clicked,
    Interacted,
    Judged,
    Linked,
    MutualLike,
    QuestionAnswer,
    SameAttribute,
    ScoredPairs,
    Triplets,
)
from specforge.catalog.objectives import Objective, SameGroup, Substitutes

OBJECTIVES: tuple[type[Objective], ...] = (
    SameGroup,
    Substitutes,
    CitedInAnswer,
    Clicked,
    Interacted,
    MutualLike,
    Judged,
    QuestionAnswer,
    Linked,
    SameAttribute,
    ScoredPairs,
    Triplets,
    Sql,
)

AnyObjective = Annotated[
    Union[
        SameGroup,
        Substitutes,
        CitedInAnswer,
        Clicked,
        Interacted,
        MutualLike,
        Judged,
        QuestionAnswer,
        Linked,
        SameAttribute,
        ScoredPairs,
        Triplets,
        Sql,
    ],
    Field(discriminator="kind"),
]
