"""Rules about the prepared texts of a classifier: whether each class has enough of them, and whether the split holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb

from specforge import classifying, clusters
from specforge.catalog.classifiers import LinearProbe
from specforge.catalog.tasks import TASKS
from specforge.checks.classifiers import select_of, supervised
from specforge.checks.near import duplicates
from specforge.checks.prepared import CLUSTERS, clusters_of
from specforge.checks.texts import nearly, pairs_of, shared, token_counts, tokenizer_file, whole
from specforge.checks.words import clipped, counted, listed, percent
from specforge.problems import Keys, Problem, in_order
from specforge.significance import EFFECT, POWER, smallest
from specforge.source import Source
from specforge.spec.document import Classification

_UNITS = "with units as (select split, id as unit from rows)"
TABLES = ("rows", "classes", "disputed", "summary")

_CUT = 0.01
_NEAR = 0.01
_EXAMPLES = 3
_DISAGREE = TASKS["classification"].deviation ** 2
"""Assumed: the share of test texts of which one system is right and the other is not."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Prepared tables and the spec they are of.

    Attributes:
        base: the folder of the spec's file.
        db: has a view for each of `TABLES`.
    """

    spec: Classification
    source: Source
    base: Path
    db: duckdb.DuckDBPyConnection

    def number(self, query: str) -> int:
        """The one number that a query gives."""
        found = self.db.execute(query).fetchone()
        return int(found[0] or 0) if found else 0

    def texts(self, where: str) -> list[str]:
        """The texts of some rows."""
        return [text for (text,) in self.db.execute(f"select text from rows where {where} order by id").fetchall()]

    def of_split(self, key: str) -> Keys:
        """The place of a field of the split, or of what says how it is split."""
        keys: Keys = ("split", key)
        return keys if keys in self.source.places else ("split",) if ("split",) in self.source.places else ()


@contextmanager
def opened(spec: Classification, source: Source, data: Path, base: Path) -> Iterator[Classes]:
    """The tables under `data`, which prepare.py wrote; `base` is the folder of the spec's file."""
    with duckdb.connect() as db:
        for name in TABLES:
            db.read_parquet(str(data / f"{name}.parquet")).create_view(name)
        db.execute(clusters_of(data))
        yield Classes(spec, source, base, db)


def check(spec: Classification, source: Source, data: Path, base: Path) -> list[Problem]:
    """Every mistake that the prepared tables in the folder `data` show, by place; `base` is the folder of the spec's file."""
    with opened(spec, source, data, base) as classes:
        return in_order(problem for rule in RULES for problem in rule(classes))


def sizes(data: Path) -> dict[str, int]:
    """What a plan tells of the texts."""
    with duckdb.connect() as db:
        db.read_parquet(str(data / "classes.parquet")).create_view("classes")
        names = ("classes", "texts train", "texts dev", "texts test")
        found = db.execute("select count(*), sum(drawn), sum(dev), sum(test) from classes").fetchone() or ()
        return {name: int(number or 0) for name, number in zip(names, found, strict=True)}


def tested(data: Path) -> tuple[int, int | None]:
    """The test texts, and what they are drawn in when intervals are made; None where each is drawn alone."""
    with duckdb.connect() as db:
        db.read_parquet(str(data / "rows.parquet")).create_view("rows")
        db.execute(clusters_of(data))
        found = db.execute(
            f"{_UNITS} select (select count(*) from units where split = 'test'), ({CLUSTERS})"
        ).fetchone()
        texts, clusters = found or (0, None)
        return int(texts), clusters


def nothing(classes: Classes) -> Iterator[Problem]:
    """Training needs two classes, choosing needs dev texts, reporting needs test texts."""
    twos = supervised(classes.spec)
    trained = classes.number(f"select count(*) from classes where drawn > {int(twos)}")
    if trained < 2:
        keys: Keys = ("objectives", classes.spec.primary, "attribute")
        message = f"{counted(trained, 'class', 'classes')} {'has' if trained == 1 else 'have'} {'two ' * twos}texts that train, and two are needed"
        yield Problem("SF004", message, classes.source.value_span(keys), keys, "", _fates(classes))
    for side in (*(("dev",) if _chooses(classes.spec) else ()), "test"):
        if not classes.number(f"select count(*) from rows where split = '{side}'"):
            keys = classes.of_split(side)
            message = f"no {side} text with a class"
            yield Problem("SF004", message, classes.source.value_span(keys), keys, "hold out more", _fates(classes))


def _chooses(spec: Classification) -> bool:
    """Whether something is chosen on dev."""
    probe = "linear_probe" in classifying.baselines(spec)
    own = isinstance(spec.classifier, LinearProbe) and len(spec.classifier.c) > 1
    return probe or own or select_of(spec) is not None


def _fates(classes: Classes) -> tuple[str, ...]:
    """What became of the texts, in a line each."""
    found = classes.db.execute("select what, amount from summary where amount > 0 order by what").fetchall()
    return tuple(f"{what.replace('_', ' ')}: {amount:,}" for what, amount in found)


def rare(classes: Classes) -> Iterator[Problem]:
    """A class that does not train is never predicted; one with fewer texts than are drawn trains with less than the others."""
    keys: Keys = ("objectives", classes.spec.primary, "attribute")
    untrained = classes.db.execute(
        "select label, dev + test from classes where train = 0 order by 2 desc, 1"
    ).fetchall()
    if untrained:
        have = "has" if len(untrained) == 1 else "have"
        message = f"{counted(len(untrained), 'class', 'classes')} {have} held-out texts and none that train"
        hint = 'they are never predicted: collect more of them, or leave them out with "where"'
        yield Problem("SF308", message, classes.source.value_span(keys), keys, hint, _numbers(untrained, "held out"))
    per_class = classes.spec.objectives[classes.spec.primary].per_class
    if per_class is not None:
        keys = ("objectives", classes.spec.primary, "per_class")
        few = f"select label, train from classes where train between 1 and {per_class - 1} order by train, label"
        found = classes.db.execute(few).fetchall()
        if found:
            have = "has" if len(found) == 1 else "have"
            message = f"{counted(len(found), 'class', 'classes')} {have} fewer than {per_class} texts that train"
            hint = 'they train with what they have: lower "per_class", or collect more of them'
            yield Problem("SF308", message, classes.source.value_span(keys), keys, hint, _numbers(found, "train"))


def _numbers(found: list[tuple[object, ...]], word: str) -> tuple[str, ...]:
    return tuple(f"{listed([clipped(label)])}: {number} {word}" for label, number in found[:_EXAMPLES])


def disputed(classes: Classes) -> Iterator[Problem]:
    """One text of two classes: no classifier can be right about both."""
    number = classes.number("select count(distinct id) from disputed")
    if number:
        found = classes.db.execute(f"""
            select any_value(text), string_agg(label || ' (' || times || ')', ', ' order by times desc, label)
            from disputed group by id order by id limit {_EXAMPLES}
        """).fetchall()
        keys: Keys = ("objectives", classes.spec.primary, "attribute")
        message = f"{counted(number, 'text')} {'stands' if number == 1 else 'stand'} under several classes; the most frequent counts"
        evidence = tuple(f"{listed([clipped(text)])}: {clipped(labels)}" for text, labels in found)
        yield Problem(
            "SF304", message, classes.source.value_span(keys), keys, "mend them where they come from", evidence
        )


def leaked(classes: Classes) -> Iterator[Problem]:
    """Held-out texts that training has seen, but for case and punctuation (an error) or nearly (a warning)."""
    held_out, train = classes.texts("split in ('dev', 'test')"), classes.texts("split = 'train'")
    same = shared(held_out, train)
    near = duplicates([text for text in held_out if text not in same], train)
    keys = classes.of_split("unit")
    span = classes.source.value_span(keys)
    if same:
        message = f"{counted(len(same), 'held-out text')} also {'stands' if len(same) == 1 else 'stand'} in train"
        hint = 'leave "unit" out of "split", so that equal texts fall on one side'
        yield Problem("SF301", message, span, keys, hint, pairs_of(same))
    if len(near) > _NEAR * len(held_out):
        message = f"{percent(len(near) / len(held_out))} of the held-out texts have a near duplicate in train"
        hint = 'split "by: group", or set "unit" to a column that such texts share'
        yield Problem("SF309", message, span, keys, hint, nearly(near))


def detectable(classes: Classes) -> Iterator[Problem]:
    """The smallest effect that the test texts, or their clusters, can show (paired, as McNemar's test has it)."""
    texts = classes.number("select count(*) from rows where split = 'test'")
    drawn = classes.number(f"{_UNITS} {CLUSTERS}")
    column = clusters.column(classes.spec, classes.spec.primary)
    one, many = (f'cluster by "{column}"', f'clusters by "{column}"') if drawn else TASKS["classification"].unit
    found = smallest(math.sqrt(_DISAGREE), drawn or texts)
    if found <= EFFECT:
        return
    keys = classes.of_split("test")
    enough = math.ceil(_DISAGREE * (POWER / EFFECT) ** 2)
    message = f"{counted(drawn or texts, one, many)} can show differences of {found:.2f} in accuracy and more only"
    evidence = (
        f"at 80 % power and 5 % error, if one system is right and the other not on {percent(_DISAGREE)} of them",
    )
    hint = f"{enough} {many.removeprefix('test ')} show {EFFECT}: hold out more"
    yield Problem("SF307", message, classes.source.value_span(keys), keys, hint, evidence)


def few_clusters(classes: Classes) -> Iterator[Problem]:
    """Intervals that draw few clusters are too narrow (Cameron, Gelbach and Miller 2008)."""
    found = classes.number(f"{_UNITS} {CLUSTERS}")
    if 0 < found < clusters.FEW:
        name = classes.spec.primary
        keys: Keys = ("objectives", name)
        message = f'the test texts are of {counted(found, "cluster")} by "{clusters.column(classes.spec, name)}", and intervals of so few are too narrow'
        hint = f"hold out {clusters.FEW} clusters and more"
        yield Problem("SF307", message, classes.source.key_span(keys), keys, hint)


def cut(classes: Classes) -> Iterator[Problem]:
    """Texts with more tokens than the model is set to read, counted by its own tokenizer."""
    file, longest = tokenizer_file(classes), classes.spec.classifier.max_length
    if file is None:
        return
    prompt = getattr(classes.spec.classifier, "prompt", "")
    counts = token_counts(classes, file, "select id, text from rows", prompt)
    lengths = sorted(length for length, _, _ in counts)
    share = sum(length > longest for length in lengths) / max(len(lengths), 1)
    if share <= _CUT:
        return
    keys: Keys = ("classifier", "max_length")
    message = f"{percent(share)} of the texts have more than {longest} tokens and are cut"
    evidence = (
        f"half of the texts have at most {round(median(lengths))} tokens, the longest has {lengths[-1]}",
        *(f"{clipped(id)}: {length:,} tokens, {listed([clipped(text)])}" for length, id, text in counts[:_EXAMPLES]),
    )
    wanted = lengths[int(0.9 * (len(lengths) - 1))]
    hint = whole("texts", "max_length", wanted, classes.spec.classifier, classes.base)
    yield Problem("SF204", message, classes.source.value_span(keys), keys, hint, evidence)


RULES = (nothing, rare, disputed, leaked, detectable, few_clusters, cut)
