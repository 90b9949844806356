"""What it costs to compare versions of thousands of tags."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.statistics.rows import Row, Settings

PROJECTS, TAGS, LABELS = 20_000, 5_000, 4
MEGABYTES, SECONDS = 1_024, 60


def measure(settings: Settings) -> list[Row]:
    """Compare two versions of many tags in a process of its own."""
    tags = max(50, round(TAGS * settings.scale))
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        seconds, added, whole = pool.submit(compare_many, PROJECTS, tags, LABELS).result()
    claim = f"{tags:,} tags compared on {PROJECTS:,} projects"
    return [
        Row(f"{claim}: CPU", f"{seconds:.0f} s", f"≤ {SECONDS} s", seconds <= SECONDS, key=True),
        Row(
            f"{claim}: memory beside the predictions themselves ({whole - added:,.0f} MB)",
            f"{added:,.0f} MB",
            f"≤ {MEGABYTES:,} MB",
            added <= MEGABYTES,
        ),
    ]


def compare_many(projects: int, tags: int, labels: float) -> tuple[float, float, float]:
    """Return the seconds of CPU that a comparison takes, the MB it adds, and those of all.

    Tags are as rare as in large folksonomies: a few have thousands of projects, most a handful.
    """
    from threadpoolctl import threadpool_limits

    from benchmarks.statistics.simulation import version
    from tagifai.comparison import compare
    from tagifai.predictions import Predictions

    rng = np.random.default_rng(0)
    rate = 1 / np.arange(5, tags + 5)
    rate *= labels / rate.sum()
    y_true = np.zeros((projects, tags), np.uint8)
    for tag, share in enumerate(rate):
        y_true[rng.integers(0, projects, max(1, rng.poisson(share * projects))), tag] = 1
    ids = tuple(map(str, range(projects)))
    names = tuple(f"tag-{tag}" for tag in range(tags))
    split = np.full(projects, "test")
    both = []
    for _ in "ab":
        y_prob = np.zeros((projects, tags), np.float32)
        rows, columns = np.nonzero(y_true)
        found = rng.random(len(rows)) < 0.65
        y_prob[rows[found], columns[found]] = 0.9
        wrong = rng.random(len(rows)) < 0.3
        y_prob[rng.integers(0, projects, wrong.sum()), columns[wrong]] = 0.8
        both.append(Predictions(ids, split, names, y_true, y_prob))
    before = _memory("VmRSS")
    _forget_peak()
    started = time.process_time()
    with threadpool_limits(1):
        compare(version("a"), version("b"), *both, slices={"slice": set(ids[: projects // 7])})
    seconds = time.process_time() - started
    peak = _memory("VmHWM")
    return seconds, peak - before, peak


def _memory(field: str) -> float:
    """Return a field of this process's memory, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(found.split()[1]) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")
