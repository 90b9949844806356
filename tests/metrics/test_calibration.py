import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from tagifai.metrics.calibration import (
    ReliabilityBin,
    brier_score,
    expected_calibration_error,
    reliability,
    select_top_k,
    top_k_calibration_error,
)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    y_prob = rng.beta(0.3, 1.5, size=(400, 12))
    return (rng.random(y_prob.shape) < y_prob**1.3).astype(np.uint8), y_prob.astype(np.float32)


def test_calibration_error_by_hand():
    y_true = np.array([[1, 0], [0, 1], [1, 0]])
    y_prob = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.6]])
    # Two bins: 0.1, 0.2 (none true) and 0.9, 0.8, 0.7, 0.6 (three of four true).
    assert expected_calibration_error(y_true, y_prob, bins=2) == pytest.approx(
        2 / 6 * abs(0 - 0.15) + 4 / 6 * abs(0.75 - 0.75)
    )
    # Ten bins: each pair is alone.
    gaps = [0.1, 0.1, 0.2, 0.2, 0.3, 0.6]
    assert expected_calibration_error(y_true, y_prob, bins=10) == pytest.approx(np.mean(gaps))
    # Above 0.65: 0.9, 0.8 and 0.7, each true.
    assert expected_calibration_error(y_true, y_prob, bins=2, above=0.65) == pytest.approx(0.2)


def test_calibration_error_against_scikit_learn(pairs):
    y_true, y_prob = pairs
    true, prob = y_true.ravel(), y_prob.ravel().astype(float)
    share, mean = calibration_curve(true, prob, n_bins=15, strategy="uniform")
    sizes = np.histogram(prob, bins=np.linspace(0, 1, 16))[0]
    expected = np.sum(sizes[sizes > 0] * np.abs(share - mean)) / true.size
    assert expected_calibration_error(y_true, y_prob) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_above_a_probability(pairs):
    y_true, y_prob = pairs
    kept = y_prob > 0.05
    assert expected_calibration_error(y_true, y_prob, above=0.05) == pytest.approx(
        expected_calibration_error(y_true[kept], y_prob[kept])
    )


def test_reliability_bins_are_closed_above():
    rows = reliability(np.array([[0, 1, 1, 1]]), np.array([[0.0, 0.5, 0.51, 1.0]]), bins=2)
    assert rows == [
        ReliabilityBin(low=0.0, high=0.5, num_samples=2, mean_prob=0.25, frequency=0.5),
        ReliabilityBin(low=0.5, high=1.0, num_samples=2, mean_prob=0.755, frequency=1.0),
    ]


def test_empty_bin_has_no_frequency():
    rows = reliability(np.array([[1]]), np.array([[0.9]]), bins=3)
    assert [row.num_samples for row in rows] == [0, 0, 1]
    assert rows[0].frequency is None
    assert rows[0].mean_prob is None


def test_reliability_counts_every_pair(pairs):
    rows = reliability(*pairs)
    assert len(rows) == 15
    assert sum(row.num_samples for row in rows) == 400 * 12


def test_brier_against_scikit_learn(pairs):
    y_true, y_prob = pairs
    assert brier_score(np.array([[1, 0]]), np.array([[0.8, 0.4]])) == pytest.approx(0.1)
    assert brier_score(y_true, y_prob) == pytest.approx(
        brier_score_loss(y_true.ravel(), y_prob.ravel().astype(float))
    )


def test_nothing_to_compare():
    nothing = np.zeros((0, 3))
    assert brier_score(nothing, nothing) is None
    assert expected_calibration_error(nothing, nothing) is None
    assert expected_calibration_error(np.array([[1]]), np.array([[0.01]]), above=0.05) is None


def test_different_shapes():
    with pytest.raises(ValueError, match="y_true has 2 pairs, y_prob 1"):
        reliability(np.array([[1, 0]]), np.array([[0.5]]))


def test_bins_of_equal_mass_against_scikit_learn(pairs):
    y_true, y_prob = (values.ravel() for values in pairs)
    share, mean = calibration_curve(y_true, y_prob.astype(float), n_bins=15, strategy="quantile")
    rows = reliability(y_true, y_prob, strategy="quantile")
    assert [row.frequency for row in rows] == pytest.approx(share.tolist())
    sizes = [row.num_samples for row in rows]
    assert sum(sizes) == 400 * 12
    assert max(sizes) - min(sizes) <= 1
    assert expected_calibration_error(y_true, y_prob, strategy="quantile") == pytest.approx(
        np.average(np.abs(share - mean), weights=sizes)
    )


def test_equal_probabilities_share_a_bin_of_equal_mass():
    rows = reliability(
        np.array([[1, 0, 1, 0, 1]]), np.array([[0.5, 0.5, 0.5, 0.5, 0.9]]), 4, strategy="quantile"
    )
    assert [(row.num_samples, row.frequency) for row in rows] == [(4, 0.5), (1, 1.0)]


def test_the_top_k_are_the_most_probable_tags_of_each_project():
    y_prob = np.array([[0.1, 0.9, 0.4], [0.8, 0.3, 0.2]])
    assert select_top_k(y_prob, 2).tolist() == [[1, 2], [0, 1]]
    assert select_top_k(y_prob, 9).tolist() == [[1, 2, 0], [0, 1, 2]]
    y_true = np.array([[1, 1, 0], [1, 0, 1]])
    # The most probable tag is true in both: 1 − 0.9 and 1 − 0.8.
    assert top_k_calibration_error(y_true, y_prob, 1) == pytest.approx(0.15)
    # 0.3, 0.4 (neither true) and 0.8, 0.9 (both true).
    assert top_k_calibration_error(y_true, y_prob, 2, bins=2) == pytest.approx(0.25)
    assert top_k_calibration_error(np.zeros((0, 3)), np.zeros((0, 3)), 2) is None
    assert top_k_calibration_error(np.zeros((2, 0)), np.zeros((2, 0)), 2) is None
