import numpy as np
import pytest

from tagifai.models.combination import fit_combination

RNG = np.random.default_rng(1)
X = RNG.random((200, 5))
LAYERS = [(RNG.normal(size=(5, 2)), RNG.normal(size=2)) for _ in range(2)]
SCORES = np.stack([X @ matrix + bias for matrix, bias in LAYERS])
Y = (SCORES.sum(axis=0) + RNG.normal(size=(200, 2)) > 0).astype(np.uint8)


@pytest.mark.parametrize("calibration", ["none", "platt"])
@pytest.mark.parametrize("members", [1, 2])
def test_the_folded_layer_gives_the_margins(calibration, members):
    combination = fit_combination(SCORES[:members], Y, calibration)
    coef, intercept = combination.fold(LAYERS[:members])
    margins = combination.margins(SCORES[:members])
    np.testing.assert_allclose(X @ coef + intercept, margins, atol=1e-9)


def test_two_members_are_standardised_and_averaged():
    scores = np.array([[[1.0], [3.0]], [[10.0], [-10.0]]])
    margins = fit_combination(scores, np.array([[0], [1]]), "none").margins(scores)
    # (-1 + 1) / 2 and (1 - 1) / 2
    assert margins.ravel().tolist() == [0.0, 0.0]


def test_a_single_member_keeps_its_scale():
    scores = np.array([[[1.0], [3.0]]])
    margins = fit_combination(scores, np.array([[0], [1]]), "none").margins(scores)
    assert margins.ravel().tolist() == [1.0, 3.0]
