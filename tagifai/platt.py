"""Calibrate: from a classifier's scores to probabilities that can be believed."""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

PENALTY_C = 1e4


def fit_platt(scores: np.ndarray, y_true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit slope and offset of each tag, (n_tags,) each: p = expit(slope · score + offset).

    Scores must be out of fold. Targets are smoothed by the number of positives and
    negatives as in Platt (1999), so that few positives do not give certainty. Slopes are
    never negative: scores worse than chance leave the tag's rate alone.
    """
    fitted = [_fit_one(scores[:, t], y_true[:, t]) for t in range(scores.shape[1])]
    slopes, offsets = np.array(fitted, float).reshape(-1, 2).T
    return slopes, offsets


def to_probability(log_odds: np.ndarray) -> np.ndarray:
    """Turn log-odds into probabilities, float32 in [0, 1].

    >>> to_probability(np.array([0.0]))
    array([0.5], dtype=float32)
    """
    return expit(log_odds.astype(np.float64)).astype(np.float32)


def _fit_one(score: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    positives = float(y.sum())
    negatives = len(y) - positives
    high = (positives + 1) / (positives + 2)
    low = 1 / (negatives + 2)
    target = np.where(y > 0, high, low)
    rate = float(target.mean())
    flat = 0.0, float(np.log(rate / (1 - rate)))
    if not positives or not negatives or np.ptp(score) < 1e-9:
        return flat
    # A soft target is both classes, weighted.
    regression = LogisticRegression(C=PENALTY_C, solver="newton-cholesky", tol=1e-8, max_iter=200)
    regression.fit(
        np.concatenate([score, score])[:, None],
        np.repeat([1, 0], len(score)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope = float(regression.coef_[0, 0])
    return (slope, float(regression.intercept_[0])) if slope > 0 else flat
