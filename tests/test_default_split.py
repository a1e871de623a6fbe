"""Where a spec has no split, it is the one that its objectives need."""

from __future__ import annotations

import pytest
from variations import VARIATIONS, changed, loaded, rich

from specforge.checks import static
from specforge.source import Source

NEEDED = {
    "rich": "item",
    "rich_substitutes": "item",
    "rich_judged": "anchor",
    "rich_answers": "group",  # its rows name a conversation
    "rich_anchors": "anchor",
    "rich_linked": "item",
    "rich_cited": "group",
    "rich_cited_lists": "anchor",
    "rich_clicked": "anchor",
    "rich_interacted": "group",
    "rich_mutual": "item",
    "rich_attribute": "item",
    "rich_scored": "item",
    "rich_triplets": "anchor",
    "rich_mixture": "item",
    "own_texts": "anchor",
    "labelled": "item",
}


@pytest.mark.parametrize("name", NEEDED)
def test_it_is_what_the_objectives_need(name: str) -> None:
    spec = loaded(
        {key: value for key, value in changed(rich(), {"name": name, **VARIATIONS[name]}).items() if key != "split"}
    )
    assert spec.split.by == NEEDED[name]
    found = static.check(spec, Source("spec", spec.name, "", {}, {}))  # type: ignore[arg-type]
    assert [problem.message for problem in found if problem.code == "SF302"] == []


def test_no_split_fits_all() -> None:
    objectives = [VARIATIONS[name]["objectives"] for name in ("rich_mutual", "rich_triplets")]
    both = {key: value for one in objectives if isinstance(one, dict) for key, value in one.items()}
    data = changed(rich(), {**VARIATIONS["rich_anchors"], "name": "both", "objectives": both})
    spec = loaded({key: value for key, value in data.items() if key != "split"})
    found = static.check(spec, Source("spec", spec.name, "", {}, {}))  # type: ignore[arg-type]
    assert [problem.message for problem in found if problem.code == "SF302"] == [
        'split "by: item" does not fit "texts", which is triplets'
    ]
