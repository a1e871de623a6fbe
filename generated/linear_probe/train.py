"""Fit the head on vectors of the base model, which stays as it is."""

import argparse
import shutil
from pathlib import Path

import joblib

import encoder
import probe
from rows import read_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(work: Path) -> None:
    """Make `model/` in the work folder: the model as it comes, and the head."""
    model, rows = encoder.load(encoder.base_model()), read_rows(work, "train")
    dev = read_rows(work, "dev")
    head = probe.fit(encoder.encode(model, rows.texts), rows.labels, encoder.encode(model, dev.texts), dev.labels)
    shutil.rmtree(work / "model.tmp", ignore_errors=True)
    model.save_pretrained(str(work / "model.tmp"), create_model_card=False)
    joblib.dump(head, work / "model.tmp/head.joblib")
    shutil.rmtree(work / "model", ignore_errors=True)
    (work / "model.tmp").rename(work / "model")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "by_hand" / HERE.name)
    main(parser.parse_args().work)
