"""Every adaptation, pooling and kind of base, trained for real on a tiny model: what changed, what was saved, what is seen."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny import SPEC, project

from specforge import pipeline
from specforge.checks import proven
from specforge.problems import Problem

BASE = "  base: ./model\n"
LONG = "train: {epochs: 2, batch_size: 16, learning_rate: 1e-3, checkpoint_steps: 5}"
TRAIN = "train: {epochs: 1, batch_size: 64, learning_rate: 1e-3, checkpoint_steps: 10}"
SELECTED = "train: {epochs: 1, batch_size: 64, learning_rate: 5e-3, select: {metric: nDCG@10, every: 10}}"
SHORT = SPEC.replace(LONG, TRAIN)


def adapted(adaptation: str, train: str = TRAIN) -> str:
    return SHORT.replace(BASE, f"{BASE}  adaptation: {adaptation}\n").replace(TRAIN, train)


def based(more: str, train: str = TRAIN) -> str:
    return SHORT.replace(BASE, f"{BASE}  {more}\n").replace(TRAIN, train)


CASES: Mapping[str, str] = {
    "full": SHORT,
    "lora": adapted("{kind: lora, r: 4, alpha: 8, target: attention}"),
    "rslora": adapted("{kind: lora, r: 4, variant: rslora, target: [query, output.dense]}"),
    "dora": adapted("{kind: lora, r: 4, variant: dora}"),
    "selected": adapted("{kind: lora, r: 4}\n  precision: fp32", SELECTED),
    "frozen": adapted("{kind: freeze, layers: 1}"),
    "top": adapted("{kind: freeze, embeddings: false, all_but_last: 1}"),
    "cls": based("pooling: cls"),
    "last": based("pooling: last_token"),
    "prompts": based('prompts: {query: "bread ", document: "steak "}'),
    "cut": based("truncate_dim: 12"),
    "static": based("static: {embeddings: base, dimension: 8}", TRAIN.replace("1e-3", "0.1")),
    "random": based("static: {embeddings: random, dimension: 16}", TRAIN.replace("1e-3", "0.1")),
    "own": SHORT.replace(BASE, "  base: ./static\n  static: {embeddings: own}\n").replace("1e-3", "0.1"),
    "still": adapted("{kind: lora, r: 4}", TRAIN.replace("1e-3", "1e-12")),
    "collapsing": based("similarity: cosine", TRAIN.replace("1e-3", "0.9")),
}

DRIVER = """\
import sys
from pathlib import Path
from specforge import pipeline, running
from specforge.render import render
from specforge.run import runner
from specforge.write import write

for path in sys.argv[1:]:
    made = pipeline.read(Path(path)).plan
    write(made.folder, render([made])[0], force=True)
    runner.run(made.stages, made.folder, made.root, made.folder.name, made.base, "index", modules=running.MODULES)
"""
"""One process that imports the libraries once; it never computes itself."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of every case."""
    root = tmp_path_factory.mktemp("adaptation")
    project(root).unlink()
    make_static(root)
    for name, text in CASES.items():
        (root / f"{name}.yaml").write_text(text.replace("name: tiny", f"name: {name}"), encoding="utf-8")
    run(root, *(str(root / f"{name}.yaml") for name in CASES))
    return root


def make_static(root: Path) -> None:
    """A static model of random vectors, as the library saves it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(root / "model/tokenizer.json"))
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer, embedding_dim=12)
    SentenceTransformer(modules=[module], device="cpu").save(str(root / "static"))


def run(root: Path, *specs: str) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", DRIVER, *specs]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]


def weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    return dict(load_file(folder / "model.safetensors"))


def changed(root: Path, name: str) -> set[str]:
    """The weights that differ from the base's; all have the base's names and shapes."""
    before, after = weights(root / "model"), weights(root / "runs" / name / "model")
    assert before.keys() == after.keys()
    return {key for key in before if not np.array_equal(before[key], after[key])}


def proof(root: Path, name: str) -> dict[str, float]:
    found: dict[str, float] = json.loads((root / "runs" / name / "model/proof.json").read_text(encoding="utf-8"))
    return found


def texts(root: Path) -> list[str]:
    import pyarrow.parquet as pq

    found: list[str] = pq.read_table(root / "runs/full/data/corpus.parquet").sort_by("doc")["text"].to_pylist()
    return found


def problems(root: Path, name: str) -> list[Problem]:
    checked = pipeline.read(root / f"{name}.yaml")
    assert checked.spec is not None
    return proven.check(checked.spec, checked.source, root / "runs" / name)


def test_lora_changes_the_layers_that_it_targets_and_no_other(root: Path) -> None:
    names = {key.removesuffix(".weight") for key in changed(root, "lora")}
    assert names == {f"encoder.layer.{layer}.{part}" for layer in (0, 1) for part in _attention()}
    by_list = changed(root, "rslora")
    assert by_list and all(key.endswith(("query.weight", "output.dense.weight")) for key in by_list)
    linear = changed(root, "dora")
    assert any("intermediate" in key for key in linear) and not any("embeddings" in key for key in linear)


def _attention() -> set[str]:
    return {*(f"attention.self.{part}" for part in ("query", "key", "value")), "attention.output.dense"}


@pytest.mark.parametrize("name", ["lora", "rslora", "dora", "selected"])
def test_a_merged_model_opens_without_peft(root: Path, name: str) -> None:
    folder = root / "runs" / name / "model"
    assert not [file.name for file in folder.rglob("*") if "adapter" in file.name]
    code = (
        "import sys; sys.modules['peft'] = None\n"
        "from sentence_transformers import SentenceTransformer\n"
        f"model = SentenceTransformer({str(folder)!r}, device='cpu')\n"
        "assert not any('lora' in name for name in model.state_dict())\n"
    )
    if name == "lora":
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_figures_say_what_was_trained(root: Path) -> None:
    lora, full, frozen = (proof(root, name) for name in ("lora", "full", "frozen"))
    # four layers of 32 x 32 in each of two: two matrices of 32 x 4
    assert lora["trainable"] == 2 * 4 * 2 * 32 * 4 and lora["trainable_bytes"] == 4 * lora["trainable"]
    assert full["trainable"] == full["parameters"] > frozen["trainable"] > lora["trainable"]
    for found in (lora, full, frozen):
        assert 0 < found["changed"] <= found["parameters"] and found["turned"] > 1e-5
    assert lora["changed"] == 2 * 4 * 32 * 32


def test_what_is_frozen_stays(root: Path) -> None:
    frozen, top = changed(root, "frozen"), changed(root, "top")
    assert not [key for key in frozen if key.startswith(("embeddings", "encoder.layer.0"))]
    assert [key for key in frozen if key.startswith("encoder.layer.1")]
    assert not [key for key in top if key.startswith("encoder.layer.0")]
    assert [key for key in top if key.startswith("embeddings")] and [
        key for key in top if key.startswith("encoder.layer.1")
    ]


@pytest.mark.parametrize(("name", "mode"), [("cls", "cls"), ("last", "lasttoken"), ("full", "mean")])
def test_the_saved_model_pools_as_the_spec_says(root: Path, name: str, mode: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(root / "runs" / name / "model"), device="cpu")
    assert model[1].pooling_mode == mode
    found = model.encode(texts(root)[:5], normalize_embeddings=True)
    assert np.abs(found - np.load(root / "runs" / name / "vectors/corpus.npy")[:5]).max() < 0.02


@pytest.mark.parametrize(("name", "dimension"), [("static", 8), ("random", 16), ("own", 12)])
def test_a_static_model_is_trained(root: Path, name: str, dimension: int) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(root / "runs" / name / "model"), device="cpu")
    assert type(model[0]).__name__ == "StaticEmbedding" and model[0].tokenizer.truncation["max_length"] == 16
    found = model.encode(texts(root)[:5], normalize_embeddings=True)
    assert found.shape == (5, dimension)
    assert np.abs(found - np.load(root / "runs" / name / "vectors/corpus.npy")[:5]).max() < 1e-4
    assert proof(root, name)["turned"] > 1e-3


def test_static_vectors_start_from_those_of_the_base(root: Path) -> None:
    """Distances between the principal components are those between the base's own vectors, as far as the components go."""
    vectors = weights(root / "model")["embeddings.word_embeddings.weight"].astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    expected = np.abs(centred @ components[:8].T)
    place = importlib.util.spec_from_file_location("encoder_of_static", root / "generated/static/encoder.py")
    assert place is not None and place.loader is not None
    encoder = importlib.util.module_from_spec(place)
    place.loader.exec_module(encoder)
    found = encoder.load(encoder.base_model())[0].embedding.weight.detach().numpy()
    assert np.abs(np.abs(found) - expected).max() < 1e-4


def test_prompts_stand_before_texts_in_training_encoding_and_search(root: Path) -> None:
    from sentence_transformers import SentenceTransformer

    assert changed(root, "prompts")
    before, after = weights(root / "runs/full/model"), weights(root / "runs/prompts/model")
    assert any(not np.array_equal(before[key], after[key]) for key in before)
    model = SentenceTransformer(str(root / "runs/prompts/model"), device="cpu")
    model.max_seq_length = 16
    assert model.prompts == {"query": "bread ", "document": "steak "}
    corpus = np.load(root / "runs/prompts/vectors/corpus.npy")
    documents = model.encode([f"steak {text}" for text in texts(root)], prompt="", normalize_embeddings=True)
    assert np.abs(documents - corpus).max() < 0.02
    query = model.encode(["bread fresh butter"], prompt="", normalize_embeddings=True)
    command = [sys.executable, "generated/prompts/search.py", "fresh butter", "-k", "3", "--work", "runs/prompts"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scores = sorted((query @ documents.T)[0], reverse=True)[:3]
    assert [hit["score"] for hit in json.loads(done.stdout)["found"]["tuned"]] == pytest.approx(scores, abs=0.02)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("still", "collapsing")])
def test_a_sound_run_has_no_problem(root: Path, name: str) -> None:
    assert [problem.code for problem in problems(root, name) if problem.code != "SF502"] == []


def test_a_learning_rate_that_moves_nothing_is_told(root: Path) -> None:
    [problem] = [problem for problem in problems(root, "still") if problem.code == "SF501"]
    assert "training changed nothing" in problem.message
    assert problem.path == ("retriever", "train", "learning_rate")


def test_collapsed_vectors_are_told(root: Path) -> None:
    [problem] = [problem for problem in problems(root, "collapsing") if problem.code == "SF502"]
    assert "of all texts" in problem.message or problem.message.startswith("all texts have nearly the same vector")


def test_vectors_are_cut_and_scaled_again(root: Path) -> None:
    """As the library cuts them by the saved model's own word, but of length 1."""
    from sentence_transformers import SentenceTransformer

    found = np.load(root / "runs/cut/vectors/corpus.npy")
    model = SentenceTransformer(str(root / "runs/cut/model"), device="cpu")
    model.max_seq_length = 16
    cut = model.encode(texts(root))
    whole = model.encode(texts(root), truncate_dim=None if model.truncate_dim is None else 32)
    assert found.shape[1] == cut.shape[1] == 12 and whole.shape[1] == 32
    np.testing.assert_allclose(found, whole[:, :12] / np.linalg.norm(whole[:, :12], axis=1, keepdims=True), atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_the_best_checkpoint_is_the_one_that_is_saved(root: Path, tmp_path: Path) -> None:
    found = proof(root, "selected")
    assert found["restored"] == pytest.approx(found["best"], abs=5e-3) and found["best"] > 0  # near ties change places
    spec, tampered = root / "selected.yaml", tmp_path / "model"
    tampered.mkdir()
    (tampered / "proof.json").write_text(json.dumps({**found, "restored": found["best"] - 0.1}), encoding="utf-8")
    checked = pipeline.read(spec)
    assert checked.spec is not None
    [problem] = proven.check(checked.spec, checked.source, tmp_path)
    assert problem.code == "SF503" and "the best checkpoint had" in problem.message


def test_a_restore_that_does_nothing_is_seen(root: Path) -> None:
    """The last checkpoint is saved instead of the best, as a library once did; the model that was saved is measured."""
    code, work = root / "generated/selected_broken", root / "broken"
    shutil.copytree(root / "generated/selected", code)
    text = (code / "train.py").read_text(encoding="utf-8")
    restore = "set_peft_model_state_dict(self.model.transformers_model, own)"
    assert text.count(restore) == 1
    wrong = "set_peft_model_state_dict(self.model.transformers_model, {name: 0 * value for name, value in own.items()})"
    (code / "train.py").write_text(text.replace(restore, wrong), encoding="utf-8")
    train(code, work, root)
    found = json.loads((work / "model/proof.json").read_text(encoding="utf-8"))
    checked = pipeline.read(root / "selected.yaml")
    assert checked.spec is not None
    assert "SF503" in {problem.code for problem in proven.check(checked.spec, checked.source, work)}, found


def train(code: Path, work: Path, root: Path) -> None:
    """Run a train.py by itself, on the tables of the full case."""
    work.mkdir(exist_ok=True)
    if not (work / "data").exists():
        (work / "data").symlink_to((root / "runs/full/data").resolve())
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(code / "train.py"), "--work", str(work)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_training_and_encoding_read_the_same_tokens(root: Path) -> None:
    """Both roles, 16 texts each, one of them longer than what is read: cut at the same token."""
    found = json.loads((root / "runs/prompts/model/tokens.json").read_text(encoding="utf-8"))
    assert found == {"read": 32, "otherwise": []}


@pytest.mark.parametrize(
    ("of", "to", "otherwise"),
    [
        ('"anchor": encoder.PROMPTS["query"]', '"anchor": "toast "', 16),
        ("    trainer.train(", "    model.max_seq_length = 8\n    trainer.train(", 2),
        ("    trainer.train(", "    model.tokenizer.add_tokens(['bread'])\n    trainer.train(", 0),
    ],
    ids=["another prompt", "cut before", "a token that is saved"],
)
def test_other_tokens_in_training_are_told(root: Path, tmp_path: Path, of: str, to: str, otherwise: int) -> None:
    code = root / "generated/other_tokens"
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(root / "generated/prompts", code)
    text = (code / "train.py").read_text(encoding="utf-8")
    assert text.count(of) == 1
    (code / "train.py").write_text(text.replace(of, to), encoding="utf-8")
    train(code, tmp_path, root)
    found = json.loads((tmp_path / "model/tokens.json").read_text(encoding="utf-8"))
    assert found["read"] == 32 and len(found["otherwise"]) == otherwise
    checked = pipeline.read(root / "prompts.yaml")
    assert checked.spec is not None
    problems = [one for one in proven.check(checked.spec, checked.source, tmp_path) if one.code == "SF203"]
    assert len(problems) == (1 if otherwise else 0)
    for problem in problems:
        assert f"of 32 texts, {otherwise} are other tokens" in problem.message
        assert problem.evidence[0].startswith("trained, token ") and problem.evidence[0] != problem.evidence[1]


def test_a_killed_run_goes_on_with_the_adapter(root: Path) -> None:
    """From a checkpoint in the middle the run comes to the same weights as without a stop."""
    code, whole, killed = root / "generated/lora", root / "whole", root / "killed"
    train(code, whole, root)
    steps = sorted(int(path.name.split("-")[1]) for path in (whole / "checkpoints").iterdir())
    assert len(steps) == 2 and steps[0] < steps[1]
    first = whole / f"checkpoints/checkpoint-{steps[0]}"
    assert (first / "adapter_model.safetensors").is_file() and not (first / "model.safetensors").exists()
    shutil.copytree(first, killed / "checkpoints" / first.name)
    train(code, killed, root)
    before, one, other = weights(root / "model"), weights(whole / "model"), weights(killed / "model")
    moved = max(float(np.abs(one[key] - before[key]).max()) for key in one)
    apart = max(float(np.abs(one[key] - other[key]).max()) for key in one)
    assert apart < 0.02 * moved, (apart, moved)
