import numpy as np
import pytest
from scipy.special import expit

from tagifai.models.platt import bend, fit_curve, fit_platt, to_probability

RNG = np.random.default_rng(0)
LOG_ODDS = RNG.normal(-1, 2, size=(20_000, 2))
Y = (RNG.random(LOG_ODDS.shape) < expit(LOG_ODDS)).astype(np.uint8)


def test_a_line_is_found_again():
    slopes, offsets = fit_platt((LOG_ODDS - [1, 2]) / [2, 4], Y, shrinkage=0)
    np.testing.assert_allclose(slopes, [2, 4], rtol=0.06)
    np.testing.assert_allclose(offsets, [1, 2], atol=0.06)


def test_slopes_are_shrunk_and_positives_kept():
    scores = (LOG_ODDS[:200] - [1, 2]) / [2, 4]
    own, _ = fit_platt(scores, Y[:200], shrinkage=0)
    slopes, offsets = fit_platt(scores, Y[:200], shrinkage=1e12)
    np.testing.assert_allclose(slopes, np.sqrt(own[0] * own[1]))
    np.testing.assert_allclose(expit(slopes * scores + offsets).sum(axis=0), Y[:200].sum(axis=0))


@pytest.mark.parametrize("y", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
def test_without_both_classes_or_worse_than_chance_the_rate_is_kept(y):
    scores = np.arange(4.0)[:, None]
    slopes, offsets = fit_platt(scores, np.array(y)[:, None])
    assert slopes.tolist() == [0.0]
    assert expit(offsets[0]) == pytest.approx((sum(y) + 0.5) / 5)


def test_a_logistic_margin_needs_no_bending():
    np.testing.assert_allclose(fit_curve(LOG_ODDS, Y), [1, 1, 0], atol=0.06)


def test_a_bent_margin_is_straightened():
    curve = fit_curve(np.where(LOG_ODDS > 0, LOG_ODDS * 3, LOG_ODDS), Y)
    straightened = bend(np.array([-3.0, 0.0, 9.0]), curve)
    np.testing.assert_allclose(straightened, [-3, 0, 3], atol=0.4)


def test_bending_keeps_the_order():
    margins = np.linspace(-800, 800, 1001)
    bent = bend(margins, np.array([1.7, 0.3, 0.2]))
    assert (np.diff(bent) > 0).all()
    assert np.isfinite(bent).all()


def test_probabilities_of_extremes():
    assert to_probability(np.array([-1e6, 0, 1e6])).tolist() == [0.0, 0.5, 1.0]


def test_no_positive_at_all_leaves_the_curve_straight():
    assert fit_curve(LOG_ODDS, np.zeros_like(Y)).tolist() == [1.0, 1.0, 0.0]
