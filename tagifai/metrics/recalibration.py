"""Calibration intercept and slope: tests whether they are 0 and 1, and the gap if not.

Cox (1958, "Two Further Applications of a Model for Binary Regression") regresses what came
true on the log-odds x of the probabilities: log-odds = intercept + slope · x. Probabilities
that can be believed have intercept 0 and slope 1; a slope below 1 means that they are too
extreme. Nothing is drawn at random, so that an answer depends on the data alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array
from tagifai.matrices import Matrix, StoredPairs, join_pairs

LEAST_PROBABILITY = 1e-6
# Log-odds are clipped here: a single pair must not decide a tag's slope.
FARTHEST_LOG_ODDS = 7.0
_BLOCK_CELLS = 4_000_000
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Cox's regression: `intercept`, `slope`, and the gap it implies, with a 95 % interval.

    `gap` is the mean |recalibrated − predicted probability| over the pairs in question, the
    integrated calibration index of Austin and Steyerberg (2019, Statistics in Medicine 38)
    with the regression as its smooth curve; `shift` is the same without the bars: above 0
    where probabilities are too low. The interval takes clusters of pairs as drawn at random
    (sandwich variance, Liang and Zeger 1986).
    """

    intercept: float
    slope: float
    gap: float
    low: float
    high: float
    shift: float


def tag_p_values(y_true: Matrix, y_prob: Matrix) -> Array:
    """Test for each tag whether its calibration intercept is 0 and its slope 1.

    Score tests: with probabilities p that hold, Σ (y − p) and Σ (y − p)(x − x̄) have mean 0
    and known variance, are uncorrelated, and approach a normal distribution. (Spiegelhalter's
    statistic, 1986, is of this kind, with 1 − 2p for x.) Where positives are few they are
    skewed still: the Pearson type III distribution of the same skewness stands in. The two
    are joined as χ² with two degrees of freedom.

    Parameters
    ----------
    y_true, y_prob : matrices of shape (n_projects, n_tags)
        0 or 1, and probabilities in [0, 1]; dense or CSR.

    Returns
    -------
    array of shape (n_tags,)
        p-values in [0, 1]; 1 without a project.
    """
    pairs = join_pairs(y_true, y_prob)
    n, t = np.shape(y_prob)
    if not n:
        return np.ones(t)
    if isinstance(pairs, StoredPairs):
        return _p_values_of_stored(pairs)
    p_values = np.ones(t)
    width = max(1, _BLOCK_CELLS // n)
    for start in range(0, t, width):
        columns = slice(start, start + width)
        p_values[columns] = _score_tests(
            np.asarray(pairs.true[:, columns], dtype=float), pairs.prob[:, columns], _sum_columns
        )
    return p_values


def _sum_columns(values: Array) -> Array:
    return np.asarray(values.sum(axis=0))


def _p_values_of_stored(pairs: StoredPairs) -> Array:
    """Test each tag by its stored pairs, and by one that stands for all that are left out."""
    t = len(pairs.ends) - 1
    tags = np.concatenate([np.repeat(np.arange(t), np.diff(pairs.ends)), np.arange(t)])
    weights = np.concatenate([np.ones(len(pairs.prob)), pairs.rest])

    def sum_by_tag(values: Array) -> Array:
        return np.bincount(tags, weights=values * weights, minlength=t)

    nothing = np.zeros(t)
    return _score_tests(
        np.concatenate([pairs.true, nothing]).astype(float),
        np.concatenate([pairs.prob, nothing]),
        sum_by_tag,
        tags,
    )


def _score_tests(
    true: Array, y_prob: Array, total: Callable[[Array], Array], tags: Array | None = None
) -> Array:
    """Return the p-value of each tag, (n_tags,).

    `total` sums values of pairs by tag; `tags` is the tag of each pair, where they are not the
    columns of an array.
    """
    from scipy import stats  # here: only those who ask for a check wait for its import

    prob, log_odds = _clipped(y_prob)
    residual = true - prob
    variance = prob * (1 - prob)
    third = variance * (1 - 2 * prob)
    whole = total(variance)
    centre = total(variance * log_odds) / whole
    offset = log_odds - (centre if tags is None else centre[tags])
    none, every = np.exp(total(np.log1p(-prob))), np.exp(total(np.log(prob)))
    squares, degrees = np.zeros(len(whole)), np.zeros(len(whole))
    for weight in (np.ones_like(offset), offset):
        spread = total(variance * weight**2)
        # Probabilities that are all alike have no slope.
        known = spread > 1e-9 * whole
        spread = np.where(known, spread, 1)
        deviation = np.sqrt(spread)
        z = total(residual * weight) / deviation
        skew = total(third * weight**3) / spread**1.5
        below, above = stats.pearson3.cdf(z, skew), stats.pearson3.sf(z, skew)
        # With next to no positive expected, most of the probability is on a single value.
        for outcome, chance in ((0, none), (1, every)):
            there = total((outcome - prob) * weight) / deviation
            below = np.where(there <= z + 1e-9, np.maximum(below, chance), below)
            above = np.where(there >= z - 1e-9, np.maximum(above, chance), above)
        normal = stats.norm.isf(np.clip(np.minimum(below, above), 1e-300, 0.5))
        squares += np.where(known, normal**2, 0)
        degrees += known
    return np.asarray(stats.chi2.sf(squares, degrees))


def clustered_p_value(y_true: Array, y_prob: Array, clusters: Array) -> float | None:
    """Test whether the intercept of all pairs pooled is 0 and their slope 1.

    Pairs of one cluster (a project, shape (n_pairs,) of small integers) may depend on each
    other in any way: the scores are summed by cluster, and Hotelling's T² asks whether the
    means of the sums are 0. None under four clusters.
    """
    from scipy import stats

    prob, log_odds = _clipped(y_prob)
    if not prob.size:
        return None
    variance = prob * (1 - prob)
    offset = log_odds - (variance * log_odds).sum() / variance.sum()
    residual = np.asarray(y_true, dtype=float) - prob
    weights = [np.ones_like(offset)]
    if (variance * offset**2).sum() > 1e-9 * variance.sum():
        weights.append(offset)
    _, clusters = np.unique(clusters, return_inverse=True)
    scores = np.column_stack([np.bincount(clusters, weights=residual * w) for w in weights])
    n, k = scores.shape
    if n < k + 2:
        return None
    mean, covariance = scores.mean(axis=0), np.atleast_2d(np.cov(scores, rowvar=False))
    squared = n * float(mean @ np.linalg.pinv(covariance, hermitian=True) @ mean)
    return float(stats.f.sf(squared * (n - k) / (k * (n - 1)), k, n - k))


def fit_recalibration(
    y_true: Array, y_prob: Array, clusters: Array, over: Array | None = None
) -> Recalibration:
    """Fit Cox's regression to pairs (n_pairs,), and measure the gap over those in `over`.

    A tenth of a pair that agrees with its probability is added, so that the fit exists where
    no pair is true or all are. `over` is boolean, all pairs by default.
    """
    prob, log_odds = _clipped(y_prob)
    true = np.asarray(y_true, dtype=float)
    over = np.ones(prob.shape, bool) if over is None else over
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    extra = 0.1 / len(prob)
    target, weight = (true + extra * prob) / (1 + extra), 1 + extra
    theta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        fitted = _expit(design @ theta)
        gradient = weight * design.T @ (target - fitted)
        bread = _information(design, fitted, weight)
        step = np.linalg.pinv(bread, hermitian=True) @ gradient
        # A long step from a bad start could overshoot; short ones always arrive.
        step *= min(1.0, 1 / max(float(np.abs(step).max()), 1e-12))
        theta = theta + step
        if np.abs(step).max() < 1e-9:
            break
    fitted = _expit(design @ theta)
    bread = np.linalg.pinv(_information(design, fitted, weight), hermitian=True)
    _, clusters = np.unique(clusters, return_inverse=True)
    sums = np.column_stack(
        [np.bincount(clusters, weights=(true - fitted) * column) for column in design.T]
    )
    n = len(sums)
    covariance = bread @ (sums.T @ sums) @ bread * n / max(n - 1, 1)
    difference = (fitted - prob)[over]
    slope_of = (
        (np.sign(difference) * (fitted * (1 - fitted))[over]) @ design[over] / len(difference)
    )
    gap = float(np.abs(difference).mean())
    margin = 1.959964 * float(np.sqrt(max(slope_of @ covariance @ slope_of, 0.0)))
    return Recalibration(
        float(theta[0]),
        float(theta[1]),
        gap,
        max(0.0, gap - margin),
        min(1.0, gap + margin),
        float(difference.mean()),
    )


def _information(design: Array, fitted: Array, weight: float) -> Array:
    return weight * (design * (fitted * (1 - fitted))[:, None]).T @ design


def _clipped(y_prob: Array) -> tuple[Array, Array]:
    prob = np.clip(np.asarray(y_prob, dtype=float), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    log_odds = np.log(prob) - np.log1p(-prob)
    return prob, np.clip(log_odds, -FARTHEST_LOG_ODDS, FARTHEST_LOG_ODDS)


def _expit(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
