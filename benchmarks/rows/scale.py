"""Limits at size: CPU and peak memory of whole processes, and how both grow.

Each job is a command line of the app, or a function of `benchmarks.scale_jobs`, in a process of
its own: CPU time is what the system counts of it and of what it started, peak memory its largest
resident set (`ru_maxrss`). Data are made up, with realistic skew (`benchmarks.scaled`).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import scaled
from benchmarks.apps import OURS
from benchmarks.bench import Bench
from benchmarks.paired import Summary, exponent
from benchmarks.processes import ROOT
from benchmarks.results import Findings
from benchmarks.rows import large_pages

Size = tuple[int, int]
"""A number of projects, and of tags."""
PAIR = ("v0.1.0", "v0.2.0")
MB = "MB"


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of CPU and of the clock, and the MB of its largest moment."""

    cpu: float
    peak: float
    wall: float


@dataclass
class Place:
    """Made-up data of one size, and what is made of them, each when first asked for."""

    size: Size
    folder: Path
    real: Path
    run: Callable[[Sequence[str]], Cost]
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def scale(self) -> scaled.Scale:
        """Return the plan of the data."""
        return scaled.plan(self.real, *self.size)

    @property
    def most(self) -> int:
        """Return how many tags of a project have a probability: all of up to 600, or the top 50."""
        return self.size[1] if self.size[1] <= 600 and self.size[0] <= 30_000 else 50

    @property
    def data(self) -> Path:
        """Return the data folder."""
        folder = self.folder / "data"
        return folder if folder.exists() else scaled.write_data(self.scale, folder)

    def predictions(self, version: int = 0) -> Path:
        """Return a file of predictions, as people bring them."""
        path = self.folder / f"predictions-{version}.parquet"
        if not path.exists():
            scaled.write_predictions(self.scale, path, self.most, version)
        return path

    def models(self, number: int = 1) -> Path:
        """Return a home of `number` versions, imported; what the import took is in `costs`."""
        folder = self.folder / "model"
        for version, name in enumerate(PAIR[:number]):
            if not (folder / name).exists():
                command = import_command(self, self.predictions(version), name, folder)
                self.costs.setdefault("import", self.run(command))
        return folder


@dataclass(frozen=True)
class Job:
    """Something that is measured at several sizes.

    Attributes
    ----------
    name : str
        What the table calls it.
    command : callable
        From a place to the words after `python`.
    sizes : sequence of (int, int)
        Projects and tags to measure it at.
    limits : mapping
        By size: at most so many seconds of CPU, and MB.
    beside_base : bool
        Whether the limit of memory is of what the job takes beside the first job's: the start of
        the program, the data and a version's predictions.
    """

    name: str
    command: Callable[[Place], Sequence[str]]
    sizes: Sequence[Size]
    limits: dict[Size, tuple[float, float]] = field(default_factory=dict)
    beside_base: bool = False


def import_command(place: Place, file: Path, name: str, models: Path) -> list[str]:
    """Return the command that imports predictions."""
    return [
        *("-m", "tagifai", "add-version", name, "--predictions", str(file)),
        *("--missing", "zero", "--out-of-fold", "yes", *at(place, models)),
        *("--max-unpacked", "4096", "--max-file", "4096"),
    ]


def at(place: Place, models: Path) -> list[str]:
    """Return the arguments that name data and versions."""
    return ["--data", str(place.data), "--models", str(models)]


def job(function: str, place: Place, versions: int = 1) -> list[str]:
    """Return the command of a function of `benchmarks.scale_jobs`."""
    models = place.models(versions)
    return ["-m", "benchmarks.scale_jobs", function, str(place.data), str(models)]


SMALL, MIDDLE, LARGE, HUGE = 2_000, 20_000, 200_000, 1_000_000
REAL_SIZE, MANY_TAGS = (30_000, 300), (15_000, 4_000)
# Within 15 minutes on two cores.
MANY_TAGS_CPU = 2 * 15 * 60
JOBS: list[Job] = [
    Job(
        "training",
        lambda place: [
            *("-m", "tagifai", "train", "--data", str(place.data)),
            *("--models", str(place.folder / "trained"), "--jobs", "2"),
        ],
        [(SMALL, 60), (MIDDLE, 60), REAL_SIZE, MANY_TAGS],
        {REAL_SIZE: (400, 2_500), MANY_TAGS: (MANY_TAGS_CPU, 6_000)},
    ),
    Job(
        "base: start, data and one version's predictions",
        lambda place: job("load", place),
        [(SMALL, 60), (MIDDLE, 60), (MIDDLE, 600), (MIDDLE, 5_000), REAL_SIZE],
    ),
    Job(
        "label errors, first page",
        lambda place: job("label_errors", place),
        [(SMALL, 60), (MIDDLE, 60), (MIDDLE, 600), (MIDDLE, 5_000), REAL_SIZE],
        {REAL_SIZE: (10, 1024)},
    ),
    Job(
        "comparison of two versions",
        lambda place: ["-m", "tagifai", "diff", *PAIR, "--json", *at(place, place.models(2))],
        [(SMALL, 60), (MIDDLE, 60), (MIDDLE, 600), (MIDDLE, 5_000), REAL_SIZE],
        {REAL_SIZE: (5, 300)},
        beside_base=True,
    ),
    Job(
        "report on a version",
        lambda place: [
            *("-m", "tagifai", "report", PAIR[0], "-o", str(place.folder / "report.html")),
            *at(place, place.models()),
        ],
        [(SMALL, 60), (MIDDLE, 60), (MIDDLE, 600), (MIDDLE, 5_000), REAL_SIZE],
        {REAL_SIZE: (10, 1024)},
    ),
    Job(
        "projects: read, counted, indexed, sorted and searched",
        lambda place: ["-m", "benchmarks.scale_jobs", "browse", str(place.data), "-"],
        [(SMALL, 60), (MIDDLE, 600), (LARGE, 5_000), (HUGE, 5_000)],
        {(HUGE, 5_000): (30, 2_048)},
    ),
    Job(
        "precision, recall and F1 of all tags",
        lambda place: job("figures", place),
        [(SMALL, 60), (MIDDLE, 600), (LARGE, 5_000), (HUGE, 5_000)],
        {(HUGE, 5_000): (30, 4096)},
    ),
    Job(
        "import of predictions",
        lambda place: import_command(
            place, place.predictions(), "again", place.folder / "model-again"
        ),
        [(SMALL, 60), (MIDDLE, 600), (LARGE, 5_000), (HUGE, 5_000)],
        {(HUGE, 5_000): (300, 4096)},
    ),
]


def measure(bench: Bench) -> Findings:
    """Measure each job at each of its sizes, and how CPU and memory grow with the projects."""
    found = Findings()
    places: dict[Size, Place] = {}
    base: dict[Size, Cost] = {}
    for one in JOBS:
        costs: dict[Size, Cost] = {}
        for size in one.sizes:
            if bench.quick and (size[0] > MIDDLE or size[1] > 600):
                continue
            folder = bench.scratch / f"scale-{size[0]}-{size[1]}"
            folder.mkdir(exist_ok=True)
            place = places.setdefault(size, Place(size, folder, bench.real, run))
            command = one.command(place)
            costs[size] = cost = run(command)
            bench.say(f"  {named(one.name, size)}: {cost.cpu:.1f} s of CPU, {cost.peak:,.0f} MB")
            if one is JOBS[0]:
                base[size] = cost
            add(found, one, size, cost, base.get(size))
        grow(found, one, costs)
    from benchmarks.rows.scale_training import compare_quality, measure_long_texts

    measure_long_texts(bench, found)
    if REAL_SIZE in places:
        compare_quality(bench, places[REAL_SIZE], found)
    return found + large_pages.measure(bench)


def add(found: Findings, one: Job, size: Size, cost: Cost, base: Cost | None = None) -> None:
    """Note what a job took, and its limits."""
    work = named(one.name, size)
    found.add(work, size[0], OURS, Summary(1, cost.cpu, cost.cpu), "s of CPU")
    found.add(f"{work}: peak", size[0], OURS, Summary(1, cost.peak, cost.peak), MB)
    if size in one.limits:
        cpu, peak = one.limits[size]
        found.claim(work, size[0], "CPU", cost.cpu, cpu, "s")
        if one.beside_base and base is not None:
            added = max(cost.peak - base.peak, 0.0)
            found.claim(work, size[0], "peak memory beside data and a version", added, peak, MB)
        else:
            found.claim(work, size[0], "peak memory", cost.peak, peak, MB)


def grow(found: Findings, one: Job, costs: dict[Size, Cost]) -> None:
    """Note how CPU and memory grow with the projects, and with the tags."""
    for axis, what in ((0, "projects"), (1, "tags")):
        other = 1 - axis
        for fixed in sorted({size[other] for size in costs}):
            line = {size[axis]: cost for size, cost in costs.items() if size[other] == fixed}
            if len(line) < 2:
                continue
            for kind, values in (
                ("CPU", [cost.cpu for cost in line.values()]),
                ("peak memory", [cost.peak for cost in line.values()]),
            ):
                at_fixed = f"{fixed:,} {'tags' if axis == 0 else 'projects'}"
                power = exponent(list(line), values)
                found.grow(f"{one.name}, {kind}, {at_fixed}", f"by {what}", power)


def named(name: str, size: Size) -> str:
    """Name a job at a size; the number of projects stands in a column of its own.

    >>> named("import", (2000, 60))
    'import, 60 tags'
    """
    return f"{name}, {size[1]:,} tags"


def run(words: Sequence[str], root: Path = ROOT) -> Cost:
    """Run `python WORDS` and return what it took.

    Raises
    ------
    RuntimeError
        It fails; the message has the end of what it printed.
    """
    import tempfile
    import time

    variables = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    with tempfile.TemporaryFile() as lines:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=root,
            env={**variables, "PYTHONPATH": str(root)},
            stdout=subprocess.DEVNULL,
            stderr=lines,
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if status:
            lines.seek(0)
            told = lines.read()[-2_000:].decode("utf-8", "replace")
            raise RuntimeError(f"python {' '.join(words)} ended with {status}:\n{told}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, wall)
