"""Measure, and write results.md and results.json: `python -m benchmarks`."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.browser import chromium
from benchmarks.processes import ROOT, describe_machine, load_average
from benchmarks.report import RECORDED, RESULTS, write_report
from benchmarks.results import Findings, Run, merged, read_run, worsened, write_run
from benchmarks.rows import (
    comparison,
    controls,
    counting,
    first_page,
    memory,
    people,
    playground,
    prediction,
    preprocessing,
    reasons,
    scale,
    slider,
    start,
    typing,
    versions,
)
from benchmarks.sites import open_sites

ALONE = {
    "training and prediction": prediction.measure,
    "comparison": comparison.measure,
    "preprocessing": preprocessing.measure,
    "versions": versions.measure,
    "counting": counting.measure,
    "reasons": reasons.measure,
    "start": start.measure,
}
ON_PAGES = {
    "slider": slider.measure,
    "playground": playground.measure,
    "typing": typing.measure,
    "twenty people": people.measure,
    "first page": first_page.measure,
    "other controls": controls.measure,
    "memory": memory.measure,
}
# Half an hour of its own: only where it is named.
BY_NAME = {"scale": scale.measure}
# Seconds each, which tell little of the smallest data: a quick run has them where they are named.
NOT_QUICK = {"start", "memory", "reasons"}
UNRECORDED = ROOT / ".cache" / "benchmarks"
REAL = (
    os.environ.get("TAGIFAI_REALDATA", ""),
    "datasets/madewithml",
    "../shared/datasets/madewithml",
)


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; give the exit status."""
    options = read_options(words)
    if missing := [name for name in needed(options.only, options.quick) if find_spec(name) is None]:
        sys.exit(f"benchmarks: {', '.join(missing)}: pip install -r requirements-bench.txt")
    recorded = options.check and options.check.is_file()
    before = read_run(options.check).findings.claims if recorded else []
    groups: list[dict[str, Any]] = []
    chosen_rows = [f'--only "{name}"' for name in options.only]
    command = " ".join(["python -m benchmarks", *["--quick"] * options.quick, *chosen_rows])
    machine = describe_machine()

    def keep(findings: Findings, folder: Path) -> None:
        run = Run(command, machine, groups, findings)
        folder.mkdir(parents=True, exist_ok=True)
        write_run(run, folder / RECORDED.name)
        (folder / RESULTS.name).write_text(write_report(run), "utf-8")

    # As for Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="tagifai-bench-"))
        browser = stack.enter_context(chromium()) if on_pages(options.only) else None
        bench = Bench(options.data, Path(scratch), options.quick, browser, say)
        # A run that is broken off has not been for nothing, nor does it replace a whole one.
        findings = measure_all(bench, set(options.only), groups, partial(keep, folder=UNRECORDED))
    if options.record:
        write_merged(Run(command, machine, groups, findings))
        return 0
    keep(findings, options.out)
    print((options.out / RESULTS.name).read_text("utf-8"))
    say(f"written: {options.out / RESULTS.name}, {options.out / RECORDED.name}")
    if options.check:
        return tell_worsened(worsened(before, findings.claims), recorded)
    return 0


def needed(only: Sequence[str], quick: bool = False) -> tuple[str, ...]:
    """Name the packages, besides the app's, that the rows asked for need."""
    pages = ("playwright", "streamlit", "websockets") if on_pages(only) else ()
    return (*pages, "shap") if "reasons" in only or not (only or quick) else pages


def on_pages(only: Sequence[str]) -> bool:
    """Check whether rows are asked for that need a browser."""
    return not only or bool({*only} & {*ON_PAGES, "start", "scale"})


def read_options(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    left_out = " and ".join(sorted(NOT_QUICK))
    add("--quick", action="store_true", help=f"the smallest size, a few steps, without {left_out}")
    add(
        "--check",
        type=Path,
        nargs="?",
        const=RECORDED,
        metavar="RESULTS_JSON",
        help="fail where a ratio is 20%% worse than recorded",
    )
    add(
        "--only",
        action="append",
        default=[],
        choices=[*ALONE, *ON_PAGES, *BY_NAME],
        help="these rows alone",
    )
    add("--record", action="store_true", help="put these rows into the recorded run")
    add("--data", type=Path, help="folder of the Made With ML projects")
    add("--out", type=Path, help="folder of results.md and results.json")
    options = parser.parse_args(words)
    if options.record and (options.quick or not options.only):
        parser.error("--record goes with --only: a whole run is recorded anyway, a quick one never")
    # What is recorded beside this is a whole run; others go where git doesn't look.
    whole = not (options.quick or options.only or options.check)
    options.out = options.out or (RESULTS.parent if whole else UNRECORDED)
    options.data = options.data or find_data()
    if options.data is None:
        parser.error("no Made With ML projects: `python -m tagifai data download`, or --data")
    return options


def find_data() -> Path | None:
    """Find the real data where it usually lies."""
    folders = (ROOT / place for place in REAL if place)
    return next((f.resolve() for f in folders if (f / "projects.json").is_file()), None)


def measure_all(
    bench: Bench,
    only: set[str],
    groups: list[dict[str, Any]],
    keep: Callable[[Findings], None],
) -> Findings:
    """Measure the groups of rows, those on pages with all the apps running beside each other.

    `keep` is given what is found so far after each group.
    """
    findings = Findings()
    if bench.quick and not only:
        only = {*ALONE, *ON_PAGES} - NOT_QUICK
    by_name = [(name, BY_NAME[name]) for name in BY_NAME if name in only]
    for name, measure in [*chosen(ALONE, only), *by_name]:
        findings += measured(name, partial(measure, bench), bench, groups)
        keep(findings)
    pages = chosen(ON_PAGES, only)
    if pages:
        with open_sites(bench) as sites:
            for name, measure in pages:
                findings += measured(name, partial(measure, sites), bench, groups)
                keep(findings)
    return findings


def chosen(rows: dict[str, Any], only: set[str]) -> list[tuple[str, Any]]:
    """Return the groups of rows that are asked for, all where none is named."""
    return [(name, measure) for name, measure in rows.items() if not only or name in only]


def measured(
    name: str, measure: Callable[[], Findings], bench: Bench, groups: list[dict[str, Any]]
) -> Findings:
    """Measure one group of rows; note how long it took, and under which load."""
    bench.say(f"measuring {name}")
    before, start = load_average(), time.perf_counter()
    findings = measure()
    seconds = time.perf_counter() - start
    groups.append({"group": name, "seconds": seconds, "load": [before, load_average()]})
    bench.say(f"{name}: {seconds:.0f} s")
    return findings


def write_merged(run: Run) -> None:
    """Put the rows of a run into the recorded one."""
    try:
        whole = merged(read_run(RECORDED), run)
    except (OSError, ValueError) as error:
        sys.exit(f"benchmarks: {error}")
    write_run(whole, RECORDED)
    RESULTS.write_text(write_report(whole), "utf-8")
    say(f"written: {RESULTS}, {RECORDED}")


def tell_worsened(worse: Sequence[str], recorded: bool) -> int:
    """Return what got worse; give the exit status."""
    if not recorded:
        say("nothing is recorded to compare with")
        return 1
    for line in worse:
        say(f"20 % worse than recorded: {line}")
    return 1 if worse else 0


def say(line: str) -> None:
    """Print how it goes, at once."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
