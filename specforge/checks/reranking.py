"""The rules about a reranker, and about a retriever that compares words."""

from __future__ import annotations

from collections.abc import Iterator

from specforge import rerankers
from specforge.catalog.baselines import BASELINES
from specforge.catalog.evidence import Evidence
from specforge.catalog.losses import LOSSES
from specforge.catalog.losses.cross_encoder import CrossEncoderLoss
from specforge.catalog.shapes import COERCIONS
from specforge.checks import adaptation
from specforge.checks.losses import TEACHER, kind_of
from specforge.checks.words import listed
from specforge.problems import Keys, Problem
from specforge.rerankers import trained
from specforge.source import Source
from specforge.spec.document import Spec

_LOSS: Keys = ("reranker", "loss", "kind")


def loss_given(spec: Spec, source: Source) -> Iterator[Problem]:
    """Training minimises something."""
    if trained(spec) is not None and spec.reranker is not None and spec.reranker.loss is None:
        message, keys = '"reranker" needs "loss", because it is trained', ("reranker",)
        hint = 'add a loss, such as {kind: binary_cross_entropy}, or "train: none" for a cross encoder as it comes'
        yield Problem("SF003", message, source.key_span(keys), keys, hint)


def one_objective(spec: Spec, source: Source) -> Iterator[Problem]:
    """What a reranker is trained and measured on is one objective, once."""
    if spec.reranker is None:
        return
    keys: Keys = ("reranker",)
    span = source.key_span(keys)
    if spec.others:
        message = f"a reranker is of one objective, and there are {len(spec.objectives)}"
        hint = "what it reads is found in the collection of one objective; give the others a spec of their own"
        yield Problem("SF003", message, span, keys, hint)
    if spec.folds:
        message = 'a reranker and "folds" are not combined'
        hint = 'every fold would train a retriever and then a reranker; leave "folds" out of "split"'
        yield Problem("SF003", message, span, keys, hint)
    for section, train in (("retriever", spec.train), ("reranker", trained(spec))):
        if train is not None and len(train.seeds) > 1:
            keys = (section, "train", "seeds")
            message = 'a reranker and several "seeds" are not combined'
            hint = "every seed would train a retriever and then a reranker; repeat the run with --set and compare"
            yield Problem("SF003", message, source.value_span(keys), keys, hint)


def rows(spec: Spec, source: Source) -> Iterator[Problem]:
    """A loss gets the rows that it takes."""
    section = spec.reranker
    if trained(spec) is None or section is None or section.loss is None or rerankers.way(spec, spec.primary):
        return
    objective = spec.objectives[spec.primary]
    takes, gives = listed(section.loss.takes, " or "), listed(objective.gives(), " and ")
    message = f'loss "{section.loss.kind}" takes {takes}, and "{spec.primary}" gives {gives}'
    hint = _way_out(spec, section.loss)
    if TEACHER in hint:
        message = (
            f'loss "{section.loss.kind}" needs a "teacher": it learns what a model says of the rows of "{spec.primary}"'
        )
    yield Problem("SF101", message, source.value_span(_LOSS), _LOSS, hint)


def _way_out(spec: Spec, loss: CrossEncoderLoss) -> str:
    """What makes the rows fit the loss."""
    wanted = {need for one in COERCIONS if one.wanted in loss.takes for need in [one.needs] if need is not None}
    if "teacher" in wanted and spec.reranker is not None and spec.reranker.teacher is None:
        return f'add {TEACHER} to "reranker"'
    if "grades" in wanted and not rerankers.graded(spec):
        return 'it learns grades: name their column in "grade", or take loss "binary_cross_entropy"'
    return 'nothing says what is not relevant: set "per_positive" in "negatives" above 0'


def activation(spec: Spec, source: Source) -> Iterator[Problem]:
    """The loss sees scores as it needs them."""
    section, keys = spec.reranker, ("reranker", "activation")
    loss = section.loss if section is not None and trained(spec) is not None else None
    taught = rerankers.teacher(spec) is not None
    if section is None or loss is None or section.activation in (None, *_fitting(loss, taught=taught)):
        return
    why = "a teacher's scores are logits, which no sigmoid reaches" if taught else loss.why
    message = f'loss "{loss.kind}" does not fit activation "{section.activation}": {why}'
    fitting = [kind_of(one) for one in LOSSES["cross_encoder"] if _takes_activation(one, section.activation)]
    hint = f'leave "activation" out; "{section.activation}" fits {listed(fitting, " and ")}'
    if taught:
        hint = 'leave "activation" out, or "teacher", to learn labels from 0 to 1'
    yield Problem("SF111", message, source.value_span(keys), keys, hint)


def _fitting(loss: CrossEncoderLoss, *, taught: bool) -> tuple[str, ...]:
    return ("identity",) if taught else loss.activations


def _takes_activation(loss: type[object], activation: str | None) -> bool:
    return issubclass(loss, CrossEncoderLoss) and activation in loss.activations


def negatives(spec: Spec, source: Source) -> Iterator[Problem]:
    """As many negatives as a positive asks for stand among the ranks that they are drawn from."""
    section = spec.reranker
    if section is None or trained(spec) is None:
        return
    wanted, (first, last) = section.negatives.per_positive, section.negatives.ranks
    keys: Keys = ("reranker", "negatives", "ranks")
    if first > last:
        message = f'"ranks" begin at {first} and end at {last}'
        yield Problem("SF003", message, source.value_span(keys), keys, f"write [{last}, {first}]")
    elif wanted > last - first + 1:
        message = f'"per_positive" asks for {wanted} negatives, and ranks {first} to {last} have {last - first + 1}'
        hint = f'raise the last of "ranks" to {first + wanted - 1} or more; what is relevant is left out of them'
        keys = ("reranker", "negatives", "per_positive")
        keys = keys if keys in source.places else ("reranker", "negatives")
        yield Problem("SF003", message, source.value_span(keys), keys, hint)


def learning_rate(spec: Spec, source: Source) -> Iterator[Problem]:
    """A cross encoder learns within the range of whole encoders."""
    train, keys = trained(spec), ("reranker", "train", "learning_rate")
    if train is not None:
        yield from adaptation.rate_of(source, keys, train.learning_rate, ("cross_encoder", "full"))


def by_hand(spec: Spec, source: Source) -> Iterator[Problem]:
    """What is reranked was found, or shown to people; judges put the relevant documents among what they judge."""
    for name, objective in spec.objectives.items():
        exposed = isinstance(objective, Evidence) and objective.of_exposure
        if spec.reranker is not None and spec.evaluate.candidates == "shown" and not exposed:
            keys: Keys = ("evaluate", "candidates")
            message = (
                f'"candidates: shown" has the reranker order what "{name}" judged, with its positives put in by hand'
            )
            hint = "leave it out: what the retriever finds is reranked, and what it misses counts"
            yield Problem("SF306", message, source.value_span(keys), keys, hint)


def depth(spec: Spec, source: Source) -> Iterator[Problem]:
    """No more is reranked than a ranking keeps."""
    if spec.reranker is not None and spec.reranker.over > spec.evaluate.depth:
        keys: Keys = ("reranker", "over")
        message = f'"over" reranks {spec.reranker.over} documents, and rankings keep {spec.evaluate.depth}'
        hint = f'set "depth: {spec.reranker.over}" in "evaluate", or lower "over"'
        yield Problem("SF003", message, source.value_span(keys), keys, hint)


def ranked(spec: Spec, source: Source) -> Iterator[Problem]:
    """Words in common and rerankers put documents in order, and do nothing else."""
    if spec.ranks or (spec.encoder is not None and spec.reranker is None):
        return
    keys: Keys = ("evaluate", "primary")
    who = "a reranker" if spec.reranker is not None else "bm25"
    message = f'metric "{spec.evaluate.primary}" ranks no documents, and {who} does nothing else'
    yield Problem("SF113", message, source.value_span(keys), keys, 'rank by "nDCG@10", say, or leave it out')


def lexical(spec: Spec, source: Source) -> Iterator[Problem]:
    """Words are compared without a base model."""
    if spec.encoder is not None:
        return
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if BASELINES[name].dense:
                keys: Keys = ("evaluate", key, row)
                message = f'baseline "{name}" needs the vectors of a base model, and the retriever is bm25'
                yield Problem("SF113", message, source.value_span(keys), keys, "leave it out")
    for name, table in spec.sources.items():
        if table.chunk is not None and table.chunk.by != "sentences":
            keys = ("sources", name, "chunk", "by")
            message = f'chunks "by: {table.chunk.by}" are counted in tokens of the base model, and bm25 has none'
            yield Problem("SF003", message, source.value_span(keys), keys, 'cut "by: sentences"')


def untuned(spec: Spec, source: Source) -> Iterator[Problem]:
    """The reranker's base is measured where there is a reranker that is tuned, and is fused with nothing."""
    for key in ("baselines", "fuse"):
        for row, name in enumerate(getattr(spec.evaluate, key) or ()):
            if name != rerankers.UNTUNED or (key == "baselines" and trained(spec) is not None):
                continue
            keys: Keys = ("evaluate", key, row)
            why = "it ranks what the retriever found, and no more" if key == "fuse" else "no reranker is trained"
            yield Problem(
                "SF113", f'baseline "{name}" does not fit: {why}', source.value_span(keys), keys, "leave it out"
            )


RULES = (
    loss_given, one_objective, rows, activation, negatives, learning_rate, by_hand,
    depth, ranked, lexical, untuned,
)  # fmt: skip
