"""Thresholds: the probability from which each tag is predicted."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.matrices import JoinedPairs, Matrix, TagPairs, column_sums, join_pairs
from tagifai.metrics.figures import count_outcomes, figure_parts, ratio
from tagifai.predictions import decide

# At least as much as ten positives weigh: the own threshold of a tag with two is no choice.
SHRINKAGES = (10.0, 30.0, 100.0, 300.0, math.inf)
FOLDS, REPEATS = 5, 3
# Beyond so many pairs chance has less to say, and each repeat takes minutes.
_MANY_PAIRS = 20_000_000


def best_thresholds(y_true: Matrix, y_prob: Matrix) -> Floats:
    """Return the threshold of each tag, (n_tags,), with the highest F1 of that tag.

    It lies midway between two neighbouring probabilities; equals go to the higher one. A tag
    without positives gets 1.0: it is never predicted by accident.

    >>> best_thresholds(np.array([[0], [1], [1]]), np.array([[0.1], [0.4], [0.8]]))
    array([0.25])
    """
    return np.array([_best(_ranked(one)) for one in join_pairs(y_true, y_prob)], float)


def common_threshold(y_true: Matrix, y_prob: Matrix) -> float:
    """Return the one threshold with the highest F1 over all pairs of project and tag."""
    return _best(_ranked(join_pairs(y_true, y_prob).pooled))


def shrink_thresholds(own: Array, common: float, positives: Array, shrinkage: float) -> Floats:
    """Draw each tag's own threshold towards the common one, the more the rarer the tag.

    Its own weighs positives / (positives + shrinkage): the best threshold of few positives
    is mostly luck. Infinite shrinkage leaves the common one.

    >>> shrink_thresholds(np.array([0.2, 0.2]), 0.4, np.array([30, 0]), 30.0)
    array([0.3, 0.4])
    """
    weight = positives / np.maximum(positives + shrinkage, 1e-12)
    return weight * own + (1 - weight) * common


def choose_shrinkage(
    y_true: Matrix, y_prob: Matrix, smoothing: float = 0.0, seed: int = 0
) -> float:
    """Choose how much thresholds are drawn to the common one, by cross-fitting.

    Projects are split at random into five parts; thresholds are chosen on four parts and applied
    to the fifth, in turn and three times over. The shrinkage with the highest weighted F1 of all
    these decisions is taken, the largest of equals.

    Parameters
    ----------
    y_true, y_prob : matrices of shape (n, n_tags), dense or CSR
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
    n, num_tags = y_true.shape
    folds = _draw_folds(n, num_tags, seed)
    if not folds:
        return math.inf
    own, common = _choose_by(y_true, y_prob, smoothing, folds)
    return _shrinkage_of(y_true, y_prob, folds, own, common)


def _draw_folds(n: int, num_tags: int, seed: int = 0) -> list[Booleans]:
    """Return which projects each fold learns from, (n,) each; none of too few projects."""
    if n < 2 * FOLDS:
        return []
    rng = np.random.default_rng(seed)
    folds = []
    for _ in range(REPEATS if n * num_tags <= _MANY_PAIRS else 1):
        order = rng.permutation(n)
        for part in range(FOLDS):
            learned = np.ones(n, bool)
            learned[order[part::FOLDS]] = False
            folds.append(learned)
    return folds


def _shrinkage_of(
    y_true: Matrix, y_prob: Matrix, folds: Sequence[Booleans], own: Floats, common: Floats
) -> float:
    """Choose the shrinkage by what the thresholds of each fold decide on its other projects."""
    if not folds:
        return math.inf
    positives = column_sums(y_true)
    scores = np.zeros(len(SHRINKAGES))
    for first in range(0, len(folds), FOLDS):
        hits, predicted = np.zeros((2, len(SHRINKAGES), len(positives)))
        for fold in range(first, first + FOLDS):
            held_out = np.flatnonzero(~folds[fold])
            true, prob = y_true[held_out], y_prob[held_out]
            learned = positives - column_sums(true)
            for place, shrinkage in enumerate(SHRINKAGES):
                thresholds = shrink_thresholds(own[fold], common[fold], learned, shrinkage)
                counts = count_outcomes(true, decide(prob, thresholds))
                predicted[place] += counts.tp + counts.fp
                hits[place] += counts.tp
        scores += _weighted_f1(positives, predicted, hits)
    # Averages of the same decisions differ in the last bits.
    scores = np.round(scores, 12)
    return SHRINKAGES[int(np.flatnonzero(scores == scores.max())[-1])]


def choose_thresholds(
    y_true: Matrix,
    y_prob: Matrix,
    kind: str,
    fixed: float,
    shrinkage: float | None,
    smoothing: float = 0.0,
) -> Floats:
    """Choose thresholds, (n_tags,), by held-out probabilities.

    Parameters
    ----------
    y_true, y_prob : matrices of shape (n, n_tags), dense or CSR
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
        pairs = _expected(join_pairs(y_true, y_prob), smoothing)
        return np.full(n_tags, _best(_ranked(pairs.pooled)))
    folds = _draw_folds(y_true.shape[0], n_tags) if shrinkage is None else []
    every = np.ones(y_true.shape[0], bool)
    own, common = _choose_by(y_true, y_prob, smoothing, [*folds, every])
    if shrinkage is None:
        shrinkage = _shrinkage_of(y_true, y_prob, folds, own, common)
    return shrink_thresholds(own[-1], float(common[-1]), column_sums(y_true), shrinkage)


def _choose_by(
    y_true: Matrix, y_prob: Matrix, smoothing: float, parts: Sequence[Booleans]
) -> tuple[Floats, Floats]:
    """Choose thresholds by each of several parts of the projects; all are put in order once.

    Returns
    -------
    own : array of shape (n_parts, n_tags)
        Each tag's own best threshold.
    common : array of shape (n_parts,)
        The one that is best for all pairs.
    """
    pairs = _expected(join_pairs(y_true, y_prob), smoothing)
    sizes = [int(part.sum()) for part in parts]
    own = [
        [_best(_within(one, part, size)) for part, size in zip(parts, sizes, strict=True)]
        for one in map(_ranked, pairs)
    ]
    pooled = _ranked(pairs.pooled)
    common = [
        _best(_within(pooled, part, size * y_true.shape[1]))
        for part, size in zip(parts, sizes, strict=True)
    ]
    return np.array(own, float).reshape(-1, len(parts)).T, np.array(common, float)


def _expected(pairs: JoinedPairs, smoothing: float) -> JoinedPairs:
    if not smoothing:
        return pairs
    # In 64 bits: narrower floats would lose single labels among millions of them.
    expected = (1 - smoothing) * np.asarray(pairs.true, float) + smoothing * pairs.prob
    return replace(pairs, true=expected)


def _ranked(pairs: TagPairs) -> TagPairs:
    """Return pairs in the order of their probabilities, the highest first."""
    order = np.argsort(-pairs.prob, kind="stable")
    rows = None if pairs.rows is None else pairs.rows[order]
    return TagPairs(pairs.true[order], pairs.prob[order], pairs.rest, rows)


def _within(pairs: TagPairs, learned: Booleans, num_pairs: int) -> TagPairs:
    """Return the pairs of some projects, which have `num_pairs` in all."""
    chosen = learned[pairs.rows]
    true, prob = pairs.true[chosen], pairs.prob[chosen]
    return TagPairs(true, prob, num_pairs - len(prob))


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


def _best(ranked: TagPairs) -> float:
    """Return the best threshold of pairs that are in the order of their probabilities."""
    positives = ranked.true.sum(dtype=float)
    if not positives:
        return 1.0
    # A cut is possible only where the next probability is lower, as it is stored.
    stored = np.asarray(ranked.prob, np.float32)
    cuts = np.flatnonzero(np.append(stored[1:] < stored[:-1], True))
    total = np.float64 if ranked.true.dtype.kind == "f" else np.int64
    hits = np.cumsum(ranked.true, dtype=total)[cuts]
    # Who takes the probability 0 takes the pairs that are left out, too.
    predicted = cuts + 1 + ranked.rest * (stored[cuts] <= 0)
    f1 = ratio(*figure_parts(hits, predicted, positives)["f1"])
    best = cuts[np.argmax(f1)]
    below = ranked.prob[best + 1] if best + 1 < len(stored) else 0.0
    return midway(float(below), float(ranked.prob[best]))
