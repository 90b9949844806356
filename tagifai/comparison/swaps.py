"""Exact sign-flip tests: what a difference would be if the versions' names meant nothing.

Where two versions differ by chance alone, each project's decisions could as well be the other
version's. Swapping them, project by project, gives the distribution that an observed difference
is held against (Fisher's randomization test; of a tag's recall it is McNemar's exact test). Unlike
the bootstrap's, its p-values are right however few decisions differ: when k decisions all fall one
way, p is 2 · 2⁻ᵏ.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tagifai.arrays import Array, Booleans, Floats
from tagifai.metrics.figures import figure_parts

SWAPS = 2_000
TOLERANCE = 1e-12
# Of more flips the far tails, under 1e-12 of all, count as reached without a look.
_WHOLE = 200
_PART_CELLS = 2_000_000


def tag_p_values(y_true: Array, pred_a: Array, pred_b: Array) -> dict[str, float]:
    """Compute one tag's p-values of "no difference" by metric, from its column of decisions.

    >>> tag_p_values(np.ones(8, int), np.zeros(8, int), np.ones(8, int))["recall"]
    ... # doctest: +ELLIPSIS
    0.00781...
    """
    true, a, b = (np.asarray(part).astype(bool) for part in (y_true, pred_a, pred_b))
    cells = np.bincount(4 * true + 2 * a + b, minlength=8)
    return {metric: found[0] for metric, found in p_values_of_cells(cells).items()}


def p_values_of_cells(cells: Array) -> dict[str, tuple[float, float]]:
    """Compute one tag's p-values by metric, each with the smallest that its flips allow.

    Parameters
    ----------
    cells : array of 8 counts
        Projects by 4 · y_true + 2 · pred_a + pred_b.

    Returns
    -------
    dict
        By metric: the two-sided p-value of the swaps, and the one that they would have if all
        flips fell one way. A precision without a prediction counts as 0 here.
    """
    _, only_b_wrong, only_a_wrong, both_wrong = (int(cell) for cell in cells[:4])
    both_miss, only_b_right, only_a_right, both_hit = (int(cell) for cell in cells[4:])
    rights, wrongs = only_a_right + only_b_right, only_a_wrong + only_b_wrong
    positives = rights + both_hit + both_miss

    def differences(right: ArrayLike, wrong: ArrayLike) -> dict[str, Floats]:
        """Compute B − A when B has `right` and `wrong` of the predictions that differ."""
        right, wrong = np.asarray(right), np.asarray(wrong)
        hits_b, hits_a = both_hit + right, both_hit + rights - right
        parts_b = figure_parts(hits_b, hits_b + both_wrong + wrong, positives)
        parts_a = figure_parts(hits_a, hits_a + both_wrong + wrongs - wrong, positives)
        return {metric: _share(*parts_b[metric]) - _share(*parts_a[metric]) for metric in parts_b}

    observed = differences(only_b_right, only_b_wrong)
    right, p_right, lost_right = _binomial(rights)
    wrong, p_wrong, lost_wrong = _binomial(wrongs)
    reached = dict.fromkeys(observed, 1 - (1 - lost_right) * (1 - lost_wrong))
    part = max(1, _PART_CELLS // len(wrong))
    for start in range(0, len(right), part):
        rows = slice(start, start + part)
        chances = p_right[rows, None] * p_wrong
        for metric, values in differences(right[rows, None], wrong).items():
            counts = np.broadcast_to(_reaches(values, float(observed[metric])), chances.shape)
            reached[metric] += float(chances[counts].sum())
    flips = {"precision": rights + wrongs, "recall": rights, "f1": rights + wrongs}
    return {metric: (min(1.0, p), smallest_p(flips[metric])) for metric, p in reached.items()}


def sums_p_values(
    differences: Callable[[Floats], dict[str, Floats]],
    first: Floats,
    second: Floats,
    swaps: int = SWAPS,
    seed: int = 0,
) -> dict[str, float]:
    """Compute p-values of differences that follow from sums over projects.

    Parameters
    ----------
    differences : callable
        Maps sums of both versions, (..., 2, k), to differences by name, (...).
    first, second : ndarray of shape (n, k)
        What each project adds to the sums of A and of B.
    swaps : int
        Random swaps; where there are no more ways to swap than that, each is made once.
    """
    moved = np.flatnonzero((first != second).any(axis=1))
    step = second[moved] - first[moved]
    total_a, total_b = first.sum(axis=0), second.sum(axis=0)
    observed = differences(np.stack([total_a, total_b]))
    reached: dict[str, float] = dict.fromkeys(observed, 0)
    ways = 0
    for signs in draw_swaps(len(moved), swaps, seed):
        shift = signs @ step
        swapped = np.stack([total_a + shift, total_b - shift], axis=1)
        for name, values in differences(swapped).items():
            reached[name] += int(_reaches(values, float(observed[name])).sum())
        ways += len(signs)
    exact = all_made(len(moved), swaps)
    return {name: p_of(count, ways, exact) for name, count in reached.items()}


def all_made(moved: int, swaps: int) -> bool:
    """Check whether no more than `swaps` ways to swap so many projects exist.

    >>> all_made(10, 2000), all_made(11, 2000)
    (True, False)
    """
    return moved < 31 and 2**moved <= swaps


def draw_swaps(moved: int, swaps: int, seed: int) -> Iterator[Floats]:
    """Yield parts of the swaps, each (part, moved) of 0 and 1: all there are, or random ones.

    >>> [part.tolist() for part in draw_swaps(1, 100, 0)]
    [[[0.0], [1.0]]]
    """
    if all_made(moved, swaps):
        numbers = np.arange(2**moved)[:, None]
        yield (numbers >> np.arange(moved) & 1).astype(np.float32)
        return
    rng = np.random.default_rng(seed)
    part = max(1, _PART_CELLS // moved)
    for start in range(0, swaps, part):
        size = (min(part, swaps - start), moved)
        yield rng.integers(0, 2, size=size, dtype=np.uint8).astype(np.float32)


def p_of(reached: float, ways: int, exact: bool) -> float:
    """Compute a p-value from how many of the `ways` reach the observed difference.

    Of random swaps the observed one is counted in (Davison and Hinkley 1997, section 4.2).

    >>> p_of(2, 8, True), p_of(2, 8, False)
    (0.25, 0.3333333333333333)
    """
    return float(reached / ways if exact else (reached + 1) / (ways + 1))


def cluster_p_value(gains: Array) -> float:
    """Compute the exact p-value of a sum of gains, each whole and as likely negative.

    `gains` are, by cluster, how many more B has right than A: McNemar's test for clusters.

    >>> cluster_p_value(np.array([1, 1, 1, 1, 1, 1])), cluster_p_value(np.array([6]))
    (0.03125, 1.0)
    """
    sizes = np.abs(np.asarray(gains, dtype=np.int64))
    chances = np.ones(1)
    # The sum lies between −reach and reach; place i of `chances` is i − reach.
    for size in sizes[sizes > 0]:
        longer = np.zeros(len(chances) + 2 * size)
        longer[: len(chances)] += chances / 2
        longer[2 * size :] += chances / 2
        chances = longer
    reach = (len(chances) - 1) // 2
    sums = np.arange(len(chances)) - reach
    return float(min(1.0, chances[np.abs(sums) >= abs(int(np.sum(gains)))].sum()))


def smallest_p(moved: int) -> float:
    """Return the smallest p-value that `moved` swaps allow.

    >>> smallest_p(5), smallest_p(6)
    (0.0625, 0.03125)
    """
    return min(1.0, 2.0 ** (1 - moved))


def _reaches(values: Floats, observed: float) -> Booleans:
    return np.abs(values) >= abs(observed) - TOLERANCE


def _share(part: ArrayLike, whole: ArrayLike) -> Floats:
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


@lru_cache(maxsize=4096)
def _binomial(n: int) -> tuple[NDArray[np.int64], Floats, float]:
    """Return the values of a fair binomial of n, their chances, and the chance left out."""
    from scipy.special import gammaln

    reach = n if n <= _WHOLE else int(4 * np.sqrt(n))  # eight standard deviations
    values = np.arange(max(0, n // 2 - reach), min(n, n // 2 + reach) + 1)
    chances = np.exp(gammaln(n + 1) - gammaln(values + 1) - gammaln(n - values + 1) - n * np.log(2))
    return values, chances, 0.0 if n <= _WHOLE else max(0.0, 1.0 - float(chances.sum()))
