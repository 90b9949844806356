"""Exact reasons for pipelines that nobody here wrote."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import spearmanr
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import LinearSVC

from tagifai.inference.attribution import estimate_shapley
from tagifai.inference.linear_pipelines import explain_linear, find_occurrences, recognize

RNG = np.random.default_rng(0)
WORDS = ["masks", "pixels", "camera", "bert", "tokens", "grammar", "train", "model", "naïve", "İz"]
TEXTS = [" ".join(RNG.choice(WORDS, 6)) + "." for _ in range(120)]
Y = np.array(
    [
        ["masks" in t or "pixels" in t, "bert" in t and "grammar" in t, t.count("camera") > 1]
        for t in TEXTS
    ]
).astype(int)
TEXT = "Train a naïve model: masks, pixels and  masks — of İz with BERT tokens!"


def ovr(model=None):
    return OneVsRestClassifier(model or LogisticRegression(C=5))


UNION = FeatureUnion(
    [
        ("words", TfidfVectorizer(ngram_range=(1, 2))),
        ("characters", make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
                                     TfidfTransformer(sublinear_tf=True))),
    ],
    transformer_weights={"words": 2.0},
)  # fmt: skip
LINEAR = {
    "tfidf": (TfidfVectorizer(), ovr()),
    "accents": (TfidfVectorizer(strip_accents="ascii", stop_words="english"), ovr()),
    "as written": (CountVectorizer(lowercase=False, ngram_range=(1, 3)), ovr()),
    "characters": (TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), ovr()),
    "union": (UNION, MaxAbsScaler(), ovr()),
    "selected": (CountVectorizer(), TfidfTransformer(), SelectKBest(chi2, k=5), ovr()),
    "one for each output": (TfidfVectorizer(), MultiOutputClassifier(LogisticRegression())),
    "stochastic": (TfidfVectorizer(), ovr(SGDClassifier(loss="log_loss", random_state=0))),
}


@pytest.mark.parametrize("name", LINEAR)
def test_contributions_sum_to_the_log_odds(name):
    pipeline = make_pipeline(*LINEAR[name]).fit(TEXTS, Y)

    def predict(texts):
        found = pipeline.predict_proba(texts)
        return np.column_stack([one[:, 1] for one in found]) if isinstance(found, list) else found

    explained = explain_linear(recognize(pipeline), predict, TEXT)
    assert explained.method == "exact"
    np.testing.assert_allclose(explained.error, 0, atol=1e-9)
    np.testing.assert_allclose(explained.log_odds, logit(predict([TEXT])[0]), atol=1e-6)
    by_word = dict(
        zip([part.text for part in explained.parts], explained.contributions, strict=True)
    )
    assert by_word["masks"][0] > 0.1
    assert by_word["masks"][0] > by_word["with"][0]


def test_margins_of_a_support_vector_machine_count_as_log_odds():
    pipeline = make_pipeline(TfidfVectorizer(), ovr(LinearSVC())).fit(TEXTS, Y)
    assert recognize(pipeline) is None
    linear = recognize(pipeline, "decision_function")
    predict = lambda texts: expit(pipeline.decision_function(texts))  # noqa: E731
    explained = explain_linear(linear, predict, TEXT)
    np.testing.assert_allclose(explained.log_odds, pipeline.decision_function([TEXT])[0])


def test_a_tag_that_never_comes_has_no_reasons():
    never = Y.copy()
    never[:, 2] = 0
    with pytest.warns(UserWarning, match="Label not 2 is present"):
        pipeline = make_pipeline(TfidfVectorizer(), ovr()).fit(TEXTS, never)
    explained = explain_linear(recognize(pipeline), pipeline.predict_proba, TEXT)
    assert explained.contributions[:, 2].tolist() == [0.0] * len(explained.parts)
    assert explained.log_odds[2] < -15


@pytest.mark.parametrize(
    "steps",
    [
        (TfidfVectorizer(), ovr(MultinomialNB())),
        (TfidfVectorizer(), TruncatedSVD(4), ovr()),
        (TfidfVectorizer(), ovr(CalibratedClassifierCV(LinearSVC(), cv=2))),
        (TfidfVectorizer(), ovr(SGDClassifier(loss="modified_huber", random_state=0))),
    ],
)
def test_what_is_no_sum_over_terms_is_not_claimed_to_be(steps):
    assert recognize(make_pipeline(*steps).fit(TEXTS, Y)) is None


@pytest.mark.parametrize("custom", [{"tokenizer": str.split}, {"analyzer": str.split}])
def test_words_of_somebody_elses_function_have_no_places(custom):
    pipeline = make_pipeline(CountVectorizer(**custom), ovr()).fit(TEXTS, Y)
    assert explain_linear(recognize(pipeline), pipeline.predict_proba, TEXT) is None


def test_another_model_behind_the_pipeline_is_noticed():
    pipeline = make_pipeline(TfidfVectorizer(), ovr()).fit(TEXTS, Y)
    softer = lambda texts: expit(0.5 * logit(pipeline.predict_proba(texts)))  # noqa: E731
    assert explain_linear(recognize(pipeline), softer, TEXT) is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ngram_range": (1, 3), "stop_words": "english"},
        {"analyzer": "char", "ngram_range": (1, 5)},
        {"analyzer": "char_wb", "ngram_range": (1, 6)},
        {"token_pattern": r"(\w)\w*"},
        {"strip_accents": "unicode", "lowercase": False},
    ],
)
def test_terms_are_those_of_the_vectorizer(options):
    for text in (TEXT, "a", "", "  x\n\n y\tz ", "ß ǅ ﬁne"):
        vectorizer = CountVectorizer(**options)
        expected = sorted(vectorizer.build_analyzer()(text))
        assert sorted(term for term, _ in find_occurrences(vectorizer, text)) == expected


def test_sampled_reasons_agree_with_the_exact_ones():
    pipeline = make_pipeline(CountVectorizer(), ovr()).fit(TEXTS, Y)
    exact = explain_linear(recognize(pipeline), pipeline.predict_proba, TEXT)
    sampled = estimate_shapley(pipeline.predict_proba, TEXT)
    for tag in range(3):
        found = spearmanr(exact.contributions[:, tag], sampled.contributions[:, tag])
        assert found.statistic >= 0.9
