"""The linear last layer that a predictor says it has."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from small_corpus import TAGS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.adapters import as_predictor
from tagifai.models.calibrated import CalibratedPredictor, Calibration
from tagifai.models.linear_layer import LinearLayer, read_linear_layer

NAMES = sorted(TAGS)
DATA = small_dataset(80)
TEXTS = [project.text for project in DATA.projects]
Y = np.array([[tag in project.tags for tag in NAMES] for project in DATA.projects], int)


def fitted(*steps):
    return as_predictor(make_pipeline(*steps).fit(TEXTS, Y), NAMES)


@pytest.mark.parametrize(
    "steps",
    [
        (TfidfVectorizer(), OneVsRestClassifier(LogisticRegression())),
        (TfidfVectorizer(), TruncatedSVD(8), StandardScaler(),
         OneVsRestClassifier(LogisticRegression())),
        (TfidfVectorizer(), TruncatedSVD(8), MultiOutputClassifier(LogisticRegression())),
    ],
)  # fmt: skip
def test_a_pipeline_ends_in_a_layer_whose_log_odds_are_its_own(steps):
    predictor = fitted(*steps)
    layer = read_linear_layer(predictor, len(NAMES), "pipe")
    prob = predictor.predict_proba(TEXTS[:5])
    margins = layer.margins(predictor.embed(TEXTS[:5]))
    np.testing.assert_allclose(margins, np.log(prob) - np.log1p(-prob), atol=1e-9)


@pytest.mark.parametrize(
    "steps",
    [
        (TfidfVectorizer(), RandomForestClassifier(3)),
        (TfidfVectorizer(), OneVsRestClassifier(LinearSVC())),
        (TfidfVectorizer(), OneVsRestClassifier(CalibratedClassifierCV(LogisticRegression()))),
        # Too many features to be held for each text.
        (HashingVectorizer(), OneVsRestClassifier(LogisticRegression())),
    ],
)
def test_what_is_no_logistic_regression_on_few_features_has_no_layer(steps):
    predictor = fitted(*steps)
    assert predictor.linear_layer is None
    assert predictor.embed is None
    assert read_linear_layer(predictor, len(NAMES), "pipe") is None


def test_a_calibrated_predictor_keeps_its_layer():
    inner = fitted(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression()))
    curves = (((1.0,), (0.5,)),) * len(NAMES)
    calibrated = CalibratedPredictor(inner, Calibration("platt", curves))
    found = read_linear_layer(calibrated, len(NAMES), "pipe")
    assert np.array_equal(found.coef, inner.linear_layer.coef)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (object(), r"needs coef \(n_tags, n_dimensions\)"),
        (LinearLayer(np.ones((3, 4)), np.ones(2)), r"has coef \(3, 4\) and intercept \(2,\)"),
        (LinearLayer(np.full((2, 4), np.nan), np.ones(2)), "not finite"),
        (LinearLayer([["a"]], [0]), "needs coef"),
    ],
)
def test_a_layer_that_is_none_is_one_clear_line(layer, message):
    predictor = SimpleNamespace(linear_layer=layer, embed=len)
    with pytest.raises(TagifaiError, match=message):
        read_linear_layer(predictor, 2, "mine")
