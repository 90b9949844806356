"""Verdicts on differences, with the rate of false ones controlled over all comparisons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from tagifai.arrays import Array, Booleans, Floats
from tagifai.comparison.results import DiffRow

WORSE, BETTER, UNSURE = "worse", "better", "can't tell"
TOO_FEW, UNCHANGED = "too few", "unchanged"
ADDED, REMOVED = "added", "removed"
VERDICTS = (WORSE, BETTER, UNSURE, TOO_FEW, UNCHANGED, ADDED, REMOVED, None)
ENOUGH_POSITIVES = 10
ENOUGH_SHARED = 100
ERROR_RATE = 0.05

Correction = Callable[[Floats], Booleans]


def benjamini_hochberg(p: ArrayLike, level: float = ERROR_RATE) -> Booleans:
    """Check which of several p-values count, with false discoveries held at `level`.

    Benjamini and Hochberg 1995.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).tolist()
    [True, False, False, False]
    """
    p = np.asarray(p, dtype=np.float64)
    if not p.size:
        return np.zeros(0, dtype=bool)
    order = np.sort(p)
    passing = order <= level * np.arange(1, p.size + 1) / p.size
    return p <= order[passing].max() if passing.any() else np.zeros(p.size, dtype=bool)


def holm(p: ArrayLike, level: float = ERROR_RATE) -> Booleans:
    """Check which of several p-values count, with the chance of any false one held at `level`.

    Holm 1979.

    >>> holm([0.01, 0.04, 0.02]).tolist(), holm([0.01, 0.04, 0.03]).tolist()
    ([True, True, True], [True, False, False])
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    passing = p[order] <= level / (p.size - np.arange(p.size))
    found = np.zeros(p.size, dtype=bool)
    found[order[np.cumprod(passing).astype(bool)]] = True
    return found


def count_verdicts(verdicts: Sequence[str | None]) -> dict[str, int]:
    """Count each of the five verdicts.

    >>> count_verdicts(["better", "unchanged", "better", None])["better"]
    2
    """
    return {
        kind: list(verdicts).count(kind) for kind in (BETTER, WORSE, UNSURE, TOO_FEW, UNCHANGED)
    }


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure of both versions: an entry of each array of `Differences`."""

    a: float
    b: float
    low: float
    high: float
    p: float
    unchanged: bool
    few: bool
    askable: bool


@dataclass(frozen=True, eq=False)
class Differences:
    """Figures of both versions with what may be said of each difference; arrays of shape (k,).

    Attributes
    ----------
    a, b : ndarray
        The figures, NaN where undefined.
    low, high, p : ndarray
        Intervals of b − a, and p-values of "no difference"; NaN where undefined.
    unchanged, few : bool ndarray
        Where both versions decide the same, and where there is too little to tell by.
    askable : bool ndarray, optional
        Where a verdict was possible at all; the other figures are not counted as comparisons.
    """

    a: Floats
    b: Floats
    low: Floats
    high: Floats
    p: Floats
    unchanged: Booleans
    few: Booleans
    askable: Booleans | None = None

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> "Differences":
        """Build the arrays from figures one by one."""
        columns = {
            field.name: np.array([getattr(one, field.name) for one in judged])
            for field in fields(Judged)
        }
        return cls(**columns)


def make_rows(
    names: Sequence[str],
    metrics: Sequence[str],
    support: Array,
    found: Differences,
    correct: Correction = benjamini_hochberg,
) -> list[DiffRow]:
    """Write differences as rows, each with its verdict.

    `correct` decides which p-values count, given all of them. A row says "better" or "worse" only
    if its p-value counts and its interval excludes zero.
    """
    # Equal averages of different tags differ in the last bits: that is no difference.
    diff = np.round(found.b - found.a, 12)
    tested = ~found.unchanged & ~found.few & ~np.isnan(diff) & ~np.isnan(found.p)
    if found.askable is not None:
        tested &= found.askable
    counts = np.zeros(len(names), dtype=bool)
    counts[tested] = correct(found.p[tested])
    return [
        _make_row(name, metrics[place], int(support[place]), found, place, bool(counts[place]))
        for place, name in enumerate(names)
    ]


def _make_row(
    name: str, metric: str, support: int, found: Differences, place: int, counts: bool
) -> DiffRow:
    diff = np.round(found.b[place] - found.a[place], 12)
    silent = found.unchanged[place] or found.few[place] or np.isnan(diff)
    verdict = UNSURE
    if found.unchanged[place]:
        verdict = UNCHANGED
    elif found.few[place]:
        verdict = TOO_FEW
    elif counts and found.low[place] > 0:
        verdict = BETTER
    elif counts and found.high[place] < 0:
        verdict = WORSE
    low, high, p = (
        None if silent else known(part[place]) for part in (found.low, found.high, found.p)
    )
    a, b = known(found.a[place]), known(found.b[place])
    return DiffRow(name, metric, support, a, b, known(diff), low, high, p, verdict)


def known(value: float) -> float | None:
    """Return a number as JSON has it: None for what is undefined.

    >>> known(np.float64(0.5)), known(np.nan)
    (0.5, None)
    """
    return None if np.isnan(value) else float(value)
