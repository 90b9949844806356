"""The paired bootstrap over projects: how sure a difference between two versions is.

Every resample draws as many projects as there are, with replacement, and scores both versions
on the same draw (Efron and Tibshirani 1993, An Introduction to the Bootstrap; for paired
comparisons of classifiers Berg-Kirkpatrick et al. 2012). A figure without anything to count
(a precision without predictions, a recall without positives) is 0, as with scikit-learn's
`zero_division=0`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
METRICS = ("precision", "recall", "f1")
RESAMPLES = 2000
LEVEL = 0.95
# 512 resamples of 20,000 projects are 80 MB: large test splits are scored in parts.
_PART_CELLS = 10_000_000


@dataclass(frozen=True, eq=False)
class Counts:
    """What precision, recall and F1 follow from; arrays of shape (..., columns).

    `true` positives, `predicted` positives and both (`hits`), each a sum over projects.
    """

    true: Floats
    predicted: Floats
    hits: Floats

    def figures(self) -> dict[str, Floats]:
        """Compute precision, recall and F1 of each column, 0 where undefined."""
        return {
            "precision": ratio(self.hits, self.predicted),
            "recall": ratio(self.hits, self.true),
            "f1": ratio(2 * self.hits, self.true + self.predicted),
        }

    def averages(self) -> dict[str, dict[str, Floats]]:
        """Average precision, recall and F1 over the columns, by name of the average.

        "weighted" weighs by true positives, "macro" equally, "micro" pools the counts.
        """
        figures = self.figures()
        total = self.true.sum(axis=-1)
        pooled = Counts(total, self.predicted.sum(axis=-1), self.hits.sum(axis=-1))
        return {
            "weighted": {
                name: ratio((value * self.true).sum(axis=-1), total)
                for name, value in figures.items()
            },
            "macro": {name: _mean(value) for name, value in figures.items()},
            "micro": pooled.figures(),
        }


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide, with 0 where there is nothing to divide by.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)


def draw_projects(n: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.intp]:
    """Draw (resamples, n) row numbers in [0, n), with replacement."""
    return np.random.default_rng(seed).integers(0, n, size=(resamples, n), dtype=np.intp)


def count_draws(drawn: NDArray[np.intp]) -> Floats:
    """Count how often each resample drew each project; (resamples, n).

    >>> count_draws(np.array([[0, 0, 2]])).tolist()
    [[2.0, 0.0, 1.0]]
    """
    resamples, n = drawn.shape
    cells = drawn + np.arange(resamples)[:, None] * n
    counts = np.bincount(cells.ravel(), minlength=resamples * n)
    return counts.reshape(resamples, n).astype(np.float64)


def resample_counts(
    y_true: NDArray[np.generic],
    y_preds: tuple[NDArray[np.generic], ...],
    resamples: int = RESAMPLES,
    seed: int = 0,
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
    sums = np.vstack([weights @ stacked for weights in _weights(len(stacked), resamples, seed)])
    return np.split(sums, np.cumsum([array.shape[1] for array in columns])[:-1], axis=1)


def _weights(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    # The generator yields the same numbers in parts as at once.
    rng = np.random.default_rng(seed)
    part = max(1, _PART_CELLS // max(n, 1))
    for start in range(0, resamples, part):
        size = (min(part, resamples - start), n)
        yield count_draws(rng.integers(0, n, size=size, dtype=np.intp))


def percentile_interval(samples: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Take the middle `level` of the resamples (axis 0): the percentile interval.

    >>> low, high = percentile_interval(np.arange(101.0)[:, None], 0.5)
    >>> float(low[0]), float(high[0])
    (25.0, 75.0)
    """
    tail = (1 - level) / 2
    low, high = np.quantile(samples, (tail, 1 - tail), axis=0)
    return low, high


def p_values(differences: Floats) -> Floats:
    """Compute two-sided p-values of "no difference" from resampled differences (axis 0).

    Twice the share of resamples on the far side of zero, ties on both sides and the sample
    itself counted in: the level at which the percentile interval just reaches zero (Efron and
    Tibshirani 1993, section 15.4; the added one after Davison and Hinkley 1997, section 4.2).
    The smallest possible value is 2 / (resamples + 1).

    >>> p_values(np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]])).tolist()
    [0.5, 1.0]
    """
    below = (differences <= 0).sum(axis=0)
    above = (differences >= 0).sum(axis=0)
    p = 2 * (np.minimum(below, above) + 1) / (len(differences) + 1)
    return np.minimum(p, 1.0)


def discoveries(p: Floats, level: float = 1 - LEVEL) -> NDArray[np.bool_]:
    """Tell which of several p-values count, with false discoveries held at `level`.

    Benjamini and Hochberg 1995.

    >>> discoveries(np.array([0.01, 0.04, 0.03, 0.5]), 0.05).tolist()
    [True, False, False, False]
    """
    p = np.asarray(p, dtype=np.float64)
    if not p.size:
        return np.zeros(0, dtype=bool)
    order = np.sort(p)
    passing = order <= level * np.arange(1, p.size + 1) / p.size
    return p <= order[passing].max() if passing.any() else np.zeros(p.size, dtype=bool)


def _mean(values: Floats) -> Floats:
    return values.mean(axis=-1) if values.shape[-1] else np.zeros(values.shape[:-1])
