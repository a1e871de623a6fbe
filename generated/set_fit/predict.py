"""Say of which class a text is."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from setfit import SetFitModel

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
    loaded = SetFitModel.from_pretrained(str(model))
    with torch.inference_mode(), torch.autocast(loaded.device.type, dtype=torch.bfloat16, enabled=encoder.BF16):
        found = loaded.predict_proba(encoder.prompted(texts), batch_size=128, as_numpy=True, show_progress_bar=False)
    return list(loaded.labels), np.asarray(found, dtype=np.float32)


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
