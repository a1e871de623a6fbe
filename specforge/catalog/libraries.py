"""The libraries that generated code uses: the version that requirements.txt names, from one table."""

from __future__ import annotations

LIBRARIES = {
    "accelerate": "1.15.0",
    "adbc-driver-manager": "1.13.0",
    "adbc-driver-postgresql": "1.13.0",
    "adbc-driver-sqlite": "1.13.0",
    "bm25s": "0.3.16",
    "datasets": "5.2.0",
    "duckdb": "2.0.0",
    "faiss-cpu": "1.15.1",
    "ir-measures": "0.4.3",
    "lancedb": "0.40.0",
    "matplotlib": "3.11.2",
    "numpy": "2.4.6",
    "opensearch-py": "3.2.0",
    "peft": "0.21.2",
    "pgvector": "0.5.1",
    "psycopg": "3.3.9",
    "psycopg-binary": "3.3.9",
    "pyarrow": "26.0.1",
    "pytrec-eval-terrier": "0.5.11",
    "qdrant-client": "1.20.0",
    "scikit-learn": "1.9.1",
    "scipy": "1.17.1",
    "sentence-transformers": "6.2.0",
    "setfit": "1.2.0",
    "tokenizers": "0.23.3",
    "torch": "2.13.0",
    "tqdm": "4.70.1",
    "transformers": "5.23.0",
}
"""Distribution -> version."""

ENCODING = ("sentence-transformers", "transformers", "torch")
"""Those that encode texts, or read them in pairs."""

READERS = {
    "hub": ("datasets",),
    "sqlite": ("adbc-driver-manager", "adbc-driver-sqlite"),
    "postgresql": ("adbc-driver-manager", "adbc-driver-postgresql"),
}
"""What reads a source -> the distributions that it needs besides DuckDB."""

DISTRIBUTIONS = {
    "accelerate": ("accelerate",),
    "adbc_driver_manager": ("adbc-driver-manager",),
    "adbc_driver_postgresql": ("adbc-driver-manager", "adbc-driver-postgresql"),
    "adbc_driver_sqlite": ("adbc-driver-manager", "adbc-driver-sqlite"),
    "bm25s": ("bm25s",),
    "datasets": ("datasets",),
    "duckdb": ("duckdb",),
    "faiss": ("faiss-cpu",),
    "ir_measures": ("ir-measures", "pytrec-eval-terrier"),
    "joblib": ("scikit-learn",),
    "lancedb": ("lancedb",),
    "matplotlib": ("matplotlib",),
    "numpy": ("numpy",),
    "opensearchpy": ("opensearch-py",),
    "peft": ("peft",),
    "pgvector": ("pgvector",),
    "psycopg": ("psycopg", "psycopg-binary"),
    "pyarrow": ("pyarrow",),
    "qdrant_client": ("qdrant-client",),
    "scipy": ("scipy",),
    "sentence_transformers": ("sentence-transformers", "transformers"),
    "setfit": ("setfit",),
    "sklearn": ("scikit-learn",),
    "tokenizers": ("tokenizers",),
    "torch": ("torch",),
    "tqdm": ("tqdm",),
    "transformers": ("transformers",),
}
"""Module -> the distributions behind it."""
