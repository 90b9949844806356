import numpy as np
import pytest
from scipy import stats

from tagifai.metrics.intervals import Estimate, difference_interval, share_interval


def test_with_one_pair_a_cluster_it_is_nearly_wilsons():
    hits = np.repeat([1, 0], [300, 700])
    found = share_interval(hits, np.ones(1000))
    wilson = stats.binomtest(300, 1000).proportion_ci(0.95, "wilson")
    assert found.value == 0.3
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=2e-4)


def test_pairs_that_agree_within_a_project_count_once():
    hits = np.repeat([1, 0], [30, 70])
    alone, fivefold = share_interval(hits, np.ones(100)), share_interval(5 * hits, np.full(100, 5))
    assert fivefold.value == alone.value
    assert (fivefold.low, fivefold.high) == pytest.approx((alone.low, alone.high))


def test_clusters_without_anything_to_count_change_nothing():
    hits, sizes = np.repeat([2, 0], 10), np.repeat([2, 1], 10)
    padded = share_interval(np.append(hits, [0] * 50), np.append(sizes, [0] * 50))
    assert padded == share_interval(hits, sizes)


def test_a_share_of_1_has_a_lower_end():
    found = share_interval(np.full(12, 3), np.full(12, 3))
    assert found.value == found.high == 1
    assert 0.6 < found.low < 0.8


@pytest.mark.parametrize(("n", "told"), [(9, False), (10, True)])
def test_under_ten_projects_have_no_interval(n, told):
    found = share_interval(np.arange(n) % 2, np.ones(n))
    assert (found.low is not None) is told
    assert (found.high is not None) is told


def test_nothing_counted_has_no_value():
    assert share_interval(np.zeros(20), np.zeros(20)) == Estimate(None)


@pytest.mark.parametrize(("n", "share"), [(10, 0.5), (15, 0.8), (40, 0.9), (40, 0.3)])
def test_the_interval_covers_the_share_of_dependent_pairs(n, share):
    # Each project has its own rate, so that its one to four pairs depend on each other.
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(1000):
        sizes = rng.integers(1, 5, n)
        hits = rng.binomial(sizes, rng.beta(4 * share, 4 * (1 - share), n))
        found = share_interval(hits, sizes)
        covered += found.low <= share <= found.high
    # Three standard errors of 1,000 draws below 0.93 and above 0.97.
    assert 906 <= covered <= 986


def test_a_difference_needs_both_intervals():
    assert difference_interval(Estimate(0.5), Estimate(0.25, 0.0, 0.5)) == Estimate(0.25)
    assert difference_interval(Estimate(None), Estimate(0.5, 0.25, 0.75)) == Estimate(None)


def test_a_difference_has_newcombes_interval():
    # Table II of Newcombe (1998), example (a), method 10: 56/70 − 48/80 is 0.0524 to 0.3339.
    one, other = stats.binomtest(56, 70), stats.binomtest(48, 80)
    estimates = [Estimate(k.statistic, *k.proportion_ci(0.95, "wilson")) for k in (one, other)]
    found = difference_interval(*estimates)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
