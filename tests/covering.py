"""A pairwise covering set of specs: every two choices that may stand in one spec do stand together in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import combinations, product

from chosen import Chosen, Rule, Undecided
from grown import Choices, Label, Point, point_at, ways
from legal import RULES

from specforge.spec.base import Section

Choice = tuple[str, Label]
Pair = tuple[Choice, Choice]
Order = Callable[[Point, Choices], Iterable[Label]]
"""In which order the labels of a place are tried."""

_FIRST = (".kind", ".by", ".family", ".similarity", "retriever.train", ".folds", ".part.of")
"""Ends of places that most rules ask for: with them first, what cannot be is found out early."""


_EARLY = (
    "evaluate.primary",
    "objectives.it.kind",
    "retriever.family",
    "reranker",
    "reranker.train",
    "split.by",
    "retriever.train",
    "retriever.loss.kind",
    "retriever.train.sampler",
    "reranker.loss.kind",
)
"""Before them."""


def _order(path: str) -> int:
    if path in _EARLY:
        return _EARLY.index(path) - len(_EARLY)
    return 1 if path.startswith("objectives.") or path.endswith(_FIRST) else 2


_CORE = (".kind", ".family", ".similarity", ".sampler", ".activation", "retriever.negatives", "reranker.negatives.per_positive",
    "retriever.train", "reranker", "reranker.train", "classifier.train.loss", ".freeze", "split.by", ".primary")  # fmt: skip
"""Ends of places that say what is trained, on which rows, and what it is measured by."""


Paired = Callable[[str], bool]
"""Whether the choices of a place stand beside every one of other such places."""


def core(path: str) -> bool:
    return path.endswith(_CORE)


def everywhere(path: str) -> bool:
    return True


def nowhere(path: str) -> bool:
    return False


class _Stuck(Exception):
    """No label of a place is left: these rules forbid them, and ask for these places."""

    def __init__(self, places: frozenset[str], rules: frozenset[Rule]) -> None:
        self.places = places
        self.rules = rules


class Language:
    """The choices of one kind of spec, and the rules that they must keep."""

    def __init__(self, model: type[Section], *, numbers: bool = False) -> None:
        """Of `numbers` that have a default, it is chosen whether they are written out, or they are left out."""
        self.model = model
        self.rules = RULES[model]
        self.ways = {path: found for path, found in ways(model).items() if numbers or not found[0].is_number}
        self.above = {path: {at for point in found for at, _ in point.when} for path, found in self.ways.items()}
        self.told = {new: {path for path in self.ways if path == new or new in self.above[path]} for new in self.ways}

    def broken(self, chosen: Choices) -> list[Rule]:
        """The rules that all choices of a spec break."""
        return [rule for rule in self.rules if rule.breaks(Chosen(self.model, self.ways, chosen))]

    @cached_property
    def places(self) -> list[str]:
        """All places, each after those that it hangs on."""
        found: dict[str, None] = {}
        for path in sorted(self.ways, key=_order):
            found |= dict.fromkeys([*sorted(self.above[path], key=len), path])
        return list(found)

    def choices(self) -> list[Choice]:
        """Every label of every place."""
        return [(path, label) for path in self.ways for label in self.labels(path)]

    def labels(self, path: str) -> list[Label]:
        return list(dict.fromkeys(label for point in self.ways[path] for label in point.labels))

    def together(self, *wanted: Choice) -> Iterator[dict[str, Label]]:
        """What must be chosen besides, so that these can be: nothing where they exclude each other by their places."""
        for points in product(*(self._having(choice) for choice in wanted)):
            merged = dict(wanted)
            needed = [*wanted, *(choice for point in points for choice in point.when)]
            if all(merged.setdefault(path, label) == label for path, label in needed):
                yield merged

    def _having(self, choice: Choice) -> list[Point]:
        path, label = choice
        return [point for point in self.ways[path] if label in point.labels]

    def legal(self, *wanted: Choice, order: Order, without: Iterable[Rule] = ()) -> Choices | frozenset[Rule]:
        """All choices of a spec that has these and breaks no rule but those left out; the rules that forbid it where there is none."""
        rules = [rule for rule in self.rules if rule not in set(without)]
        forbidding: frozenset[Rule] = frozenset()
        for start in self.together(*wanted):
            try:
                return self._complete(start, 0, order, self._undecided(start, dict.fromkeys(rules, "")))
            except _Stuck as reason:
                forbidding |= reason.rules
        return forbidding

    def breaking(self, *wanted: Choice) -> Iterator[tuple[Rule, Choices]]:
        """For choices that no spec can have: all choices of specs that have them, and the one rule that each breaks."""
        forbidding = self.legal(*wanted, order=as_declared)
        assert isinstance(forbidding, frozenset)
        for rule in self.rules:
            found = self.legal(*wanted, order=as_declared, without=[rule]) if rule in forbidding else forbidding
            if not isinstance(found, frozenset):
                yield rule, found

    def _complete(self, chosen: Choices, at: int, order: Order, waiting: Mapping[Rule, str]) -> Choices:
        """Raises `_Stuck` with the places of which one must be chosen otherwise."""
        while at < len(self.places):
            path = self.places[at]
            point = None if path in chosen else point_at(self.ways[path], chosen)
            if point is not None:
                return self._branch(point, chosen, at, order, waiting)
            at += 1
        return chosen

    def _branch(self, point: Point, chosen: Choices, at: int, order: Order, waiting: Mapping[Rule, str]) -> Choices:
        stuck, rules = set[str](), set[Rule]()
        for label in order(point, chosen):
            more = {**chosen, point.path: label}
            try:
                return self._complete(more, at + 1, order, self._undecided(more, waiting, point.path))
            except _Stuck as reason:
                if point.path not in reason.places:
                    raise
                stuck |= reason.places
                rules |= reason.rules
        raise _Stuck(frozenset(stuck | self.above[point.path]) - {point.path}, frozenset(rules))

    def _undecided(self, chosen: Choices, waiting: Mapping[Rule, str], new: str = "") -> Mapping[Rule, str]:
        """The rules that may still be broken, each with the place that it waits for. Raises `_Stuck` where one is broken: by that which asks least."""
        if new and self.told[new].isdisjoint(waiting.values()):
            return waiting
        found, broken = dict(waiting), list[tuple[Rule, set[str]]]()
        for rule, place in waiting.items():
            if new and place != new and new not in self.above[place]:
                continue
            del found[rule]
            asked = Chosen(self.model, self.ways, chosen)
            try:
                if rule.breaks(asked):
                    broken.append((rule, asked.asked))
            except Undecided as undecided:
                found[rule] = undecided.path
        if broken:
            rule, places = min(broken, key=lambda one: len(one[1]))
            raise _Stuck(frozenset(places), frozenset([rule]))
        return found

    def breaking_alone(self, rule: Rule) -> Language:
        """The same with the opposite of a rule: what is legal there breaks it, and no other."""
        other = copy(self)
        other.rules = (*(one for one in self.rules if one != rule), opposite(rule))
        return other

    def violating(self, rule: Rule) -> Iterator[Choices]:
        """Specs that break this rule alone: for every choice that it asks for one, where there is one."""
        others = self.breaking_alone(rule)
        first = others.legal(order=as_declared)
        assert not isinstance(first, frozenset), f"{rule.name}: no spec breaks it"
        asked = Chosen(self.model, self.ways, first)
        assert rule.breaks(asked)
        for path in sorted(asked.asked & set(self.ways)):
            for label in self.labels(path):
                found = others.legal((path, label), order=as_declared)
                if not isinstance(found, frozenset):
                    yield found


def opposite(rule: Rule) -> Rule:
    return replace(rule, breaks=lambda chosen: not rule.breaks(chosen))


def as_declared(point: Point, chosen: Choices) -> Iterable[Label]:
    return point.labels


class Covering:
    """Specs that together have every choice, and every two choices that can stand together of those places that `paired` names.

    Attributes:
        specs: the choices of each spec.
        apart: the pairs that the rules forbid; of a choice that none allows, it twice.
    """

    def __init__(self, language: Language, paired: Paired) -> None:
        self.language = language
        self.specs: list[Choices] = []
        self.apart: list[Pair] = []
        self.waiting: dict[Choice, set[Choice]] = {choice: set() for choice in language.choices()}
        first = [choice for choice in language.choices() if paired(choice[0])]
        every = [*combinations(first, 2), *((one, one) for one in language.choices())]
        pairs = [pair for pair in every if any(True for _ in language.together(*pair))]
        for one, other in pairs:
            self.waiting[one].add(other)
            self.waiting[other].add(one)
        for pair in sorted(pairs, key=self._many):
            self._cover(*pair)

    def _many(self, pair: Pair) -> int:
        """Of how many pairs two places are, negative: those that need most specs come first, and the others fall in with them."""
        return -len(self.language.labels(pair[0][0])) * len(self.language.labels(pair[1][0]))

    def _cover(self, one: Choice, other: Choice) -> None:
        if other not in self.waiting[one]:
            return
        found = self.language.legal(one, other, order=self._greedy)
        if isinstance(found, frozenset):
            self.apart.append((one, other))
            self.waiting[one].discard(other)
            self.waiting[other].discard(one)
            return
        self.specs.append(found)
        chosen = set(found.items())
        for choice in chosen:
            self.waiting[choice] -= chosen

    def _greedy(self, point: Point, chosen: Choices) -> list[Label]:
        """First what is seen beside most of what is chosen for the first time, then what is still to be seen beside most."""
        known = set(chosen.items())
        waiting = {label: self.waiting[point.path, label] for label in point.labels}
        return sorted(point.labels, key=lambda label: (-len(waiting[label] & known), -len(waiting[label])))
