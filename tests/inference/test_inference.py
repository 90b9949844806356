import json

import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai import inference
from tagifai.errors import TagifaiError
from tagifai.inference import TextPrediction, decide_tags, predict_proba, predict_tags
from tagifai.training.train import train


@pytest.fixture(scope="module")
def trained():
    return train(small_dataset(), SMALL_PARAMS, tests=())


def test_each_text_gets_its_answer(trained):
    texts = ["Camera photos, pixels!", "", "the of and", "zzzz qqqq", "x " * 5000]
    answers = predict_tags(trained.model, trained.tags, trained.thresholds, texts)
    assert [answer.reason for answer in answers] == [
        None,
        "empty",
        "empty",
        "no known word",
        "no known word",
    ]
    assert answers[0].preprocessed == "camera photos pixels"
    assert answers[0].tags[0] == "computer-vision"
    assert answers[1].tags == ()
    assert all(answer.thresholds == trained.thresholds for answer in answers)
    prob = predict_proba(trained.model, texts)
    for answer, row in zip(answers, prob, strict=True):
        assert sorted(answer.probabilities) == list(trained.tags)
        assert list(answer.probabilities.values()) == sorted(row.tolist(), reverse=True)


@pytest.mark.parametrize("at_once", [1, 9, 1_000_000])
def test_tags_alone_are_those_of_the_whole_answers(trained, monkeypatch, at_once):
    monkeypatch.setattr(inference, "_PAIRS_AT_ONCE", at_once)
    texts = ["camera pixels of a corpus", "", "zzzz", "sentences", "transfromers", "photo \ud800"]
    whole = predict_tags(trained.model, trained.tags, trained.thresholds, texts)
    found = decide_tags(trained.model, trained.tags, trained.thresholds, texts)
    assert found == [answer.tags for answer in whole]
    assert any(found)


def test_a_tag_is_predicted_from_its_threshold_on(trained):
    text = ["camera photos"]
    prob = dict(zip(trained.tags, predict_proba(trained.model, text)[0].tolist(), strict=True))
    (answer,) = predict_tags(trained.model, trained.tags, prob, text)
    assert sorted(answer.tags) == list(trained.tags)
    above = {tag: float(np.nextafter(np.float32(p), np.float32(1))) for tag, p in prob.items()}
    (answer,) = predict_tags(trained.model, trained.tags, above, text)
    # No threshold lies above a probability of 1.
    assert answer.tags == tuple(tag for tag, p in prob.items() if p == 1)


def test_a_reason_is_given_where_no_tag_is_predicted_and_only_there(trained):
    words = ["camera", "qqqq", "transfrmrs", "segmentng", "目标", "zz", "xx yy", "pixls imges", ""]
    texts = [*words, *(f"{a} {b}" for a in words for b in words)]
    low = dict.fromkeys(trained.tags, 0.01)
    for thresholds in (trained.thresholds, low):
        answers = predict_tags(trained.model, trained.tags, thresholds, texts)
        assert not [one for one in answers if one.tags and one.reason]
        assert {one.reason for one in answers} >= {None, "empty", "no known word"}


def test_letters_alone_may_lead_to_a_tag(trained):
    # No word of it is known and none is near a name; its runs of letters are.
    (answer,) = predict_tags(
        trained.model, trained.tags, trained.thresholds, ["xattentionencoderx"]
    )
    assert (answer.tags, answer.reason) == (("transformers",), None)


def test_a_text_without_a_known_word_gets_no_tag_that_any_text_gets(trained):
    zero = dict.fromkeys(trained.tags, 0.0)
    *unknown, known = predict_tags(
        trained.model, trained.tags, zero, ["中文 문장", "zzzqx qqqwv", "camera"]
    )
    for answer in unknown:
        assert (answer.tags, answer.reason) == ((), "no known word")
    assert (sorted(known.tags), known.reason) == (list(trained.tags), None)


def test_near_misses_reach_half_of_their_threshold():
    probabilities = {"a": 0.9, "b": 0.4, "c": 0.25, "d": 0.24}
    thresholds = dict.fromkeys(probabilities, 0.5)
    read = TextPrediction(("a",), probabilities, "words", None, thresholds)
    assert read.near_misses == {"b": 0.4, "c": 0.25}
    # Nothing is near of a text that cannot be read.
    unread = TextPrediction((), probabilities, "zzz", "no known word", thresholds)
    assert unread.near_misses == {}
    assert (read.explained_tag("c"), read.explained_tag("e"), read.explained_tag(None)) == (
        "c", "a", "a",
    )  # fmt: skip


def test_a_prediction_is_plain_json():
    made = TextPrediction(("a",), {"a": 0.75}, "words", None, {"a": 0.5})
    assert json.loads(json.dumps(made.to_dict())) == made.to_dict()
    assert list(made.to_dict()) == [
        "tags", "probabilities", "preprocessed", "reason", "thresholds",
    ]  # fmt: skip


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
    assert answers[0].preprocessed == "camera ab cd photos"
