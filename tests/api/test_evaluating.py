import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

import tagifai
from tagifai.errors import TagifaiError

TAGS = ["cv", "nlp"]
Y_TRUE = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 10)
Y_PROB = np.array([[0.9, 0.2], [0.4, 0.8], [0.1, 0.6], [0.6, 0.3]] * 10)


def test_figures_are_those_of_scikit_learn():
    result = tagifai.evaluate(Y_TRUE, Y_PROB, tags=TAGS)
    decided = Y_PROB >= 0.5
    for average in ("weighted", "macro", "micro"):
        expected = f1_score(Y_TRUE, decided, average=average)
        assert result.figure(average, "f1").value == pytest.approx(expected)
    assert result.figure("cv", "precision").value == 0.5
    expected = average_precision_score(Y_TRUE[:, 0], Y_PROB[:, 0].astype(np.float32))
    assert result.figure("cv", "average_precision").value == pytest.approx(expected)
    assert (result.num_texts, result.num_tags) == (40, 2)


def test_figures_have_intervals_and_support():
    figure = tagifai.evaluate(Y_TRUE, Y_PROB, tags=TAGS).figure("cv", "recall")
    assert figure.support == 20
    assert figure.low < figure.value < figure.high


def test_few_positives_have_no_interval():
    figure = tagifai.evaluate(Y_TRUE[:4], Y_PROB[:4], tags=TAGS).figure("cv", "recall")
    assert (figure.value, figure.low, figure.high) == (0.5, None, None)


def test_a_threshold_for_each_tag():
    result = tagifai.evaluate(Y_TRUE, Y_PROB, tags=TAGS, thresholds={"cv": 0.4})
    assert result.figure("cv", "recall").value == 1.0


def test_decisions_have_no_figures_of_probabilities():
    result = tagifai.evaluate([["cv"], []] * 10, y_pred=[["cv"], ["cv"]] * 10, tags=["cv"])
    assert result.figure("cv", "precision").value == 0.5
    frame = result.to_frame()
    assert "average_precision" not in set(frame["metric"])
    assert list(frame.columns) == ["group", "name", "metric", "value", "low", "high", "support"]
    assert set(frame["group"]) == {"overall", "tags"}


def test_a_notebook_shows_it():
    html = tagifai.evaluate(Y_TRUE, Y_PROB, tags=["<script>", "nlp"])._repr_html_()
    assert "<table" in html
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "evaluate: y_prob or y_pred is needed"),
        ({"y_prob": Y_PROB[:3]}, r"y_prob: shape \(40, 2\) is needed .*, got \(3, 2\)"),
        ({"y_pred": Y_PROB}, r"y_pred: row 0, tag 'cv': only 0 and 1"),
        ({"y_prob": Y_PROB, "thresholds": {"x": 0.5}}, "thresholds: unknown tag 'x'"),
        ({"y_prob": Y_PROB, "thresholds": 2}, "thresholds: 'cv': a number from 0 to 1"),
    ],
)
def test_what_does_not_fit(arguments, message):
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.evaluate(Y_TRUE, tags=TAGS, **arguments)


def test_names_without_an_order():
    with pytest.raises(TagifaiError, match="nobody knows which column is which tag"):
        tagifai.evaluate([["cv"], ["nlp"]], [[0.5, 0.5], [0.5, 0.5]])
    result = tagifai.evaluate([["cv"], ["nlp"]], y_pred=[["cv"], []])
    assert result.figure("cv", "f1").value == 1.0


def test_there_is_no_such_figure():
    with pytest.raises(TagifaiError, match="unknown figure 'cv f2'"):
        tagifai.evaluate(Y_TRUE, Y_PROB, tags=TAGS).figure("cv", "f2")
