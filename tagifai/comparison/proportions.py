"""Intervals of precision, recall and F1 in closed form, alone and as differences.

Each of the three is a proportion, or rises with one: recall is hits of positives, precision hits
of predictions, and F1 = 2J / (1 + J) with J, Jaccard's index, hits of the pairs that are either.
So each has Wilson's score interval (Wilson 1927), which keeps its level down to ten pairs, where
the percentile bootstrap does not. Pairs of one project (or tests of one tag) depend on each other:
the interval then counts the effective number of pairs (Korn and Graubard 1998). The difference of
two versions on the same projects combines both intervals by the correlation of their errors
(Newcombe 1998; Zou and Donner 2008, "MOVER").
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tagifai.arrays import Array, Floats
from tagifai.metrics.figures import figure_parts, ratio

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
Ends = tuple[Floats, Floats]
Parts = tuple[Array, Array, bool]
"""Hits, size, and whether their ratio is Jaccard's index, which F1 follows from."""


class Measured(NamedTuple):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Proportion:
    """`hits` of `size` pairs, by column, that count as `effective` independent ones.

    Attributes
    ----------
    hits, size, effective : ndarray of shape (columns,)
        Counts; `effective` is at most `size`.
    is_jaccard : bool
        Whether the figure is F1, to which Jaccard's index, hits of size, is turned.
    """

    hits: Floats
    size: Floats
    effective: Floats
    is_jaccard: bool = False

    @property
    def share(self) -> Floats:
        """Return hits / size, NaN where there is no pair."""
        return ratio(self.hits, self.size)

    @property
    def figure(self) -> Floats:
        """Return the figure itself."""
        return self._shown(self.share)

    def interval(self) -> Ends:
        """Compute the figure's 95 % interval, NaN where there is no pair."""
        low, high = wilson(self.share, self.effective)
        return self._shown(low), self._shown(high)

    def _shown(self, share: Floats) -> Floats:
        return 2 * share / (1 + share) if self.is_jaccard else share


def wilson(share: ArrayLike, size: ArrayLike) -> Ends:
    """Compute Wilson's 95 % score interval of a share of `size` independent pairs.

    >>> low, high = wilson(np.array([0.5, 1.0]), np.array([10, 10]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.237, 0.722], [0.763, 1.0])
    """
    share = np.asarray(share, np.float64)
    size = np.where(np.asarray(size) > 0, size, np.nan)
    middle = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z * np.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2)) / (1 + Z**2 / size)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def difference_interval(a: Proportion, b: Proportion, correlation: Floats) -> Ends:
    """Compute the 95 % interval of B's figure minus A's, (columns,) each, in [−1, 1].

    Parameters
    ----------
    a, b : Proportion
        Both versions on the same projects.
    correlation : ndarray of shape (columns,)
        Correlation of the two figures, in [−1, 1].
    """
    (low_a, high_a), (low_b, high_b) = a.interval(), b.interval()
    below_a, above_a = a.figure - low_a, high_a - a.figure
    below_b, above_b = b.figure - low_b, high_b - b.figure
    diff = b.figure - a.figure
    down = below_b**2 - 2 * correlation * below_b * above_a + above_a**2
    up = above_b**2 - 2 * correlation * above_b * below_a + below_a**2
    return diff - np.sqrt(np.maximum(down, 0)), diff + np.sqrt(np.maximum(up, 0))


def residuals_of(hits: Array, size: Array, weights: ArrayLike = 1) -> Floats:
    """Compute how far each row is from what all show, by column: hits − share · size.

    `hits` and `size` are (rows, columns), or (rows, 1) where `weights`, (rows, columns), say how
    often each row comes in each column.
    """
    weights = np.asarray(weights)
    share = ratio((weights * hits).sum(axis=0), (weights * size).sum(axis=0))
    return np.asarray(hits - np.nan_to_num(share) * size)


def leave_out(hits: Floats, size: Floats) -> Floats:
    """Compute how the share changes without each cluster (row), by column, around its mean.

    The jackknife: with few clusters it is fairer than the residuals of all.
    """
    without = ratio(hits.sum(axis=0) - hits, size.sum(axis=0) - size)
    counted = (size > 0) & ~np.isnan(without)
    mean = ratio((np.nan_to_num(without) * counted).sum(axis=0), counted.sum(axis=0))
    return np.where(counted, without - mean, 0.0)


def correlation_of(first: Floats, second: Floats, weights: ArrayLike = 1.0) -> Floats:
    """Compute the correlation of two columns of residuals, 0 where either does not vary."""
    weights = np.asarray(weights)
    both = (weights * first * second).sum(axis=0)
    scale = np.sqrt((weights * first**2).sum(axis=0) * (weights * second**2).sum(axis=0))
    return np.clip(np.divide(both, scale, out=np.zeros(both.shape), where=scale > 0), -1, 1)


def clustered(hits: Floats, size: Floats, is_jaccard: bool = False) -> Proportion:
    """Build proportions from pairs that come in clusters.

    Parameters
    ----------
    hits, size : ndarray of shape (clusters, columns)
        Hits and pairs of each cluster: a project, or the tests of a tag.
    is_jaccard : bool
        Whether the figure is F1.

    Returns
    -------
    Proportion
        With the number of independent pairs that would vary as much, less what few clusters
        leave unknown (Student's quantile in place of the normal one).
    """
    from scipy.special import stdtrit

    all_hits, all_size = hits.sum(axis=0), size.sum(axis=0)
    share = ratio(all_hits, all_size)
    number = (size > 0).sum(axis=0).astype(np.float64)
    variance = ratio(number - 1, number) * (leave_out(hits, size) ** 2).sum(axis=0)
    # Where nothing varies, each cluster counts once.
    varies = np.nan_to_num(variance) > 1e-20
    effective = np.where(varies, ratio(share * (1 - share), np.where(varies, variance, 1)), number)
    quantile = stdtrit(np.maximum(number - 1, 1), (1 + LEVEL) / 2)
    effective = np.minimum(np.nan_to_num(effective), all_size) * (Z / quantile) ** 2
    return Proportion(all_hits, all_size, effective, is_jaccard)


def proportion_parts(true: Array, predicted: Array, hits: Array) -> dict[str, Parts]:
    """Return by metric the counts that it is a proportion of.

    F1 is twice Jaccard's index over one more than it, so that its interval follows from that
    proportion.
    """
    parts = figure_parts(hits, predicted, true)
    return {
        "precision": (*parts["precision"], False),
        "recall": (*parts["recall"], False),
        "f1": (hits, true + predicted - hits, True),
    }


def of_tags(true: Floats, predicted: Floats, hits: Floats) -> dict[str, Proportion]:
    """Build each tag's three proportions: each project is in at most one pair of a tag."""
    return {
        metric: Proportion(x, size, size, is_jaccard)
        for metric, (x, size, is_jaccard) in proportion_parts(true, predicted, hits).items()
    }
