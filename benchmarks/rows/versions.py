"""Key metrics of many versions: cold, warm, and with one file changed."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson

from benchmarks import straightforward
from benchmarks.apps import OURS
from benchmarks.bench import Bench
from benchmarks.paired import exponent, p50, paired_ratio, summarize
from benchmarks.results import Findings
from tagifai.store.history import KEY_METRICS, HistoryRow, PerformanceIndex
from tagifai.store.sources import FolderSource

COLD, WARM = "key metrics of versions, cold", "key metrics of versions, warm"
CHANGED = "key metrics of versions, one changed"
NORMALIZED = "json_normalize"
COLD_LIMIT, WARM_LIMIT = 1 / 50, 100.0
# Reading each with json_normalize takes 10 ms: of many versions so many are read and scaled.
_SAMPLE = 50


def measure(bench: Bench) -> Findings:
    """Tabulate the key metrics of growing numbers of versions."""
    found = Findings()
    sizes = (10, 100) if bench.quick else (10, 1_000, 10_000)
    medians: dict[str, list[float]] = {COLD: [], WARM: [], CHANGED: []}
    for size in sizes:
        folder = write_versions(bench, size)
        times = {COLD: [], WARM: [], CHANGED: [], NORMALIZED: []}  # type: dict[str, list[float]]
        repeats = bench.steps if size < 10_000 else 3
        for number in range(repeats):
            index = PerformanceIndex(FolderSource(folder))
            times[COLD].append(cpu_ms(index.history))
            rows = index.history()
            names = sample(folder, number)
            scale = size / len(names)
            times[NORMALIZED].append(scale * cpu_ms(partial(check, folder, names, rows)))
            times[WARM].append(cpu_ms(index.history))
            touch(folder / names[0] / "performance.json")
            times[CHANGED].append(cpu_ms(index.history))
        for work in (COLD, WARM, CHANGED):
            found.add(work, size, OURS, summarize(times[work]), "ms CPU")
            medians[work].append(p50(times[work]))
        found.add(COLD, size, NORMALIZED, summarize(times[NORMALIZED]), "ms CPU")
        ratio = paired_ratio(times[COLD], times[NORMALIZED])
        found.claim(COLD, size, f"to {NORMALIZED}", ratio, COLD_LIMIT)
        if size == sizes[-1]:
            found.claim(WARM, size, "ms of CPU", p50(times[WARM]), WARM_LIMIT, "ms")
    for work, values in medians.items():
        found.grow(work, OURS, exponent(sizes, values))
    return found


def write_versions(bench: Bench, count: int) -> Path:
    """Write so many versions whose performance differs from a trained one's in its figures.

    Without the behavioral tests one by one: they are half a megabyte a version.
    """
    folder = bench.scratch / f"versions-{count}"
    behavioral = {**bench.trained.performance["behavioral"], "results": {}}
    performance = {**bench.trained.performance, "behavioral": behavioral}
    for number in range(count):
        version = folder / f"v0.{number}.0"
        version.mkdir(parents=True)
        overall = {**performance["overall"], "f1": number / count}
        content = orjson.dumps({**performance, "overall": overall})
        (version / "performance.json").write_bytes(content)
    return folder


def sample(folder: Path, number: int) -> list[str]:
    """Name some versions, each time others."""
    names = sorted(path.name for path in folder.iterdir())
    step = max(1, len(names) // _SAMPLE)
    return names[number % step :: step][:_SAMPLE]


def check(folder: Path, names: list[str], rows: list[HistoryRow]) -> None:
    """Read versions with `json_normalize`, and compare with what the index says.

    Raises:
        ValueError: they differ.
    """
    known = {row.version: row.figures for row in rows}
    for name in names:
        read = straightforward.read_performance(folder / name / "performance.json")
        if any(read[label] != known[name][label] for label in KEY_METRICS):
            raise ValueError(f"{name}: {read} is not {known[name]}")


def touch(path: Path) -> None:
    """Write a file anew, with another figure in it."""
    performance = orjson.loads(path.read_bytes())
    performance["overall"]["f1"] = 1 - performance["overall"]["f1"]
    path.write_bytes(orjson.dumps(performance))


def cpu_ms(act: Callable[[], object]) -> float:
    """Return the CPU time that something takes here, in ms."""
    start = time.process_time()
    act()
    return 1000 * (time.process_time() - start)
