"""Verdicts: what may be said of a difference, with false ones held down over all that is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.comparison.counts import Floats
from tagifai.comparison.results import DiffRow

WORSE, BETTER, UNSURE = "worse", "better", "can't tell"
TOO_FEW, UNCHANGED = "too few", "unchanged"
ADDED, REMOVED = "added", "removed"
VERDICTS = (WORSE, BETTER, UNSURE, TOO_FEW, UNCHANGED, ADDED, REMOVED, None)
ENOUGH_POSITIVES = 10
ENOUGH_SHARED = 100
ERROR_RATE = 0.05

Correction = Callable[[Floats], NDArray[np.bool_]]


def benjamini_hochberg(p: Any, level: float = ERROR_RATE) -> NDArray[np.bool_]:
    """Find which of several p-values count, with false discoveries held at `level`.

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


def holm(p: Any, level: float = ERROR_RATE) -> NDArray[np.bool_]:
    """Find which of several p-values count, with the chance of any false one held at `level`.

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
        Where a verdict was possible at all. What was not does not count among what was asked.
    """

    a: Floats
    b: Floats
    low: Floats
    high: Floats
    p: Floats
    unchanged: NDArray[np.bool_]
    few: NDArray[np.bool_]
    askable: NDArray[np.bool_] | None = None


def make_rows(
    names: Sequence[str],
    metrics: Sequence[str],
    support: NDArray[Any],
    found: Differences,
    correct: Correction = benjamini_hochberg,
) -> list[DiffRow]:
    """Write differences as rows, each with its verdict.

    `correct` says which of the p-values asked count, all of them considered. A row says "better"
    or "worse" only where its p-value counts and its interval leaves zero out.
    """
    # Equal averages of different tags differ in the last bits: that is no difference.
    diff = np.round(found.b - found.a, 12)
    asked = ~found.unchanged & ~found.few & ~np.isnan(diff) & ~np.isnan(found.p)
    if found.askable is not None:
        asked &= found.askable
    counts = np.zeros(len(names), dtype=bool)
    counts[asked] = correct(found.p[asked])
    rows = []
    for place, name in enumerate(names):
        silent = found.unchanged[place] or found.few[place] or np.isnan(diff[place])
        verdict = UNSURE
        if found.unchanged[place]:
            verdict = UNCHANGED
        elif found.few[place]:
            verdict = TOO_FEW
        elif counts[place] and found.low[place] > 0:
            verdict = BETTER
        elif counts[place] and found.high[place] < 0:
            verdict = WORSE
        shown = (None, None, None) if silent else (found.low, found.high, found.p)
        low, high, p = (None if part is None else known(part[place]) for part in shown)
        rows.append(
            DiffRow(
                name,
                metrics[place],
                int(support[place]),
                known(found.a[place]),
                known(found.b[place]),
                known(diff[place]),
                low,
                high,
                p,
                verdict,
            )
        )
    return rows


def known(value: Any) -> float | None:
    """Return a number as JSON has it: None for what is undefined.

    >>> known(np.float64(0.5)), known(np.nan)
    (0.5, None)
    """
    return None if np.isnan(value) else float(value)
