"""Makes the tables of the example specs: a small outdoor shop that never was. Same tables on every machine.

python specs/data/make.py
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
Row = Sequence[object]

THINGS = {
    "shelter": ("tent tarp bivy hammock groundsheet", "sleep dry stormy rain night camp"),
    "cooking": ("stove pot kettle spork lighter", "boil water meal breakfast gas flame"),
    "walking": ("boots gaiters poles socks insoles", "blister trail mud ankle distance grip"),
    "climbing": ("rope harness carabiner helmet chalk", "rock fall belay ledge wall partner"),
    "light": ("headlamp lantern torch candle beacon", "dark battery beam midnight signal read"),
    "carrying": ("backpack daypack pouch strap raincover", "heavy load shoulder litres weekend commute"),
}
"""Theme -> its things, and the words that people use when they need them."""

STYLES = ("light", "sturdy", "compact", "classic", "winter", "family")
ADVICE = (
    "Look at the seams first. Cheap ones give way after a season, and a repair on the road costs an evening.",
    "Ask someone who has used it for years. What they like best about it is rarely what the label says.",
    "Try it at home before you leave. Half of all surprises happen in the first hour, and there is a shop nearby.",
    "Weigh it yourself. The figure that the maker gives leaves out the bag, the cord and whatever else you carry with it.",
    "Think of the worst day and not of the best. What works in the sun may fail when everything is wet and you are tired.",
    "Spend the money where it counts. Two good pieces of equipment are worth more than five that you leave behind.",
)
QUESTIONS = (
    "what do I need for {}?",
    "help with {} please",
    "my trip has a lot of {}, what now?",
    "{}: which one is best?",
    "is there anything for {} on a budget?",
)

REQUESTS = {
    "delivery": ("where is my {}?", "the {} has not arrived", "when will the {} be delivered?", "is my {} on its way?"),
    "returns": (
        "I want to send the {} back",
        "how do I return a {}?",
        "the {} does not fit, can I swap it?",
        "refund for a {}",
    ),
    "repair": ("my {} is broken", "can you mend a {}?", "the {} tore on the first trip", "spare parts for a {}"),
    "stock": ("do you have the {} again soon?", "is the {} sold out?", "tell me when the {} is there", "any {} left?"),
    "invoice": (
        "I need an invoice for the {}",
        "the price of the {} on my bill is wrong",
        "I paid twice for a {}",
        "receipt for my {}",
    ),
    "advice": ("which {} is the best?", "what {} do you recommend?", "help me choose a {}", "is a cheap {} any good?"),
}
"""What a message to the shop is about -> how people put it."""


def main() -> None:
    """Write every table."""
    draw = random.Random(7)
    products = _products(draw)
    articles = _articles()
    _csv("products", "product_id name theme style grams description", products)
    _csv("articles", "article_id title text", articles)
    _csv("sessions", "session product_id action at", _sessions(draw, products))
    _csv("purchases", "user_id product_id at", _purchases(draw, products))
    searches = _searches(draw, articles)
    _csv("searches", "search query article_id rank clicked seconds at", searches)
    _vectors("vendor", "article_id", {article: f"{title} {text}" for article, title, text in articles})
    _vectors("vendor_queries", "query", {query: query for _, query, *_ in searches})
    _csv("queries", "query_id query", [(f"q{place}", text) for place, (text, _) in enumerate(_asked())])
    _csv("qrels", "query_id article_id grade part", _qrels(draw, articles))
    _csv("faq", "question article_id", _faq(draw, articles))
    _csv("links", "article_id see_also", _links(draw, articles))
    _csv("hikers", "person_id profile", _hikers())
    _csv("likes", "person other yes", _likes(draw))
    _csv("scores", "one other score", _scores(draw, products))
    _csv("triplets", "anchor positive negative", _triplets(draw, products))
    _csv("guides", "guide_id text", _guides())
    _csv("guide_questions", "question guide_id", _guide_questions())
    answers = [json.dumps(row) for row in _answers(draw, articles)]
    (HERE / "answers.jsonl").write_text("\n".join(answers) + "\n", encoding="utf-8")
    _csv("tickets", "ticket_id subject resolved_with escalated opened_at", _tickets(draw, articles))
    _csv("requests", "request_id message topic customer part", _requests(draw))


def _csv(name: str, columns: str, rows: Iterable[Row]) -> None:
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns.split())
        table.writerows(rows)


def _vectors(name: str, key: str, texts: dict[object, object]) -> None:
    """What a vendor might sell: counts of words, each hashed to one of 24 numbers (Weinberger et al. 2009)."""
    rows = [[0.0] * 24 for _ in texts]
    for row, text in zip(rows, texts.values(), strict=True):
        for word in re.findall(r"\w+", str(text).lower()):
            row[int(hashlib.md5(word.encode()).hexdigest()[:8], 16) % 24] += 1
    columns = {key: pa.array(map(str, texts)), "embedding": pa.array(rows, pa.list_(pa.float32()))}
    pq.write_table(pa.table(columns), HERE / f"{name}.parquet")


def _products(draw: random.Random) -> list[Row]:
    found: list[Row] = []
    for theme, (things, words) in THINGS.items():
        for thing in things.split():
            for style in STYLES:
                one, other = draw.sample(words.split(), 2)
                text = f"A {style} {thing} for {one} and {other}."
                found.append(
                    (f"p{len(found):03}", f"{style} {thing}", theme, style, draw.randrange(50, 2000, 10), text)
                )
    return found


def _articles() -> list[Row]:
    found: list[Row] = []
    for theme, (things, words) in THINGS.items():
        for thing in things.split():
            for word in words.split():
                title = f"{thing.capitalize()} and {word}"
                text = f"How to choose a {thing} when {word} matters, and other advice on {theme}."
                found.append((f"a{len(found):03}", title, text))
    return found


def _guides() -> list[Row]:
    """Long texts with headings: one thing, and a section a need."""
    found: list[Row] = []
    for theme, (things, words) in THINGS.items():
        for thing in things.split():
            parts = [f"All about the {thing}, which is a matter of {theme}."]
            for place, word in enumerate(words.split()):
                parts.append(
                    f"## {word.capitalize()}\n\nThe question of {word} comes up with every {thing}. {ADVICE[place]}"
                )
            found.append((f"g{len(found):03}", "\n\n".join(parts)))
    return found


def _guide_questions() -> list[Row]:
    names = [thing for things, _ in THINGS.values() for thing in things.split()]
    return [
        (question.format(thing, word), f"g{names.index(thing):03}")
        for things, words in THINGS.values()
        for thing in things.split()
        for word in words.split()
        for question in ("which {} for {}?", "is a {} any good for {}")
    ]


def _day(draw: random.Random) -> str:
    return (
        f"2024-{draw.randrange(1, 7):02}-{draw.randrange(1, 29):02} {draw.randrange(24):02}:{draw.randrange(60):02}:00"
    )


def _of_theme(rows: Sequence[Row], theme: int) -> Sequence[Row]:
    size = len(rows) // len(THINGS)
    return rows[theme * size : (theme + 1) * size]


def _sessions(draw: random.Random, products: list[Row]) -> list[Row]:
    """Who looks at one tent looks at other tents, and buys one of them, with something of another theme."""
    found: list[Row] = []
    for session in range(700):
        at, theme = _day(draw), draw.randrange(len(THINGS))
        viewed = draw.sample(_of_theme(products, theme), 4)
        extra = draw.choice(products)
        found += [(f"s{session}", row[0], "view", at) for row in [*viewed, extra]]
        found += [(f"s{session}", row[0], "purchase", at) for row in (viewed[0], extra)]
    return found


def _purchases(draw: random.Random, products: list[Row]) -> list[Row]:
    found: list[Row] = []
    for user in range(250):
        theme = draw.randrange(len(THINGS))
        for _ in range(draw.randrange(2, 7)):
            row = draw.choice(_of_theme(products, theme)) if draw.random() < 0.8 else draw.choice(products)
            found.append((f"u{user}", row[0], _day(draw)))
    return found


def _asked() -> list[tuple[str, int]]:
    """Every query with its theme."""
    return [
        (question.format(f"{one} and {other}"), theme)
        for theme, (_, words) in enumerate(THINGS.values())
        for place, one in enumerate(words.split())
        for other in words.split()[place + 1 :]
        for question in QUESTIONS
    ]


def _found(draw: random.Random, articles: list[Row], theme: int, text: str, size: int) -> tuple[list[str], list[str]]:
    """What a search engine shows for a query, and what of it answers: articles of the theme that share a word with it."""
    good = [row for row in _of_theme(articles, theme) if str(row[1]).split()[-1] in text]
    shown = [*draw.sample(good, min(2, len(good))), *draw.sample(articles, size - 2)]
    draw.shuffle(shown)
    right = {row[0] for row in good}
    names = list(dict.fromkeys(str(row[0]) for row in shown))
    return names, [name for name in names if name in right]


def _searches(draw: random.Random, articles: list[Row]) -> list[Row]:
    found: list[Row] = []
    for search, (text, theme) in enumerate(_asked()):
        shown, right = _found(draw, articles, theme, text, 6)
        at = _day(draw)
        for rank, name in enumerate(shown, start=1):
            clicked = name in right and draw.random() < 0.8
            found.append((f"s{search}", text, name, rank, int(clicked), draw.randrange(2, 90) if clicked else 0, at))
    return found


def _answers(draw: random.Random, articles: list[Row]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for place, (text, theme) in enumerate(_asked()):
        shown, right = _found(draw, articles, theme, text, 5)
        found.append({"answer_id": f"r{place}", "question": text, "retrieved": shown, "cited": right, "at": _day(draw)})
    return found


def _qrels(draw: random.Random, articles: list[Row]) -> list[Row]:
    found: list[Row] = []
    for place, (text, theme) in enumerate(_asked()):
        shown, right = _found(draw, articles, theme, text, 5)
        part = draw.choice(("train", "train", "train", "dev", "test"))
        found += [(f"q{place}", name, draw.choice((1, 2)) if name in right else 0, part) for name in shown]
    return found


def _faq(draw: random.Random, articles: list[Row]) -> list[Row]:
    asked = [(text, _found(draw, articles, theme, text, 2)[1]) for text, theme in _asked()]
    return [(text, name) for text, names in asked for name in names[:1]]


def _links(draw: random.Random, articles: list[Row]) -> list[Row]:
    """Articles on one thing refer to each other."""
    per_thing = 6
    found: list[Row] = []
    for place, row in enumerate(articles):
        start = place // per_thing * per_thing
        others = [other for other in articles[start : start + per_thing] if other is not row]
        found += [(row[0], other[0]) for other in draw.sample(others, 2)]
    return found


def _hikers() -> list[Row]:
    themes = list(THINGS.items())
    found: list[Row] = []
    for place in range(180):
        theme, (things, words) = themes[place % len(themes)]
        thing, word = things.split()[place // 6 % 5], words.split()[place // 30 % 6]
        found.append((f"h{place:03}", f"Likes {theme} and never leaves without a {thing}; talks of {word}."))
    return found


def _likes(draw: random.Random) -> list[Row]:
    """Who likes the same theme says yes more often."""
    found: list[Row] = []
    for one in range(180):
        for other in draw.sample(range(180), 9):
            if one < other:
                chance = 0.8 if one % len(THINGS) == other % len(THINGS) else 0.25
                found += [
                    (f"h{a:03}", f"h{b:03}", int(draw.random() < chance)) for a, b in ((one, other), (other, one))
                ]
    return found


def _scores(draw: random.Random, products: list[Row]) -> list[Row]:
    found: list[Row] = []
    for _ in range(900):
        theme = draw.randrange(len(THINGS))
        one = draw.choice(_of_theme(products, theme))
        other = draw.choice(_of_theme(products, theme) if draw.random() < 0.6 else products)
        if one is not other:
            same = 3.0 * (one[2] == other[2]) + 1.0 * (one[3] == other[3])
            found.append((one[0], other[0], round(min(5.0, same + 1.2 * draw.random()), 2)))
    return found


def _tickets(draw: random.Random, articles: list[Row]) -> list[Row]:
    """Questions to the support; what resolved one does not hold where the case was escalated."""
    found: list[Row] = []
    for place, (text, theme) in enumerate(_asked()):
        shown, right = _found(draw, articles, theme, text, 3)
        escalated = draw.random() < 0.3
        wrong = [one for one in shown if one not in right]
        name = draw.choice((wrong if escalated else right) or shown)
        found.append((f"t{place:03}", text, name, "yes" if escalated else "no", _day(draw)))
    return found


def _triplets(draw: random.Random, products: list[Row]) -> list[Row]:
    found: list[Row] = []
    for text, theme in _asked():
        good = draw.choice(_of_theme(products, theme))
        bad = draw.choice([row for row in products if row[2] != good[2]])
        found.append((text, good[5], bad[5]))
    return found


def _requests(draw: random.Random) -> list[Row]:
    """Messages to the shop; one in fifteen stands under a topic that is not its own."""
    names = [thing for things, _ in THINGS.values() for thing in things.split()]
    found: list[Row] = []
    for topic, texts in REQUESTS.items():
        for text in texts:
            for thing in names:
                said = draw.choice(list(REQUESTS)) if draw.random() < 1 / 15 else topic
                part = draw.choice(("train", "train", "train", "dev", "test"))
                found.append((f"m{len(found):03}", text.format(thing), said, f"c{draw.randrange(120):03}", part))
    return found


if __name__ == "__main__":
    main()
