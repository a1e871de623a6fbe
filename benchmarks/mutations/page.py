"""The table of the faults: as text, as JSON, and as the page that is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mutations import costs
from mutations.check import Answer
from mutations.fault import Fault
from mutations.faults import FAMILIES, FAULTS

PAGE = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- table -->", "<!-- end -->"

Answers = Mapping[str, Answer]
Alarms = Mapping[str, list[str]]


def as_text(answers: Answers, alarms: Alarms) -> str:
    """A line a fault, then the false alarms."""
    lines = [
        f"{name:<40} {FAULTS[name].code or '-':<6} {answer.outcome:<24} {answer.where:<5} {answer.milliseconds:6.0f} ms  {answer.words}"
        for name, answer in answers.items()
    ]
    return "\n".join([*lines, "", *_told(answers, alarms)])


def as_json(answers: Answers, alarms: Alarms) -> dict[str, object]:
    """The same as data."""
    faults = [
        {
            "fault": name,
            "says": FAULTS[name].says,
            "source": FAULTS[name].source,
            "code": FAULTS[name].code,
            "outcome": answer.outcome,
            "shown_by": answer.where,
            "milliseconds": round(answer.milliseconds, 1),
            "words": answer.words,
        }
        for name, answer in answers.items()
    ]
    return {"faults": faults, "false_alarms": {name: told for name, told in alarms.items() if told}}


def write(answers: Answers, alarms: Alarms) -> None:
    """Put the table into the page, in the place of the one before."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(_BEGIN)
    tail = rest.split(_END)[1]
    PAGE.write_text(f"{head}{_BEGIN}\n{table(answers, alarms)}\n{_END}{tail}", encoding="utf-8")


def published() -> dict[str, str]:
    """Fault -> its line on the page; none where it has none."""
    lines = PAGE.read_text(encoding="utf-8").split(_BEGIN)[1].split(_END)[0].splitlines()
    return {
        name: line for name, fault in FAULTS.items() for line in lines if line.startswith(f"| {_cell(fault.says)} | ")
    }


def put_costs() -> None:
    """Put the costs that are kept into the page, and leave all else as it is."""
    text, known = PAGE.read_text(encoding="utf-8"), costs.kept()
    for name, line in published().items():
        text = text.replace(line, f"{line.rsplit(' | ', 1)[0]} | {_cell(known.get(name, ''))} |")
    PAGE.write_text(text, encoding="utf-8")


def table(answers: Answers, alarms: Alarms) -> str:
    """Markdown: how many were caught, then a table a family."""
    known = costs.kept()
    lines = [f"- {line}" for line in _told(answers, alarms)]
    for family, faults in FAMILIES.items():
        lines += [
            "",
            f"### {family}",
            "",
            "| fault | told before training | shown by | made or warned of by | cost if let through |",
            "|---|---|---|---|---|",
        ]
        for fault in faults:
            if fault.name in answers:
                lines.append(row(fault, answers[fault.name], known.get(fault.name, "")))
    return "\n".join(lines)


def row(fault: Fault, answer: Answer, cost: str) -> str:
    """A line of the table."""
    told = f"**{answer.outcome}**" + (
        f", {fault.code}" if fault.code and answer.outcome in ("refused", "warned") else ""
    )
    words = f"{told}: {answer.words}" if answer.words else told
    cells = (fault.says, words, answer.where, fault.source, cost)
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _told(answers: Answers, alarms: Alarms) -> list[str]:
    outcomes = Counter(answer.outcome for answer in answers.values())
    shown = Counter(answer.where for answer in answers.values() if answer.outcome in ("refused", "warned"))
    blamed = {name: told for name, told in alarms.items() if told}
    return [
        f"{len(answers)} faults: "
        + ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
        + ("" if outcomes["missed"] else ", 0 missed"),
        "refused or warned of: " + ", ".join(f"{number} by the {what}" for what, number in shown.most_common()),
        f"{len(alarms)} correct specs, of which {len(blamed)} are blamed"
        + "".join(f"; {name}: {told}" for name, told in blamed.items()),
    ]
