from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tagifai.errors import TagifaiError
from tagifai.inspection import (
    CurvePoint,
    TagFigures,
    average_precisions,
    best_threshold,
    precision_recall_points,
    shrunk_thresholds,
    tag_table,
    threshold_metrics,
)
from tagifai.predictions import Predictions
from tagifai.selection import require_predictions

THRESHOLDS = {"cv": 0.5, "nlp": 0.3, "rare": 0.9}


@pytest.fixture
def predictions() -> Predictions:
    return Predictions.of(
        ["a", "b", "c", "d", "e", "f"],
        ["test", "train", "test", "val", "test", "test"],
        ["cv", "nlp", "rare"],
        [[1, 0, 0], [1, 1, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]],
        [
            [0.9, 0.4, 0.1],
            [0.8, 0.7, 0.2],
            [0.6, 0.8, 0.3],
            [0.7, 0.2, 0.1],
            [0.2, 0.1, 0.1],
            [0.1, 0.2, 0.1],
        ],
    )


def test_tag_table_scores_the_test_split_alone_best_f1_first(predictions):
    table = tag_table(predictions, THRESHOLDS)
    assert [record.tag for record in table] == ["nlp", "cv", "rare"]
    assert table[0] == TagFigures(
        tag="nlp",
        precision=0.5,
        recall=1.0,
        f1=pytest.approx(2 / 3),
        num_samples=1,
        tp=1,
        fp=1,
        fn=0,
        tn=2,
        average_precision=1.0,
        threshold=0.3,
    )
    assert [getattr(table[1], name) for name in ("tp", "fp", "fn", "tn", "f1")] == [1, 1, 1, 1, 0.5]


def test_a_tag_without_a_positive_has_no_recall_and_no_average_precision(predictions):
    rare = next(row for row in tag_table(predictions, THRESHOLDS) if row.tag == "rare")
    assert (rare.num_samples, rare.recall, rare.average_precision) == (0, None, None)
    assert precision_recall_points(predictions, "rare") == []


def test_equal_f1_is_ordered_by_name():
    p = Predictions.of(["1"], ["test"], ["b", "a"], [[1, 1]], [[0.9, 0.9]])
    assert [record.tag for record in tag_table(p, {"a": 0.5, "b": 0.5})] == ["a", "b"]


def test_tag_table_takes_average_precisions_that_the_caller_kept(predictions):
    kept = average_precisions(predictions)
    assert tag_table(predictions, THRESHOLDS, precisions=kept) == tag_table(predictions, THRESHOLDS)


def test_average_precision_agrees_with_scikit_learn_on_ties():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(3)
    y_true = rng.random((200, 3)) < 0.2
    y_prob = rng.integers(0, 12, (200, 3)) / 12
    p = Predictions.of(range(200), ["test"] * 200, "abc", y_true, y_prob)
    for column, value in enumerate(average_precisions(p).values()):
        expected = average_precision_score(y_true[:, column], p.y_prob[:, column])
        assert value == pytest.approx(expected, abs=1e-12)


def test_threshold_metrics_follow_the_threshold(predictions):
    assert threshold_metrics(predictions, "cv", 0.15).fn == 0
    strict = threshold_metrics(predictions, "cv", 0.95)
    assert (strict.precision, strict.tp, strict.fn, strict.tn) == (None, 0, 2, 2)
    assert (strict.recall, strict.f1) == (0.0, 0.0)


@pytest.mark.parametrize("value", [0.7, 0.3, 0.1, 0.9])
def test_a_probability_equal_to_the_threshold_is_predicted(value):
    # As float32, 0.7 and 0.9 lie just under themselves, 0.3 and 0.1 just above.
    p = Predictions.of(["1"], ["test"], ["t"], [[1]], [[value]])
    assert threshold_metrics(p, "t", value).tp == 1


def test_the_curve_has_one_point_a_distinct_probability():
    p = Predictions.of(
        range(4), ["test"] * 4, ["t"], [[1], [0], [1], [0]], [[0.75], [0.5], [0.5], [0.25]]
    )
    assert precision_recall_points(p, "t") == [
        CurvePoint(threshold=0.75, precision=1.0, recall=0.5, f1=pytest.approx(2 / 3)),
        CurvePoint(threshold=0.5, precision=pytest.approx(2 / 3), recall=1.0, f1=0.8),
        CurvePoint(threshold=0.25, precision=0.5, recall=1.0, f1=pytest.approx(2 / 3)),
    ]


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    n = 3000
    prob = np.arange(n)[:, None] / n
    p = Predictions.of(range(n), ["test"] * n, ["t"], prob > 0.5, prob)
    points = precision_recall_points(p, "t")
    assert len(points) == 500
    assert (points[0].recall, points[-1].threshold) == (1 / 1499, 0.0)


def test_the_best_threshold_is_chosen_on_train_and_val_and_reported_on_test(predictions):
    best = best_threshold(predictions, "cv")
    # Out of fold: b (0.8) carries it, d (0.7) does not.
    assert best.threshold == pytest.approx(0.75)
    assert (best.chosen.f1, best.test.tp, best.test.fn) == (1.0, 1, 1)


def test_a_shrunk_threshold_takes_the_place_of_the_tag_s_own(predictions):
    shrunk = shrunk_thresholds(predictions)
    assert list(shrunk) == ["cv", "nlp", "rare"]
    best = best_threshold(predictions, "cv", shrunk={"cv": 0.65})
    assert (best.threshold, best.by, best.chosen.fp) == (0.65, "f1", 1)
    assert best_threshold(predictions, "cv", cost_fp=1, cost_fn=1, shrunk=shrunk).by == "cost"


@pytest.mark.parametrize("said", ["no", "unknown"])
def test_where_the_model_saw_train_the_best_threshold_is_chosen_on_val(said):
    p = Predictions.of(
        range(6),
        ["train", "train", "val", "val", "test", "test"],
        ["t"],
        [[1], [0], [1], [0], [1], [0]],
        [[0.99], [0.01], [0.4], [0.2], [0.35], [0.25]],
    )
    best = best_threshold(p, "t")
    assert (best.threshold, best.chosen_by) == (pytest.approx(0.3), "train+val")
    seen = replace(p, out_of_fold=said)
    best = best_threshold(seen, "t")
    assert (best.threshold, best.chosen_by) == (pytest.approx(0.3), "val")
    assert best.chosen.num_samples == 1
    assert best.test.f1 == 1.0
    cost = best_threshold(seen, "t", cost_fp=1, cost_fn=1)
    assert (cost.threshold, cost.chosen.num_samples) == (pytest.approx(0.3), 1)
    without_val = seen.take([0, 1, 4, 5])
    with pytest.raises(
        TagifaiError,
        match=rf"'t' has no project in val: .*from a model that saw them \(out_of_fold: {said}\)",
    ):
        best_threshold(without_val, "t")


@pytest.mark.parametrize(
    ("cost_fp", "cost_fn", "threshold", "cost"),
    [(1, 1, 0.8, 1), (1, 5, 0.5, 2), (9, 1, 0.8, 1)],
)
def test_the_best_threshold_for_a_cost_has_the_least_cost(cost_fp, cost_fn, threshold, cost):
    truth = [[1], [0], [0], [1], [0]]
    prob = [[0.9], [0.7], [0.6], [0.55], [0.45]]
    p = Predictions.of(range(5), ["train"] * 5, ["t"], truth, prob)
    best = best_threshold(p, "t", cost_fp=cost_fp, cost_fn=cost_fn)
    assert best.threshold == pytest.approx(threshold)
    assert best.chosen_cost == cost


def test_a_cost_so_one_sided_that_nothing_is_predicted_gives_one():
    p = Predictions.of(range(3), ["val"] * 3, ["t"], [[0], [1], [1]], [[0.9], [0.5], [0.4]])
    best = best_threshold(p, "t", cost_fp=100, cost_fn=1)
    assert (best.threshold, best.chosen_cost) == (1.0, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: tag_table(p, THRESHOLDS, "tset"), "unknown split 'tset': did you mean 'test'"),
        (lambda p: tag_table(p, {"cv": 0.5}), "thresholds: none for 'nlp'"),
        (lambda p: threshold_metrics(p, "cv", float("nan")), "a number from 0 to 1 is needed"),
        (lambda p: threshold_metrics(p, "cvv", 0.5), "unknown tag 'cvv': did you mean 'cv'"),
        (lambda p: best_threshold(p, "cv", cost_fp=1), "cost_fn: a cost above 0 is needed"),
        (
            lambda p: best_threshold(p.select("test"), "cv"),
            "'cv' has no project in train and val",
        ),
        (lambda p: require_predictions(None, "v1"), "version 'v1' keeps no predictions"),
    ],
)
def test_what_cannot_be_answered_is_said(predictions, call, message):
    with pytest.raises(TagifaiError, match=message):
        call(predictions)


def test_the_cheapest_threshold_parts_probabilities_that_are_neighbours():
    high = np.float32(0.7)
    low = np.nextafter(high, np.float32(0))
    p = Predictions.of("abc", ["train", "train", "test"], ["t"], [[1], [0], [1]],
                       [[high], [low], [0.7]])  # fmt: skip
    found = best_threshold(p, "t", cost_fp=1, cost_fn=1)
    assert (found.chosen.tp, found.chosen.fp, found.chosen_cost) == (1, 0, 0)
    assert found.test.tp == 1


def test_undefined_figures_are_those_of_scikit_learn_at_any_threshold():
    rng = np.random.default_rng(3)
    for _ in range(60):
        y_true = rng.random((5, 3)) < rng.choice([0, 0.3, 1], 3)
        y_prob = rng.choice([0.1, 0.4, 0.9], (5, 3))
        p = Predictions.of(range(5), ["test"] * 5, "abc", y_true, y_prob)
        for threshold in (0.0, 0.4, 0.95, 1.0):
            expected = precision_recall_fscore_support(
                y_true, y_prob >= threshold, average=None, zero_division=np.nan
            )
            table = tag_table(p, dict.fromkeys("abc", threshold))
            for row in (*table, *(threshold_metrics(p, tag, threshold) for tag in "abc")):
                column = "abc".index(row.tag)
                figures = [getattr(row, name) for name in ("precision", "recall", "f1")]
                wanted = [values[column] for values in expected[:3]]
                np.testing.assert_allclose(np.array(figures, float), wanted, atol=1e-12)
            scores = [row.f1 for row in table]
            defined = [score for score in scores if score is not None]
            assert scores == sorted(defined, reverse=True) + [None] * (3 - len(defined))


def test_of_thresholds_of_equal_cost_the_higher_is_best():
    p = Predictions.of(range(3), ["val"] * 3, ["t"], [[1], [0], [1]], [[0.9], [0.7], [0.6]])
    # From 0.8 on one is missed, from 0.3 on one is wrong.
    best = best_threshold(p, "t", cost_fp=1, cost_fn=1)
    assert (best.threshold, best.chosen_cost) == (pytest.approx(0.8), 1)
