"""How success is measured, and against what."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from specforge.spec.base import Column, Name, Section, Text

BaselineName = Literal[
    "popularity", "co_occurrence", "neighbour_transfer", "bm25", "word_overlap", "untuned", "logged", "untuned_reranker"
]

ClassBaselineName = Literal["majority", "linear_probe"]


def _growing(points: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Two or more, and each holds more than the one before; what is asked for as `all` is the last."""
    numbers = [point for point in points if isinstance(point, int)]
    if len(points) == 1 or "all" in points[:-1] or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise ValueError("two or more numbers, each larger than the one before; all may be the last")
    return points


class Slice(Section):
    """Parts of the test queries that are measured apart, by what a source says of a query, of what is relevant to it, or of the rows it stands in; where rows differ, the most frequent value counts."""

    source: Name
    """The source that says it: the collection, the one with the queries, or the one with the rows or events."""

    column: Column | None = None
    """The column whose values are the parts, the 20 largest of them; or give `where`."""

    where: Text | None = None
    """A condition over the columns of the source, in SQL, which parts queries into `yes` and `no`; or give `column`."""


SliceKind = Literal["popularity", "seen", "length"]
"""Parts that need no column: `popularity` and `seen` are of what is relevant to a query, `length` of the query's own words."""


class Elsewhere(Section):
    """Vectors that were made elsewhere, such as a vendor's embeddings: one more system, which ranks by them. A document that has none is ranked last, a query that has none finds nothing; both are counted (SF311)."""

    path: Text
    """The parquet file with the vectors of the documents: relative to the spec, absolute, or `package:DISTRIBUTION==VERSION/path/in/package`."""

    id: Column
    """Its column with the document's id."""

    vector: Column
    """The column with the vector, a list of numbers, of this file and of that of the queries."""

    similarity: Literal["cosine", "dot"] = "cosine"
    """How vectors are compared."""

    queries: Text | None = None
    """The parquet file with the vectors of the queries, where queries are no documents."""

    query: Column | None = None
    """Its column with the query: the id, where queries are a collection of their own, or else the text."""


class Bootstrap(Section):
    """Intervals by resampling queries with replacement (Sakai 2006), or the anchors of pairs, or documents that are clustered; what the objective names as one `group` or `user`, or the split as one `unit`, is drawn together (Field and Welsh 2007)."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """The share of resampled means inside the interval."""

    resamples: Annotated[int, Field(ge=1000, le=1_000_000)] = 10_000
    """How often they are resampled, and how often chance turns the signs of differences: no p-value is below one over it."""

    seed: Annotated[int, Field(ge=0)] = 0
    """For the resampling."""


class Measures(Section):
    """What every evaluation says."""

    primary: Text
    """The metric that the verdict is about."""

    metrics: tuple[Text, ...] = ()
    """More metrics to report."""

    slices: dict[Name, Slice | SliceKind] = Field(default_factory=dict)
    """Parts of the test queries to measure apart, by name: by a source, or `popularity` (`head`, the fewest documents that half of all training occurrences are of, and `tail`), `seen` (whether a document occurs in training; both of the most of what is relevant to the query), `length` (the words of the query: 1 to 3, 4 to 7, 8 to 15, ...)."""

    bootstrap: Bootstrap = Bootstrap.model_construct()
    """How the intervals are made."""

    @property
    def told(self) -> dict[str, Slice]:
        """The slices that a source tells."""
        return {name: one for name, one in self.slices.items() if isinstance(one, Slice)}

    @property
    def measured(self) -> tuple[str, ...]:
        """Each metric once, the primary one first."""
        return tuple(dict.fromkeys((self.primary, *self.metrics)))


class Evaluate(Measures):
    """Metrics over the full corpus, on test queries that nothing was chosen by; or of pairs, triplets and classes held out."""

    primary: Text
    """The metric that the verdict is about. It chooses the task: ranking by an ir-measures name, for example `nDCG@10`; similarity by `Spearman` or `Pearson`, of scored pairs; pair classification by `AP` or `F1`; `TripletAccuracy`; clustering by `VMeasure`. Of several objectives, a task other than ranking measures the one that counts."""

    objective: Name | None = None
    """Of several objectives, the one that the verdict is about and whose collection is indexed; without it, the first."""

    candidates: Literal["corpus", "shown"] | None = None
    """What is ranked for a query: all documents, or those alone that were shown for it and judged (condensed lists; Sakai 2007). Without it, `shown` for logs of what people saw (`clicked`, `mutual_like`), where nothing is known of what they did not see, and `corpus` for all else."""

    baselines: tuple[BaselineName, ...] | None = None
    """The systems to stand beside the tuned model; without it, all that fit the task and the objective."""

    vectors: dict[Name, Elsewhere] = Field(default_factory=dict)
    """More systems beside it: vectors that were made elsewhere, each under a name of your own."""

    fuse: tuple[BaselineName, ...] = ()
    """Baselines to fuse with the tuned model, each one more system: scores are standardised and added, the weight is chosen on dev."""

    dimensions: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = ()
    """The model's vectors, and those of `untuned` where it is a baseline, cut to so many dimensions and scaled to length 1 again, each one more system such as `tuned@128`. Compared exactly, whatever the index."""

    learning_curve: Annotated[tuple[Annotated[int, Field(ge=1)] | Literal["all"], ...], AfterValidator(_growing)] = ()
    """Trains on growing parts of what the objective is made of (carts, answers, searches), such as `[100, 500, 2000, all]`, and measures each on the same test queries: would more help? A smaller part lies within every larger one. The steps of each are chosen on dev, by `train.select`. With the seeds of `train.seeds` or, where that is one, with it and the next two."""

    depth: Annotated[int, Field(ge=10, le=10_000)] = 100
    """Documents kept in a system's ranking of a query."""


class EvaluateClasses(Measures):
    """How often the class of a test text is told, on texts that nothing was chosen by."""

    primary: Text
    """The metric that the verdict is about: `Accuracy`, or `F1`, the mean over the classes."""

    slices: dict[Name, Slice | Literal["length"]] = Field(default_factory=dict)  # type: ignore[assignment]
    """Parts of the test texts to measure apart, by name: by a source, or `length` (the words of the text: 1 to 3, 4 to 7, 8 to 15, ...)."""

    baselines: tuple[ClassBaselineName, ...] | None = None
    """The systems to stand beside the classifier: `majority` (always the class that is most frequent in training) and `linear_probe` (logistic regression on vectors of the untuned model). Without it, all of them."""
