"""Which choices of rerankers go together: losses, activations, samplers, negatives, and what is measured."""

from __future__ import annotations

from chosen import Chosen, Rule
from grown import ABSENT, GIVEN, SECOND

from specforge.catalog.evidence import Evidence
from specforge.catalog.shapes import SHAPES


def rows_do_not_fit(c: Chosen) -> bool:
    loss = c.reranker_loss
    return loss is not None and c.reranker_path(loss) is None


def wrong_activation(c: Chosen) -> bool:
    activation, loss = c["reranker.activation"], c.reranker_loss
    if activation == ABSENT or loss is None:
        return False
    found = c.reranker_path(loss)
    taught = found is not None and SHAPES[found[0]].untaught is not None
    return activation not in (("identity",) if taught else loss.activations)


def wrong_sampler(c: Chosen) -> bool:
    sampler, loss = c["reranker.train.sampler"], c.reranker_loss
    return sampler != ABSENT and loss is not None and sampler not in loss.samplers


def put_in_by_hand(c: Chosen) -> bool:
    """Whether people were not shown what is ranked, but judges were."""
    if not c.reranks or c["evaluate.candidates"] != "shown":
        return False
    return not all(issubclass(kind, Evidence) and kind.of_exposure for kind in c.kinds())


RULES = (
    Rule("rows fit the reranker", "SF101", ("reranker.loss.kind",), rows_do_not_fit),
    Rule("the activation fits", "SF111", ("reranker.activation",), wrong_activation),
    Rule("the sampler fits the reranker", "SF103", ("reranker.train.sampler",), wrong_sampler),
    Rule("training a reranker has a loss", "SF003", ("reranker",), lambda c: c.trains_reranker and c.reranker_loss is None),
    Rule("a reranker is of one objective", "SF003", ("reranker",), lambda c: c.reranks and c.has(SECOND)),
    Rule("a reranker has no folds", "SF003", ("reranker",), lambda c: c.reranks and c.has("split.folds")),
    Rule("a retriever with reranker has one seed", "SF003", ("retriever.train.seeds",), lambda c: c.reranks
        and c["retriever.train.seeds"] == GIVEN),
    Rule("a reranker has one seed", "SF003", ("reranker.train.seeds",), lambda c: c["reranker.train.seeds"] == GIVEN),
    Rule("what is reranked was found", "SF306", ("evaluate.candidates",), put_in_by_hand),
    Rule("test does not select the reranker", "SF114", ("reranker.train.select.on",), lambda c: c["reranker.train.select.on"]
        == "test"),
    Rule("a reranker ranks", "SF113", ("evaluate.primary",), lambda c: c.reranks and not c.ranks),
)  # fmt: skip
"""Rules of rerankers, besides those of the retrievers before them."""
