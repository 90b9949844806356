"""Estimate a gap that was picked because it was large.

A slice that is picked because it looks bad looks worse than it is. Where the choice was made on
most of the projects, without the rest, the expected gap of the rest given all that is known is
unbiased, and varies less than that gap itself (Cohen and Sackrowitz 1989, "Two stage
conditionally unbiased estimators of the selected mean"; Bowden and Glimm 2008, "Unbiased
estimation of selected treatment means in two-stage trials"). The interval contains the values
under which a gap like this one, once picked, would be neither too large nor too small (carving:
Fithian, Sun and Taylor 2014, "Optimal Inference After Model Selection", arXiv 1410.2597).
"""

import math
from typing import NamedTuple

import numpy as np

from tagifai.metrics.intervals import LEVEL

_POINTS = 601


class Carved(NamedTuple):
    """An estimate corrected for the choice, with its 95 % interval."""

    value: float
    low: float
    high: float


def carve(estimate: float, variance: float, finding_variance: float, cut: float) -> Carved:
    """Correct an estimate for having been picked because a part of the data exceeded `cut`.

    Parameters
    ----------
    estimate, variance : float
        From all data, approximately normal.
    finding_variance : float
        Variance of the estimate from the part that decided, above `variance`.
    cut : float
        What the estimate of that part had to exceed.

    Examples
    --------
    Far above the cut nothing is corrected, near it much.

    >>> [round(one, 2) for one in carve(10.0, 1.0, 1.25, 4.0)]
    [10.0, 8.04, 11.96]
    >>> [round(one, 2) for one in carve(4.0, 1.0, 1.25, 4.0)]
    [2.4, -1.58, 5.32]
    """
    from scipy import optimize, special

    spread, noise = math.sqrt(variance), math.sqrt(finding_variance - variance)
    kept_back = variance * finding_variance / (finding_variance - variance)
    # The mean of a normal variable that exceeds z deviations is λ(z) = φ(z) / Φ(−z) above 0.
    z = (cut - estimate) / noise
    hazard = math.exp(-(z**2) / 2 - special.log_ndtr(-z)) / math.sqrt(2 * math.pi)
    value = estimate - kept_back / finding_variance * noise * hazard

    def chance_below(truth: float) -> float:
        """Compute the probability of a smaller estimate, once picked, if `truth` is true."""
        ends = min(truth, estimate), max(truth, estimate, cut)
        x = np.linspace(ends[0] - 8 * spread, ends[1] + 8 * spread, _POINTS)
        x = np.sort(np.append(x, estimate))
        log = -((x - truth) ** 2) / (2 * variance) + special.log_ndtr((x - cut) / noise)
        density = np.exp(log - log.max())
        steps = (density[1:] + density[:-1]) / 2 * np.diff(x)
        total = np.concatenate([[0.0], np.cumsum(steps)])
        return float(total[np.searchsorted(x, estimate)] / total[-1])

    tail = (1 - LEVEL) / 2

    def solve(chance: float) -> float:
        low, high = estimate - 5 * spread, estimate + 5 * spread
        while chance_below(low) < chance:
            low -= 2 * (estimate - low)
        return float(
            optimize.brentq(
                lambda truth: chance_below(truth) - chance, low, high, xtol=1e-4 * spread
            )
        )

    return Carved(value, solve(1 - tail), solve(tail))
