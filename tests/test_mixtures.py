"""Several objectives in one spec: each has the tables that it has alone, and trains in the part that is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from preparing import prepare, prepared

from specforge import pipeline
from specforge.checks import across
from specforge.load import load
from specforge.source import read
from specforge.spec.document import Spec

OBJECTIVES = {
    "cards": "{kind: question_answer, rows: faq, question: question, answer: card, of: cards}",
    "likes": "{kind: clicked, events: log, search: search, query: words, document: card, rank: place, clicked: hit, of: cards}",
    "links": "{kind: linked, rows: links, item: card, linked_to: other, of: cards}",
}
SPEC = """\
specforge: 1
name: {name}
sources:
  cards: {{path: cards.parquet, id: card, text: "{{title}}"}}
  faq: {{path: faq.parquet}}
  log: {{path: log.parquet}}
  links: {{path: links.parquet}}
objectives:
{objectives}
split: {split}
retriever:
  family: bi_encoder
  base: org/model
  revision: 0123456789abcdef0123456789abcdef01234567
  loss: {{kind: multiple_negatives_ranking}}
  train: {{{train}}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: [popularity]{evaluate}}}
"""
TABLES = {
    "cards": "select 'c' || i as card, 'title ' || i as title from range(40) t(i)",
    "faq": "select 'question ' || i as question, 'c' || i % 40 as card, if(i < 70, 'train', 'test') as part from range(100) t(i)",
    "log": """
        select i // 3 as search, 'words ' || i // 3 % 90 as words, 'c' || (i * 7) % 40 as card, i % 3 + 1 as place,
            i % 3 = 2 as hit, if(i // 3 < 60, 'train', 'test') as part
        from range(300) t(i)
    """,
    "links": "select 'c' || i % 40 as card, 'c' || (i * 3 + 1) % 40 as other, if(i < 70, 'train', 'test') as part from range(100) t(i)",
}
BY_COLUMN = "{by: column, column: part, dev_share: 0.2}"


def project(
    root: Path, *objectives: str, split: str = BY_COLUMN, train: str = "batch_size: 8", evaluate: str = ""
) -> Path:
    """The spec's file, beside its tables."""
    root.mkdir(exist_ok=True)
    with duckdb.connect() as db:
        for name, query in TABLES.items():
            db.sql(query).write_parquet(str(root / f"{name}.parquet"))
    named = "\n".join(f"  {name}: {OBJECTIVES[name]}" for name in objectives)
    path = root / "mixed.yaml"
    path.write_text(SPEC.format(name="mixed", objectives=named, split=split, train=train, evaluate=evaluate))
    return path


def rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table -> its rows."""
    with duckdb.connect() as db:
        return {file.stem: db.read_parquet(str(file)).fetchall() for file in sorted(folder.glob("*.parquet"))}


@pytest.mark.parametrize("primary", ["cards", "likes", "links"])
def test_each_has_the_tables_that_it_has_alone(tmp_path: Path, primary: str) -> None:
    alone = {}
    for name in OBJECTIVES:
        prepared(project(tmp_path / name, name, evaluate=", candidates: corpus" if name == "likes" else "")).close()
        alone[name] = rows(tmp_path / name / "work/data")
    prepared(project(tmp_path / "all", *OBJECTIVES, evaluate=f", objective: {primary}")).close()
    for name in OBJECTIVES:
        found = rows(tmp_path / "all/work/data" / ("." if name == primary else name))
        expected = alone[name]
        if name != "links":  # its queries are no documents, which a table of documents and texts says as -1
            expected = expected | {"queries": [(*row[:3], -1, *row[4:]) for row in expected["queries"]]}
        assert found == expected, name


PARTS = """
import json, sys
from pathlib import Path
from collections import Counter
import train
found = train.training_rows(Path(sys.argv[1]), 42)
counts = {
    name: {kind: sorted(Counter(map(str, part)).values()) for kind, part in kinds.items()} for name, kinds in found.items()
}
print(json.dumps(counts))
"""


def test_a_part_repeats_or_leaves_out_rows(tmp_path: Path) -> None:
    train = "batch_size: 8, mixture: {cards: 8, likes: 1, links: 0}"
    assert prepare(project(tmp_path, *OBJECTIVES, train=train)).returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", PARTS, str(tmp_path / "work/data")],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "generated/mixed")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    tables = {name: rows(tmp_path / "work/data" / ("." if name == "cards" else name)) for name in OBJECTIVES}
    before = {name: len(one["pairs"]) for name, one in tables.items()}
    before["likes"] = len(tables["likes"]["triplets"]) + sum(not row[-1] for row in tables["likes"]["pairs"])
    amounts = {name: sum(sum(times) for times in kinds.values()) for name, kinds in found.items()}
    assert amounts["links"] == 0
    assert amounts["cards"] == round(sum(before.values()) * 8 / 9)
    assert amounts["likes"] == pytest.approx(sum(before.values()) * 1 / 9, abs=1)
    assert amounts["cards"] > before["cards"]
    assert amounts["likes"] < before["likes"]
    times = found["cards"]["pairs"]
    assert max(times) - min(times) == 1, "every row as often as any other, but for a rest"


def test_what_one_holds_out_does_not_train_another(tmp_path: Path) -> None:
    path = project(tmp_path, "cards", "likes")
    with duckdb.connect() as db:
        db.sql(TABLES["faq"].replace("'question ' || i", "'Words ' || i || '?'")).write_parquet(
            str(tmp_path / "faq.parquet")
        )
    prepared(path).close()
    source, _ = read(path)
    spec, _ = load(source)
    assert isinstance(spec, Spec)
    found = list(across.leaked(spec, source, tmp_path / "work/data", tmp_path))
    assert [(one.code, one.message.partition(" that ")[2]) for one in found] == [
        ("SF301", '"likes" holds out also stand in the training rows of "cards"'),
    ]
    assert '"Words' in found[0].evidence[0]


def test_the_rules_name_the_objective(tmp_path: Path) -> None:
    checked = pipeline.with_rows(pipeline.read(project(tmp_path, "cards", "links")))
    small = [problem.message for problem in checked.problems if problem.code == "SF307"]
    assert [message.partition(":")[0] for message in small] == ['"cards"', '"links"']
