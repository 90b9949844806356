"""Calibrate a classifier's scores, so that they can be read as probabilities."""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from tagifai.arrays import Array, Floats

PENALTY_C = 100.0
# More pairs than these are looked at part by part, so that copies of them in 64 bits stay small.
PAIRS_AT_ONCE = 2_000_000
# The common curve of more pairs is fitted to so many ranks of margins, each with its mean.
_CURVE_RANKS = 20_000


def column_blocks(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Yield slices of the columns of a table, each of at most `PAIRS_AT_ONCE` values.

    >>> list(column_blocks(1_000_000, 5))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    width = max(1, PAIRS_AT_ONCE // max(1, num_rows))
    for start in range(0, num_columns, width):
        yield slice(start, start + width)


def fit_platt(scores: Array, y_true: Array, shrinkage: float = 30.0) -> tuple[Array, Array]:
    """Fit slope and offset of each tag, (n_tags,) each: p = expit(slope * score + offset).

    Slopes are never negative: scores worse than chance give the tag's rate. The logarithm of a
    slope is drawn towards the mean of all tags, its own weight being
    positives / (positives + shrinkage), so that few positives do not give certainty (Platt 1999
    smooths the targets instead); the offset then preserves the number of positives.

    Parameters
    ----------
    scores : array of shape (n_texts, n_tags)
        Out-of-fold scores.
    y_true : array of shape (n_texts, n_tags)
        1 where a text has a tag, else 0.
    shrinkage
        The positives with which a tag's own slope weighs as much as the mean; 0: only its own.
    """
    fitted = [
        _fit_one(scores[:, t].astype(np.float64), y_true[:, t]) for t in range(scores.shape[1])
    ]
    slopes, offsets = np.array(fitted, float).reshape(-1, 2).T
    sloped = slopes > 0
    if sloped.any() and shrinkage:
        positives = y_true[:, sloped].sum(axis=0, dtype=float)
        weight = positives / (positives + shrinkage)
        logs = np.log(slopes[sloped])
        slopes[sloped] = np.exp(weight * logs + (1 - weight) * logs.mean())
        columns = np.flatnonzero(sloped)
        for block in column_blocks(len(scores), len(columns)):
            some = columns[block]
            scaled = slopes[some] * scores[:, some]
            offsets[some] = _balance(scaled, positives[block], offsets[some])
    return slopes, offsets


def fit_curve(log_odds: Array, y_true: Array) -> Array:
    """Fit the curve (3,) from margins to log-odds, one for all tags.

    Beta calibration (Kull et al. 2017): a * log p - b * log(1 - p) + c with a, b > 0. Margins
    are not quite logistic: a line is overconfident at both ends and underconfident between.
    """
    if not 0 < y_true.sum() < y_true.size:
        return np.array([1.0, 1.0, 0.0])
    if y_true.size <= PAIRS_AT_ONCE:
        curve = _fit_logistic(_curve_features(log_odds).reshape(-1, 2), y_true.ravel())
    else:
        margins, positives, negatives = _rank_margins(log_odds, y_true)
        features = _curve_features(np.concatenate([margins, margins]))
        truth = np.repeat([1, 0], len(margins))
        curve = _fit_logistic(features, truth, np.concatenate([positives, negatives]))
    return curve if (curve[:2] > 0).all() else np.array([1.0, 1.0, 0.0])


def _rank_margins(log_odds: Array, y_true: Array) -> tuple[Floats, Floats, Floats]:
    """Return the mean margin of equally wide ranks of margins, with positives and negatives."""
    low, high = float(log_odds.min()), float(log_odds.max())
    sums = np.zeros((3, _CURVE_RANKS))
    for block in column_blocks(log_odds.shape[0], log_odds.shape[1]):
        margins = log_odds[:, block].astype(np.float64).ravel()
        rank = ((margins - low) / max(high - low, 1e-9) * _CURVE_RANKS).astype(np.int64)
        np.clip(rank, 0, _CURVE_RANKS - 1, out=rank)
        for place, weights in enumerate((None, margins, y_true[:, block].ravel())):
            sums[place] += np.bincount(rank, weights, _CURVE_RANKS)
    counts, totals, positives = sums[:, sums[0] > 0]
    return totals / counts, positives, counts - positives


def bend(log_odds: Array, curve: Array) -> Array:
    """Apply a curve, which preserves the order of values.

    >>> bend(np.array([-2.0, 3.0]), np.array([1.0, 1.0, 0.0]))
    array([-2.,  3.])
    """
    return _curve_features(log_odds) @ curve[:2] + curve[2]


def to_probability(log_odds: Array) -> Array:
    """Return the probabilities of log-odds, float32 in [0, 1].

    >>> to_probability(np.array([0.0]))
    array([0.5], dtype=float32)
    """
    return expit(log_odds.astype(np.float64)).astype(np.float32)


def _fit_one(score: Array, y: Array) -> tuple[float, float]:
    positives = float(y.sum())
    rate = (positives + 0.5) / (len(y) + 1)
    flat = 0.0, float(np.log(rate / (1 - rate)))
    if not 0 < positives < len(y) or np.ptp(score) < 1e-9:
        return flat
    slope, offset = _fit_logistic(score[:, None], y)
    return (float(slope), float(offset)) if slope > 0 else flat


def _fit_logistic(features: Array, y: Array, weights: Floats | None = None) -> Floats:
    """Return the coefficients, then the intercept."""
    # Newton's method gives the same bits each time; with a loose tolerance it would not.
    regression = LogisticRegression(
        C=PENALTY_C, solver="newton-cholesky", tol=1e-8, max_iter=200
    ).fit(features, y.astype(np.int64), weights)
    return np.append(regression.coef_[0], regression.intercept_[0])


def _curve_features(log_odds: Array) -> Array:
    """Return log p and -log(1 - p), (..., 2)."""
    z = np.asarray(log_odds, np.float64)
    return np.stack([-np.logaddexp(0, -z), np.logaddexp(0, z)], axis=-1)


def _balance(scaled: Array, positives: Array, offsets: Array) -> Array:
    """Return offsets with which the probabilities add up to the positives (bisection)."""
    low, high = offsets - 20.0, offsets + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        over = expit(scaled + middle).sum(axis=0) > positives
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return (low + high) / 2
