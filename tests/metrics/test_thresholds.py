import numpy as np
import pytest
from sklearn.metrics import f1_score

from tagifai.metrics.thresholds import (
    FOLDS,
    REPEATS,
    SHRINKAGES,
    best_thresholds,
    choose_shrinkage,
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


def drawn(seed=0, n=600, tags=20, spread=0.0):
    """Draw labels and calibrated probabilities; with `spread`, each tag's are off by its own."""
    rng = np.random.default_rng(seed)
    rate = np.geomspace(8, 120, tags) / n
    y_true = rng.random((n, tags)) < rate
    signal = rng.uniform(1, 3, tags)
    odds = np.log(rate / (1 - rate)) + signal * (
        signal * y_true + rng.standard_normal((n, tags)) - signal / 2
    )
    return y_true.astype(int), 1 / (1 + np.exp(-odds - rng.normal(0, spread, tags)))


def test_thresholds_stay_their_own_where_tags_differ_and_are_shrunk_where_they_do_not():
    y_true, y_prob = drawn(spread=1.5)
    assert choose_shrinkage(y_true, y_prob) == 10.0

    rng = np.random.default_rng(1)
    alike = rng.random((600, 20)) < 0.03
    noise = np.clip(0.3 + 0.3 * alike + 0.2 * rng.standard_normal(alike.shape), 0, 1)
    assert choose_shrinkage(alike.astype(int), noise) >= 30


def test_shrinkage_is_the_one_that_scores_best_on_projects_it_was_not_chosen_by():
    y_true, y_prob = drawn(3, n=150, tags=6, spread=0.5)
    expected = np.zeros(len(SHRINKAGES))
    rng = np.random.default_rng(7)
    for _ in range(REPEATS):
        order = rng.permutation(150)
        decided = np.zeros((len(SHRINKAGES), *y_true.shape), int)
        for part in range(FOLDS):
            held_out = order[part::FOLDS]
            rest = np.setdiff1d(order, held_out)
            for place, shrinkage in enumerate(SHRINKAGES):
                cut = choose_thresholds(y_true[rest], y_prob[rest], "per-tag", 0.5, shrinkage, 0.25)
                decided[place][held_out] = y_prob[held_out] >= cut
        for place, one in enumerate(decided):
            expected[place] += f1_score(y_true, one, average="weighted", zero_division=0)

    best = SHRINKAGES[np.flatnonzero(np.round(expected, 12) == np.round(expected, 12).max())[-1]]
    assert choose_shrinkage(y_true, y_prob, 0.25, seed=7) == best


def test_so_few_projects_that_none_can_be_held_out_have_the_common_threshold():
    assert choose_shrinkage(Y, PROB) == np.inf
    chosen = choose_thresholds(Y, PROB, "per-tag", 0.5, None)
    assert chosen.tolist() == [common_threshold(Y, PROB)] * Y.shape[1]


def test_without_a_shrinkage_thresholds_are_drawn_by_the_chosen_one():
    y_true, y_prob = drawn(spread=1.0)
    shrinkage = choose_shrinkage(y_true, y_prob, 0.5)
    expected = choose_thresholds(y_true, y_prob, "per-tag", 0.5, shrinkage, 0.5)
    assert (
        choose_thresholds(y_true, y_prob, "per-tag", 0.5, None, 0.5).tolist() == expected.tolist()
    )


@pytest.mark.parametrize(("spread", "gain"), [(0.0, -0.002), (1.0, 0.02)])
def test_chosen_thresholds_are_no_worse_than_the_common_one_on_other_projects(spread, gain):
    differences = []
    for seed in range(20):
        y_true, y_prob = drawn(seed, n=1_200, spread=spread)
        learnt, other = slice(600), slice(600, None)
        scores = []
        for kind in ("common", "per-tag"):
            cut = choose_thresholds(y_true[learnt], y_prob[learnt], kind, 0.5, None, 0.75)
            scores.append(
                f1_score(y_true[other], y_prob[other] >= cut, average="weighted", zero_division=0)
            )
        differences.append(scores[1] - scores[0])

    assert np.mean(differences) > gain


def test_of_equal_shrinkages_the_largest_is_chosen():
    # A single tag's own threshold is the common one: no shrinkage changes anything.
    y_true, y_prob = drawn(2, n=200, tags=1)

    assert choose_shrinkage(y_true, y_prob) == np.inf


def test_a_tag_of_two_positives_without_a_signal_is_not_predicted_everywhere():
    # Every other decision is right at any shrinkage, so the tag alone would choose its own.
    y_true = np.zeros((170, 3), int)
    y_true[::2, 0] = y_true[1::2, 1] = 1
    y_true[:2, 2] = 1
    y_prob = np.where(y_true == 1, 0.99, 0.01)
    y_prob[:, 2] = 0.011
    thresholds = choose_thresholds(y_true, y_prob, "per-tag", 0.5, None)
    assert not decide(y_prob[:, 2], thresholds[2]).any()
