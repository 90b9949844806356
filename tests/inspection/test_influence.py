import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from tagifai.data import Tag
from tagifai.errors import TagifaiError
from tagifai.inspection.dual import fit_dual
from tagifai.inspection.influence import MAX_PROJECTS, linear_influence, model_influence
from tagifai.models import build_model
from tagifai.models.params import Params

N = 160
RNG = np.random.default_rng(11)
CARRIED = np.arange(N) % 3 == 0


def _text(about):
    own = [f"topic{RNG.integers(12)}" for _ in range(RNG.integers(1, 4))] if about else []
    return " ".join([*own, *(f"word{RNG.zipf(1.4) % 60}" for _ in range(9))])


TEXTS = [_text(about != (RNG.random() < 0.1)) for about in CARRIED]
VECTORIZER = TfidfVectorizer()
X = VECTORIZER.fit_transform(TEXTS)
QUERY = VECTORIZER.transform(["topic3 topic5 word1 word2 word7"])

KINDS = {
    "svc": (
        {"cost": 1.0, "loss": "squared_hinge"},
        lambda: LinearSVC(C=1.0, tol=1e-9, max_iter=200_000),
    ),
    "logistic": (
        {"cost": 10.0, "loss": "logistic"},
        lambda: LogisticRegression(C=10.0, solver="liblinear", tol=1e-9, max_iter=20_000),
    ),
    "balanced": (
        {"cost": 1.0, "loss": "squared_hinge", "balanced": True},
        lambda: LinearSVC(C=1.0, class_weight="balanced", tol=1e-9, max_iter=200_000),
    ),
}


def refit_margin(build, left_out):
    kept = np.setdiff1d(np.arange(N), left_out)
    return build().fit(X[kept], CARRIED[kept]).decision_function(QUERY)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_dual_solution_is_that_of_scikit_learn(kind):
    given, build = KINDS[kind]
    influence = linear_influence(X, CARRIED, **given)
    fitted = build().fit(X, CARRIED)
    assert influence.margins(X) == pytest.approx(fitted.decision_function(X), abs=2e-4)
    assert influence.weights == pytest.approx(
        np.append(fitted.coef_[0], fitted.intercept_), abs=2e-4
    )


@pytest.mark.parametrize("kind", KINDS)
def test_shares_sum_to_the_margin_exactly(kind):
    influence = linear_influence(X, CARRIED, **KINDS[kind][0])
    assert influence.shares(QUERY).sum() == pytest.approx(influence.margins(QUERY)[0], abs=1e-12)


@pytest.mark.parametrize("kind", ["svc", "logistic"])
def test_pushes_rank_as_30_real_refits_do(kind):
    given, build = KINDS[kind]
    influence = linear_influence(X, CARRIED, **given)
    pushes = influence.pushes(QUERY)
    order = np.argsort(-np.abs(pushes))
    order = order[np.abs(pushes[order]) > 1e-6]
    chosen = order[np.linspace(0, len(order) - 1, 30).round().astype(int)]
    whole = refit_margin(build, [])
    real = np.array([whole - refit_margin(build, [one]) for one in chosen])
    assert spearmanr(pushes[chosen], real).statistic >= 0.99
    slope = (pushes[chosen] @ real) / (real @ real)
    assert slope == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", ["svc", "logistic"])
def test_leaving_some_out_and_refitting_tells_the_true_effect(kind):
    given, build = KINDS[kind]
    influence = linear_influence(X, CARRIED, **given)
    left_out = np.argsort(-influence.pushes(QUERY))[:5]
    real = refit_margin(build, []) - refit_margin(build, left_out)
    assert influence.push_of(left_out, QUERY) == pytest.approx(real, abs=1e-3)


def test_a_project_beyond_the_margin_pushes_nothing():
    influence = linear_influence(X, CARRIED, cost=1.0)
    idle = np.flatnonzero(influence.fit.curvature == 0)
    assert len(idle) > 0
    assert not influence.pushes(QUERY)[idle].any()
    assert not influence.shares(QUERY)[idle].any()


@pytest.fixture(scope="module")
def trained():
    params = Params(min_tag_freq=1, folds=3)
    y = np.stack([CARRIED, ~CARRIED], axis=1).astype(np.uint8)
    names = ("topic", "word")
    model = build_model(params, names, {name: Tag(name) for name in names})
    return model.fit(TEXTS, y), params


def test_a_version_s_margin_is_decomposed_over_its_members(trained):
    model, params = trained
    influence = model_influence(model, params, "topic", TEXTS, CARRIED)
    assert len(influence.members) == 2
    assert influence.unexplained < 0.01
    shares, rest = influence.shares(TEXTS[3])
    assert shares.shape == (N,)
    assert shares.sum() + rest == pytest.approx(model.decision_function([TEXTS[3]])[0, 0], abs=0.01)


@pytest.mark.long
def test_the_pushes_of_a_version_rank_as_its_refits_do(trained):
    model, params = trained
    influence = model_influence(model, params, "topic", TEXTS, CARRIED)
    pushes = influence.pushes(TEXTS[3])
    chosen = np.argsort(-np.abs(pushes))[:30]
    real = [influence.push_of([one], TEXTS[3]) for one in chosen]
    assert spearmanr(pushes[chosen], real).statistic >= 0.95


def test_where_it_is_not_valid_it_says_so(trained):
    model, params = trained
    edited = [text + " topic1" for text in TEXTS[::-1]]
    with pytest.raises(TagifaiError, match="influence cannot be told for 'topic': the model does"):
        model_influence(model, params, "topic", edited, CARRIED)
    with pytest.raises(TagifaiError, match="unknown tag 'topics': did you mean 'topic'"):
        model_influence(model, params, "topics", TEXTS, CARRIED)
    with pytest.raises(TagifaiError, match="alike in this tag"):
        linear_influence(X, np.ones(N), cost=1.0)
    with pytest.raises(TagifaiError, match="unknown loss 'hinge'"):
        fit_dual(np.eye(2), np.array([1.0, -1.0]), np.ones(2), "hinge")
    many = sparse.csr_matrix((MAX_PROJECTS + 1, 1))
    with pytest.raises(TagifaiError, match="training projects, not for 6,001"):
        linear_influence(many, np.arange(MAX_PROJECTS + 1) % 2, cost=1.0)
