"""Thresholds: the probability from which each tag is predicted."""

import numpy as np

from tagifai.predictions import decide


def best_thresholds(y_true: np.ndarray, y_prob: np.ndarray) -> np.ndarray:
    """Find the threshold of each tag, (n_tags,), with the highest F1 of that tag.

    It lies midway between two neighbouring probabilities; equals go to the higher one. A tag
    without positives gets 1.0: it is never predicted by accident.

    >>> best_thresholds(np.array([[0], [1], [1]]), np.array([[0.1], [0.4], [0.8]]))
    array([0.25])
    """
    return np.array([_best(y_true[:, t], y_prob[:, t]) for t in range(y_true.shape[1])])


def common_threshold(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    """Find the one threshold with the highest F1 over all pairs of project and tag."""
    return _best(y_true.ravel(), y_prob.ravel())


def shrink_thresholds(
    own: np.ndarray, common: float, positives: np.ndarray, shrinkage: float
) -> np.ndarray:
    """Draw each tag's own threshold towards the common one, the more the rarer the tag.

    Its own weighs positives / (positives + shrinkage): the best threshold of few positives
    is mostly luck.

    >>> shrink_thresholds(np.array([0.2, 0.2]), 0.4, np.array([30, 0]), 30.0)
    array([0.3, 0.4])
    """
    weight = positives / np.maximum(positives + shrinkage, 1e-12)
    return weight * own + (1 - weight) * common


def choose_thresholds(
    y_true: np.ndarray,
    y_prob: np.ndarray,
    kind: str,
    fixed: float,
    shrinkage: float,
    smoothing: float = 0.0,
) -> np.ndarray:
    """Choose thresholds, (n_tags,), by out-of-fold probabilities.

    `kind` is "fixed" (the value `fixed`), "common" or "per-tag" (shrunk to the common one).
    With `smoothing`, in [0, 1], each label counts for that part as its own probability: F1 is
    then partly the one expected, which hangs less on the luck of single labels, where the
    probabilities are calibrated.

    >>> y_true, y_prob = np.array([[1], [0], [1]]), np.array([[0.9], [0.6], [0.2]])
    >>> [choose_thresholds(y_true, y_prob, "common", 0.5, 0.0, part)[0] for part in (0.0, 1.0)]
    [np.float64(0.1), np.float64(0.4)]
    """
    n_tags = y_true.shape[1]
    if kind == "fixed":
        return np.full(n_tags, fixed)
    # In 64 bits: narrower floats would lose single labels among millions of them.
    expected = np.asarray(y_true, float)
    if smoothing:
        expected = (1 - smoothing) * expected + smoothing * y_prob
    common = common_threshold(expected, y_prob)
    if kind == "common":
        return np.full(n_tags, common)
    own = best_thresholds(expected, y_prob)
    return shrink_thresholds(own, common, y_true.sum(axis=0, dtype=float), shrinkage)


def midway(low: float, high: float) -> float:
    """Return the threshold midway between two probabilities; only the higher one reaches it.

    Where no float32 lies between them, it is the higher one itself.

    >>> midway(0.25, 0.75), midway(0.5, np.nextafter(np.float32(0.5), np.float32(1)))
    (0.5, 0.5000000596046448)
    """
    middle = (float(low) + float(high)) / 2
    return float(high) if decide(low, middle) else middle


def _best(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    positives = y_true.sum(dtype=float)
    if not positives:
        return 1.0
    order = np.argsort(-y_prob, kind="stable")
    prob = y_prob[order].astype(float)
    # A cut is possible only where the next probability is lower, as it is stored.
    stored = prob.astype(np.float32)
    cuts = np.flatnonzero(np.append(stored[1:] < stored[:-1], True))
    tp = np.cumsum(y_true[order])[cuts]
    f1 = 2 * tp / (cuts + 1 + positives)
    best = cuts[np.argmax(f1)]
    below = prob[best + 1] if best + 1 < len(prob) else 0.0
    return midway(below, prob[best])
