import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from tagifai.metrics.recalibration import clustered_p_value, fit_recalibration, tag_p_values


def drawn(seed, n, centre=-2.0, spread=1.5, intercept=0.0, slope=1.0, tags=1):
    rng = np.random.default_rng(seed)
    x = centre + spread * rng.standard_normal((n, tags))
    true = rng.random((n, tags)) < expit(intercept + slope * x)
    return true.astype(np.uint8), expit(x)


def test_intercept_and_slope_are_those_of_logistic_regression():
    true, prob = drawn(0, 5000, intercept=0.3, slope=0.8)
    found = fit_recalibration(true[:, 0], prob[:, 0], np.arange(5000))
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(prob), true[:, 0])
    assert found.intercept == pytest.approx(model.intercept_[0], abs=1e-3)
    assert found.slope == pytest.approx(model.coef_[0, 0], abs=1e-3)
    gap = np.abs(expit(found.intercept + found.slope * logit(prob)) - prob).mean()
    assert found.gap == pytest.approx(gap, rel=1e-4)
    assert found.low < found.gap < found.high


def test_the_gap_is_that_over_the_pairs_asked_for():
    true, prob = drawn(1, 4000, slope=0.5)
    over = prob[:, 0] > 0.3
    found = fit_recalibration(true[:, 0], prob[:, 0], np.arange(4000), over)
    true_gap = np.abs(expit(0.5 * logit(prob[over])) - prob[over]).mean()
    assert found.low < true_gap < found.high


@pytest.mark.parametrize("label", [0, 1])
def test_labels_that_are_all_alike_still_have_a_fit(label):
    prob = np.linspace(0.1, 0.9, 50)
    found = fit_recalibration(np.full(50, label), prob, np.arange(50))
    assert found.gap == pytest.approx(np.abs(label - prob).mean(), abs=0.02)
    assert (found.shift > 0) is (label == 1)


def test_copies_within_a_project_make_nothing_surer():
    true, prob = drawn(2, 300, slope=0.7)
    rows = np.arange(300)
    once = fit_recalibration(true[:, 0], prob[:, 0], rows)
    five = [np.repeat(values, 5) for values in (true[:, 0], prob[:, 0], rows)]
    copied = fit_recalibration(*five)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=2e-3)
    p = clustered_p_value(true[:, 0], prob[:, 0], rows)
    assert clustered_p_value(*five) == pytest.approx(p, rel=1e-6)


def test_p_values_of_rare_tags_are_uniform():
    # Five positives expected of 300: far from normal, and many tags need the far tail.
    true, prob = drawn(3, 300, centre=-5.0, tags=6000)
    p = tag_p_values(true, prob)
    for level in (0.1, 0.01, 0.001):
        share = (p <= level).mean()
        assert abs(share - level) <= 4 * np.sqrt(level * (1 - level) / 6000)


def test_a_slope_is_found_in_what_has_a_thousand_pairs():
    true, prob = drawn(4, 1000, slope=0.75, tags=200)
    assert (tag_p_values(true, prob) <= 0.05 / 34).mean() >= 0.8


def test_probabilities_all_alike_are_tested_for_their_level_alone():
    prob = np.full((400, 1), 0.25)
    right, wrong = np.repeat([[1], [0]], [100, 300], axis=0), np.repeat([[1], [0]], 200, axis=0)
    assert tag_p_values(right, prob)[0] == pytest.approx(1.0, abs=0.05)
    binomial = stats.binomtest(200, 400, 0.25).pvalue
    assert np.log(tag_p_values(wrong, prob)[0]) == pytest.approx(np.log(binomial), rel=0.05)
    assert clustered_p_value(wrong[:, 0], prob[:, 0], np.arange(400)) < 1e-10


def test_certain_and_wrong_is_impossible():
    assert tag_p_values(np.array([[1]] * 3), np.zeros((3, 1)))[0] < 1e-6
    assert tag_p_values(np.array([[0]] * 3), np.zeros((3, 1)))[0] > 0.9


def test_tags_that_are_next_to_never_expected_accuse_nobody():
    # 0.02 to 2 positives expected: whether one comes is chance.
    rng = np.random.default_rng(8)
    prob = np.tile(np.geomspace(1e-4, 1e-2, 4000), (200, 1))
    p = tag_p_values(rng.random(prob.shape) < prob, prob)
    assert (p <= 0.01).mean() <= 0.01 + 4 * np.sqrt(0.01 * 0.99 / 4000)


def test_nothing_to_test():
    assert tag_p_values(np.zeros((0, 3)), np.zeros((0, 3))).tolist() == [1, 1, 1]
    assert clustered_p_value(np.zeros(0), np.zeros(0), np.zeros(0, int)) is None
    assert clustered_p_value(np.array([1, 0]), np.array([0.5, 0.6]), np.array([0, 1])) is None
