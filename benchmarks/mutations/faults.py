"""All faults, by family."""

from __future__ import annotations

from mutations import (
    faults_of_evaluation,
    faults_of_logs,
    faults_of_models,
    faults_of_specs,
    faults_of_tables,
    faults_of_training,
)
from mutations.fault import Fault

FAMILIES: dict[str, tuple[Fault, ...]] = {
    "columns": faults_of_tables.COLUMNS,
    "ids": faults_of_tables.IDS,
    "labels": faults_of_tables.LABELS,
    "times": faults_of_tables.TIMES,
    "texts": faults_of_tables.TEXTS,
    "joins and logs": faults_of_logs.JOINS,
    "batches": faults_of_training.BATCHES,
    "negatives": faults_of_training.NEGATIVES,
    "rates, scales, margins": faults_of_training.RATES,
    "encoder and index": faults_of_training.ENCODER,
    "rerankers": faults_of_models.RERANKERS,
    "classes": faults_of_models.CLASSES,
    "adaptations and families": faults_of_models.KINDS,
    "splits": faults_of_evaluation.SPLITS,
    "choices": faults_of_evaluation.CHOICES,
    "metrics": faults_of_evaluation.METRICS,
    "the spec's text": faults_of_specs.TEXT,
    "generated code": faults_of_specs.CODE,
}

FAULTS: dict[str, Fault] = {fault.name: fault for family in FAMILIES.values() for fault in family}
"""Name -> fault."""
