"""Words marked for predictors that are calibrated, and for those that are only called."""

import numpy as np
import pytest
from scipy.special import logit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagifai.inference.marked_words import TEXTS_EACH, mark_words
from tagifai.inference.reasons import find_pipeline
from tagifai.models.adapters import as_predictor
from tagifai.models.calibrated import CalibratedPredictor, Calibration
from tagifai.models.predictor import CheckedPredictor

TEXTS = ["masks pixels", "bert tokens", "masks bert", "grammar tokens", "pixels camera"] * 4
Y = np.array([["masks" in text, "bert" in text] for text in TEXTS]).astype(int)
FITTED = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=10)))
FITTED.fit(TEXTS, Y)
TEXT = "Masks of pixels, and BERT"
PLATT = Calibration("platt", (((0.5,), (-1.0,)), ((), ())))
ISOTONIC = Calibration("isotonic", (((0.0, 1.0), (0.1, 0.6)), ((), ())))


def calibrated(calibration):
    return CheckedPredictor(CalibratedPredictor(as_predictor(FITTED, ["cv", "nlp"]), calibration))


def test_words_add_up_to_the_calibrated_log_odds():
    predictor = calibrated(PLATT)
    marked = mark_words(predictor, TEXT, find_pipeline(predictor))
    plain = CheckedPredictor(as_predictor(FITTED, ["cv", "nlp"]))
    before = mark_words(plain, TEXT, find_pipeline(plain))
    assert (marked.method, before.method) == ("exact", "exact")
    # Platt's slope of 0.5 halves what each word adds; the other tag is left as it is.
    np.testing.assert_allclose(
        marked.contributions, before.contributions * [0.5, 1.0], rtol=1e-5, atol=1e-6
    )
    empty = logit(predictor.predict_proba([""], dtype=np.float64)[0])
    whole = logit(predictor.predict_proba([TEXT], dtype=np.float64)[0])
    np.testing.assert_allclose(marked.contributions.sum(axis=0), whole - empty, atol=1e-4)


def test_a_calibration_that_is_no_line_is_asked_instead():
    predictor = calibrated(ISOTONIC)
    assert find_pipeline(predictor) is None
    marked = mark_words(predictor, TEXT, find_pipeline(predictor))
    assert marked.method == "leave-one-out"
    # The whole text, none of it, and one of five words less in turn.
    assert [part.text for part in marked.parts] == ["Masks", "of", "pixels", "and", "BERT"]
    assert marked.num_texts == 7
    assert marked.contributions[0, 0] > 0
    assert marked.contributions[1, 0] == pytest.approx(0, abs=1e-6)


def test_a_long_text_keeps_to_its_number_of_texts():
    predictor = calibrated(ISOTONIC)
    text = " ".join(f"word{number}" for number in range(200)) + " masks"
    assert mark_words(predictor, text).num_texts <= TEXTS_EACH
