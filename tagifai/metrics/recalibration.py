"""Calibration intercept and slope: tests whether they are 0 and 1, and the gap if not.

Cox (1958, "Two Further Applications of a Model for Binary Regression") regresses what came
true on the log-odds x of the probabilities: log-odds = intercept + slope · x. Probabilities
that can be believed have intercept 0 and slope 1; a slope below 1 means that they are too
extreme. Nothing is drawn at random, so that an answer depends on the data alone.
"""

from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array

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


def tag_p_values(y_true: Array, y_prob: Array) -> Array:
    """Test for each tag whether its calibration intercept is 0 and its slope 1.

    Score tests: with probabilities p that hold, Σ (y − p) and Σ (y − p)(x − x̄) have mean 0
    and known variance, are uncorrelated, and approach a normal distribution. (Spiegelhalter's
    statistic, 1986, is of this kind, with 1 − 2p for x.) Where positives are few they are
    skewed still: the Pearson type III distribution of the same skewness stands in. The two
    are joined as χ² with two degrees of freedom.

    Parameters
    ----------
    y_true, y_prob : arrays of shape (n_projects, n_tags)
        0 or 1, and probabilities in [0, 1].

    Returns
    -------
    array of shape (n_tags,)
        p-values in [0, 1]; 1 without a project.
    """
    from scipy import stats  # here: only those who ask for a check wait for its import

    n, t = np.shape(y_prob)
    p_values = np.ones(t)
    width = max(1, _BLOCK_CELLS // max(n, 1))
    for start in range(0, t if n else 0, width):
        columns = slice(start, start + width)
        prob, log_odds = _clipped(y_prob[:, columns])
        residual = np.asarray(y_true[:, columns], dtype=float) - prob
        variance = prob * (1 - prob)
        third = variance * (1 - 2 * prob)
        offset = log_odds - (variance * log_odds).sum(axis=0) / variance.sum(axis=0)
        none, every = np.exp(np.log1p(-prob).sum(axis=0)), np.exp(np.log(prob).sum(axis=0))
        squares, degrees = np.zeros(offset.shape[1]), np.zeros(offset.shape[1])
        for weight in (np.ones_like(offset), offset):
            spread = (variance * weight**2).sum(axis=0)
            # Probabilities that are all alike have no slope.
            known = spread > 1e-9 * variance.sum(axis=0)
            spread = np.where(known, spread, 1)
            deviation = np.sqrt(spread)
            z = (residual * weight).sum(axis=0) / deviation
            skew = (third * weight**3).sum(axis=0) / spread**1.5
            below, above = stats.pearson3.cdf(z, skew), stats.pearson3.sf(z, skew)
            # With next to no positive expected, most of the probability is on a single value.
            for outcome, chance in ((0, none), (1, every)):
                there = ((outcome - prob) * weight).sum(axis=0) / deviation
                below = np.where(there <= z + 1e-9, np.maximum(below, chance), below)
                above = np.where(there >= z - 1e-9, np.maximum(above, chance), above)
            normal = stats.norm.isf(np.clip(np.minimum(below, above), 1e-300, 0.5))
            squares += np.where(known, normal**2, 0)
            degrees += known
        p_values[columns] = stats.chi2.sf(squares, degrees)
    return p_values


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
