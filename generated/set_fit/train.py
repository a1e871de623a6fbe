"""Tune the model on pairs of texts, of one class or of two; then fit the head on its vectors."""

import argparse
import json
import shutil
from functools import partial
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression
from transformers import set_seed

import encoder
from rows import read_classes, training_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: its state is the last file of it."""

    def whole(path: Path) -> bool:
        try:
            return bool(json.loads((path / "trainer_state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return False

    found = sorted(filter(whole, folder.glob("checkpoint-*")), key=lambda path: int(path.name.split("-")[1]))
    return str(found[-1]) if found else None


def main(work: Path, seed: int = 1) -> None:
    """Make `model/` in the work folder; a run that was killed goes on from its last checkpoint."""
    classes, rows = read_classes(work), training_rows(work, seed)
    body = encoder.load(encoder.base_model())
    set_seed(seed)
    model = SetFitModel(
        model_body=body,
        model_head=LogisticRegression(
            C=1.0,
            class_weight=None,
            max_iter=1000,
        ),
        normalize_embeddings=encoder.NORMALISE,
        labels=classes,
    )
    args = TrainingArguments(
        output_dir=str(work / "checkpoints"),
        loss=CosineSimilarityLoss,
        num_iterations=10,
        num_epochs=1,
        batch_size=16,
        body_learning_rate=2e-5,
        warmup_proportion=0.1,
        l2_weight=0.01,
        max_length=encoder.MAX_LENGTH,
        seed=seed,
        save_strategy="steps",
        save_steps=500,
        save_total_limit=2,
        report_to="none",
    )
    label = {name: number for number, name in enumerate(classes)}
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=Dataset.from_dict(
            {"text": encoder.prompted(rows.texts), "label": [label[name] for name in rows.labels]}
        ),
    )
    # The trainer of the pairs can go on from a checkpoint; setfit does not pass one on.
    checkpoint = last_checkpoint(work / "checkpoints")
    trainer.st_trainer.train = partial(trainer.st_trainer.train, resume_from_checkpoint=checkpoint)
    with torch.autocast(body.device.type, dtype=torch.bfloat16, enabled=encoder.BF16):
        trainer.train()
    shutil.rmtree(work / "model.tmp", ignore_errors=True)
    model.save_pretrained(str(work / "model.tmp"))
    history = [line for line in trainer.st_trainer.state.log_history if "embedding_loss" in line]
    (work / "model.tmp/history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "model", ignore_errors=True)
    (work / "model.tmp").rename(work / "model")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
