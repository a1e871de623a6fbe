"""Tune the retriever on the training pairs."""

import argparse
import json
import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import cos_sim
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad

import contract
import encoder
import proof

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

EPOCHS = 1
BATCH_SIZE = 64
GRADIENT_ACCUMULATION = 1


def embed(model: torch.nn.Module, columns: list[dict[str, torch.Tensor]]) -> list[torch.Tensor]:
    """Vectors of each column, of shape (texts, dimension). Texts of like length go together: there is less padding."""
    width = max(column["attention_mask"].shape[1] for column in columns)
    names = [name for name in columns[0] if name in ("input_ids", "attention_mask", "token_type_ids")]
    merged = {
        name: torch.cat([pad(column[name], (0, width - column[name].shape[1])) for column in columns]) for name in names
    }
    mask = merged["attention_mask"].bool()
    order = mask.sum(dim=1).argsort(stable=True)
    parts = []
    for rows in order.split(32):
        read = mask[rows].any(dim=0)
        part = columns[0] | {name: value[rows][:, read] for name, value in merged.items()}
        parts.append(model(part)["sentence_embedding"])
    vectors = torch.cat(parts)[order.argsort()]
    return list(vectors.split([len(column["attention_mask"]) for column in columns]))


class RankingLoss(MultipleNegativesRankingLoss):
    """The library's loss, on vectors that are computed by length."""

    def forward(self, sentence_features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """The loss of a batch, a scalar."""
        return self.compute_loss_from_embeddings(embed(self.model, list(sentence_features)), labels)


def make_loss(model: SentenceTransformer) -> RankingLoss:
    """Each anchor's own positive among all positives of the batch."""
    return RankingLoss(
        model,
        scale=20.0,
        similarity_fct=cos_sim,
    )


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


def main(work: Path, seed: int = 42, max_steps: int = -1) -> None:
    """Make `model/` in the work folder, in `max_steps` or, with -1, in all epochs.

    A run that was killed goes on from its last checkpoint.
    """
    model = encoder.load(encoder.base_model())
    before = proof.look(model, work)
    set_dropout(model, 0.0)
    trained = proof.trained(model)
    pairs = pq.read_table(work / "data/pairs.parquet", columns=["anchor", "positive"])
    args = SentenceTransformerTrainingArguments(
        output_dir=str(work / "checkpoints"),
        num_train_epochs=EPOCHS,
        max_steps=max_steps,
        per_device_train_batch_size=BATCH_SIZE,
        gradient_accumulation_steps=GRADIENT_ACCUMULATION,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        learning_rate=2e-4,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=encoder.BF16,
        prompts={
            "anchor": encoder.PROMPTS["query"],
            "positive": encoder.PROMPTS["document"],
        },
        save_strategy="steps",
        save_steps=500,
        save_total_limit=2,
        logging_steps=20,
        report_to="none",
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=args,
        train_dataset=Dataset.from_dict(pairs.to_pydict()),
        loss=make_loss(model),
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
