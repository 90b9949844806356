import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.inference import predict_proba, predict_tags
from tagifai.models.training import train


@pytest.fixture(scope="module")
def trained():
    return train(small_dataset(), SMALL_PARAMS, tests=())


def test_each_text_gets_its_answer(trained):
    texts = ["Camera photos, pixels!", "", "the of and", "zzzz qqqq", "x " * 5000]
    answers = predict_tags(trained.model, trained.tags, trained.thresholds, texts)
    assert [answer["reason"] for answer in answers] == [
        None,
        "empty",
        "empty",
        "no known word",
        "no known word",
    ]
    assert answers[0]["preprocessed"] == "camera photos pixels"
    assert answers[0]["tags"][0] == "computer-vision"
    assert answers[1]["tags"] == []
    prob = predict_proba(trained.model, texts)
    for answer, row in zip(answers, prob, strict=True):
        assert sorted(answer["probabilities"]) == list(trained.tags)
        assert list(answer["probabilities"].values()) == sorted(row.tolist(), reverse=True)


def test_a_tag_is_predicted_from_its_threshold_on(trained):
    text = ["camera photos"]
    prob = dict(zip(trained.tags, predict_proba(trained.model, text)[0].tolist(), strict=True))
    (answer,) = predict_tags(trained.model, trained.tags, prob, text)
    assert sorted(answer["tags"]) == list(trained.tags)
    above = {tag: float(np.nextafter(np.float32(p), np.float32(1))) for tag, p in prob.items()}
    (answer,) = predict_tags(trained.model, trained.tags, above, text)
    # No threshold lies above a probability of 1.
    assert answer["tags"] == [tag for tag, p in prob.items() if p == 1]


def test_no_text_no_answer(trained):
    assert predict_tags(trained.model, trained.tags, trained.thresholds, []) == []


def test_other_tags_are_refused(trained):
    with pytest.raises(TagifaiError, match="1 tags given to a model of 4"):
        predict_tags(trained.model, ["a"], {"a": 0.5}, ["text"])
    with pytest.raises(TagifaiError, match="thresholds: none for 'computer-vision'"):
        predict_tags(trained.model, trained.tags, {}, ["text"])


def test_lone_surrogates_are_read_as_question_marks(trained):
    answers = [
        predict_tags(trained.model, trained.tags, trained.thresholds, [text])[0]
        for text in ("camera ab\ud800cd photos", "camera ab?cd photos")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["preprocessed"] == "camera ab cd photos"
