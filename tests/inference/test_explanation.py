import numpy as np
import pytest
from foreign_corpus import foreign_dataset
from scipy.special import expit
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.data import load_dataset
from tagifai.inference import predict_proba
from tagifai.inference.explanation import explain, explain_all
from tagifai.models.params import Params
from tagifai.training.train import train

TEXTS = [
    "Camera photos of transfromers",
    "computervision on photos, photos and photos",
    "a zzzz q",
    "Images — لغة, x\x00y \u202eabc \U0001d4b3 <b>pixels</b> $\\frac{a$",
    "",
    "the of and",
    "Ca\u0301mera ﬁlm ＰＩＸＥＬＳ 机器学习，photos😀 ภาษาไทย",
]


@pytest.fixture(
    scope="module", params=[{}, {"char_ngrams": 0}, {"word_ngrams": 0, "aliases": "none"}]
)
def trained(request):
    return train(small_dataset(), SMALL_PARAMS.replaced(request.param), tests=())


def add_up(explanation):
    parts = explanation.contributions.sum(axis=0)
    return parts + explanation.names + explanation.intercept + explanation.calibration


@pytest.mark.parametrize("text", TEXTS)
def test_parts_add_up_to_the_log_odds_of_the_probabilities(trained, text):
    explanation = explain(trained.model, text)
    np.testing.assert_allclose(
        explanation.margins, trained.model.decision_function([text])[0], atol=1e-5
    )
    shown = predict_proba(trained.model, [text])[0]
    np.testing.assert_allclose(expit(add_up(explanation)), shown, atol=1e-5)
    np.testing.assert_allclose(add_up(explanation), explanation.log_odds, atol=1e-9)
    assert explanation.contributions.shape == (len(explanation.words), len(trained.tags))


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("german", "Die Häuser, und für Ha\u0308user", ["Häuser", "Ha\u0308user"]),
        ("chinese", "我们在花园，和蔬菜面包", ["花园", "蔬菜", "面包"]),
    ],
)  # fmt: skip
def test_parts_add_up_in_other_languages(language, text, words):
    params = SMALL_PARAMS.replaced({"language": language, "stem": True})
    model = train(foreign_dataset(language), params, tests=()).model
    explanation = explain(model, text)
    assert [text[word.start : word.stop] for word in explanation.words] == words
    assert explanation.known[0] or language == "chinese"
    np.testing.assert_allclose(explanation.margins, model.decision_function([text])[0], atol=1e-5)
    np.testing.assert_allclose(
        expit(add_up(explanation)), predict_proba(model, [text])[0], atol=1e-5
    )


@pytest.mark.long
@pytest.mark.realdata
def test_parts_add_up_on_200_random_real_projects(real_data):
    dataset = load_dataset(real_data)
    # Every kind of feature, in a third of the default recipe's time.
    params = Params(folds=2, char_ngrams=3, log_count_ratio=False)
    model = train(dataset, params, tests=()).model
    chosen = np.random.default_rng(7).choice(len(dataset.projects), 200, replace=False)
    weights = model.coef_.astype(float)
    worst = 0.0
    for row in chosen:
        text = dataset.projects[row].text
        explanation = explain(model, text)
        # Straight from the features, by no word's share: the log-odds that are shown.
        margins = model.transform([text]).astype(float) @ weights + model.intercept_
        a, b, c = model.curve_
        log_odds = -a * np.logaddexp(0, -margins) + b * np.logaddexp(0, margins) + c
        worst = max(worst, float(np.abs(add_up(explanation) - log_odds[0]).max()))
        shown = predict_proba(model, [text])[0]
        np.testing.assert_allclose(shown, expit(add_up(explanation)), atol=1e-6)
    assert worst <= 1e-6


def test_texts_are_explained_together_as_alone(trained):
    texts = ["encoder of text", "", "zzzzzz", "pixels pixels of transformers"]
    for text, together in zip(texts, explain_all(trained.model, texts), strict=True):
        alone = explain(trained.model, text)
        assert (together.words, together.known) == (alone.words, alone.known)
        for name in ("contributions", "names", "calibration", "log_odds"):
            np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    assert explain_all(trained.model, []) == []


def test_words_keep_their_places_and_readings():
    trained = train(small_dataset(), SMALL_PARAMS, tests=())
    text = "Computervision, by transfromers: zzzzzz"
    explanation = explain(trained.model, text)
    assert [text[word.start : word.stop] for word in explanation.words] == [
        "Computervision",
        "transfromers",
        "zzzzzz",
    ]
    assert explanation.tokens == ("computervision", "transfromers", "zzzzzz")
    assert explanation.spelt == ("computer vision", "transformers", "zzzzzz")
    assert explanation.known == (True, True, False)
    tag = trained.tags.index("transformers")
    assert explanation.contributions[1, tag] > explanation.contributions[0, tag]
    assert explanation.names[tag] > 0


def test_words_are_known_by_their_characters_where_nothing_else_is_read():
    params = SMALL_PARAMS.replaced({"word_ngrams": 0, "aliases": "none"})
    trained = train(small_dataset(), params, tests=())
    assert explain(trained.model, "camera Ωψξ").known == (True, False)
