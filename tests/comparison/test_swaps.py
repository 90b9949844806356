import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from tagifai.comparison.swaps import (
    cluster_p_value,
    draw_swaps,
    p_values_of_cells,
    sums_p_values,
    tag_p_values,
)


def score(metric, true, predicted):
    hits, found, positives = (true & predicted).sum(), predicted.sum(), true.sum()
    above, below = {
        "precision": (hits, found),
        "recall": (hits, positives),
        "f1": (2 * hits, found + positives),
    }[metric]
    return above / below if below else 0.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("metric", ["precision", "recall", "f1"])
def test_a_tag_s_p_value_counts_every_swap(metric, seed):
    rng = np.random.default_rng(seed)
    y_true = rng.random(30) < 0.4
    a, b = y_true ^ (rng.random(30) < 0.15), y_true ^ (rng.random(30) < 0.15)
    moved = np.flatnonzero(a != b)
    observed, reached = score(metric, y_true, b) - score(metric, y_true, a), 0
    for signs in itertools.product((False, True), repeat=len(moved)):
        chosen = moved[list(signs)]
        first, second = a.copy(), b.copy()
        first[chosen], second[chosen] = b[chosen], a[chosen]
        difference = score(metric, y_true, second) - score(metric, y_true, first)
        reached += abs(difference) >= abs(observed) - 1e-12

    assert len(moved) > 3
    assert tag_p_values(y_true, a, b)[metric] == pytest.approx(reached / 2 ** len(moved))


@pytest.mark.parametrize("k", range(1, 12))
def test_when_k_flips_all_fall_one_way_p_is_two_to_the_one_minus_k(k):
    ones, zeros = np.ones(k, int), np.zeros(k, int)

    assert tag_p_values(ones, zeros, ones)["recall"] == pytest.approx(2.0 ** (1 - k))
    assert tag_p_values(ones, zeros, ones)["f1"] == pytest.approx(2.0 ** (1 - k))


@pytest.mark.parametrize(("gained", "lost"), [(5, 2), (150, 100), (4_000, 3_900)])
def test_recall_is_mcnemar_s_exact_test_of_any_size(gained, lost):
    cells = np.array([10, 0, 0, 0, 10, gained, lost, 10])
    expected = binomtest(gained, gained + lost).pvalue

    assert p_values_of_cells(cells)["recall"][0] == pytest.approx(expected, rel=1e-6)


def test_the_smallest_p_value_hangs_on_the_flips_that_a_metric_sees():
    smallest = {
        metric: least for metric, (_, least) in p_values_of_cells([9, 4, 0, 0, 9, 2, 1, 9]).items()
    }

    assert smallest == {"recall": 2.0**-2, "precision": 2.0**-6, "f1": 2.0**-6}


def test_identical_decisions_have_p_1():
    y = np.array([1, 0, 1])

    assert tag_p_values(y, y, y) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


def test_sums_are_swapped_in_every_way_or_at_random():
    first, second = np.zeros((8, 1)), np.ones((8, 1))

    def gain(totals):
        return {"x": totals[..., 1, 0] - totals[..., 0, 0]}

    assert sums_p_values(gain, first, second)["x"] == 2.0**-7
    random = sums_p_values(gain, np.zeros((12, 1)), np.ones((12, 1)), swaps=4_000)["x"]
    assert 1 / 4_001 <= random <= 8 / 4_001
    assert sums_p_values(gain, first, first)["x"] == 1.0


def test_random_swaps_are_the_same_again_and_fair():
    parts = [np.vstack(list(draw_swaps(40, 1_000, seed=3))) for _ in "12"]

    assert np.array_equal(*parts)
    assert parts[0].mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("gains", "p"),
    [
        ([], 1.0),
        ([3], 1.0),
        ([1, 1], 0.5),
        ([2, -1], 1.0),
        ([3, 2, 2, 0], 0.25),
        ([1] * 6, 2 / 64),
        ([5, 1, 1, 1], 0.125),
        ([5, -1, 1, 1], 0.5),
    ],
)
def test_clusters_are_swapped_whole(gains, p):
    assert cluster_p_value(np.array(gains, int)) == pytest.approx(p)
