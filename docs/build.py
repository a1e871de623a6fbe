"""Builds docs/language.md from the docstrings of the language, and docs/dictionary.md from the example specs.

python docs/build.py
"""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from specforge.catalog.dictionary import OBJECTIVES
from specforge.catalog.objectives import Objective
from specforge.schema import field_docs, sections
from specforge.spec.base import Section

PAGE = Path(__file__).with_name("language.md")
DICTIONARY = Path(__file__).with_name("dictionary.md")
ROOT = Path(__file__).resolve().parents[1]


def page() -> str:
    """One heading a section, one row a field."""
    shown = [section for section in sections() if field_docs(section) and not section.__name__.startswith("_")]
    head = "# The language\n\nBuilt from the docstrings by `python docs/build.py`; every section, every field, every default.\n"
    return head + "".join(_section(section) for section in shown)


def _section(section: type[Section]) -> str:
    lines = [
        f"\n## {section.__name__}\n",
        f"{(section.__doc__ or '').strip()}\n",
        "| field | default | meaning |",
        "|---|---|---|",
    ]
    docs = field_docs(section)
    for name, field in section.model_fields.items():
        if name in docs:
            lines.append(f"| `{name}` | {_default_of(field)} | {docs[name].replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _default_of(field: FieldInfo) -> str:
    if field.default_factory_takes_validated_data:
        return "by what stands above"
    return _default(field.get_default(call_default_factory=True))


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Section):
        return "its own defaults"
    if isinstance(value, tuple):
        return "`[" + ", ".join(map(str, value)) + "]`"
    return f"`{'none' if value is None else value!r}`".replace("'", "")


def dictionary() -> str:
    """One heading an objective: what it means, how a spec says it, and the SQL that is its own."""
    head = (
        "# The dictionary of similarity\n\nBuilt by `python docs/build.py` from the docstrings, the example specs and the"
        " SQL that they compile to.\nWhat follows that SQL, from evidence to training rows and judgments, is the same for"
        " all and stands in `generated/NAME/objective.sql`.\n"
    )
    return head + "".join(_entry(objective) for objective in OBJECTIVES)


def _entry(objective: type[Objective]) -> str:
    kinds = [str(kind) for kind in get_args(objective.model_fields["kind"].annotation)]
    shown = [kind for kind in kinds if (ROOT / "specs" / f"{kind}.yaml").is_file()]
    text = f"\n## {', '.join(f'`{kind}`' for kind in kinds)}\n\n{cleandoc(objective.__doc__ or '')}\n\n"
    text += f"Gives {' and '.join(objective.provides)}; queries are {objective.queries}; split by {', '.join(objective.splits)}.\n"
    for kind in shown:
        text += f"\n`specs/{kind}.yaml`:\n\n```yaml\n{_section_of(kind)}```\n"
    return text + f"\n```sql\n{_own_sql(shown[0])}```\n"


def _section_of(kind: str) -> str:
    """The objectives and the split of an example spec."""
    text = (ROOT / "specs" / f"{kind}.yaml").read_text(encoding="utf-8")
    start = text.index("objectives:")
    return text[start : text.index("\nretriever:")].rstrip() + "\n"


def _own_sql(kind: str) -> str:
    """What of objective.sql says what this objective means: its evidence, or how often items meet."""
    text = (ROOT / "generated" / kind / "objective.sql").read_text(encoding="utf-8")
    if "-- The documents: the corpus, by id." in text:
        return text[text.index("create macro role_of(") :].partition("\n\n")[2].partition("\n-- The documents")[0]
    start = text.index("-- How often two documents met.")
    return text[start : text.index("-- What is known from the training groups")].rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    DICTIONARY.write_text(dictionary(), encoding="utf-8")
