"""Whether tuning is likely to pay, by what was measured without training: reasons first, each a rule of thumb."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from specforge.significance import detectable, holm

Figures = Mapping[str, Any]
"""What rivals.py wrote."""

NEARLY_PERFECT = 0.95
"""The share of the best possible figure from which on little is left to gain."""

WITHIN_REACH = 0.7
"""The share of the relevant documents among the first of a ranking from which on a reranker alone may do."""

FEW_PAIRS, MANY_PAIRS = 1_000, 10_000
"""Training pairs below which a tuned model seldom beats the best system without training, and above which it often does.
So it is in the recorded results of the example specs: of those with some 600 pairs none does."""

OF_LOGS = ("co_occurrence", "neighbour_transfer", "popularity")
"""Systems that know what people did, and nothing of what a text says but by way of neighbours."""


@dataclass(frozen=True)
class Reason:
    """One rule of thumb and what it says here: for tuning, against it, or that it cannot be told."""

    rule: str
    says: Literal["for", "against", "open"]
    text: str


@dataclass(frozen=True)
class Worth:
    """What is to be said: `likely`, `possible`, `unlikely`, or `unseen` where the evaluation could not show a gain."""

    tuning: Literal["likely", "possible", "unlikely", "unseen"]
    reasons: tuple[Reason, ...]


SENTENCES = {
    "likely": "tuning is likely to pay",
    "possible": "tuning may pay; nothing measured here says so or speaks against it",
    "unlikely": "tuning is not likely to pay",
    "unseen": "tuning could not be seen to pay with these queries",
}


def weigh(figures: Figures) -> Worth:
    """The reasons in the order of the rules, and what they come to.

    One against it outweighs all that are for it; after those, an evaluation that is too small can tell nothing.
    """
    reasons = tuple(reason for rule in RULES for reason in rule(figures))
    says = {reason.rule: reason.says for reason in reasons}
    if "against" in says.values():
        return Worth("unlikely", reasons)
    if says.get("evaluation") == "open":
        return Worth("unseen", reasons)
    return Worth("likely" if "for" in (says.get("words"), says.get("behaviour")) else "possible", reasons)


def contenders(figures: Figures) -> list[str]:
    """The systems that could be adopted, best first; a logged ranking knows the queries that it was asked, and no more."""
    return [name for name in figures["systems"] if name != "logged"]


def best(figures: Figures) -> str:
    """The best of them by its mean."""
    return contenders(figures)[0]


def has(figures: Figures, system: str) -> bool:
    """Whether a system was measured."""
    return system in figures["systems"]


def real(figures: Figures, a: str, b: str) -> bool:
    """Whether one of two systems is better than the other beyond doubt, after Holm's correction for all pairs."""
    pairs = figures["differences"]
    corrected = holm([one["p"] for one in pairs])
    [(one, p)] = [(one, p) for one, p in zip(pairs, corrected, strict=True) if {one["system"], one["over"]} == {a, b}]
    return p < 1 - figures["confidence"] and not one["low"] <= 0 <= one["high"]


def beats(figures: Figures, a: str, b: str) -> bool:
    """Whether the first is better, and beyond doubt; false where one of them was not measured."""
    systems = list(figures["systems"])
    return a in systems and b in systems and systems.index(a) < systems.index(b) and real(figures, a, b)


def smallest(figures: Figures) -> float | None:
    """The smallest difference that would be found: the median over those between the best system and each other."""
    top, names = best(figures), contenders(figures)
    found = [
        detectable(one, figures["confidence"])
        for one in figures["differences"]
        if top in (one["system"], one["over"]) and {one["system"], one["over"]} <= {*names}
    ]
    return median(found) if found else None


def headroom(figures: Figures) -> Iterator[Reason]:
    """Nothing can be won above the best possible."""
    top = best(figures)
    value, most = _mean(figures, top), figures["oracle"]
    share = f"{top} has {value:.3f} of at most {most:.3f}"
    if value >= NEARLY_PERFECT * most:
        yield Reason("headroom", "against", f"little is left to gain: {share}")
    else:
        yield Reason("headroom", "for", f"much is left to gain: {share}")


def evaluation(figures: Figures) -> Iterator[Reason]:
    """A gain that is smaller than what the queries can show stays unseen."""
    gap, least = figures["oracle"] - _mean(figures, best(figures)), smallest(figures)
    if least is None:
        return
    text = f"{figures['queries']} test queries show a difference of {least:.3f} and more"
    if least >= gap:
        yield Reason("evaluation", "open", f"{text}, and no more than {gap:.3f} is left to gain: hold out more")
    else:
        yield Reason("evaluation", "for", f"{text}: {100 * least / gap:.0f} % of what is left to gain")


def words(figures: Figures) -> Iterator[Reason]:
    """A base that knows the words of a product less well than counting them does has something to learn."""
    if not {"untuned", "bm25"} <= set(figures["systems"]):
        return
    if beats(figures, "bm25", "untuned"):
        yield Reason("words", "for", "bm25 beats untuned: the base model does not know the words of these texts")
    elif beats(figures, "untuned", "bm25"):
        yield Reason("words", "open", "untuned beats bm25: the base model understands these texts to some degree")
    else:
        yield Reason("words", "open", "untuned and bm25 are not told apart")


def behaviour(figures: Figures) -> Iterator[Reason]:
    """Where what people did ranks better than what texts say, there is something that texts can be taught."""
    if "untuned" not in figures["systems"]:
        return
    ahead = [name for name in OF_LOGS if beats(figures, name, "untuned")]
    taught = [name for name in ahead if name != "popularity"]
    if taught:
        yield Reason(
            "behaviour", "for", f"untuned loses to {' and '.join(taught)}: people mean more than the texts say"
        )
    elif ahead:
        yield Reason("behaviour", "open", "popularity beats untuned: see whether the judgments measure popularity")


def rows(figures: Figures) -> Iterator[Reason]:
    """Few pairs teach little."""
    pairs, queries = figures["training"]["pairs"], figures["training"]["queries"]
    text = f"{pairs:,} training pairs of {queries:,} queries"
    if pairs < FEW_PAIRS:
        yield Reason(
            "rows", "against", f"{text}: below {FEW_PAIRS:,}, a tuned model seldom beats the best without training"
        )
    elif pairs < MANY_PAIRS:
        yield Reason(
            "rows", "open", f"{text}: from {MANY_PAIRS:,} on, a tuned model often beats the best without training"
        )
    else:
        yield Reason("rows", "for", f"{text}: enough for most models")


RULES = (headroom, evaluation, words, behaviour, rows)


def reranker(figures: Figures) -> str:
    """Whether a reranker could do instead, over what the best ranking has among its first documents."""
    if "reach" not in figures:
        return (
            "whether a reranker alone could do is not known: of each query, what was shown is ranked and nothing else"
        )
    found = {name: figures["reach"][name] for name in contenders(figures)}
    name = max(found, key=lambda one: float(found[one]["found"]))
    share, depth = found[name]["found"], figures["depth"]
    text = f"{100 * share:.0f} % of the relevant documents are among the first {depth} of {name}"
    if share >= WITHIN_REACH:
        order = f"their best order has {figures['primary']} {found[name]['best_order']:.3f}"
        return f"a reranker alone may do, and vectors stay: {text}; {order}"
    return f"a reranker alone cannot do: no more than {text}; what finds documents has to change"


def differences(figures: Figures) -> str:
    """The best system, and which of the others it beats."""
    top, *others = contenders(figures)
    value = figures["systems"][top][figures["primary"]]
    told = f"best without training: {top} ({figures['primary']} {value['mean']:.3f}, {value['low']:.3f} to {value['high']:.3f})"
    groups = {"beats": [one for one in others if real(figures, top, one)]}
    groups["is not told from"] = [one for one in others if one not in groups["beats"]]
    return "; ".join([told, *(f"{word} {_listed(names)}" for word, names in groups.items() if names)])


def silent(figures: Figures) -> list[str]:
    """The systems that know nothing of these queries, in a line."""
    return [f"nothing to say about these queries: {_listed(figures['silent'])}"] if figures["silent"] else []


def _mean(figures: Figures, system: str) -> float:
    return float(figures["systems"][system][figures["primary"]]["mean"])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
