import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.data import prepare
from tagifai.errors import TagifaiError
from tagifai.models import build_model
from tagifai.models.persistence import dump_model, load_model
from tagifai.training.train import label_matrix

PREPARED = prepare(small_dataset(), 10)
TEXTS = [project.text for project in PREPARED.projects]
Y = label_matrix(PREPARED)


@pytest.fixture(scope="module")
def model():
    return build_model(SMALL_PARAMS, PREPARED.tags, TAGS).fit(TEXTS, Y)


def test_it_learns_what_the_words_say(model):
    prob = model.predict_proba(["photos and camera pixels", "sentences of a corpus", "guide"])
    cv = PREPARED.tags.index("computer-vision")
    nlp = PREPARED.tags.index("natural-language-processing")
    assert prob[0, cv] > 0.8 > 0.2 > prob[0, nlp]
    assert prob[1, nlp] > 0.8 > 0.2 > prob[1, cv]
    assert prob.dtype == np.float32


def test_margins_are_linear_in_the_features(model):
    X = model.transform(TEXTS[:5])
    margins = X @ model.coef_.astype(np.float32) + model.intercept_
    np.testing.assert_array_equal(model.decision_function(TEXTS[:5]), margins)


def test_features_are_those_of_the_pipeline(model):
    shown, expected = model.transform(TEXTS), model.features_.transform(TEXTS)
    assert shown.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(shown.toarray(), expected.toarray())


def test_spans_cover_all_features(model):
    spans = model.feature_spans()
    assert list(spans) == ["words", "characters", "aliases"]
    assert spans["words"].start == 0
    assert spans["words"].stop == spans["characters"].start
    assert spans["aliases"].stop == model.coef_.shape[0]


def test_it_tells_whether_it_knows_a_word(model):
    X = model.transform(["transfromers", "zzzz qqqq", ""])
    assert model.knows(X).tolist() == [True, False, False]


@pytest.mark.long
def test_a_clone_fits_to_the_same_bits_whatever_the_jobs(model):
    again = clone(model).set_params(jobs=2).fit(TEXTS, Y)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    np.testing.assert_array_equal(again.oof_prob_, model.oof_prob_)
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)


@pytest.mark.parametrize(("calibration", "differ"), [("platt", True), ("none", False)])
def test_only_calibrated_probabilities_stand_for_labels(model, calibration, differ):
    prob = np.linspace(0.9, 0.1, len(Y) * Y.shape[1]).reshape(Y.shape)
    chosen = [
        clone(model)
        .set_params(calibration=calibration, threshold_smoothing=smoothing)
        .choose_thresholds(Y, prob)
        for smoothing in (0.0, 1.0)
    ]
    assert (np.abs(chosen[0] - chosen[1]).max() > 0.01) == differ


def test_out_of_fold_scores_are_those_of_the_fit(model):
    np.testing.assert_array_equal(clone(model).score_out_of_fold(TEXTS, Y), model.oof_prob_)


def test_out_of_fold_means_unseen():
    # A word that only one project has cannot speak for its tag out of fold.
    texts = [f"unique{i}" for i in range(30)]
    y = np.tile([[1, 0], [0, 1]], (15, 1)).astype(np.uint8)
    params = SMALL_PARAMS.replaced({"char_ngrams": 0, "aliases": "none"})
    model = build_model(params, ["a", "b"], {}).fit(texts, y)
    assert np.ptp(model.oof_prob_) < 0.2


def test_progress_counts_the_parts():
    seen = []
    params = SMALL_PARAMS.replaced({"char_ngrams": 0})
    model = build_model(params, PREPARED.tags, TAGS)
    model.fit(TEXTS, Y, lambda done, total, what: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_unfitted_and_empty(model):
    with pytest.raises(NotFittedError):
        clone(model).predict_proba(["a"])
    assert model.predict_proba([]).shape == (0, 4)
    assert model.predict(["camera"]).dtype == np.uint8


def test_a_pruned_model_stores_few_weights_and_predicts_by_them():
    params = SMALL_PARAMS.replaced({"prune": 0.05})
    whole = build_model(SMALL_PARAMS, PREPARED.tags, TAGS).fit(TEXTS, Y)
    pruned = build_model(params, PREPARED.tags, TAGS).fit(TEXTS, Y)
    assert pruned.coef_.nnz < 0.5 * np.count_nonzero(whole.coef_)
    assert np.abs(pruned.oof_prob_ - whole.oof_prob_).mean() < 0.02
    X = pruned.transform(TEXTS[:5])
    margins = (X @ pruned.coef_).toarray() + pruned.intercept_
    np.testing.assert_array_equal(pruned.decision_function(TEXTS[:5]), margins)
    again = load_model(dump_model(pruned))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), pruned.predict_proba(TEXTS))
    dense = pruned.coef_.toarray()
    np.testing.assert_array_equal(again.tag_weights(2), dense[:, 2])
    np.testing.assert_array_equal(again.tag_weights(2, np.array([3, 1])), dense[[3, 1], 2])
    np.testing.assert_array_equal(again.feature_weights(np.array([3, 1])), dense[[3, 1]])
    columns = np.array([0, 5])
    np.testing.assert_array_equal(whole.feature_weights(columns), whole.coef_[columns])


def test_a_check_may_refuse_before_anything_is_fitted():
    def refuse(fitted, features):
        assert fitted.transform(TEXTS[:2]).shape == (2, features.num_features)
        raise TagifaiError("too much")

    model, seen = build_model(SMALL_PARAMS, PREPARED.tags, TAGS), []
    with pytest.raises(TagifaiError, match="too much"):
        model.fit(TEXTS, Y, lambda *told: seen.append(told), check=refuse)
    assert seen == []
