"""Tune the retriever on the training pairs."""

import argparse
import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import CoSENTLoss
from sentence_transformers.util import pairwise_cos_sim
from torch.nn.attention import SDPBackend, sdpa_kernel

import contract
import encoder
import proof
from held_out import Figure, Floats, Pairs, read_pairs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

EPOCHS = 1
BATCH_SIZE = 16
GRADIENT_ACCUMULATION = 1


def make_loss(model: SentenceTransformer) -> CoSENTLoss:
    """Pairs with higher scores more similar than pairs with lower ones."""
    return CoSENTLoss(
        model,
        scale=20.0,
        similarity_fct=pairwise_cos_sim,
    )


SELECT = "Spearman"


def correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of two values on each resample; 0 where one of them does not vary."""
    total = weights.sum(axis=1, keepdims=True)
    one = one - (weights * one).sum(axis=1, keepdims=True) / total
    other = other - (weights * other).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * one * one).sum(axis=1) * (weights * other * other).sum(axis=1))
    together = (weights * one * other).sum(axis=1)
    return np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)


def ranks(values: Floats, weights: Floats) -> Floats:
    """The rank of each value on each resample, where it stands `weights` times; equal values share their mean rank."""
    distinct, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(len(distinct)))
    times = np.add.reduceat(weights[:, order], first, axis=1)
    means: Floats = np.cumsum(times, axis=1) - (times - 1) / 2
    return means[:, group]


def spearman(pairs: Pairs, found: Floats) -> Figure:
    """Rank correlation of what was found and the scores."""

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, pairs.units]
        return correlation(ranks(found, drawn), ranks(pairs.scores, drawn), drawn)

    return figure


class OnDev(BaseEvaluator):
    """The metric that selects the checkpoint, on the dev pairs."""

    def __init__(self, work: Path) -> None:
        super().__init__()
        self.pairs = read_pairs(work, "dev")
        self.primary_metric = SELECT

    def __call__(
        self,
        model: SentenceTransformer,
        output_path: str | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        anchors = encoder.encode(model, self.pairs.anchors, "query")
        documents = encoder.encode(model, self.pairs.documents, "document")
        found: Floats = np.einsum("ij,ij->i", anchors, documents, dtype=np.float64)
        figure = spearman(self.pairs, found)
        return {SELECT: float(figure(np.ones((1, self.pairs.units.max() + 1)))[0])}


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """Set the share of activations that a training step drops, whichever way a layer keeps it."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: its state is the last file of it."""

    def whole(path: Path) -> bool:
        try:
            return bool(json.loads((path / "trainer_state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return False

    found = sorted(filter(whole, folder.glob("checkpoint-*")), key=lambda path: int(path.name.split("-")[1]))
    return str(found[-1]) if found else None


def scored_pairs(data: Path) -> Dataset:
    """Anchors and documents with their scores."""
    roles = ["anchor", "document", "score"]
    return Dataset.from_dict(
        pq.read_table(data / "scored.parquet", columns=roles, filters=[("split", "=", "train")]).to_pydict()
    )


def main(work: Path, seed: int = 42, max_steps: int = -1) -> None:
    """Make `model/` in the work folder, in `max_steps` or, with -1, in all epochs.

    A run that was killed goes on from its last checkpoint.
    """
    model = encoder.load(encoder.base_model())
    before = proof.look(model, work)
    set_dropout(model, 0.0)
    trained = proof.trained(model)
    args = SentenceTransformerTrainingArguments(
        output_dir=str(work / "checkpoints"),
        num_train_epochs=EPOCHS,
        max_steps=max_steps,
        per_device_train_batch_size=BATCH_SIZE,
        gradient_accumulation_steps=GRADIENT_ACCUMULATION,
        batch_sampler=BatchSamplers.BATCH_SAMPLER,
        learning_rate=5e-5,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=encoder.BF16,
        prompts={
            "anchor": encoder.PROMPTS["query"],
            "document": encoder.PROMPTS["document"],
        },
        save_strategy="epoch",
        save_total_limit=2,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{SELECT}",
        greater_is_better=True,
        logging_steps=20,
        report_to="none",
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=args,
        train_dataset=scored_pairs(work / "data"),
        loss=make_loss(model),
        evaluator=OnDev(work),
    )
    # On a CPU, the backward pass of fused attention takes longer than that of plain matrix products.
    with nullcontext() if torch.cuda.is_available() else sdpa_kernel(SDPBackend.MATH):
        trainer.train(resume_from_checkpoint=last_checkpoint(work / "checkpoints"))
    shutil.rmtree(work / "model.tmp", ignore_errors=True)
    model.save_pretrained(str(work / "model.tmp"), create_model_card=False)
    history = [line for line in trainer.state.log_history if "loss" in line or "eval_runtime" in line]
    (work / "model.tmp/history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    saved = encoder.load(str(work / "model.tmp"))
    figures = {**trained, **proof.compare(before, proof.look(saved, work))}
    figures |= {"best": trainer.state.best_metric, "restored": OnDev(work)(saved)[SELECT]}
    (work / "model.tmp/proof.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    read = proof.tokens(trainer.data_collator, saved, work)
    (work / "model.tmp/tokens.json").write_text(json.dumps(read) + "\n", encoding="utf-8")
    contract.seal(saved, work, work / "model.tmp")
    shutil.rmtree(work / "model", ignore_errors=True)
    (work / "model.tmp").rename(work / "model")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
