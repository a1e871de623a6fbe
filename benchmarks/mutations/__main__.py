"""Puts every fault into its spec, checks it, and prints what is told of it.

    cd benchmarks && python -m mutations [NAME...] [--format text|json] [--write]
    cd benchmarks && python -m mutations --cost [NAME...] --data DIR [--keep FOLDER] [--write]

`--cost` lets faults through by changing the spec or its generated code, runs both, and prints what they cost; `--write`
keeps what was found in the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from mutations import check, costs, page
from mutations.faults import FAULTS
from mutations.starts import STARTS


def main(asked: argparse.Namespace) -> int:
    """The exit status: 1 where a fault is missed or a correct spec is blamed."""
    if asked.cost:
        with tempfile.TemporaryDirectory() as scratch:
            for name, found in costs.measure(asked.names or costs.COSTS, asked.data, asked.keep or Path(scratch)):
                one = {name: found}
                print(costs.as_json(one) if asked.format == "json" else costs.as_text(one), flush=True)
                if asked.write:
                    costs.keep(one)
                    page.put_costs()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        answers = {name: check.answer(FAULTS[name], Path(folder)) for name in asked.names or FAULTS}
        alarms = check.false_alarms(Path(folder), [] if asked.names else STARTS)
    if asked.format == "json":
        print(json.dumps(page.as_json(answers, alarms), indent=1))
    else:
        print(page.as_text(answers, alarms))
    if asked.write:
        page.write(answers, alarms)
    missed = [name for name, answer in answers.items() if answer.outcome == "missed"]
    return int(bool(missed or any(alarms.values())))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m mutations", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the runs, to go on from where they were stopped")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--write", action="store_true")
    sys.exit(main(parser.parse_args()))
