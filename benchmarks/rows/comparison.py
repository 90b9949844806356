"""Two versions compared: from the cache, and the paired bootstrap beneath it."""

import time
from typing import Any

import numpy as np

from benchmarks import straightforward
from benchmarks.apps import OURS
from benchmarks.bench import SMALL, Bench
from benchmarks.paired import p50, paired_ratio, summarize
from benchmarks.results import Findings
from tagifai.comparison.bootstrap import RESAMPLES, draw_projects, resample_counts
from tagifai.predictions import Predictions
from tagifai.services.app import Services
from tagifai.settings import Settings

CACHED = "diff of two versions, cached"
STORED = "diff of two versions, from the cache on disk"
BOOTSTRAP = "paired bootstrap, 2,000 resamples"
LOOP = "loop over scikit-learn's metric"
CACHED_LIMIT, BOOTSTRAP_LIMIT = 5.0, 1 / 100
PAIR = ("v0.1.0", "v0.2.0")


def measure(bench: Bench) -> Findings:
    """Ask for the same diff again and again; resample beside a loop that does it plainly."""
    found = Findings()
    settings = Settings(
        data=bench.data(SMALL), models=str(bench.models(SMALL)), cache_dir=bench.scratch / "diffs"
    )
    services = Services(settings)
    services.comparisons.compare(*PAIR)
    again, stored = [], []
    for _ in range(bench.steps):
        again.append(clock(services))
        stored.append(clock(Services(settings), warm=True))
    for work, values in ((CACHED, again), (STORED, stored)):
        found.add(work, None, OURS, summarize(values))
    found.claim(CACHED, None, "ms", p50(again), CACHED_LIMIT, "ms")
    return found + measure_bootstrap(bench, services)


def clock(services: Services, warm: bool = False) -> float:
    """Return the ms of one comparison; `warm` opens versions and cache before."""
    if warm:
        for name in PAIR:
            services.versions.load(name)
    start = time.perf_counter()
    services.comparisons.compare(*PAIR)
    return 1000 * (time.perf_counter() - start)


def measure_bootstrap(bench: Bench, services: Services) -> Findings:
    """Resample F1 by tag: all at once, and in parts by a loop, which must find the same."""
    found = Findings()
    y_true, a, b = decided(services)
    tags = y_true.shape[1]
    parts = np.array_split(draw_projects(len(y_true), RESAMPLES), max(20, bench.steps))
    ours, loop = [], []
    start = 0
    for part in parts[: bench.steps]:
        before = time.perf_counter()
        first, second = resample_counts(y_true, (a, b), RESAMPLES)
        differences = second.figures()["f1"] - first.figures()["f1"]
        ours.append(1000 * (time.perf_counter() - before))
        before = time.perf_counter()
        looped = straightforward.bootstrap_f1(y_true, a, b, part)
        loop.append(1000 * (time.perf_counter() - before) * RESAMPLES / len(part))
        ours_now = differences[start : start + len(part)]
        if not np.allclose(ours_now, looped, rtol=0, atol=1e-12, equal_nan=True):
            raise ValueError("the bootstrap differs from the loop over scikit-learn's metric")
        start += len(part)
    found.add(BOOTSTRAP, tags, OURS, summarize(ours))
    found.add(BOOTSTRAP, tags, LOOP, summarize(loop))
    found.claim(BOOTSTRAP, tags, f"to a {LOOP}", paired_ratio(ours, loop), BOOTSTRAP_LIMIT)
    found.notes.append(f"{BOOTSTRAP}: equal to the loop, to 1e-12, on {start:,} resamples")
    return found


def decided(services: Services) -> tuple[Any, Any, Any]:
    """Return the truth of the test projects, and what each of two versions decides."""
    tests: list[Predictions] = [services.versions.predictions(name).select("test") for name in PAIR]
    a, b = (
        test.decide(services.versions.thresholds(name))
        for test, name in zip(tests, PAIR, strict=True)
    )
    return tests[0].y_true, a, b
