"""Train the model with a new head that gives each class its probability."""

import argparse
import json
import re
import shutil
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sklearn.metrics import accuracy_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    Trainer,
    TrainingArguments,
    set_seed,
)

import encoder
from rows import read_classes, read_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

LAYERS = 2


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: its state is the last file of it."""

    def whole(path: Path) -> bool:
        try:
            return bool(json.loads((path / "trainer_state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return False

    found = sorted(filter(whole, folder.glob("checkpoint-*")), key=lambda path: int(path.name.split("-")[1]))
    return str(found[-1]) if found else None


def freeze(model: torch.nn.Module) -> None:
    """Do not train the embeddings and the first layers."""
    for name, parameter in model.base_model.named_parameters():
        layer = re.search(r"\b(?:layers?|h|blocks?)\.(\d+)\.", name)
        if name.startswith("embeddings.") or (layer and int(layer[1]) < LAYERS):
            parameter.requires_grad = False
    if all(parameter.requires_grad for parameter in model.base_model.parameters()):
        raise SystemExit("nothing was frozen: this model names its parts in another way")


def measured(found: EvalPrediction) -> dict[str, float]:
    """The metric that selects the checkpoint; a class that does not train is never told."""
    predicted = np.asarray(found.predictions).argmax(axis=1)
    return {"Accuracy": float(accuracy_score(found.label_ids, predicted))}


def main(work: Path, seed: int = 42) -> None:
    """Make `model/` in the work folder; a run that was killed goes on from its last checkpoint."""
    classes, rows = read_classes(work), read_rows(work, "train")
    label = {name: number for number, name in enumerate(classes)}
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(
        encoder.base_model(),
    )
    model = AutoModelForSequenceClassification.from_pretrained(
        encoder.base_model(),
        num_labels=len(classes),
        id2label=dict(enumerate(classes)),
        label2id=label,
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    freeze(model)

    def tokens(texts: list[str], labels: list[str]) -> Dataset:
        read = tokenizer(texts, truncation=True, max_length=encoder.MAX_LENGTH, padding=False)
        return Dataset.from_dict({**read, "labels": [label.get(name, -100) for name in labels]})

    args = TrainingArguments(
        output_dir=str(work / "checkpoints"),
        num_train_epochs=5,
        per_device_train_batch_size=16,
        gradient_accumulation_steps=1,
        learning_rate=2e-4,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.01,
        max_grad_norm=1.0,
        label_smoothing_factor=0.0,
        seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=encoder.BF16,
        save_strategy="epoch",
        save_total_limit=2,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="eval_Accuracy",
        greater_is_better=True,
        logging_steps=20,
        report_to="none",
    )
    dev = read_rows(work, "dev")
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=tokens(rows.texts, rows.labels),
        eval_dataset=tokens(dev.texts, dev.labels),
        compute_metrics=measured,
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(work / "checkpoints"))
    shutil.rmtree(work / "model.tmp", ignore_errors=True)
    model.save_pretrained(str(work / "model.tmp"))
    tokenizer.save_pretrained(str(work / "model.tmp"))
    history = [line for line in trainer.state.log_history if "loss" in line or "eval_loss" in line]
    (work / "model.tmp/history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work / "model", ignore_errors=True)
    (work / "model.tmp").rename(work / "model")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
