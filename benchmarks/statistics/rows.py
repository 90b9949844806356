"""One line of the table: what is claimed, what was measured, what it must be, whether it is."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Row:
    """A claim and what was measured of it.

    Attributes
    ----------
    claim : str
        What is claimed, and of which simulation or data.
    figure, target : str
        What was measured, and what it must be, as the table shows them.
    passed : bool
        Whether it is what it must be.
    key : bool
        Whether docs/statistics.md shows it, too.
    """

    claim: str
    figure: str
    target: str
    passed: bool
    key: bool = False

    def shown(self) -> "Row":
        """Show the row in docs/statistics.md, too."""
        return replace(self, key=True)


@dataclass(frozen=True)
class Settings:
    """How much is simulated, on how many cores, and where the Made With ML data is, if anywhere."""

    scale: float = 1.0
    jobs: int = 2
    data: Path | None = None

    def runs(self, number: int, least: int = 4) -> int:
        """Scale a number of runs."""
        return max(least, round(number * self.scale))


def at_most(claim: str, rate: float, limit: float, runs: int) -> Row:
    """Describe how often something happened, which must be at most a limit.

    >>> at_most("false verdicts", 0.02, 0.05, 600).figure
    '2.0 % of 600'
    """
    figure = f"{100 * rate:.1f} % of {runs:,}"
    return Row(claim, figure, f"≤ {100 * limit:g} %", rate <= limit)


def at_least(claim: str, rate: float, limit: float, runs: int) -> Row:
    """Describe how often something happened, which must be at least a limit.

    >>> at_least("planted changes found", 0.71, 0.6, 60).passed
    True
    """
    figure = f"{100 * rate:.1f} % of {runs:,}"
    return Row(claim, figure, f"≥ {100 * limit:g} %", rate >= limit)


def within(claim: str, rates: Iterable[float], low: float, high: float, runs: int) -> Row:
    """Describe between which rates several figures lie, all of which must lie within limits.

    >>> within("coverage", [0.941, 0.957], 0.93, 0.97, 400).figure
    '94.1 – 95.7 % of 400'
    """
    rates = list(rates)
    least, most = min(rates), max(rates)
    shown = f"{100 * least:.1f} – {100 * most:.1f}" if least < most else f"{100 * least:.1f}"
    target = f"{100 * low:g} – {100 * high:g} %"
    return Row(claim, f"{shown} % of {runs:,}", target, low <= least and most <= high)


def spread(task: Callable[[int], Any], runs: int, jobs: int) -> list[Any]:
    """Run a task for each seed from 0 on, on several cores; results in the order of seeds."""
    if jobs == 1:
        return [task(seed) for seed in range(runs)]
    with ProcessPoolExecutor(jobs, initializer=threadpool_limits, initargs=(1,)) as pool:
        return list(pool.map(task, range(runs), chunksize=max(1, runs // (8 * jobs))))
