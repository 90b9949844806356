"""The paired bootstrap over projects: how a difference between two versions would vary.

Every resample draws as many projects as there are, with replacement, and scores both versions
on the same draw (Efron and Tibshirani 1993, An Introduction to the Bootstrap; for paired
comparisons of classifiers Berg-Kirkpatrick et al. 2012).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tagifai.arrays import Floats, Integers
from tagifai.comparison.counts import Counts

RESAMPLES = 2_000
# 100 resamples of 20,000 projects take some 50 MB: large test splits are drawn in parts.
_PART_CELLS = 2_000_000


def draw_projects(n: int, resamples: int = RESAMPLES, seed: int = 0) -> Integers:
    """Draw (resamples, n) row numbers in [0, n), with replacement."""
    return np.random.default_rng(seed).integers(0, n, size=(resamples, n), dtype=np.intp)


def count_draws(drawn: Integers) -> Floats:
    """Count how often each resample drew each project; (resamples, n).

    >>> count_draws(np.array([[0, 0, 2]])).tolist()
    [[2.0, 0.0, 1.0]]
    """
    resamples, n = drawn.shape
    cells = drawn + np.arange(resamples)[:, None] * n
    counts = np.bincount(cells.ravel(), minlength=resamples * n)
    return counts.reshape(resamples, n).astype(np.float64)


def draw_weights(n: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """Yield parts of the resamples, each (part, n): how often each project was drawn."""
    # The generator yields the same numbers in parts as at once.
    rng = np.random.default_rng(seed)
    part = max(1, _PART_CELLS // max(n, 1))
    for start in range(0, resamples, part):
        size = (min(part, resamples - start), n)
        yield count_draws(rng.integers(0, n, size=size, dtype=np.intp))


def resample_counts(
    y_true: ArrayLike, y_preds: Sequence[ArrayLike], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Counts, ...]:
    """Count, by resample, what each of `y_preds` is scored by; all on the same draws.

    `y_true` and each of `y_preds` are (n, columns) of 0 and 1, or sums of such.
    Returns Counts of shape (resamples, columns).
    """
    truth = np.asarray(y_true, dtype=np.float64)
    columns = [truth]
    for y_pred in y_preds:
        predicted = np.asarray(y_pred, dtype=np.float64)
        columns += [predicted, predicted * truth]
    true, *rest = resample_sums(columns, resamples, seed)
    return tuple(Counts(true, rest[i], rest[i + 1]) for i in range(0, len(rest), 2))


def resample_sums(
    columns: Sequence[Floats], resamples: int = RESAMPLES, seed: int = 0
) -> list[Floats]:
    """Sum each of several (n, k) arrays over the projects of each resample: (resamples, k)."""
    stacked = np.hstack(columns)
    sums = np.vstack([w @ stacked for w in draw_weights(len(stacked), resamples, seed)])
    return np.split(sums, np.cumsum([array.shape[1] for array in columns])[:-1], axis=1)


def percentile_interval(samples: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Compute the percentile interval: the middle `level` of the resamples (axis 0).

    >>> low, high = percentile_interval(np.arange(101.0)[:, None], 0.5)
    >>> float(low[0]), float(high[0])
    (25.0, 75.0)
    """
    tail = (1 - level) / 2
    low, high = np.quantile(samples, (tail, 1 - tail), axis=0)
    return low, high


def p_values(differences: Floats) -> Floats:
    """Compute two-sided p-values of "no difference" from resampled differences (axis 0).

    Twice the share of resamples on the far side of zero, ties and undefined ones on both sides
    and the sample itself counted in: the level at which the percentile interval just reaches
    zero (Efron and Tibshirani 1993, section 15.4; the added one after Davison and Hinkley 1997,
    section 4.2). The smallest possible value is 2 / (resamples + 1).

    >>> p_values(np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]])).tolist()
    [0.5, 1.0]
    """
    return p_of_sides(*far_sides(differences), len(differences))


def far_sides(differences: Floats) -> tuple[Integers, Integers]:
    """Count the resamples (axis 0) that are not above zero, and those that are not below."""
    return (~(differences > 0)).sum(axis=0), (~(differences < 0)).sum(axis=0)


def p_of_sides(below: ArrayLike, above: ArrayLike, resamples: int) -> Floats:
    """Compute p-values from the counts of `far_sides`."""
    fewer = np.minimum(below, above)
    return np.minimum(2 * (fewer + 1.0) / (resamples + 1), 1.0)


def combined_p(bootstrap: ArrayLike, exact: ArrayLike, resamples: int) -> Floats:
    """Return the larger of both p-values, or the exact one if no resample crossed zero.

    The bootstrap cannot go below 2 / (resamples + 1); beyond that the exact test decides.

    >>> combined_p([0.2, 2 / 2001], [0.1, 1e-9], 2000).tolist()
    [0.2, 1e-09]
    """
    bootstrap, exact = np.asarray(bootstrap, np.float64), np.asarray(exact, np.float64)
    at_floor = bootstrap <= 2 / (resamples + 1) * (1 + 1e-9)
    return np.where(at_floor, exact, np.fmax(bootstrap, exact))
