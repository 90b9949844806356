"""Counting tags and projects for the slider, up to two million projects."""

import random
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.apps import OURS
from benchmarks.bench import Bench
from benchmarks.corpora import read_records
from benchmarks.paired import Summary, exponent, p50, summarize
from benchmarks.results import Findings
from tagifai.data import Dataset, Project, Tag
from tagifai.data.config import load_config
from tagifai.data.frequency import FrequencyTable, build_frequency_table, select_by_frequency

WORK, BUILD, TABLE = "counting, a step", "counting, the table made", "counting, the table's size"
STEP_LIMIT, SIZE_LIMIT = 0.1, 1.0
MILLIONS = 1_000
_STEPS = 1_000


def measure(bench: Bench) -> Findings:
    """Build the table at each size; look up a thousand steps; compare all with another count."""
    found = Findings()
    records = read_records(bench.real / "projects.json")
    tags = {tag["tag"]: Tag(tag["tag"]) for tag in read_records(bench.real / "tags.json")}
    sizes, medians = [], []
    # The largest last, and let go at once: two million projects take a gigabyte.
    for times in (*bench.times, *(() if bench.quick else (MILLIONS,))):
        dataset = Dataset(tuple(repeat(records, times)), tags, "", load_config(bench.real))
        size = len(dataset.projects)
        start = time.perf_counter()
        table = build_frequency_table(dataset)
        seconds = time.perf_counter() - start
        found.add(BUILD, size, OURS, Summary(1, seconds, seconds), "s")
        check(table, dataset)
        del dataset
        steps = look_up(table)
        found.add(WORK, size, OURS, summarize(steps))
        found.claim(WORK, size, "ms", p50(steps), STEP_LIMIT, "ms")
        megabytes = (table.histogram.nbytes + table.counts.nbytes) / 2**20
        found.add(TABLE, size, OURS, Summary(1, megabytes, megabytes), "MB")
        found.claim(TABLE, size, "MB", megabytes, SIZE_LIMIT, "MB")
        sizes.append(size)
        medians.append(p50(steps))
    found.notes.append(
        "counting: at each size equal to a count made another way, at every frequency"
    )
    if len(sizes) > 1:
        found.grow(WORK, OURS, exponent(sizes, medians))
    return found


def repeat(records: list[dict[str, Any]], times: int) -> Iterator[Project]:
    """Yield projects with ids and tags alone, `times` over."""
    carried = [tuple(dict.fromkeys(record["tags"])) for record in records]
    for copy in range(times):
        for number, tags in enumerate(carried):
            yield Project(f"{copy}-{number}", "", "", tags)


def look_up(table: FrequencyTable) -> list[float]:
    """Return the ms of a thousand steps at chance frequencies."""
    chance = random.Random(0)
    top = int(table.counts[0]) + 1
    times = []
    for _ in range(_STEPS):
        frequency = chance.randint(1, top)
        start = time.perf_counter()
        select_by_frequency(table, frequency)
        times.append(1000 * (time.perf_counter() - start))
    return times


def check(table: FrequencyTable, dataset: Dataset) -> None:
    """Compare the table at every frequency with a count that lets tags in one by one.

    Raises:
        ValueError: they differ.
    """
    rows_of: dict[str, list[int]] = {}
    for row, project in enumerate(dataset.projects):
        for tag in project.tags:
            if tag in dataset.tags and tag not in dataset.config.excluded:
                rows_of.setdefault(tag, []).append(row)
    order = sorted(rows_of, key=lambda tag: (-len(rows_of[tag]), tag))
    carried = np.zeros(len(dataset.projects), np.int64)
    left_out = dataset.config.untagged == "unlabelled"
    labelled = np.array([bool(project.tags) or not left_out for project in dataset.projects])
    steps = sorted({len(rows) for rows in rows_of.values()} | {1}, reverse=True)
    entered = 0
    # Nothing changes between two counts that some tag has, nor above the highest.
    for frequency in (steps[0] + 1, *steps):
        while entered < len(order) and len(rows_of[order[entered]]) >= frequency:
            carried[rows_of[order[entered]]] += 1
            entered += 1
        numbers = np.bincount(carried[labelled])
        selection = select_by_frequency(table, frequency)
        kept = tuple((tag, len(rows_of[tag])) for tag in order[:entered])
        per_project = tuple((n, int(numbers[n])) for n in range(len(numbers))) if kept else ()
        if (selection.kept, selection.tags_per_project) != (kept, per_project):
            raise ValueError(f"another count at {frequency}: {selection.tags_per_project}")
