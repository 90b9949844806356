import numpy as np
import pytest
from scipy.stats import binomtest

from tagifai.comparison.proportions import (
    Proportion,
    clustered,
    correlation_of,
    difference_interval,
    leave_out,
    of_tags,
    proportion_parts,
    residuals_of,
    wilson,
)


@pytest.mark.parametrize(("hits", "size"), [(0, 10), (3, 10), (10, 10), (57, 80)])
def test_wilson_s_interval_is_scipy_s(hits, size):
    expected = binomtest(hits, size).proportion_ci(0.95, method="wilson")

    assert wilson(hits / size, size) == (
        pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high),
    )  # fmt: skip


def test_f1_has_the_interval_of_jaccard_s_index():
    found = of_tags(np.array([10.0]), np.array([12.0]), np.array([8.0]))
    low, high = wilson(8 / 14, 14)

    assert found["f1"].figure[0] == pytest.approx(16 / 22)
    assert [end[0] for end in found["f1"].interval()] == pytest.approx(
        [2 * low / (1 + low), 2 * high / (1 + high)]
    )
    assert found["precision"].figure[0] == pytest.approx(8 / 12)
    assert [end[0] for end in found["recall"].interval()] == pytest.approx(wilson(0.8, 10))


def test_what_was_never_predicted_has_no_precision():
    found = of_tags(np.array([10.0]), np.array([0.0]), np.array([0.0]))

    assert np.isnan(found["precision"].figure[0])
    assert np.isnan(found["precision"].interval()[0][0])
    assert found["recall"].interval()[0][0] == pytest.approx(0.0)


def independent(hits, size):
    return Proportion(*(np.array([float(one)]) for one in (hits, size, size)))


def test_a_difference_of_unrelated_proportions_is_newcombe_s():
    # Newcombe 1998, Statistics in Medicine 17, 873-890, method 10: 56/70 less 48/80.
    low, high = difference_interval(independent(48, 80), independent(56, 70), np.zeros(1))

    assert (low[0], high[0]) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_versions_that_err_together_have_a_narrower_difference():
    a, b = independent(20, 40), independent(24, 40)
    ends = [difference_interval(a, b, np.array([r])) for r in (0.0, 0.5, 0.9)]
    lows, highs = ([float(end[side][0]) for end in ends] for side in (0, 1))

    assert lows[0] < lows[1] < lows[2] < 0.1 < highs[2] < highs[1] < highs[0]


def test_pairs_of_their_own_projects_count_fully():
    hits = np.array([[1.0], [0.0]] * 200)
    found = clustered(hits, np.ones((400, 1)))

    assert found.effective[0] == pytest.approx(400, rel=0.02)


def test_projects_whose_pairs_fall_alike_count_once():
    hits = np.array([[5.0], [0.0]] * 200)
    found = clustered(hits, np.full((400, 1), 5.0))

    assert found.size[0] == 2000
    assert found.effective[0] == pytest.approx(400, rel=0.02)


def test_few_clusters_tell_less():
    few, many = (
        clustered(np.array([[1.0], [0.0]] * half), np.ones((2 * half, 1))).effective[0] / (2 * half)
        for half in (5, 100)
    )

    assert few < 0.8 < 0.95 < many


def test_what_never_varies_counts_once_a_cluster():
    found = clustered(np.full((30, 1), 4.0), np.full((30, 1), 4.0))

    assert 25 < found.effective[0] < 30


def test_clusters_are_left_out_in_turn():
    hits, size = np.array([[2.0], [0], [1], [0]]), np.array([[2.0], [1], [3], [0]])
    # Without each: 1 of 4, 3 of 5, 2 of 3; the last has no pair.
    shares = np.array([0.25, 0.6, 2 / 3])
    expected = [*(shares - shares.mean()), 0.0]

    assert leave_out(hits, size).ravel() == pytest.approx(expected)
    found = clustered(hits, size)
    variance = 2 / 3 * ((shares - shares.mean()) ** 2).sum()
    quantile = 4.302653  # Student's t of two degrees of freedom
    independent = 0.5 * 0.5 / variance
    assert found.effective[0] == pytest.approx(independent * (1.959964 / quantile) ** 2)


def test_errors_are_correlated_over_rows_or_kinds_of_rows():
    first, second = np.array([[1.0], [0], [1], [0]]), np.array([[1.0], [0], [0], [1]])
    ones = np.ones((4, 1))
    residuals = residuals_of(first, ones), residuals_of(second, ones)
    assert correlation_of(*residuals)[0] == 0.0
    assert correlation_of(residuals[0], residuals[0])[0] == pytest.approx(1.0)
    assert correlation_of(residuals[0], 0 * residuals[0])[0] == 0.0

    kinds, times = np.array([[1.0], [0.0]]), np.array([[3], [1]])
    assert residuals_of(kinds, np.ones((2, 1)), times).ravel().tolist() == [0.25, -0.75]


def test_each_metric_is_the_proportion_of_its_own_counts():
    true, predicted, hits = np.array([8]), np.array([6]), np.array([4])
    parts = proportion_parts(true, predicted, hits)
    assert {metric: (int(a[0]), int(b[0]), c) for metric, (a, b, c) in parts.items()} == {
        "precision": (4, 6, False),
        "recall": (4, 8, False),
        "f1": (4, 10, True),
    }
