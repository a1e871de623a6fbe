"""The values that the templates of a family of retrievers are filled with: the options that are its own."""

from __future__ import annotations

from specforge.catalog.families import FAMILIES, Family
from specforge.catalog.indexes import Index
from specforge.quote import Code
from specforge.spec.retriever import LateInteraction, Retriever, SparseEncoder
from specforge.templating import At

Values = dict[str, object]


_DENSE = {
    "read_test": Code('np.load(vectors / "test.npy")'),
    "read_corpus": Code('np.load(vectors / "corpus.npy")'),
    "read_split": Code('np.load(work / f"vectors/{split}.npy")'),
    "compared": Code("np.stack([rows[query] for query in part.ids]) @ documents.T"),
}
"""What generated code says of arrays of one vector a text."""

_OWN = {
    "read_test": Code('read_vectors(vectors, "test")'),
    "read_corpus": Code('read_vectors(vectors, "corpus")'),
    "read_split": Code('read_vectors(work / "vectors", split)'),
    "compared": Code("encoder.compare(asked[[places[query] for query in part.ids]], documents)"),
}
"""The same of what a family keeps in its own way, by the functions of its templates."""


def values(retriever: Retriever, index: Index | None) -> Values:
    """How the library spells the family, its templates, and its options; `index` is None where nothing is ranked."""
    family = FAMILIES[retriever.family]
    by_faiss = family.dense and not (index and index.own)
    return {
        "family": {
            **(_DENSE if family.dense else _OWN),
            "by_faiss": by_faiss,
            "read_index": Code('faiss.read_index(str(folder / "index.faiss"))' if by_faiss else "read_index(folder)"),
            "dense": family.dense,
            "uses_faiss": family.dense or bool(index and index.own),
            "model": Code(family.model),
            "trainer": Code(family.trainer),
            "arguments": Code(family.arguments),
            "vectors": Code(family.vectors),
            "count": Code(family.count),
            "index": Code("faiss.Index" if by_faiss else "Index"),
            "any_index": Code(_any_index(family, index)),
            "starts_anew": family.starts_anew,
            "encoder_partial": None if family.dense else f"{family.partials}/encoder.py.jinja",
        },
        "sparse": At(retriever, "retriever") if isinstance(retriever, SparseEncoder) else None,
        "late": _late(retriever) if isinstance(retriever, LateInteraction) else None,
    }


def _any_index(family: Family, index: Index | None) -> str:
    """The type of the index, or of one that compares everything."""
    if not index or not index.own:
        return "faiss.Index" if family.dense else "Index"
    return "Index | faiss.Index" if family.dense else "Index | Exact"


def index_partial(retriever: Retriever, kind: str) -> str:
    """The template that builds an index."""
    family = FAMILIES[retriever.family]
    return f"{family.partials}/index/{kind}.py.jinja"


def vectors_template(retriever: Retriever) -> str:
    """The template of the file that keeps what was encoded."""
    return f"{FAMILIES[retriever.family].partials}/vectors.py.jinja"


def loss_partial(retriever: Retriever, kind: str) -> str:
    """The template of a loss: families share its name, and not its code."""
    return f"{FAMILIES[retriever.family].partials}/loss/{kind}.py.jinja"


def _late(retriever: LateInteraction) -> Values:
    at, expansion, skiplist = At(retriever, "retriever"), retriever.query_expansion, retriever.skiplist
    cut = expansion is not None and expansion != "none" and expansion.strategy == "fixed"
    punctuation = skiplist == "punctuation"
    return {
        "query_length": at.query_expansion.length if cut else at.query_length,
        "dimension": at.dimension,
        "expansion": None if expansion is None else at.query_expansion if expansion != "none" else False,
        "no_expansion": At(None, at.query_expansion.trail),
        "punctuation": punctuation,
        "skiplist": None if skiplist is None else At(_listed(skiplist), at.skiplist.trail),
        "pool_factor": at.pool_factor,
    }


def _listed(skiplist: str | tuple[str, ...]) -> Code | list[str]:
    return Code("list(string.punctuation)") if isinstance(skiplist, str) else list(skiplist)
