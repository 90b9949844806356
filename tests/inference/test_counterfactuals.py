import pytest
from foreign_corpus import foreign_dataset
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.inference import TextPrediction, predict_tags
from tagifai.inference.counterfactuals import (
    TagDiff,
    diff_predictions,
    edit_word,
    edit_words,
    smallest_changes,
)
from tagifai.text.alignment import place_words
from tagifai.training.train import train


@pytest.fixture(scope="module")
def trained():
    return train(small_dataset(), SMALL_PARAMS, tests=())


def predicted(trained, text):
    return predict_tags(trained.model, trained.tags, trained.thresholds, [text])[0].tags


def changes(trained, text, tag):
    return smallest_changes(trained.model, trained.tags, trained.thresholds, text, tag)


@pytest.mark.parametrize(
    ("text", "number", "instead", "expected"),
    [
        ("red cat fish", 0, "", "cat fish"),
        ("red cat fish", 1, "", "red fish"),
        ("red cat fish", 2, "", "red cat"),
        ("red, cat; fish.", 1, "", "red, ; fish."),
        ("red\ncat fish", 1, "dog", "red\ndog fish"),
        ("red cat", 7, "", "red cat"),
        ("red cat", -1, "", "red cat"),
        ("red-cat", 1, "", "red-"),
        ("red", 0, "", ""),
        ("机器学习模型", 1, "", "机器模型"),
        ("机器学习，模型。", 2, "文本", "机器学习，文本。"),
        ("a\u0308rzte ﬁnden", 0, "", "ﬁnden"),
        ("ﷺ x", 1, "y", "y x"),
    ],
)
def test_one_word_is_dropped_or_replaced(text, number, instead, expected):
    assert edit_word(place_words(text), text, number, instead) == expected


def test_several_words_change_at_once_whatever_their_order():
    text = "red cat fish"
    red, cat, fish = place_words(text)
    assert edit_words(text, [(red, "blue"), (fish, ""), (cat, "horse")]) == "blue horse"
    one = place_words("x ﷺ")[1:]
    assert edit_words("x ﷺ", [(word, "y") for word in one]) == "x y"


def test_words_of_a_script_without_spaces_are_dropped_and_replaced():
    trained = train(foreign_dataset("chinese"), SMALL_PARAMS.replaced({"language": "zh"}), tests=())
    text = "我们对于面包和蔬菜蛋糕。"
    assert predicted(trained, text) == ("厨房",)
    for change in changes(trained, text, "厨房"):
        assert "厨房" not in predicted(trained, change.text)
        assert " " not in change.text


@pytest.mark.parametrize(
    "text",
    [
        "guide transformers code camera photos",
        "transformers transformers attention pretrained encoder on camera photos",
    ],
)
@pytest.mark.parametrize("tag", ["transformers", "computer-vision", "segmentation"])
def test_each_change_flips_the_tag_when_predicted_anew(trained, text, tag):
    had = tag in predicted(trained, text)
    found = changes(trained, text, tag)
    assert 1 <= len(found) <= 3
    for change in found:
        assert (tag in predicted(trained, change.text)) is not had
        assert (change.before >= trained.thresholds[tag]) is had
        assert (change.after >= trained.thresholds[tag]) is not had
        assert change.text != text
    made = [set(change.replaced) for change in found]
    assert not any(a < b for a in made for b in made)
    assert [len(change.replaced) for change in found] == sorted(len(c.replaced) for c in found)


def test_the_only_word_that_matters_is_the_smallest_change(trained):
    text = "simple guide to transformers"
    assert "transformers" in predicted(trained, text)
    first = changes(trained, text, "transformers")[0]
    assert first.replaced == (("transformers", ""),)
    assert first.text == "simple guide to"


def test_nothing_to_change_and_no_such_tag(trained):
    assert changes(trained, "the of and", "transformers") == []
    with pytest.raises(TagifaiError, match="unknown tag 'trasformers': did you mean"):
        changes(trained, "camera", "trasformers")


def test_two_predictions_are_compared_tag_by_tag():
    def prediction(tags, probabilities):
        return TextPrediction(tags, probabilities, "words", None, dict.fromkeys(probabilities, 0.5))

    a = prediction(("x", "y"), {"x": 0.9, "y": 0.6, "z": 0.2, "old": 0.1})
    b = prediction(("x", "z"), {"x": 0.5, "y": 0.25, "z": 0.7, "new": 0.3})
    assert diff_predictions(a, b) == [
        TagDiff("z", 0.2, 0.7, pytest.approx(0.5), "gained"),
        TagDiff("y", 0.6, 0.25, pytest.approx(-0.35), "lost"),
        TagDiff("x", 0.9, 0.5, pytest.approx(-0.4), None),
        TagDiff("new", None, 0.3, None, None),
        TagDiff("old", 0.1, None, None, None),
    ]
