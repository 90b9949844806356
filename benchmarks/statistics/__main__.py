"""Simulate what the statistics claim, and print claim, figure, target and pass.

`python -m benchmarks.statistics` takes under ten minutes on two cores, keeps what it found in
results.json and results.md, and ends with status 3 if a claim does not hold.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.statistics import (
    behavior,
    calibration,
    intervals,
    many_tags,
    slice_finder,
    thresholds,
    verdicts,
)
from benchmarks.statistics.report import RECORDED, REPORT, Part, read_parts, table, write_parts
from benchmarks.statistics.rows import Row, Settings

# A part is a module with `measure(settings) -> list[Row]`; another one is one more line here.
PARTS: dict[str, Callable[[Settings], list[Row]]] = {
    "verdicts": verdicts.measure,
    "intervals": intervals.measure,
    "thresholds": thresholds.measure,
    "calibration": calibration.measure,
    "slice finder": slice_finder.measure,
    "behavior": behavior.measure,
    "many tags": many_tags.measure,
}
QUICK = 0.02
FAILED = 3
REAL = (
    os.environ.get("TAGIFAI_REALDATA", ""),
    "datasets/madewithml",
    "../shared/datasets/madewithml",
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is asked for; return the exit status."""
    options = read_options(words)
    scale = QUICK if options.quick else 1.0
    settings = Settings(scale, options.jobs, options.data or find_data())
    found: dict[str, Part] = {}
    with threadpool_limits(1):
        for name in options.only or PARTS:
            started = time.perf_counter()
            rows = PARTS[name](settings)
            found[name] = Part(time.perf_counter() - started, tuple(rows))
            print(f"{name}: {found[name].seconds:.0f} s", file=sys.stderr, flush=True)
    print(table([row for part in found.values() for row in part.rows]))
    if not options.quick:
        # Parts that were not asked for stay as they were recorded.
        known = {**read_parts(options.out), **found}
        write_parts({name: known[name] for name in PARTS if name in known}, options.out)
    failed = [row for part in found.values() for row in part.rows if not row.passed]
    return FAILED if failed else 0


def read_options(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", default=[], choices=PARTS, help="these parts alone")
    add("--quick", action="store_true", help="a fiftieth of the runs; nothing is recorded")
    add("--jobs", type=int, default=2, help="cores to use; 2 by default")
    add("--data", type=Path, help="folder of the Made With ML projects; rows of it need them")
    add("--out", type=Path, default=RECORDED, help=f"where to record; {REPORT.name} beside it")
    return parser.parse_args(words)


def find_data() -> Path | None:
    """Find the Made With ML projects where they usually lie."""
    root = Path(__file__).parents[2]
    folders = (root / place for place in REAL if place)
    return next((f.resolve() for f in folders if (f / "projects.json").is_file()), None)


if __name__ == "__main__":
    sys.exit(main())
