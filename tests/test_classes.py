"""Texts with classes: what prepare.py makes of them, how classifiers are trained on them, and what is measured."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from preparing import amounts, prepared
from tiny import make_model

from specforge.catalog.classes import Labelled
from specforge.catalog.classifiers import CLASSIFIERS, FineTune, Frozen, Pairs, SetFit
from specforge.checks import classes
from specforge.checks.accounts import accounts
from specforge.load import load
from specforge.problems import Problem
from specforge.shapes import choices, fields, shape
from specforge.source import parse, read
from specforge.spec.document import Classification

SPEC = """\
specforge: 1
name: small
sources:
  notes: {{path: notes.parquet, id: id, text: "{{text}}"}}
objectives:
  topics: {{kind: labelled, of: notes, attribute: topic{objective}}}
split: {split}
classifier: {{base: ./model, max_length: 16, precision: fp32, {classifier}}}
evaluate: {{primary: Accuracy, metrics: [F1], bootstrap: {{resamples: 1000}}}}
"""
TOPICS = {"bread": "loaf crust dough oven", "tools": "saw nail drill bolt", "water": "river lake wave tide"}
PROBE = "family: linear_probe, c: [1.0, 10.0]"


def project(
    root: Path, rows: Sequence[Sequence[object]], split: str, objective: str = "", classifier: str = PROBE
) -> Path:
    """A spec beside its rows: id, text, topic, who, part."""
    with duckdb.connect() as db:
        db.execute("create table notes (id varchar, text varchar, topic varchar, who varchar, part varchar)")
        db.executemany("insert into notes values (?, ?, ?, ?, ?)", [list(row) for row in rows])
        db.table("notes").write_parquet(str(root / "notes.parquet"))
    path = root / "small.yaml"
    path.write_text(SPEC.format(split=split, objective=objective, classifier=classifier), encoding="utf-8")
    return path


def notes(number: int = 240) -> list[tuple[object, ...]]:
    """Notes whose words tell their topic, each with words of no topic."""
    draw, found = random.Random(0), list[tuple[object, ...]]()
    for place in range(number):
        topic = list(TOPICS)[place % len(TOPICS)]
        words = [*draw.sample(TOPICS[topic].split(), 2), *(f"word{draw.randrange(40)}" for _ in range(3))]
        part = ("train", "train", "dev", "test")[place // 3 % 4]
        found.append((f"n{place:03}", " ".join(words), topic, f"w{place % 20}", part))
    return found


def told(path: Path) -> list[Problem]:
    """What the checks say of the prepared tables."""
    source, _ = read(path)
    spec, found = load(source)
    assert isinstance(spec, Classification), found
    return classes.check(spec, source, path.parent / "work/data", path.parent)


def rows_of(db: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """Id -> side and class."""
    return {id: (split, label) for split, id, label in db.execute("select split, id, label from rows").fetchall()}


def adds_up(db: duckdb.DuckDBPyConnection) -> bool:
    objective = Labelled(kind="labelled", of="notes", attribute="topic")
    return all(one.adds_up(amounts(db)) for one in accounts(objective))


ODD: list[tuple[object, ...]] = [
    ("a", "One loaf", "bread", "x", "train"),
    ("b", "one LOAF!", "bread", "y", "test"),
    ("c", "a saw", "tools", "x", "train"),
    ("d", "a saw", "tools", "y", "train"),
    ("e", "a saw", "water", "y", "train"),
    ("f", "a lake", None, "x", "train"),
    ("g", " ", "water", "x", "train"),
    ("h", "a wave", "water", "y", "other"),
    ("i", "a tide", " water ", "x", "dev"),
    (None, "a river", "water", "x", "train"),
    ("k", "a drill", "tools", "x", "test"),
]


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    db = prepared(project(tmp_path, ODD, "{by: column, column: part, dev: [dev]}"))
    assert rows_of(db) == {
        "b": ("test", "bread"),
        "c": ("train", "tools"),
        "i": ("dev", "water"),
        "k": ("test", "tools"),
    }
    summary = amounts(db)
    assert summary["texts_left_out_for_a_held_out_text"] == 1
    assert summary["texts_without_class"] == 1
    assert summary["texts_on_no_side"] == 1
    assert summary["texts_of_several_classes"] == 1
    assert adds_up(db)


def test_equal_texts_fall_on_one_side(tmp_path: Path) -> None:
    rows = [
        (f"{kind}{place}", f"{kind} {place}", "xyz"[place % 3], "w", "")
        for place in range(300)
        for kind in ("it", "IT!")
    ]
    db = prepared(project(tmp_path, rows, "{by: item, test: 30%, dev: 20%}"))
    sides = {id: side for id, (side, _) in rows_of(db).items()}
    assert len(sides) == 600
    assert all(sides[f"it{place}"] == sides[f"IT!{place}"] for place in range(300))
    shares = {side: number / 600 for side, number in Counter(sides.values()).items()}
    assert shares == pytest.approx({"train": 0.5, "test": 0.3, "dev": 0.2}, abs=0.08)
    assert adds_up(db)


def test_groups_fall_on_one_side_whole(tmp_path: Path) -> None:
    db = prepared(project(tmp_path, notes(), "{by: group, test: 30%, dev: 20%}", ", group: who"))
    who = {row[0]: row[3] for row in notes()}
    sides: dict[object, set[str]] = {}
    for id, (side, _) in rows_of(db).items():
        sides.setdefault(who[id], set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert {side for found in sides.values() for side in found} == {"train", "dev", "test"}
    assert adds_up(db)


def test_few_are_drawn_and_the_others_counted(tmp_path: Path) -> None:
    path = project(
        tmp_path,
        notes(),
        "{by: column, column: part, dev: [dev]}",
        ", per_class: 7",
        "family: linear_probe, seeds: [1, 2]",
    )
    db = prepared(path)
    sides = Counter(rows_of(db).values())
    train = {label: number for (side, label), number in sides.items() if side == "train"}
    assert amounts(db)["texts_train"] == 7 * len(train)
    assert amounts(db)["texts_unused"] == sum(train.values()) - 7 * len(train)
    assert adds_up(db)
    lots = [lot(path, seed) for seed in (1, 1, 2)]
    assert lots[0] == lots[1] != lots[2]
    labels = {id: label for id, (_, label) in rows_of(db).items()}
    assert all(Counter(labels[id] for id in one) == dict.fromkeys(TOPICS, 7) for one in lots)


def lot(path: Path, seed: int) -> list[str]:
    """The ids that a seed draws, by the generated code."""
    script = f"from pathlib import Path; from rows import training_rows; print(*training_rows(Path({str(path.parent / 'work')!r}), {seed}).ids)"
    code = path.parent / "generated" / "small"
    done = subprocess.run([sys.executable, "-c", script], cwd=code, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_is_wrong_with_the_classes_is_told(tmp_path: Path) -> None:
    rows = [*notes(60), ("x", "nothing else", "rare", "w", "test"), ("y", "loaf saw", "few", "w", "train")]
    rows += [("p", "loaf and saw", "bread", "w", "train"), ("q", "loaf and saw", "tools", "w", "train")]
    path = project(tmp_path, rows, "{by: column, column: part, dev: [dev]}", ", per_class: 4")
    prepared(path).close()
    found = {(one.code, one.message) for one in told(path)}
    assert ("SF308", "1 class has held-out texts and none that train") in found
    assert ("SF308", "1 class has fewer than 4 texts that train") in found
    assert ("SF304", "1 text stands under several classes; the most frequent counts") in found
    assert ("SF307", "16 test texts can show differences of 0.22 in accuracy and more only") in found


def test_a_text_on_two_sides_is_told(tmp_path: Path) -> None:
    rows = [
        (f"{kind}{place}", f"{kind} {place}", "xyz"[place % 3], "w", "")
        for place in range(200)
        for kind in ("it", "IT!")
    ]
    path = project(tmp_path, rows, "{by: item, test: 30%, dev: 20%, unit: id}")
    prepared(path).close()
    assert "SF301" in {one.code for one in told(path)}


FAMILIES = {
    "linear_probe": PROBE,
    "set_fit": "family: set_fit, seeds: [1, 2], train: {iterations: 3, learning_rate: 1e-3, checkpoint_steps: 5}",
    "set_fit_layer": "family: set_fit, train: {max_steps: 5, loss: cosent}, head: {kind: differentiable, end_to_end: true}",
    "set_fit_online": "family: set_fit, train: {max_steps: 5, loss: online_contrastive, sampling: unique}",
    "set_fit_supervised": "family: set_fit, train: {loss: supervised_contrastive, epochs: 2}",
    "fine_tune": "family: fine_tune, freeze: {embeddings: true, layers: 1}, class_weights: balanced, "
    "train: {epochs: 6, learning_rate: 1e-3, checkpoint_steps: 4, gradient_accumulation: 2}",
    "fine_tune_head": "family: fine_tune, freeze: all_but_head, train: {epochs: 2, dropout: 0, select: {metric: F1}}",
}
"""Each family, with what its template says in several ways."""


def test_every_family_loss_and_head_is_trained() -> None:
    """What the catalog has and no spec above takes, is not trained anywhere."""
    texts = [SPEC.format(split="{by: item}", objective="", classifier=one) for one in FAMILIES.values()]
    found = [load(parse(text.encode(), Path("small.yaml"), "small.yaml")[0])[0] for text in texts]
    taken = [one.classifier for one in found if isinstance(one, Classification)]
    assert {type(one) for one in taken} == {*CLASSIFIERS}
    of_pairs = [one for one in taken if isinstance(one, SetFit)]
    of_layers = [one for one in taken if isinstance(one, FineTune)]
    assert {one.train.loss for one in of_pairs} == {*choices(fields(shape(Pairs))["loss"])}
    assert {one.head.kind for one in of_pairs} == {*choices(fields(shape(SetFit))["head"])}
    assert {one.freeze if isinstance(one.freeze, str) else type(one.freeze) for one in of_layers} >= {
        Frozen,
        "all_but_head",
    }


def ran(path: Path, *scripts: str) -> None:
    """Run generated scripts by themselves."""
    for script in scripts:
        command = [sys.executable, f"generated/small/{script}.py", "--work", "work"]
        done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}: {done.stderr[-3000:]}"


def tuned(tmp_path: Path, name: str) -> Path:
    """A project with prepared tables and a tiny model; nothing is trained yet."""
    words = {word for _, text, *_ in notes() for word in str(text).split()}
    make_model(tmp_path / "model", words)
    drawn = ", per_class: 12" if name == "set_fit" else ""
    path = project(tmp_path, notes(), "{by: column, column: part, dev: [dev]}", drawn, FAMILIES[name])
    prepared(path).close()
    return path


SLOW = ("set_fit_layer", "set_fit_online", "set_fit_supervised", "fine_tune_head")


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in FAMILIES])
def test_a_family_is_trained_measured_and_asked(name: str, tmp_path: Path) -> None:
    path = tuned(tmp_path, name)
    ran(path, "baselines", "train", "predictions", *(["repeats"] if name == "set_fit" else []), "evaluation")
    found: dict[str, Any] = json.loads((tmp_path / "work/evaluation/metrics.json").read_text(encoding="utf-8"))
    said = duckdb.read_parquet(str(tmp_path / "work/predictions/test.parquet")).fetchall()
    truth = {row[0]: row[2] for row in notes()}
    right = sum(label == truth[id] for id, label, _ in said) / len(said)
    system = name if name == "linear_probe" else "_".join(name.split("_")[:2])
    assert found["systems"][system]["Accuracy"]["mean"] == pytest.approx(right)
    assert found["systems"][system]["F1"]["mean"] == pytest.approx(f1(truth, said))
    assert (name == "set_fit") == ("repeats" in found)
    script = ["generated/small/predict.py", "--work", "work", "loaf crust dough", "-k", "3"]
    asked = subprocess.run([sys.executable, *script], cwd=tmp_path, capture_output=True, text=True, check=True)
    guesses = json.loads(asked.stdout)
    assert {one["label"] for one in guesses} == set(TOPICS)
    assert sum(one["probability"] for one in guesses) == pytest.approx(1, abs=1e-3)


def f1(truth: dict[object, object], said: list[tuple[object, ...]]) -> float:
    """scikit-learn's."""
    from sklearn.metrics import f1_score

    return float(f1_score([truth[id] for id, *_ in said], [label for _, label, _ in said], average="macro"))


def test_what_is_frozen_stays(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoModelForSequenceClassification

    path = tuned(tmp_path, "fine_tune")
    ran(path, "train")
    before = AutoModel.from_pretrained(tmp_path / "model").state_dict()
    after = AutoModelForSequenceClassification.from_pretrained(tmp_path / "work/model").base_model.state_dict()
    same = {name for name, value in before.items() if name in after and bool((value == after[name]).all())}
    assert {name for name in before if name.startswith(("embeddings.", "encoder.layer.0."))} <= same
    assert not any(name.startswith("encoder.layer.1.") and name.endswith("dense.weight") for name in same)


@pytest.mark.parametrize("name", ["set_fit", "fine_tune"])
def test_a_killed_training_goes_on(name: str, tmp_path: Path) -> None:
    """Stopped at a checkpoint and started again, it ends with the weights of a run that was not stopped."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModelForSequenceClassification

    path = tuned(tmp_path, name)
    stop = """
import sys, runpy
from transformers import TrainerCallback, Trainer
step = Trainer._save_checkpoint
def saved(self, *args, **kwargs):
    step(self, *args, **kwargs)
    sys.exit(7)
Trainer._save_checkpoint = saved
sys.argv = ["train.py", "--work", "work"]
sys.path.insert(0, "generated/small")
runpy.run_path("generated/small/train.py", run_name="__main__")
"""
    ran(path, "train")
    (tmp_path / "work/model").rename(tmp_path / "whole")
    for file in sorted((tmp_path / "work/checkpoints").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    done = subprocess.run([sys.executable, "-c", stop], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr[-2000:]
    assert not (tmp_path / "work/model").exists()
    ran(path, "train")
    history = json.loads((tmp_path / "work/model/history.json").read_text(encoding="utf-8"))
    assert history
    kind = SentenceTransformer if name == "set_fit" else AutoModelForSequenceClassification.from_pretrained
    one, other = (kind(str(folder)).state_dict() for folder in (tmp_path / "whole", tmp_path / "work/model"))
    assert all(torch.allclose(value, other[key], atol=1e-5) for key, value in one.items())
