import time

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from tagifai.comparison.bootstrap import (
    count_draws,
    discoveries,
    draw_projects,
    p_values,
    percentile_interval,
    resample_counts,
)

SCORES = {"precision": precision_score, "recall": recall_score, "f1": f1_score}


def decisions(seed, n, t, flipped=0.2):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < 0.3).astype(np.uint8)
    wrong = rng.random((2, n, t)) < flipped
    return y_true, (y_true ^ wrong[0]).astype(np.uint8), (y_true ^ wrong[1]).astype(np.uint8)


@pytest.mark.parametrize("metric", ["precision", "recall", "f1"])
def test_it_equals_a_loop_over_scikit_learn(metric):
    y_true, _, y_pred = decisions(3, 25, 4)
    (counts,) = resample_counts(y_true, (y_pred,), 40, seed=5)
    by_tag = counts.figures()[metric]
    averages = counts.averages()
    score = SCORES[metric]

    for resample, rows in enumerate(draw_projects(25, 40, seed=5)):
        drawn = y_true[rows], y_pred[rows]
        expected = score(*drawn, average=None, zero_division=0)
        assert by_tag[resample] == pytest.approx(expected, abs=1e-12)
        for average in ("weighted", "macro", "micro"):
            expected = score(*drawn, average=average, zero_division=0)
            assert averages[average][metric][resample] == pytest.approx(expected, abs=1e-12)


def test_both_versions_are_scored_on_the_same_draws():
    y_true, y_pred, _ = decisions(0, 30, 3)
    a, b = resample_counts(y_true, (y_pred, y_pred), 50)

    assert np.array_equal(a.figures()["f1"], b.figures()["f1"])


def test_parts_draw_what_the_whole_draws(monkeypatch):
    y_true, y_pred, _ = decisions(0, 30, 3)
    (whole,) = resample_counts(y_true, (y_pred,), 50)
    monkeypatch.setattr("tagifai.comparison.bootstrap._PART_CELLS", 30 * 7)
    (parts,) = resample_counts(y_true, (y_pred,), 50)

    assert np.array_equal(whole.hits, parts.hits)
    assert np.array_equal(whole.true, parts.true)


def test_a_figure_without_anything_to_count_is_zero():
    (counts,) = resample_counts(np.zeros((3, 1)), (np.zeros((3, 1)),), 2)

    assert counts.figures()["f1"].tolist() == [[0.0], [0.0]]
    assert counts.averages()["weighted"]["precision"].tolist() == [0.0, 0.0]


def test_draws_are_counted():
    assert count_draws(np.array([[0, 0, 2], [1, 1, 1]])).tolist() == [[2, 0, 1], [0, 3, 0]]


def test_the_interval_is_the_middle_of_the_resamples():
    low, high = percentile_interval(np.arange(1001.0)[:, None])

    assert (low[0], high[0]) == pytest.approx((25, 975))


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([0.1] * 1999, 2 / 2000),
        ([-0.1] * 1999, 2 / 2000),
        ([0.0] * 1999, 1.0),
        ([0.1] * 9 + [-0.1] * 90, 20 / 100),
        ([0.1] * 90 + [0.0] * 9, 20 / 100),
    ],
)
def test_a_p_value_counts_the_far_side(differences, p):
    assert p_values(np.array(differences)[:, None])[0] == pytest.approx(p)


@pytest.mark.parametrize(
    ("p", "found"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.051], [False]),
        ([0.01, 0.02, 0.03, 0.04], [True, True, True, True]),
        ([0.02, 0.03, 0.5, 0.6], [False, False, False, False]),
        ([0.02, 0.025, 0.5, 0.6], [True, True, False, False]),
    ],
)
def test_false_discoveries_are_held(p, found):
    assert discoveries(np.array(p), 0.05).tolist() == found


def test_two_versions_that_differ_by_chance_alone_are_not_told_apart():
    called, any_called = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rate = np.geomspace(6, 60, 34) / 217
        y_true = rng.random((217, 34)) < rate
        chance = [np.where(y_true, rng.random((217, 34)) > 0.3, rng.random((217, 34)) < 0.01)]
        chance += [np.where(y_true, rng.random((217, 34)) > 0.3, rng.random((217, 34)) < 0.01)]
        a, b = resample_counts(y_true, tuple(chance), 2000, seed)
        found = discoveries(p_values(b.figures()["f1"] - a.figures()["f1"]))
        called.append(found.mean())
        any_called.append(found.any())

    assert np.mean(called) < 0.01
    assert np.mean(any_called) < 0.1


def test_thirty_four_tags_take_under_half_a_second():
    y_true, pred_a, pred_b = decisions(0, 217, 34)
    started = time.process_time()
    a, b = resample_counts(y_true, (pred_a, pred_b), 2000)
    for name, figures in a.figures().items():
        percentile_interval(b.figures()[name] - figures)

    assert time.process_time() - started < 0.5
