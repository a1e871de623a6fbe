"""What losses share that learn from a teacher's scores, in every family."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from specforge.catalog.losses.base import Loss

Temperature = Annotated[float, Field(gt=0, le=1000)]


class OfTeacher(Loss):
    """Losses of the scores that a teacher gives the documents of a row."""

    takes: ClassVar[tuple[str, ...]] = ("scored_tuples", "scored_triplets")


class OfMargins(OfTeacher):
    """The difference between two documents' scores is the teacher's own."""

    copies: ClassVar[bool] = True


class OfDistributions(OfTeacher):
    """The scores of a row as a distribution, near the teacher's."""

    student_temperature: Temperature = 1.0
    """The model's scores are divided by this before the softmax. Cosines, which differ by 2 at most, need a small one, such as 0.05."""

    teacher_temperature: Temperature = 1.0
    """The teacher's scores are divided by this before the softmax: less tells its first choice apart more sharply."""
