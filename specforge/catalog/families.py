"""The families of retrievers that encode texts: what a text becomes, and how the library spells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A kind of model that turns texts into something that can be compared.

    Attributes:
        title: what a text becomes, in words.
        model: the library's class, in `sentence_transformers`.
        trainer: what trains it there.
        arguments: the arguments of the trainer.
        dense: whether a text is one vector, which faiss can index and baselines can find neighbours by.
        vectors: the type of many encoded texts in generated code.
        count: how generated code asks how many texts there are in them.
        indexes: the kinds of index that hold it.
        libraries: what the generated code needs to keep and to rank it.
        partials: the folder of the templates that are its own; those of a dense family lie beside it.
        adaptations: which weights may be trained, by the kind of adaptation.
        starts_anew: whether a base may lack the last part of the model, which then begins at random.
    """

    title: str
    model: str
    trainer: str
    arguments: str
    dense: bool
    vectors: str
    count: str
    indexes: tuple[str, ...]
    libraries: tuple[str, ...]
    partials: str
    adaptations: tuple[str, ...]
    starts_anew: bool


FAMILIES = {
    "bi_encoder": Family(
        title="one vector a text",
        model="SentenceTransformer",
        trainer="SentenceTransformerTrainer",
        arguments="SentenceTransformerTrainingArguments",
        dense=True,
        vectors="NDArray[np.float32]",
        count="len(asked)",
        indexes=("flat", "hnsw", "ivf", "ivf_pq", "opq", "scalar_quantizer", "binary", "funnel", "auto"),
        libraries=("faiss-cpu",),
        partials="python",
        adaptations=("full", "freeze", "lora"),
        starts_anew=False,
    ),
    "sparse_encoder": Family(
        title="a weight for each word that a text is about",
        model="SparseEncoder",
        trainer="SparseEncoderTrainer",
        arguments="SparseEncoderTrainingArguments",
        dense=False,
        vectors="csr_matrix",
        count="asked.shape[0]",
        indexes=("flat",),
        libraries=("scipy",),
        partials="python/sparse_encoder",
        adaptations=("full",),
        starts_anew=True,
    ),
    "late_interaction": Family(
        title="one vector a token",
        model="MultiVectorEncoder",
        trainer="MultiVectorEncoderTrainer",
        arguments="MultiVectorEncoderTrainingArguments",
        dense=False,
        vectors="TokenVectors",
        count="len(asked)",
        indexes=("flat", "multi_vector"),
        libraries=(),
        partials="python/late_interaction",
        adaptations=("full",),
        starts_anew=True,
    ),
}
"""Every family of the language whose models encode texts; `bm25` is no such family."""
