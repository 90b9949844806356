import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from tagifai.comparison.bootstrap import (
    combined_p,
    count_draws,
    draw_projects,
    far_sides,
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
    y_true[:22, 0] = 0  # a tag that some resamples hold no positive of
    (counts,) = resample_counts(y_true, (y_pred,), 40, seed=5)
    by_tag = counts.figures()[metric]
    averages = counts.averages()
    score = SCORES[metric]

    for resample, rows in enumerate(draw_projects(25, 40, seed=5)):
        drawn = y_true[rows], y_pred[rows]
        expected = score(*drawn, average=None, zero_division=np.nan)
        assert by_tag[resample] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        for average in ("weighted", "macro", "micro"):
            expected = score(*drawn, average=average, zero_division=np.nan)
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


def test_a_figure_without_anything_to_count_is_undefined():
    (counts,) = resample_counts(np.zeros((3, 1)), (np.zeros((3, 1)),), 2)

    assert np.isnan(counts.figures()["f1"]).all()
    assert np.isnan(counts.averages()["weighted"]["precision"]).all()


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
        ([0.1] * 90 + [np.nan] * 9, 20 / 100),
    ],
)
def test_a_p_value_counts_the_far_side(differences, p):
    assert p_values(np.array(differences)[:, None])[0] == pytest.approx(p)


def test_undefined_and_equal_resamples_stand_on_both_sides():
    below, above = far_sides(np.array([[0.5], [-0.5], [0.0], [np.nan]]))

    assert (below[0], above[0]) == (3, 3)


@pytest.mark.parametrize(
    ("bootstrap", "exact", "p"),
    [(0.01, 0.04, 0.04), (0.04, 0.01, 0.04), (2 / 2001, 0.25, 0.25), (2 / 2001, 1e-7, 1e-7)],
)
def test_the_larger_p_value_counts_and_the_exact_one_in_the_tail(bootstrap, exact, p):
    assert combined_p(bootstrap, exact, 2000) == p
