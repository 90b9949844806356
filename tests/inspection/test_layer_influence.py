"""Influence on a linear last layer, held against real refits by scikit-learn."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from tagifai.errors import TagifaiError
from tagifai.inspection.layer_influence import layer_influence

RNG = np.random.default_rng(0)
# Embeddings lie around a common mean, as those of language models do.
EMBEDDINGS = RNG.normal(size=(300, 24)) * RNG.uniform(0.3, 2.0, 24) + 1.5
Y = (EMBEDDINGS @ RNG.normal(size=24) + RNG.normal(scale=2.0, size=300) > 0).astype(int)
QUERIES = RNG.normal(size=(5, 24)) + 1.5


def fit(rows, C=1.0):
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(
        EMBEDDINGS[rows], Y[rows]
    )


FULL = fit(np.arange(300))


def ready(penalty=None):
    return layer_influence(EMBEDDINGS, Y, FULL.coef_[0], FULL.intercept_[0], penalty)


def margin_without(left_out, query):
    model = fit(np.setdiff1d(np.arange(300), left_out))
    return float(query @ model.coef_[0] + model.intercept_[0])


def test_estimates_rank_texts_as_twenty_real_refits_do():
    influence = ready()
    for query in QUERIES:
        full = float(query @ FULL.coef_[0] + FULL.intercept_[0])
        assert influence.margin(query) == pytest.approx(full)
        chosen = RNG.choice(300, 20, replace=False)
        truth = [full - margin_without([row], query) for row in chosen]
        estimate = influence.pushes(query)[chosen]
        assert spearmanr(truth, estimate).statistic >= 0.98
        np.testing.assert_allclose(estimate, truth, rtol=0.1, atol=2e-3)
        plain = influence.gradient_products(query)[chosen]
        assert spearmanr(truth, plain).statistic < 0.9


def test_refitting_without_texts_is_what_scikit_learn_does():
    influence, query = ready(), QUERIES[0]
    full = float(query @ FULL.coef_[0] + FULL.intercept_[0])
    for left_out in ([3], [3, 50, 51, 200, 299]):
        expected = full - margin_without(left_out, query)
        assert influence.push_of(left_out, query) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
def test_the_penalty_is_found_in_the_weights(C):
    model = fit(np.arange(300), C)
    found = layer_influence(EMBEDDINGS, Y, model.coef_[0], model.intercept_[0])
    assert found.penalty == pytest.approx(1 / C, rel=1e-3)
    assert found.is_optimum


def test_a_layer_that_was_not_fitted_to_these_texts_is_noticed():
    assert not layer_influence(EMBEDDINGS, Y, RNG.normal(size=24), 0.0).is_optimum


def test_what_does_not_fit_is_refused():
    with pytest.raises(TagifaiError, match=r"shape \(300, 24\), 299 labels and 24 coefficients"):
        layer_influence(EMBEDDINGS, Y[:-1], FULL.coef_[0], 0.0)
    with pytest.raises(TagifaiError, match="must be finite"):
        layer_influence(EMBEDDINGS * np.nan, Y, FULL.coef_[0], 0.0)
    with pytest.raises(TagifaiError, match="all training texts agree"):
        layer_influence(EMBEDDINGS, np.ones(300), FULL.coef_[0], 0.0)
    with pytest.raises(TagifaiError, match="nothing is left to learn"):
        ready().push_of(np.flatnonzero(Y), QUERIES[0])
