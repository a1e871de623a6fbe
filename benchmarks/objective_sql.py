"""The objective's SQL on generated events: seconds and peak memory, against the plainest self-join.

Events follow a long tail: baskets of some 3 to 20 lines over 100,000 items, the popular ones far more often. The plain
self-join counts every pair of lines of a basket, with no cap on groups and no threshold before the join; it is given
the same memory limit, and is stopped after ten minutes.

    python benchmarks/objective_sql.py [--millions 1 10 50] [--memory 4] [--giant 5000]

With `--giant`, one basket more holds that many items, and the spec's cap on groups is raised so that it counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import time_process

SPECFORGE = Path(sys.executable).with_name("specforge")

EVENTS = """
copy (
    select
        ((n + hash(n + 7) % 15) // 10)::bigint as basket_id,
        'item ' || floor(100000 * power(hash(n) / 18446744073709551615.0, 3))::bigint as item_id
    from range({lines}) as t (n)
    union all
    select -1, 'item ' || n from range({giant}) as t (n)
) to '{path}' (format parquet)
"""

ITEMS = "copy (select 'item ' || n as item_id, 'thing number ' || n as title from range(100000) as t (n)) to '{path}' (format parquet)"

PLAIN = """
import duckdb
db = duckdb.connect({scratch!r})
db.execute("set memory_limit = '{memory}GB'")
db.execute('''
create table pairs as
select a.item_id as one, b.item_id as other, count(distinct a.basket_id) as together
from read_parquet({lines!r}) as a
join read_parquet({lines!r}) as b on a.basket_id = b.basket_id and a.item_id < b.item_id
group by all
having count(distinct a.basket_id) >= 5
''')
"""

SPEC = """
specforge: 1
name: events
sources:
  items: {path: items.parquet, id: item_id, text: "{title}"}
  lines: {path: lines.parquet}
objectives:
  events: {kind: same_cart, events: lines, group: basket_id, item: item_id, of: items, max_items: MOST}
split: {by: item}
retriever: {family: bi_encoder, base: sentence-transformers/all-MiniLM-L6-v2, train: none}
index: {kind: flat}
evaluate: {primary: nDCG@10, baselines: [popularity]}
"""


def main(millions: list[int], memory: int, giant: int) -> None:
    """Print a line for each size."""
    print(f"{'lines':>12} {'objective.sql':>24} {'plain self-join':>24}")
    for size in millions:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _make(root, size * 1_000_000, giant)
            subprocess.run([SPECFORGE, "compile", root / "events.yaml"], check=True, capture_output=True)
            prepare: list[str | Path] = [sys.executable, root / "generated/events/prepare.py", "--work", root / "work"]
            ours = time_process(prepare)
            plain = PLAIN.format(scratch=str(root / "plain.duckdb"), memory=memory, lines=str(root / "lines.parquet"))
            theirs = _limited([sys.executable, "-c", plain])
            print(f"{size:>10} M {ours.seconds:>10.1f} s {ours.peak_mib:>7.0f} MiB {theirs:>24}")


def _make(root: Path, lines: int, giant: int) -> None:
    import duckdb

    db = duckdb.connect()
    db.execute(EVENTS.format(lines=lines, giant=giant, path=root / "lines.parquet"))
    db.execute(ITEMS.format(path=root / "items.parquet"))
    (root / "events.yaml").write_text(SPEC.replace("MOST", str(max(60, giant))), encoding="utf-8")


def _limited(command: list[str]) -> str:
    try:
        taken = time_process(["timeout", "600", *command])
    except SystemExit:
        return "failed or over 600 s"
    return f"{taken.seconds:.1f} s {taken.peak_mib:.0f} MiB"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--memory", type=int, default=4, help="the plain join's memory limit in GB")
    parser.add_argument("--giant", type=int, default=0, help="items of one basket more")
    asked = parser.parse_args()
    main(asked.millions, asked.memory, asked.giant)
