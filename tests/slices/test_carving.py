import numpy as np
import pytest

from tagifai.slices.carving import carve


@pytest.mark.parametrize("truth", [1.0, 2.5, 4.0])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_was_picked_is_estimated_without_bias_and_covered(truth, share):
    rng = np.random.default_rng(int(10 * truth + share))
    values, covered = [], 0
    while len(values) < 200:
        searched = truth + rng.standard_normal(2000) / np.sqrt(share)
        rest = truth + rng.standard_normal(2000) / np.sqrt(1 - share)
        for one, other in zip(searched, rest, strict=True):
            if one > 3.0 and len(values) < 200:
                found = carve(share * one + (1 - share) * other, 1.0, 1 / share, 3.0)
                values.append(found.value)
                covered += found.low <= truth <= found.high
    assert np.mean(values) == pytest.approx(truth, abs=3.5 * np.std(values) / np.sqrt(200))
    assert 180 <= covered <= 199


def test_far_above_the_cut_it_is_the_plain_estimate():
    found = carve(0.5, 0.01, 0.0125, 0.0)
    assert found.value == pytest.approx(0.5, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((0.304, 0.696), abs=2e-3)


def test_well_below_the_cut_it_is_finite():
    found = carve(0.1, 0.01, 0.0125, 0.5)
    assert found.low < found.value < 0.1
    assert np.isfinite(found).all()


def test_the_interval_rises_with_the_estimate():
    ends = np.array([carve(x, 1.0, 1.2, 3.0) for x in np.linspace(1, 8, 15)])
    assert (np.diff(ends, axis=0) > 0).all()
