"""The table of every mistake that specforge names: its code, its name, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import resources


class Severity(Enum):
    """How bad a problem is: an error refuses, a warning is a measured risk, a note only informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Code:
    """One mistake.

    Attributes:
        code: `SF` and three digits; the first digit is the family.
        name: the mistake in kebab case, for machines and headings.
        severity: what it does to the exit status.
        title: the mistake in words.
    """

    code: str
    name: str
    severity: Severity
    title: str


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

_ALL = (
    Code("SF001", "yaml-syntax", _ERROR, "the text is not YAML that a spec may hold"),
    Code("SF002", "unknown-name", _ERROR, "a key or name that the language does not have"),
    Code("SF003", "wrong-value", _ERROR, "a value of the wrong type, out of range, or missing"),
    Code("SF004", "missing-data", _ERROR, "a file, table or column that does not exist"),
    Code("SF005", "repeated-key", _ERROR, "a key that stands twice in one section"),
    Code("SF101", "loss-does-not-fit", _ERROR, "a loss that the training rows do not fit"),
    Code("SF102", "label-out-of-range", _ERROR, "labels that the objective cannot take"),
    Code("SF103", "wrong-sampler", _ERROR, "a loss whose batches are drawn as it cannot learn from"),
    Code("SF104", "unfillable-batches", _WARNING, "the sampler cannot fill its batches"),
    Code("SF105", "in-batch-false-negatives", _WARNING, "in-batch negatives that are positives"),
    Code("SF106", "positive-among-negatives", _WARNING, "a positive of the query among its negatives"),
    Code("SF107", "too-few-negatives", _WARNING, "fewer negatives found than the rows want"),
    Code(
        "SF108", "accumulation-adds-no-negatives", _WARNING, "gradient accumulation taken for more in-batch negatives"
    ),
    Code("SF109", "layers-of-a-cached-loss", _ERROR, "a wrapper of layers around a cached loss"),
    Code("SF110", "learning-rate", _WARNING, "a learning rate that the adaptation cannot learn by"),
    Code("SF111", "wrong-activation", _ERROR, "an activation of scores that the loss cannot learn through"),
    Code("SF112", "unreachable-loss", _ERROR, "a loss, scale or margin that does not fit the similarity"),
    Code(
        "SF113", "metric-does-not-fit", _ERROR, "a metric that does not fit the task or is not computed at checkpoints"
    ),
    Code("SF114", "test-selects", _ERROR, "the test set selects the checkpoint"),
    Code(
        "SF115",
        "negatives-nearer",
        _WARNING,
        "negatives that look more like answers than the positives, or scores that are distances",
    ),
    Code(
        "SF116",
        "answers-of-others",
        _WARNING,
        "documents that share no more words with their query than with another",
    ),
    Code("SF201", "other-prompts", _WARNING, "the base model expects prompts, and the spec gives none or others"),
    Code("SF202", "other-pooling", _WARNING, "pooling, similarity or length differs from the base model's own"),
    Code("SF203", "other-tokens", _ERROR, "texts that are other tokens to the saved model than in training"),
    Code("SF204", "texts-cut", _WARNING, "texts longer than the model reads"),
    Code(
        "SF205",
        "index-mismatch",
        _ERROR,
        "an index that does not fit the vectors: their similarity, kind, length or number",
    ),
    Code("SF206", "traces-in-texts", _WARNING, "texts with markup or letters of a wrong encoding"),
    Code("SF207", "few-to-learn-from", _WARNING, "an index that learns from few vectors"),
    Code("SF301", "test-query-in-train", _ERROR, "a test query that training has seen"),
    Code("SF302", "groups-split-by-rows", _ERROR, "grouped data split by rows"),
    Code("SF303", "training-after-test", _ERROR, "training events later than test events"),
    Code("SF304", "repeated-text", _WARNING, "one text under several ids"),
    Code(
        "SF305", "missing-document", _WARNING, "documents that are missing from the collection, and rows that are lost"
    ),
    Code("SF306", "positives-put-in", _ERROR, "reranking evaluated with positives put in by hand"),
    Code("SF307", "evaluation-too-small", _WARNING, "an evaluation too small to see the effect"),
    Code("SF308", "rare-class", _WARNING, "a class with too few texts that train"),
    Code("SF309", "near-duplicates", _WARNING, "near duplicates of test queries in train"),
    Code("SF310", "answer-in-the-text", _WARNING, "a text that says what the model is to tell"),
    Code("SF311", "without-vectors", _WARNING, "documents or queries without a vector where others made them"),
    Code("SF312", "training-unknown", _WARNING, "a recorded model of which nobody knows what it trained on"),
    Code("SF401", "dead-field", _WARNING, "a field without effect"),
    Code("SF402", "unpinned-model", _WARNING, "a base model of the Hub that is not pinned to a commit"),
    Code(
        "SF403",
        "unpinned",
        _ERROR,
        "data or code of the Hub that are not pinned to a commit, or code that is not trusted",
    ),
    Code("SF404", "will-not-fit", _ERROR, "a model that does not fit in memory"),
    Code("SF405", "may-not-fit", _WARNING, "batches that may not fit in memory, or vectors that do not fit on disk"),
    Code("SF407", "untrained-part", _ERROR, "a model whose last part is random, measured as it comes"),
    Code("SF408", "new-head", _WARNING, "a sparse encoder whose base has no weights of words"),
    Code("SF501", "nothing-learnt", _ERROR, "the tuned model equals its base"),
    Code("SF502", "collapsed", _WARNING, "all texts have nearly the same vector"),
    Code("SF503", "best-not-restored", _ERROR, "the saved model does not reproduce the best score"),
    Code("SF504", "impossible-metric", _ERROR, "a metric outside what is possible"),
    Code("SF505", "no-improvement", _WARNING, "no improvement over a baseline"),
    Code("SF507", "other-model", _ERROR, "an index of another model, contract or corpus than the one that asks"),
    Code("SF508", "incomparable", _ERROR, "two results that cannot be compared"),
)

CODES: dict[str, Code] = {code.code: code for code in _ALL}


def page(code: str) -> str:
    """The page that explains a code, as Markdown. Raises FileNotFoundError where none is written."""
    return resources.files("specforge").joinpath("pages", f"{code}.md").read_text(encoding="utf-8")
