from tagifai.inference.examples import Example, choose_examples
from tagifai.predictions import Predictions

TEXTS = {
    "sure": "sure and right",
    "right": "right",
    "extra": "one too many here",
    "missed": "one missed in this text",
    "both": "both of the tags it has",
    "learnt": "x",
    "long": "z" * 601,
}
THRESHOLDS = {"a": 0.5, "b": 0.5}
PREDICTIONS = Predictions.of(
    ["sure", "right", "extra", "missed", "both", "learnt", "long", "gone"],
    ["test"] * 5 + ["train"] + ["test"] * 2,
    ["a", "b"],
    [[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [1, 0], [1, 0], [1, 0]],
    [
        [0.9, 0.1], [0.6, 0.1], [0.7, 0.8], [0.1, 0.4], [0.55, 0.55], [0.99, 0], [1, 0], [1, 0],
    ],
)  # fmt: skip


def test_each_example_has_a_reason_of_its_own():
    assert choose_examples(PREDICTIONS, THRESHOLDS, TEXTS) == [
        Example("all right", TEXTS["sure"]),
        Example("a tag too many: b", TEXTS["extra"]),
        Example("a tag missed: b", TEXTS["missed"]),
        Example("few words", TEXTS["right"]),
        Example("many tags", TEXTS["both"]),
    ]


def test_reasons_that_no_project_gives_are_left_out():
    whys = [one.why for one in choose_examples(PREDICTIONS, {"a": 0.0, "b": 0.0}, TEXTS)]
    assert whys == ["all right", "a tag too many: b", "few words", "many tags"]
    assert choose_examples(PREDICTIONS, THRESHOLDS, {}) == []
