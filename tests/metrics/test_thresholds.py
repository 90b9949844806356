import numpy as np
import pytest

from tagifai.metrics.thresholds import (
    best_thresholds,
    choose_thresholds,
    common_threshold,
    shrink_thresholds,
)
from tagifai.predictions import decide

Y = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
PROB = np.array([[0.9, 0.1], [0.6, 0.2], [0.5, 0.3], [0.1, 0.7]])


def test_the_best_threshold_lies_between_neighbours():
    # Second tag: down to 0.3 gives one of two right (F1 2/3), any lower is worse.
    np.testing.assert_allclose(best_thresholds(Y, PROB), [0.55, 0.25])


def test_equal_probabilities_are_never_parted():
    prob = np.array([[0.5], [0.5], [0.2]])
    np.testing.assert_allclose(best_thresholds(np.array([[1], [0], [0]]), prob), [0.35])


def test_a_tag_without_positives_is_not_predicted():
    assert best_thresholds(np.zeros((2, 1)), np.array([[0.9], [0.1]])).tolist() == [1.0]


def test_the_common_threshold_counts_all_pairs():
    # Sorted: .9+ .7- .6+ .5- .3+: taking all five gives tp 3 of 5, F1 6/8.
    assert common_threshold(Y, PROB) == pytest.approx(0.25)


def test_rare_tags_are_drawn_to_the_common_threshold():
    shrunk = shrink_thresholds(np.array([0.1, 0.1]), 0.5, np.array([10, 90]), 10.0)
    np.testing.assert_allclose(shrunk, [0.3, 0.14])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("fixed", [0.5, 0.5]), ("common", [0.25, 0.25]), ("per-tag", [0.45, 0.25])],
)
def test_kinds(kind, expected):
    np.testing.assert_allclose(choose_thresholds(Y, PROB, kind, 0.5, 1.0), expected)


def test_smoothing_trusts_probabilities_more_than_one_lucky_label():
    # Down to the lucky last one, by labels: F1 4/5, against 2/3 for the first alone. Smoothed
    # by half, the labels are .95, .1 and .55: F1 3.2/4.6, against 1.9/2.6.
    y_true, y_prob = np.array([[1], [0], [1]]), np.array([[0.9], [0.2], [0.1]])
    for smoothing, expected in ((0.0, 0.05), (0.5, 0.55)):
        for kind in ("common", "per-tag"):
            chosen = choose_thresholds(y_true, y_prob, kind, 0.5, 0.0, smoothing)
            np.testing.assert_allclose(chosen, [expected])


def test_however_smooth_shrinking_counts_the_labels_seen():
    # Of their own: 0.2 for the tag with one positive; for all pairs: 0.3.
    y_true, y_prob = np.array([[1, 0], [0, 0]]), np.array([[0.8, 0.6], [0.4, 0.2]])
    chosen = choose_thresholds(y_true, y_prob, "per-tag", 0.5, 1.0, 1.0)
    np.testing.assert_allclose(chosen, [0.25, 0.3])


@pytest.mark.parametrize("value", [0.5, 0.3, 0.7, 1e-6, 0.999])
def test_a_threshold_parts_probabilities_that_are_neighbours(value):
    high = np.float32(value)
    low = np.nextafter(high, np.float32(0))
    prob = np.array([[low], [high]], np.float32)
    (threshold,) = best_thresholds(np.array([[0], [1]]), prob)
    assert decide(prob, threshold).tolist() == [[False], [True]]


def test_probabilities_that_are_stored_alike_are_never_parted():
    prob = np.array([[0.5 + 1e-12], [0.5]])
    (threshold,) = best_thresholds(np.array([[1], [0]]), prob)
    assert decide(prob, threshold).tolist() == [[True], [True]]
