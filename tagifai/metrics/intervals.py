"""Intervals of shares whose parts come in clusters: the pairs of one project, say.

Wilson's interval (1927) with the effective sample size of the clusters (Kish 1965) and Student's
t, which keeps its coverage with few clusters and shares near 0 and 1 (Franco, Little, Louis and
Slud 2019, "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys").
The difference of two such shares: Newcombe (1998), "Interval Estimation for the Difference
Between Independent Proportions", method 10.
"""

import math
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array

LEVEL = 0.95
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; `low` and `high` are None where there is too little for one."""

    value: float | None
    low: float | None = None
    high: float | None = None


def share_interval(
    part: Array, whole: Array, *, fewest: int = FEWEST, level: float = LEVEL
) -> Estimate:
    """Return Σ part / Σ whole with its interval, clusters taken as drawn at random.

    Parameters
    ----------
    part, whole : arrays of shape (n_clusters,)
        What each cluster adds to numerator and denominator, 0 ≤ part ≤ whole. For precision
        they are a project's true positives and its predicted tags.
    fewest : int
        Fewer clusters with anything to count have no interval.

    Examples
    --------
    >>> share_interval(np.repeat([1, 0], 10), np.ones(20)).value
    0.5
    >>> share_interval(np.ones(3), np.ones(3))
    Estimate(value=1.0, low=None, high=None)
    """
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    counted = whole > 0
    part, whole = part[counted], whole[counted]
    n, total = len(whole), float(whole.sum())
    if not n:
        return Estimate(None)
    value = min(max(float(part.sum()) / total, 0.0), 1.0)
    if n < max(fewest, 2):
        return Estimate(value)
    from scipy import special  # here: only those who ask for intervals wait for its import

    variance = float(((part - value * whole) ** 2).sum()) / total**2 * n / (n - 1)
    # Where all clusters agree nothing tells how they vary: each counts once.
    size = min(value * (1 - value) / variance, total) if variance > 0 else float(n)
    t = float(special.stdtrit(n - 1, (1 + level) / 2))
    centre = (value + t**2 / (2 * size)) / (1 + t**2 / size)
    margin = t / (1 + t**2 / size) * math.sqrt(value * (1 - value) / size + (t / (2 * size)) ** 2)
    return Estimate(value, max(0.0, centre - margin), min(1.0, centre + margin))


def difference_interval(one: Estimate, other: Estimate) -> Estimate:
    """Return one − other of two independent shares, with an interval where both have one.

    >>> found = difference_interval(Estimate(0.75, 0.5, 1.0), Estimate(0.5, 0.25, 0.75))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.25, -0.104, 0.604)
    """
    if one.value is None or other.value is None:
        return Estimate(None)
    value = one.value - other.value
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Estimate(value)
    return Estimate(
        value,
        value - math.hypot(one.value - one.low, other.high - other.value),
        value + math.hypot(one.high - one.value, other.value - other.low),
    )
