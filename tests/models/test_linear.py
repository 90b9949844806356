import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from tagifai.models.linear import LogCountRatioScaler, build_members, fit_matrix
from tagifai.models.params import Params

RNG = np.random.default_rng(0)
X = sparse.csr_matrix(np.where(RNG.random((60, 12)) < 0.4, RNG.random((60, 12)), 0))
Y = (RNG.random((60, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)


@parametrize_with_checks([LogCountRatioScaler()])
def test_scaler_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def test_ratio_of_a_feature_that_only_positives_have():
    scaler = LogCountRatioScaler(smoothing=1.0).fit(np.array([[1, 1], [1, 0]]), np.array([1, 0]))
    # p = (2, 2) / 4, q = (2, 1) / 3
    np.testing.assert_allclose(scaler.scale_, np.log([0.5 / (2 / 3), 0.5 / (1 / 3)]))


def test_the_matrix_gives_the_scores_of_the_decision_function():
    for estimator in ("svc", "logistic"):
        for member in build_members(Params(estimator=estimator)):
            matrix, intercepts = fit_matrix(clone(member), X, Y)
            expected = clone(member).fit(X, Y).decision_function(X)
            np.testing.assert_allclose(X @ matrix + intercepts, expected, atol=1e-9)


def test_a_tag_that_all_or_none_carry_scores_constantly():
    y = Y.copy()
    y[:, 0], y[:, 1] = 1, 0
    for member in build_members(Params()):
        matrix, intercepts = fit_matrix(clone(member), X, y)
        assert not matrix[:, :2].any()
        assert intercepts[:2].tolist() == [1.0, -1.0]


def test_the_twin_is_a_choice():
    assert len(build_members(Params(log_count_ratio=True))) == 2
    assert len(build_members(Params(log_count_ratio=False))) == 1
