"""Tune the reranker on the training pairs, and on negatives that the retriever finds."""

import argparse
import json
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from torch.nn.attention import SDPBackend, sdpa_kernel

import reranking
from ranking import read_corpus

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PER_POSITIVE = 4


def make_loss(model: CrossEncoder) -> BinaryCrossEntropyLoss:
    """Each pair by itself: relevant or not."""
    return BinaryCrossEntropyLoss(
        model,
        activation_fn=torch.nn.Identity(),
        pos_weight=torch.tensor(4.0),
    )


@dataclass(frozen=True)
class Asked:
    """A training query, and the texts of its documents."""

    text: str
    relevant: list[tuple[str, int]]
    """Those that training draws, and the grade of each; one that is drawn more often stands here more often."""
    others: list[str]
    """Those that are not relevant, each once."""


def asked(work: Path, seed: int) -> list[Asked]:
    """The training queries. Their others: the objective's own negatives and, drawn by lot, what was found."""
    known = pq.read_table(work / "data/known.parquet").to_pydict()
    grades = dict(zip(zip(known["anchor_id"], known["document_id"], strict=True), known["grade"], strict=True))
    pairs = pq.read_table(work / "data/pairs.parquet", columns=["anchor_id", "positive_id", "anchor", "positive"])
    queries: dict[str, Asked] = {}
    for row in pairs.to_pylist():
        one = queries.setdefault(row["anchor_id"], Asked(row["anchor"], [], []))
        one.relevant.append((row["positive"], grades[row["anchor_id"], row["positive_id"]]))
    own = pq.read_table(work / "data/triplets.parquet", columns=["anchor_id", "negative"]).to_pydict()
    for query, text in dict.fromkeys(zip(own["anchor_id"], own["negative"], strict=True)):
        queries[query].others.append(text)
    texts = read_corpus(work).texts
    found = pq.read_table(work / "candidates/train.parquet", columns=["query_id", "text"]).to_pydict()
    pools: dict[str, list[str]] = {}
    for query, text in zip(found["query_id"], found["text"], strict=True):
        pools.setdefault(query, []).append(texts[text])
    lot = np.random.default_rng(seed)
    for query, one in queries.items():
        pool = [text for text in pools.get(query, []) if text not in one.others]
        wanted = min(len(pool), PER_POSITIVE * len(one.relevant))
        one.others.extend(pool[place] for place in lot.choice(len(pool), wanted, replace=False))
    return list(queries.values())


def training_rows(queries: list[Asked]) -> Dataset:
    """Relevant documents are labelled 1, others 0."""
    rows = [
        (one.text, document, label)
        for one in queries
        for document, label in [*((text, 1.0) for text, _ in one.relevant), *((text, 0.0) for text in one.others)]
    ]
    return Dataset.from_list([{"anchor": anchor, "document": text, "label": label} for anchor, text, label in rows])


def write_counts(file: Path, queries: list[Asked], rows: int) -> None:
    """How much there is to train on."""
    counts = {
        "queries": len(queries),
        "positives": sum(len(one.relevant) for one in queries),
        "negatives": sum(len(one.others) for one in queries),
        "rows": rows,
    }
    file.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: its state is the last file of it."""

    def whole(path: Path) -> bool:
        try:
            return bool(json.loads((path / "trainer_state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return False

    found = sorted(filter(whole, folder.glob("checkpoint-*")), key=lambda path: int(path.name.split("-")[1]))
    return str(found[-1]) if found else None


def main(work: Path, seed: int = 42) -> None:
    """Make `reranker/` in the work folder; a run that was killed goes on from its last checkpoint."""
    torch.manual_seed(seed)  # for the weights of a new head
    model = reranking.load(reranking.base_model())
    queries = asked(work, seed)
    rows = training_rows(queries)
    args = CrossEncoderTrainingArguments(
        output_dir=str(work / "reranker_checkpoints"),
        num_train_epochs=1,
        per_device_train_batch_size=32,
        gradient_accumulation_steps=1,
        batch_sampler=BatchSamplers.BATCH_SAMPLER,
        learning_rate=5e-5,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=reranking.BF16,
        prompts=reranking.PROMPT,
        save_strategy="steps",
        save_steps=500,
        save_total_limit=2,
        logging_steps=20,
        report_to="none",
    )
    trainer = CrossEncoderTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        loss=make_loss(model),
    )
    # On a CPU, the backward pass of fused attention takes longer than that of plain matrix products.
    with nullcontext() if torch.cuda.is_available() else sdpa_kernel(SDPBackend.MATH):
        trainer.train(resume_from_checkpoint=last_checkpoint(work / "reranker_checkpoints"))
    shutil.rmtree(work / "reranker.tmp", ignore_errors=True)
    model.save_pretrained(str(work / "reranker.tmp"), create_model_card=False)
    history = [line for line in trainer.state.log_history if "loss" in line or "eval_runtime" in line]
    (work / "reranker.tmp/history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    write_counts(work / "reranker.tmp/rows.json", queries, len(rows))
    shutil.rmtree(work / "reranker", ignore_errors=True)
    (work / "reranker.tmp").rename(work / "reranker")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
