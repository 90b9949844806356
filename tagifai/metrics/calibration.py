"""Compare predicted probabilities with what came true."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tagifai.arrays import Array, Booleans, Integers
from tagifai.matrices import (
    Matrix,
    Stored,
    TagPairs,
    as_matrix,
    is_sparse,
    join_pairs,
    pair_values,
    row_blocks,
    values_at,
)

Strategy = Literal["uniform", "quantile"]
ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs of project and tag whose probabilities lie in (low, high], the first bin's at 0 too.

    Attributes
    ----------
    low, high : float
        The bin's edges.
    num_samples : int
        Number of pairs.
    mean_prob, frequency : float or None
        Mean probability and share of pairs whose tag is true; None in an empty bin.
    low_frequency, high_frequency : float or None
        The 95 % interval of the frequency, where there is one.
    """

    low: float
    high: float
    num_samples: int
    mean_prob: float | None
    frequency: float | None
    low_frequency: float | None = None
    high_frequency: float | None = None

    @property
    def gap(self) -> float:
        """Return frequency − mean probability; 0 in an empty bin."""
        if self.frequency is None or self.mean_prob is None:
            return 0.0
        return self.frequency - self.mean_prob


def is_above(y_prob: Array, floor: float) -> Booleans:
    """Check which probabilities are above `floor`, both in float32, as probabilities are stored.

    >>> is_above(np.array([0.05, 0.06], np.float32), 0.05).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(y_prob, np.float32) > np.float32(floor))


def pairs_above(y_prob: Matrix, floor: float) -> tuple[Integers, Integers]:
    """Return rows and columns of the pairs with a probability above `floor`, 0 or more."""
    if is_sparse(y_prob):
        places = np.flatnonzero(is_above(y_prob.data, floor))
        rows = np.searchsorted(y_prob.indptr, places, side="right") - 1
        return rows, np.asarray(y_prob.indices[places], np.intp)
    rows, columns = np.nonzero(is_above(np.asarray(y_prob), floor))
    return rows, columns


def num_above(y_prob: Matrix, floor: float) -> int:
    """Count the probabilities of all pairs that are above `floor`, 0 or more."""
    return int(is_above(pair_values(y_prob), floor).sum())


def brier_score(y_true: Matrix, y_prob: Matrix) -> float | None:
    """Average (y_prob − y_true)² over all pairs, in [0, 1]; None without a pair."""
    pairs = _pooled(y_true, y_prob)
    if not pairs.size:
        return None
    return float(((pairs.prob.astype(float) - pairs.true) ** 2).sum()) / pairs.size


def bin_edges(
    y_prob: Array, bins: int = ECE_BINS, strategy: Strategy = "uniform", rest: int = 0
) -> Array:
    """Return the n_bins + 1 edges of bins of equal width, or of (nearly) equal numbers of pairs.

    Equal probabilities share a bin, so "quantile" may return fewer bins than requested. `rest`
    pairs more have the probability 0.

    >>> bin_edges(np.array([0.1, 0.2, 0.3, 0.9]), 2, "quantile").tolist()
    [0.0, 0.25, 1.0]
    """
    if strategy == "uniform" or not np.size(y_prob):
        return np.linspace(0, 1, bins + 1)
    prob = np.ravel(y_prob).astype(np.float32)
    inner = _quantiles(prob, rest, np.linspace(0, 1, bins + 1)[1:-1])
    inner = np.unique(inner.astype(np.float32))
    inner = inner[inner < prob.max()].astype(float)
    return np.concatenate([[0.0], inner, [1.0]])


def _quantiles(prob: Array, rest: int, shares: Array) -> Array:
    """Return quantiles, as `np.quantile` does, of probabilities and of `rest` zeros more."""
    if not rest:
        return np.quantile(prob, shares)
    ranked = np.sort(prob)
    place = shares * (len(ranked) + rest - 1)
    low = np.floor(place).astype(np.intp)
    ends = [
        np.where(at < rest, 0, ranked[np.clip(at - rest, 0, len(ranked) - 1)])
        for at in (low, np.minimum(low + 1, len(ranked) + rest - 1))
    ]
    return np.asarray(ends[0] + (ends[1] - ends[0]) * (place - low))


def bin_indices(y_prob: Array, edges: Array) -> Array:
    """Return the bin of each probability, from 0, compared in float32, as they are stored.

    >>> bin_indices(np.array([0.0, 0.5, 0.6]), np.array([0.0, 0.5, 1.0])).tolist()
    [0, 0, 1]
    """
    inner = np.asarray(edges[1:-1], np.float32)
    return np.searchsorted(inner, np.asarray(y_prob, np.float32), side="left")


def reliability(
    y_true: Matrix,
    y_prob: Matrix,
    bins: int = ECE_BINS,
    *,
    above: float | None = None,
    strategy: Strategy = "uniform",
) -> list[ReliabilityBin]:
    """Group the pairs of project and tag by probability, for a reliability diagram.

    Parameters
    ----------
    y_true, y_prob : arrays of one shape, or CSR matrices
        0 or 1, and probabilities in [0, 1], compared with the edges in float32, as they are
        stored.
    bins : int
        How many bins.
    above : float, optional
        Only pairs of a probability above it, which is 0 or more, are counted.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal numbers of pairs, as in scikit-learn's
        `calibration_curve`.

    Raises
    ------
    ValueError
        The arrays differ in size.

    Examples
    --------
    >>> reliability(np.array([[1, 0]]), np.array([[0.9, 0.7]]), bins=2)[1].frequency
    0.5
    """
    pairs = _pooled(y_true, y_prob)
    true, prob, rest = pairs.true.astype(float), pairs.prob.astype(float), pairs.rest
    if above is not None:
        counted = is_above(prob, above)
        true, prob, rest = true[counted], prob[counted], 0
    edges = bin_edges(prob, bins, strategy, rest)
    bins = len(edges) - 1
    index = bin_indices(prob, edges)
    sizes = np.bincount(index, minlength=bins)
    sizes[0] += rest
    means = np.bincount(index, weights=prob, minlength=bins) / np.maximum(sizes, 1)
    shares = np.bincount(index, weights=true, minlength=bins) / np.maximum(sizes, 1)
    return [
        ReliabilityBin(
            low=float(edges[m]),
            high=float(edges[m + 1]),
            num_samples=int(sizes[m]),
            mean_prob=float(means[m]) if sizes[m] else None,
            frequency=float(shares[m]) if sizes[m] else None,
        )
        for m in range(bins)
    ]


def expected_calibration_error(
    y_true: Matrix,
    y_prob: Matrix,
    bins: int = ECE_BINS,
    *,
    above: float | None = None,
    strategy: Strategy = "uniform",
) -> float | None:
    """Average |frequency − mean probability| over bins, weighted by their pairs.

    With bins of equal width the definition of Guo et al. 2017, "On Calibration of Modern
    Neural Networks" (arXiv 1706.04599), equation 3, with 15 bins; with the `strategy`
    "quantile" those of equal numbers of pairs (Nguyen and O'Connor 2015, arXiv 1508.05154;
    Nixon et al. 2019, arXiv 1904.01685), which do not depend on a few pairs in a wide bin. In
    Guo et al. the confidence is that of the predicted class; here, where tags are
    independent, each pair of project and tag counts with its probability, pooled over all
    pairs. Since most pairs are near 0 and are easily right, `above` leaves out those of a
    probability up to it. None without a pair.
    """
    rows = reliability(y_true, y_prob, bins, above=above, strategy=strategy)
    total = sum(row.num_samples for row in rows)
    if not total:
        return None
    return float(sum(row.num_samples * abs(row.gap) for row in rows) / total)


def select_top_k(y_prob: Matrix, k: int) -> Array:
    """Return the columns of each project's k highest probabilities, (n_projects, k).

    Of equal ones the first columns are taken.

    >>> select_top_k(np.array([[0.1, 0.7, 0.4]]), 2).tolist()
    [[1, 2]]
    """
    prob = as_matrix(y_prob)
    k = min(k, prob.shape[1])
    found = np.zeros((prob.shape[0], k), np.intp)
    for rows in row_blocks(*prob.shape) if k else ():
        part = prob[rows]
        found[rows] = _top_of_stored(part, k) if is_sparse(part) else _top_of_dense(part, k)
    return found


def rank_tags(y_prob: Matrix, k: int) -> tuple[Array, Array]:
    """Return columns and probabilities of each row's k most probable pairs, (n, k) each.

    Of a CSR matrix those that are stored; where there are fewer, column 0 and probability 0
    follow.
    """
    if is_sparse(y_prob):
        columns, values = pad_rows(y_prob, k)
        order = np.argsort(-values, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)
    prob = np.asarray(y_prob)
    top = _top_of_dense(prob, k)
    return top, np.take_along_axis(prob, top, axis=1)


def _top_of_dense(prob: Array, k: int) -> Integers:
    least = -np.partition(-prob, k - 1, axis=1)[:, k - 1 : k]
    chosen = prob > least
    equal = prob == least
    chosen |= equal & (np.cumsum(equal, axis=1) <= k - chosen.sum(axis=1, keepdims=True))
    top = np.nonzero(chosen)[1].reshape(len(prob), k)
    order = np.argsort(-np.take_along_axis(prob, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def _top_of_stored(prob: Stored, k: int) -> Integers:
    top, values = rank_tags(prob, k)
    # Beyond what is above 0, the first columns follow.
    for row in np.flatnonzero((values <= 0).any(axis=1)):
        top[row] = _top_of_dense(prob[[row]].toarray(), k)[0]
    return top


def pad_rows(matrix: Stored, least: int = 0) -> tuple[Integers, Array]:
    """Return what each row of CSR stores, as columns and values side by side; 0 fills the rest.

    They are at least `least` wide.
    """
    lengths = np.diff(matrix.indptr)
    width = max(int(lengths.max(initial=0)), least)
    filled = np.arange(width) < lengths[:, None]
    columns = np.zeros((matrix.shape[0], width), np.intp)
    values = np.zeros((matrix.shape[0], width), matrix.dtype)
    columns[filled], values[filled] = matrix.indices, matrix.data
    return columns, values


def top_k_calibration_error(
    y_true: Matrix, y_prob: Matrix, k: int, bins: int = ECE_BINS
) -> float | None:
    """Compute the calibration error of each project's k most probable tags, pooled.

    The confidence calibration of Guo et al. 2017, which looks at the one predicted class
    (k = 1), for the tags that a page would list first ("within-top-k" in Gupta et al. 2021,
    arXiv 2006.12800); with thousands of tags all other pairs are near 0. Bins have equal
    numbers of pairs. None without a pair.
    """
    true, prob = as_matrix(y_true), as_matrix(y_prob)
    top = select_top_k(prob, k)
    rows = np.repeat(np.arange(len(top)), top.shape[1])
    return expected_calibration_error(
        values_at(true, rows, top.ravel()),
        values_at(prob, rows, top.ravel()),
        bins,
        strategy="quantile",
    )


def _pooled(y_true: Matrix, y_prob: Matrix) -> TagPairs:
    """Return all pairs together.

    Raises
    ------
    ValueError
        The arrays differ in size.
    """
    if is_sparse(y_true) or is_sparse(y_prob):
        return join_pairs(y_true, y_prob).pooled
    true, prob = np.ravel(y_true), np.ravel(y_prob)
    if true.shape != prob.shape:
        raise ValueError(f"y_true has {true.size} pairs, y_prob {prob.size}")
    return TagPairs(true, prob)
