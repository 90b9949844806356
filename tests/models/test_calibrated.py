"""Calibration of foreign probabilities."""

import numpy as np
import pytest
from scipy.special import expit, logit

from tagifai.errors import TagifaiError
from tagifai.models.calibrated import CalibratedPredictor, Calibration, fit_calibration

RNG = np.random.default_rng(0)
ODDS = RNG.normal(-1, 1.5, (4_000, 3))
TRUE = (RNG.random((4_000, 3)) < expit(ODDS)).astype(np.uint8)
TRUE[:, 2] = 0
TRUE[:5, 2] = 1
SURE = expit(2 * ODDS + 1)


def gap(y_true, y_prob):
    """Average how far frequencies are from probabilities, over ten bins."""
    bins = np.minimum((10 * y_prob).astype(int), 9)
    gaps = [abs((y_true - y_prob)[bins == b].sum()) for b in range(10)]
    return sum(gaps) / len(y_prob)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_probabilities_that_are_too_sure_are_brought_back(kind):
    half = np.arange(4_000) < 2_000
    calibration = fit_calibration(kind, TRUE[half], SURE[half])
    after = calibration.apply(SURE[~half])
    for tag in (0, 1):
        assert gap(TRUE[~half, tag], SURE[~half, tag]) > 0.05
        assert gap(TRUE[~half, tag], after[:, tag]) < 0.03
        # The order of projects stays.
        order = np.argsort(SURE[~half, tag], kind="stable")
        assert (np.diff(after[order, tag]) >= 0).all()
    np.testing.assert_array_equal(after[:, 2], SURE[~half, 2].astype(np.float32))


def test_platt_finds_the_line_that_was_bent():
    slope, offset = (one[0] for one in fit_calibration("platt", TRUE, SURE).curves[0])
    assert slope == pytest.approx(0.5, abs=0.05)
    assert offset == pytest.approx(-0.5, abs=0.1)


class Fixed:
    tags = ("cv", "nlp")
    batch_size = 7

    def predict_proba(self, texts):
        return [[0.5, float(logit(0.75) > 0)]] * len(texts)


def test_a_calibrated_predictor_is_one():
    predictor = CalibratedPredictor(Fixed(), Calibration("platt", (((2.0,), (1.0,)), ((), ()))))
    assert predictor.tags == ("cv", "nlp")
    assert predictor.batch_size == 7
    np.testing.assert_allclose(predictor.predict_proba(["a"]), [[expit(1.0), 1.0]], rtol=1e-6)
    assert not hasattr(predictor, "embed")


def test_what_does_not_fit_is_refused():
    with pytest.raises(TagifaiError, match=r"unknown calibration 'beta': allowed: platt, isotonic"):
        fit_calibration("beta", TRUE, SURE)
    with pytest.raises(TagifaiError, match="is for 1 tags, and the predictor has 2"):
        CalibratedPredictor(Fixed(), Calibration("platt", (((), ()),)))
