"""The script that sentence-transformers' training guide leads to, for the pairs and queries of a prepared folder.

Its trainer, its InformationRetrievalEvaluator, its no-duplicates sampler; every other argument is the guide's or the
library's default. `--bf16` adds the one argument that makes the trainer use bf16.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pyarrow.parquet as pq
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss


class WithoutOwnId(InformationRetrievalEvaluator):  # type: ignore[misc]
    """The library's evaluator, which counts a query's own document as an answer; here it is passed over, as in specforge."""

    def compute_metrics(self, queries_result_list: list[list[dict[str, object]]]) -> dict[str, object]:
        """The library's metrics."""
        others = [
            [hit for hit in hits if hit["corpus_id"] != query]
            for query, hits in zip(self.queries_ids, queries_result_list, strict=True)
        ]
        return dict(super().compute_metrics(others))


def evaluator(data: Path, split: str) -> WithoutOwnId:
    """The full corpus; the query's own id is never an answer."""
    corpus = pq.read_table(data / "corpus.parquet").to_pydict()
    queries = pq.read_table(data / "queries.parquet", filters=[("split", "=", split)]).to_pydict()
    qrels = pq.read_table(data / "qrels.parquet", filters=[("split", "=", split)]).to_pydict()
    relevant: dict[str, set[str]] = {}
    for query, doc in zip(qrels["query_id"], qrels["doc_id"], strict=True):
        relevant.setdefault(query, set()).add(doc)
    return WithoutOwnId(
        queries=dict(zip(queries["query_id"], queries["text"], strict=True)),
        corpus=dict(zip(corpus["doc_id"], corpus["text"], strict=True)),
        relevant_docs=relevant,
        name=split,
    )


def main(data: Path, base: str, out: Path, *, batch: int, epochs: int, rate: float, bf16: bool) -> None:
    """Train, evaluate, save; the test nDCG@10 goes to `out`/score.json."""
    model = SentenceTransformer(base)
    pairs = pq.read_table(data / "pairs.parquet", columns=["anchor", "positive"]).to_pydict()
    train_dataset = Dataset.from_dict(pairs)
    loss = MultipleNegativesRankingLoss(model)
    args = SentenceTransformerTrainingArguments(
        output_dir=str(out / "checkpoints"),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=batch,
        learning_rate=rate,
        warmup_steps=0.1,
        use_cpu=not torch.cuda.is_available(),
        bf16=bf16,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        eval_strategy="steps",
        eval_steps=100,
        save_strategy="steps",
        save_steps=100,
        save_total_limit=2,
        logging_steps=100,
        run_name="same-cart",
    )
    dev = evaluator(data, "dev")
    dev(model)
    trainer = SentenceTransformerTrainer(model=model, args=args, train_dataset=train_dataset, loss=loss, evaluator=dev)
    trainer.train()
    scores = evaluator(data, "test")(model)
    model.save_pretrained(str(out / "final"))
    (out / "score.json").write_text(json.dumps({"nDCG@10": scores["test_cosine_ndcg@10"]}), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--bf16", action="store_true")
    asked = parser.parse_args()
    main(
        asked.data,
        asked.base,
        asked.out,
        batch=asked.batch,
        epochs=asked.epochs,
        rate=asked.rate,
        bf16=asked.bf16,
    )
