"""Thresholds: the probability from which each tag is predicted."""

import math

import numpy as np

from tagifai.arrays import Array, Floats
from tagifai.metrics.figures import figure_parts, ratio
from tagifai.predictions import decide

# At least as much as ten positives weigh: the own threshold of a tag with two is no choice.
SHRINKAGES = (10.0, 30.0, 100.0, 300.0, math.inf)
FOLDS, REPEATS = 5, 3
# Beyond so many pairs chance has less to say, and each repeat takes minutes.
_MANY_PAIRS = 20_000_000


def best_thresholds(y_true: Array, y_prob: Array) -> Floats:
    """Return the threshold of each tag, (n_tags,), with the highest F1 of that tag.

    It lies midway between two neighbouring probabilities; equals go to the higher one. A tag
    without positives gets 1.0: it is never predicted by accident.

    >>> best_thresholds(np.array([[0], [1], [1]]), np.array([[0.1], [0.4], [0.8]]))
    array([0.25])
    """
    return np.array([_best(y_true[:, t], y_prob[:, t]) for t in range(y_true.shape[1])])


def common_threshold(y_true: Array, y_prob: Array) -> float:
    """Return the one threshold with the highest F1 over all pairs of project and tag."""
    return _best(y_true.ravel(), y_prob.ravel())


def shrink_thresholds(own: Array, common: float, positives: Array, shrinkage: float) -> Floats:
    """Draw each tag's own threshold towards the common one, the more the rarer the tag.

    Its own weighs positives / (positives + shrinkage): the best threshold of few positives
    is mostly luck. Infinite shrinkage leaves the common one.

    >>> shrink_thresholds(np.array([0.2, 0.2]), 0.4, np.array([30, 0]), 30.0)
    array([0.3, 0.4])
    """
    weight = positives / np.maximum(positives + shrinkage, 1e-12)
    return weight * own + (1 - weight) * common


def choose_shrinkage(y_true: Array, y_prob: Array, smoothing: float = 0.0, seed: int = 0) -> float:
    """Choose how much thresholds are drawn to the common one, by cross-fitting.

    Projects are split at random into five parts; thresholds are chosen on four parts and applied
    to the fifth, in turn and three times over. The shrinkage with the highest weighted F1 of all
    these decisions is taken, the largest of equals.

    Parameters
    ----------
    y_true, y_prob : ndarray of shape (n, n_tags)
        Labels, 0 or 1, and held-out probabilities.
    smoothing : float
        As for `choose_thresholds`.
    seed : int
        Of the parts.

    Returns
    -------
    float
        One of `SHRINKAGES`; infinite, which is the common threshold, where there are too few
        projects to split.
    """
    n = len(y_true)
    if n < 2 * FOLDS:
        return math.inf
    rng = np.random.default_rng(seed)
    scores = np.zeros(len(SHRINKAGES))
    for _ in range(REPEATS if y_true.size <= _MANY_PAIRS else 1):
        order = rng.permutation(n)
        hits, predicted = np.zeros((2, len(SHRINKAGES), y_true.shape[1]))
        for part in range(FOLDS):
            held_out = order[part::FOLDS]
            rest = np.setdiff1d(order, held_out)
            own, common, positives = _own_and_common(y_true[rest], y_prob[rest], smoothing)
            for place, shrinkage in enumerate(SHRINKAGES):
                thresholds = shrink_thresholds(own, common, positives, shrinkage)
                decided = decide(y_prob[held_out], thresholds)
                predicted[place] += decided.sum(axis=0)
                hits[place] += (decided & (y_true[held_out] > 0)).sum(axis=0)
        scores += _weighted_f1(y_true.sum(axis=0, dtype=float), predicted, hits)
    # Averages of the same decisions differ in the last bits.
    scores = np.round(scores, 12)
    return SHRINKAGES[int(np.flatnonzero(scores == scores.max())[-1])]


def choose_thresholds(
    y_true: Array,
    y_prob: Array,
    kind: str,
    fixed: float,
    shrinkage: float | None,
    smoothing: float = 0.0,
) -> Floats:
    """Choose thresholds, (n_tags,), by held-out probabilities.

    Parameters
    ----------
    y_true, y_prob : ndarray of shape (n, n_tags)
        Labels, 0 or 1, and held-out probabilities.
    kind : {"fixed", "common", "per-tag"}
        `fixed` for all, the one best for all pairs, or each tag's own shrunk to that one.
    fixed : float
        The threshold of kind "fixed".
    shrinkage : float or None
        Positives at which a tag's own threshold weighs as much as the common one; None:
        chosen by `choose_shrinkage`.
    smoothing : float
        The part of each label, in [0, 1], that counts as its own probability: F1 is then partly
        the one expected, which hangs less on the luck of single labels, where the probabilities
        are calibrated.

    Examples
    --------
    >>> y_true, y_prob = np.array([[1], [0], [1]]), np.array([[0.9], [0.6], [0.2]])
    >>> [choose_thresholds(y_true, y_prob, "common", 0.5, 0.0, part)[0] for part in (0.0, 1.0)]
    [np.float64(0.1), np.float64(0.4)]
    """
    n_tags = y_true.shape[1]
    if kind == "fixed":
        return np.full(n_tags, fixed)
    if kind == "common":
        return np.full(n_tags, common_threshold(_expected(y_true, y_prob, smoothing), y_prob))
    if shrinkage is None:
        shrinkage = choose_shrinkage(y_true, y_prob, smoothing)
    return shrink_thresholds(*_own_and_common(y_true, y_prob, smoothing), shrinkage)


def _expected(y_true: Array, y_prob: Array, smoothing: float) -> Floats:
    # In 64 bits: narrower floats would lose single labels among millions of them.
    expected = np.asarray(y_true, float)
    return (1 - smoothing) * expected + smoothing * y_prob if smoothing else expected


def _own_and_common(y_true: Array, y_prob: Array, smoothing: float) -> tuple[Floats, float, Floats]:
    """Return each tag's own best threshold, the common one, and each tag's positives."""
    expected = _expected(y_true, y_prob, smoothing)
    own, common = best_thresholds(expected, y_prob), common_threshold(expected, y_prob)
    return own, common, y_true.sum(axis=0, dtype=float)


def _weighted_f1(positives: Array, predicted: Array, hits: Array) -> Floats:
    f1 = np.nan_to_num(ratio(*figure_parts(hits, predicted, positives)["f1"]))
    return np.asarray((f1 * positives).sum(axis=-1) / max(positives.sum(), 1.0))


def midway(low: float, high: float) -> float:
    """Return the threshold midway between two probabilities; only the higher one reaches it.

    Where no float32 lies between them, it is the higher one itself.

    >>> midway(0.25, 0.75), midway(0.5, np.nextafter(np.float32(0.5), np.float32(1)))
    (0.5, 0.5000000596046448)
    """
    middle = (float(low) + float(high)) / 2
    return float(high) if decide(low, middle) else middle


def _best(y_true: Array, y_prob: Array) -> float:
    positives = y_true.sum(dtype=float)
    if not positives:
        return 1.0
    order = np.argsort(-y_prob, kind="stable")
    prob = y_prob[order].astype(float)
    # A cut is possible only where the next probability is lower, as it is stored.
    stored = prob.astype(np.float32)
    cuts = np.flatnonzero(np.append(stored[1:] < stored[:-1], True))
    hits = np.cumsum(y_true[order])[cuts]
    f1 = ratio(*figure_parts(hits, cuts + 1, positives)["f1"])
    best = cuts[np.argmax(f1)]
    below = prob[best + 1] if best + 1 < len(prob) else 0.0
    return midway(below, prob[best])
