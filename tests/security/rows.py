"""What is measured, and the table of it."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOPELESS = 3
BEGIN, END = "<!-- security: made by `just security` -->", "<!-- security: end -->"


@dataclass(frozen=True)
class Measured:
    """What an attack came to: a figure in words, and what should not have been."""

    figure: str
    wrong: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.wrong


@dataclass(frozen=True)
class Files:
    """What attacks on parts of the program are given: data, versions, a folder of their own."""

    data: Path
    models: Path
    folder: Path

    def copied(self) -> Path:
        """Copy data and versions into the folder, and give it."""
        shutil.copytree(self.data, self.folder / "data")
        shutil.copytree(self.models, self.folder / "model")
        return self.folder


@dataclass(frozen=True)
class Row:
    """An attack. `measure(target, full)` runs it; `full` in numbers, else in a few seconds.

    `live` attacks go to a running server; `alone` ones want it fresh; `slow` ones are left out
    of the fast half.
    """

    name: str
    what: str
    must: str
    measure: Callable[[Any, bool], Measured]
    live: bool = False
    slow: bool = False


def measured(figure: str, wrong: Iterable[str] = ()) -> Measured:
    return Measured(figure, tuple(wrong))


def write_table(rows: Iterable[tuple[Row, Measured, float]]) -> str:
    """Write rows as a Markdown table."""
    lines = ["| what | must hold | measured | holds |", "|---|---|---|---|"]
    for row, found, _ in rows:
        verdict = "yes" if found.holds else "**no**: " + "; ".join(found.wrong[:3])
        lines.append(f"| {row.what} | {row.must} | {found.figure} | {verdict} |")
    return "\n".join(lines)


def put_between(path: Path, table: str) -> None:
    """Put a table between the markers of a document."""
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} lacks the lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def cpu_seconds() -> float:
    """Return the processor time of this process and of all that it started, gone ones included."""
    total = time.process_time()
    try:
        import resource
    except ImportError:
        return total
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    total += gone.ru_utime + gone.ru_stime
    for task in Path("/proc/self/task").glob("*/children"):
        total += sum(cpu_seconds_of(int(pid)) for pid in task.read_text().split())
    return total


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time of another process; 0 where it is gone."""
    with suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) gives
    return 0.0


def quickest(attempts: int, ask: Callable[[], float], enough: float) -> float:
    """Time something again while it is too slow: a busy machine takes processor time too."""
    best = ask()
    for _ in range(attempts - 1):
        if best <= enough or best > HOPELESS * enough:
            break
        best = min(best, ask())
    return best


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
