"""Which choices of retrievers go together: losses, samplers, similarities, negatives, splits, metrics, baselines."""

from __future__ import annotations

from collections.abc import Callable

from chosen import Chosen, Rule, has_collection, has_optional, metric
from grown import ABSENT, GIVEN, SECOND, SEVERAL

from specforge.catalog.asked import Sql
from specforge.catalog.baselines import BASELINES, Baseline
from specforge.catalog.evidence import CitedInAnswer, Clicked, Evidence, Interacted, ScoredPairs
from specforge.catalog.families import FAMILIES
from specforge.catalog.losses.distillation import OfDistributions
from specforge.catalog.metrics import of_retriever
from specforge.catalog.tasks import TASKS

CURVE = "evaluate.learning_curve"


def rows_do_not_fit(name: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        loss = c.loss
        return loss is not None and c.kind(name) is not None and c.path(name, loss) is None

    return breaks


def similarity_not_trained(c: Chosen) -> bool:
    return c.loss is not None and c.similarity not in c.loss.similarities


def wrong_sampler(c: Chosen) -> bool:
    sampler = c["retriever.train.sampler"]
    return sampler != ABSENT and c.loss is not None and sampler not in c.loss.samplers


def split_does_not_fit(name: str) -> Callable[[Chosen], bool]:
    return lambda c: (kind := c.kind(name)) is not None and c.by not in kind.splits


def no_time(c: Chosen) -> bool:
    kind = c.kind("it")
    assert kind is not None
    wanted = c.by in kind.splits and c.split.by_time and "time" in kind.model_fields
    return wanted and not c.has("objectives.it.time")


def no_group(name: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        kind = c.kind(name)
        if kind is None or c.by != "group" or "group" not in kind.model_fields or "user" in kind.model_fields:
            return False
        return not c.names_group(name)

    return breaks


def named(c: Chosen, field: str) -> list[Baseline]:
    """The baselines that are measured, or fused with the model."""
    word = c[f"evaluate.{field}"]
    words = SEVERAL[field] if word == "all" else [word] if word in BASELINES else []
    return [BASELINES[str(one)] for one in words]


def of_items_only(field: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        of_items = any(one.of_items for one in named(c, field))
        return of_items and c.ranks and any(kind.queries == "texts" for kind in c.kinds())

    return breaks


def cannot(field: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        found = named(c, field)
        return bool(found) and (c.ranks or field == "baselines") and any(c.task not in one.tasks for one in found)

    return breaks


def needs_vectors(field: str) -> Callable[[Chosen], bool]:
    """Any system by vectors needs a model; neighbours need one vector a text."""

    def breaks(c: Chosen) -> bool:
        found = [one for one in named(c, field) if one.dense]
        return bool(found) and not c.is_dense and (not c.encodes or any(one.of_items for one in found))

    return breaks


def reranks(field: str) -> Callable[[Chosen], bool]:
    """The base of a reranker is measured where one is tuned, and is fused with nothing."""
    return lambda c: any(one.reranks for one in named(c, field)) and (field == "fuse" or not c.trains_reranker)


def has_no_ranks(c: Chosen) -> bool:
    """A ranking is logged by clicks, and by citations in lists or with ranks; of a second objective always in lists."""
    passages = c["objectives.it.one_row"] == "passage" and not c.has("objectives.it.rank")
    ranked = all(issubclass(kind, Clicked | CitedInAnswer) for kind in c.kinds())
    return c.ranks and any(one.of_ranks for one in named(c, "baselines")) and (not ranked or passages)


def vectors_of_several(c: Chosen) -> bool:
    return c.has("evaluate.vectors") and (not c.ranks or c.has(SECOND))


def vectors_without_queries(c: Chosen) -> bool:
    asked = c.has("evaluate.vectors") and c.ranks and not c.has(SECOND)
    given = c.has("evaluate.vectors.part.queries") and c.has("evaluate.vectors.part.query")
    return asked and not given and any(kind.queries == "texts" for kind in c.kinds())


def tokens_of_none(c: Chosen) -> bool:
    return c["sources.docs.chunk.by"] in ("tokens", "headings") and not c.encodes


def nothing_shown(c: Chosen) -> bool:
    asked = c["evaluate.candidates"] == "shown" and c.ranks
    return asked and not all(issubclass(kind, Evidence) and kind.has_negatives for kind in c.kinds())


def user_unsaid(c: Chosen) -> bool:
    text, history = c.has("objectives.it.user_text"), c.has("objectives.it.history")
    return c.kind("it") is Interacted and text == history


def history_without_time(c: Chosen) -> bool:
    return c.has("objectives.it.history") and not c.has("objectives.it.time")


def passage_without(field: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        asked = c.kind("it") is CitedInAnswer and c["objectives.it.one_row"] == "passage"
        wanted = field == "answer" or (asked and c["objectives.it.uncited"] == "above_cited")
        return asked and wanted and not c.has(f"objectives.it.{field}")

    return breaks


def another_side(c: Chosen) -> bool:
    return c["split.by"] == "column" and Sql in c.kinds() and c["split.column"] != Sql.group


def slice_says_nothing(c: Chosen) -> bool:
    source = c["evaluate.slices.part.source"]
    return source != ABSENT and not any(knows_queries(c, name, str(source)) for name in c.names)


def knows_queries(c: Chosen, name: str, source: str) -> bool:
    """Whether a source is the collection of an objective, or has its rows and a column with the query in them."""
    kind = c.kind(name)
    assert kind is not None
    if source == "docs":
        return has_collection(c, name)
    if kind.asks is None or kind.main == "of":
        return False
    return not has_optional(kind, kind.asks) or name == "too" or c.has(f"objectives.it.{kind.asks}")


def cut_queries(name: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        kind = c.kind(name)
        if kind is None or not c.has("sources.docs.chunk.by") or kind.queries != "documents":
            return False
        return has_collection(c, name)

    return breaks


def users_on_both_sides(c: Chosen) -> bool:
    return c.by == "anchor" and c.kind("it") is Interacted and c.has("objectives.it.history")


def no_anchors(c: Chosen) -> bool:
    roles = [c.fed(name) for name in c.names] if c["retriever.augmentation.part.of"] == "anchors" else []
    return any(roles) and not any("anchor" in one for one in roles)


def no_other_text(c: Chosen) -> bool:
    if c["retriever.augmentation.part.kind"] != "other_text":
        return False
    return c.has("sources.docs.chunk.by") or not any(has_collection(c, name) for name in c.names)


def wrong_task(path: str) -> Callable[[Chosen], bool]:
    def breaks(c: Chosen) -> bool:
        if not c.has(path):
            return False
        found = of_retriever(metric(c[path]))
        return found is not None and found.task != c.task

    return breaks


def not_measured(c: Chosen) -> bool:
    needed = TASKS[c.task].needs
    return needed is not None and needed not in c.measured()


def threshold_unsaid(c: Chosen) -> bool:
    return c.kind("it") is ScoredPairs and c.ranks and not c.has("objectives.it.relevant_from")


def no_negatives(c: Chosen) -> bool:
    return c.negatives == "given" and not any(issubclass(kind, Evidence) and kind.has_negatives for kind in c.kinds())


def is_first_tuned(c: Chosen) -> bool:
    return c["retriever.negatives.model"] == "tuned" and c.loss is not None


def tuned_on_negatives(c: Chosen) -> bool:
    return is_first_tuned(c) and c.loss is not None and "pairs" not in c.loss.takes


def without_neighbours(c: Chosen) -> bool:
    return c["retriever.negatives"] in ("mined", "clusters") and not c.is_dense


def is_static(c: Chosen) -> bool:
    return c.has("retriever.static")


def frozen_twice(c: Chosen) -> bool:
    return c.has("retriever.adaptation.layers") and c.has("retriever.adaptation.all_but_last")


def nothing_frozen(c: Chosen) -> bool:
    said = any(c.has(f"retriever.adaptation.{field}") for field in ("layers", "all_but_last"))
    return c["retriever.adaptation.kind"] == "freeze" and c["retriever.adaptation.embeddings"] is False and not said


def adaptation_does_not_fit(c: Chosen) -> bool:
    return c.encodes and c["retriever.adaptation.kind"] not in FAMILIES[c.family].adaptations


def index_does_not_fit(c: Chosen) -> bool:
    return c.encodes and c.has("index.kind") and c["index.kind"] not in FAMILIES[c.family].indexes


def no_vectors_to_learn(c: Chosen) -> bool:
    if c.loss is None or not c.loss.of_vectors or any(c.path(name, c.loss) is None for name in c.names):
        return False
    return c["retriever.teacher.kind"] == "cross_encoder"


def logits_of_cosines(c: Chosen) -> bool:
    asked = c.loss is not None and c.loss.copies and c.similarity == "cosine"
    return asked and c["retriever.teacher.kind"] == "cross_encoder"


def flat_distribution(c: Chosen) -> bool:
    of_cosines = c.loss is not None and issubclass(c.loss, OfDistributions) and c.similarity == "cosine"
    return of_cosines and c["retriever.loss.student_temperature"] in (ABSENT, GIVEN)


def one_ranking(c: Chosen) -> bool:
    """Whether there are no two rankings of the same documents for a hybrid, indexed once."""
    if not c.has("hybrid.kind"):
        return False
    of_exposure = all(issubclass(kind, Evidence) and kind.of_exposure for kind in c.kinds())
    candidates = c["evaluate.candidates"]
    shown = candidates == "shown" or (candidates == ABSENT and of_exposure)
    return shown or not c.encodes or not c.ranks or c.has("split.folds") or c.has(SECOND)


def unpinned_code(c: Chosen) -> bool:
    trusted = c["retriever.trust_remote_code"] is True and c["retriever.base"] == "org/model"
    return trusted and not c.has("retriever.revision")


RULES = (
    *(Rule(f"rows fit the loss: {one}", "SF101", ("retriever.loss.kind",), rows_do_not_fit(one)) for one in ("it", "too")),
    *(Rule(f"the split fits: {one}", "SF302", ("split.by",), split_does_not_fit(one)) for one in ("it", "too")),
    *(Rule(f"a query is whole: {one}", "SF003", (f"objectives.{one}.of",), cut_queries(one)) for one in ("it", "too")),
    Rule("the loss trains the similarity", "SF112", ("retriever.loss.kind",), similarity_not_trained),
    Rule("the sampler fits the loss", "SF103", ("retriever.train.sampler",), wrong_sampler),
    Rule("training has a loss", "SF003", ("retriever",), lambda c: c.is_trained and c.loss is None),
    Rule("vectors are searched by an index", "SF003", ("evaluate",), lambda c: c.encodes and c.ranks
        and not c.has("index.kind")),
    Rule("the index holds the vectors", "SF205", ("index.kind",), index_does_not_fit),
    Rule("an export holds vectors", "SF205", ("index.export",), lambda c: c.has("index.export") and c.encodes
        and not c.is_dense),
    Rule("a funnel compares cosines", "SF205", ("index.kind",), lambda c: c.is_dense and c["index.kind"] == "funnel"
        and c.similarity != "cosine"),
    Rule("the objective has negatives", "SF101", ("retriever.negatives.kind",), no_negatives),
    Rule("a model is tuned before it finds negatives", "SF101", ("retriever.negatives.model",), tuned_on_negatives),
    Rule("a model is tuned before of one objective", "SF003", ("retriever.negatives.model",), lambda c: is_first_tuned(c)
        and c.has(SECOND)),
    Rule("negatives are found by one vector", "SF003", ("retriever.negatives",), without_neighbours),
    Rule("what is nested are cosines", "SF112", ("retriever.matryoshka",), lambda c: c.has("retriever.matryoshka")
        and c.loss is not None and c.similarity != "cosine"),
    Rule("cut vectors are cosines", "SF113", ("evaluate.dimensions",), lambda c: c.has("evaluate.dimensions")
        and c.encodes and c.similarity != "cosine"),
    Rule("truncated vectors are cosines", "SF112", ("retriever.truncate_dim",), lambda c: c.has("retriever.truncate_dim")
        and c.similarity != "cosine"),
    Rule("layers are not cached", "SF109", ("retriever.matryoshka.layers",), lambda c: c.loss is not None and c.loss.cached
        and c["retriever.matryoshka.layers"] is True),
    Rule("nested layers are there", "SF003", ("retriever.matryoshka.layers",), lambda c: is_static(c)
        and c["retriever.matryoshka.layers"] is True and c.loss is not None),
    Rule("layers are frozen once", "SF003", ("retriever.adaptation.all_but_last",), frozen_twice),
    Rule("a teacher has vectors", "SF101", ("retriever.teacher.kind",), no_vectors_to_learn),
    Rule("margins are not of logits", "SF112", ("retriever.loss.kind",), logits_of_cosines),
    Rule("cosines are sharpened", "SF112", ("retriever.loss.kind", "retriever.loss.student_temperature"), flat_distribution),
    Rule("vectors that are learnt are whole", "SF003", ("retriever.matryoshka",), lambda c: c.has("retriever.matryoshka")
        and c.loss is not None and c.loss.of_vectors),
    Rule("a guide reads texts anew", "SF003", ("retriever.loss.kind",), lambda c: is_static(c)
        and c.loss is not None and c.loss.retokenizes),
    Rule("something is frozen", "SF003", ("retriever.adaptation",), nothing_frozen),
    Rule("the adaptation fits the family", "SF003", ("retriever.adaptation.kind",), adaptation_does_not_fit),
    Rule("a static model is trained whole", "SF003", ("retriever.adaptation",), lambda c: is_static(c)
        and c["retriever.adaptation.kind"] != "full"),
    Rule("batches of a static model are whole", "SF003", ("retriever.loss.kind",), lambda c: is_static(c)
        and c.loss is not None and c.loss.cached),
    Rule("random embeddings have a length", "SF003", ("retriever.static",), lambda c: c["retriever.static.embeddings"] == "random"
        and not c.has("retriever.static.dimension")),
    Rule("trusted code is pinned", "SF403", ("retriever.trust_remote_code",), unpinned_code),
    Rule("a user is on one side", "SF302", ("split.by",), users_on_both_sides),
    Rule("what is augmented is there", "SF003", ("retriever.augmentation.part",), no_anchors, searched=False),
    Rule("another template has its collection", "SF003", ("retriever.augmentation.part.source",), no_other_text),
    Rule("test does not select", "SF114", ("retriever.train.select.on",), lambda c: c["retriever.train.select.on"] == "test"),
    Rule("the index ranks as trained", "SF205", ("index.similarity",), lambda c: c.encodes and c["index.similarity"] not in (
        ABSENT, c.similarity)),
    Rule("a split by time has times", "SF003", ("objectives.it",), no_time),
    *(Rule(f"a split by group has groups: {one}", "SF003", (f"objectives.{one}",), no_group(one)) for one in ("it", "too")),
    Rule("items are asked for items", "SF113", ("evaluate.baselines",), of_items_only("baselines")),
    Rule("items are fused with items", "SF113", ("evaluate.fuse",), of_items_only("fuse")),
    Rule("a logged ranking has ranks", "SF113", ("evaluate.baselines",), has_no_ranks),
    Rule("what was logged is not fused", "SF113", ("evaluate.fuse",), lambda c: c.ranks
         and any(one.of_ranks for one in named(c, "fuse"))),
    Rule("vectors are of one collection", "SF113", ("evaluate.vectors",), vectors_of_several),
    Rule("queries have vectors", "SF003", ("evaluate.vectors.part",), vectors_without_queries),
    Rule("something was shown", "SF113", ("evaluate.candidates",), nothing_shown),
    *(Rule(f"a metric is of the task: {one}", "SF113", (one,), wrong_task(one)) for one in (
        "evaluate.primary", "evaluate.metrics", "retriever.train.select.metric", "reranker.train.select.metric")),
    Rule("the rows say what is measured", "SF113", ("evaluate.primary",), not_measured),
    Rule("one vector is measured", "SF113", ("evaluate.primary",), lambda c: not c.ranks and not c.is_dense),
    Rule("chunks are counted in tokens of a model", "SF003", ("sources.docs.chunk.by",), tokens_of_none),
    *(Rule(f"a reranker is tuned: {one}", "SF113", (f"evaluate.{one}",), reranks(one)) for one in SEVERAL),
    Rule("what ranks has a threshold", "SF003", ("objectives.it",), threshold_unsaid),
    *(Rule(f"a baseline can what is measured: {one}", "SF113", (f"evaluate.{one}",), cannot(one)) for one in SEVERAL),
    *(Rule(f"neighbours have one vector: {one}", "SF113", (f"evaluate.{one}",), needs_vectors(one)) for one in SEVERAL),
    Rule("folds are of rankings", "SF113", ("split.folds",), lambda c: c.has("split.folds") and not c.ranks),
    Rule("chunks are of rankings", "SF113", ("sources.docs.chunk",), lambda c: c.has("sources.docs.chunk.by")
        and not c.ranks),
    Rule("folds are of one objective", "SF003", ("split.folds",), lambda c: c.has("split.folds") and c.has(SECOND)),
    Rule("folds are of one seed", "SF003", ("split.folds",), lambda c: c.has("split.folds")
        and c["retriever.train.seeds"] == GIVEN),
    Rule("a curve is of rankings", "SF113", (CURVE,), lambda c: c.has(CURVE) and not c.ranks),
    Rule("a curve is of one objective", "SF003", (CURVE,), lambda c: c.has(CURVE) and c.has(SECOND)),
    Rule("a curve has no folds", "SF003", (CURVE,), lambda c: c.has(CURVE) and c.has("split.folds")),
    Rule("a curve has no reranker", "SF003", (CURVE,), lambda c: c.has(CURVE) and c.reranks),
    Rule("a curve has no hybrid", "SF003", (CURVE,), lambda c: c.has(CURVE) and c.has("hybrid.kind")),
    Rule("dev chooses the steps of a curve", "SF003", (CURVE,), lambda c: c.has(CURVE)
        and not (c.is_trained and c["retriever.train.select.every"] == GIVEN)),
    Rule("a user has a text", "SF003", ("objectives.it",), user_unsaid),
    Rule("a history has times", "SF003", ("objectives.it",), history_without_time),
    Rule("a passage has an answer", "SF003", ("objectives.it",), passage_without("answer")),
    Rule("a passage has a rank", "SF003", ("objectives.it",), passage_without("rank")),
    Rule("a query has its own side", "SF003", ("split.column",), another_side),
    Rule("a hybrid is of two rankings", "SF113", ("hybrid.kind",), one_ranking),
    Rule("a slice says something", "SF003", ("evaluate.slices.part.source",), slice_says_nothing),
)  # fmt: skip
"""Rules of retrievers."""
