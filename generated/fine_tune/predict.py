"""Say of which class a text is."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import encoder

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Guess:
    """A class that a text may be of."""

    label: str
    probability: float


def probabilities(model: Path, texts: list[str]) -> tuple[list[str], NDArray[np.float32]]:
    """The classes, and the probability of each for every text, of shape (texts, classes)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loaded = AutoModelForSequenceClassification.from_pretrained(str(model)).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(model))
    classes = [loaded.config.id2label[number] for number in range(loaded.config.num_labels)]
    found = np.empty((len(texts), len(classes)), np.float32)
    # texts of like length go together: there is less padding
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), 128):
        rows = order[start : start + 128]
        read = tokenizer(
            [texts[row] for row in rows],
            truncation=True,
            max_length=encoder.MAX_LENGTH,
            padding="longest",
            return_tensors="pt",
        ).to(device)
        with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=encoder.BF16):
            logits = loaded(**read).logits
        found[rows] = logits.float().softmax(dim=1).cpu().numpy()
    return classes, found


def guesses(work: Path, text: str, k: int) -> list[Guess]:
    """The `k` likeliest classes of a text, the likeliest first."""
    classes, found = probabilities(work / "model", [text])
    best = np.argsort(-found[0], kind="stable")[:k]
    return [Guess(classes[place], float(found[0, place])) for place in best]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text")
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    asked = parser.parse_args()
    print(
        json.dumps([asdict(guess) for guess in guesses(asked.work, asked.text, asked.k)], indent=1, ensure_ascii=False)
    )
