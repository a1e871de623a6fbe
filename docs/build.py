"""Builds docs/language.md from the docstrings of the language.

python docs/build.py
"""

from __future__ import annotations

from pathlib import Path

from pydantic_core import PydanticUndefined

from specforge.schema import field_docs, sections
from specforge.spec.base import Section

PAGE = Path(__file__).with_name("language.md")


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
            lines.append(
                f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {docs[name].replace('|', chr(92) + '|')} |"
            )
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Section):
        return "its own defaults"
    if isinstance(value, tuple):
        return "`[" + ", ".join(map(str, value)) + "]`"
    return f"`{'none' if value is None else value!r}`".replace("'", "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
