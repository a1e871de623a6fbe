"""What every section of the language shares: strictness, and the scalar types that a spec's author writes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A mapping of the spec: unknown keys are refused, values are not converted, nothing changes after loading.

    A section that is a default is made by `model_construct`: to validate it would build its schema whenever its module is
    imported.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,  # the whole spec is built once, and no section on its own
    )


def _share(value: object) -> object:
    """`20%` and `0.2` are the same share."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())
    if match is None:
        raise ValueError("a share is written as 20% or 0.2")
    return float(f"{float(match[1]) / 100:.10g}")


def _moment(value: str) -> str:
    """The same moment in UTC: SQL drops an offset."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a moment is written as 2024-05-31 or 2024-05-31T18:00:00") from None
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat() if moment.tzinfo else value


def _reading(value: str) -> str:
    if value not in READINGS and "%" not in value:
        raise ValueError("a column is read as text, integer, number, seconds, milliseconds, or by a pattern with %")
    return value


READINGS = ("text", "integer", "number", "seconds", "milliseconds")

Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Share = Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)]
Moment = Annotated[str, AfterValidator(_moment)]
Reading = Annotated[str, AfterValidator(_reading)]
Count = Annotated[int, Field(ge=1)]
