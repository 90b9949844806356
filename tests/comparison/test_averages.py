import itertools

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tagifai.comparison.averages import (
    FIGURES,
    Decisions,
    Replicates,
    average_p_values,
    replicate,
)
from tagifai.comparison.bootstrap import draw_projects
from tagifai.comparison.counts import METRICS
from tagifai.comparison.proportions import wilson


def decisions(seed, n=30, t=5, rate=0.2):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < rate).astype(int)
    y_true[1:, 0] = 0
    y_true[0, 0] = 1  # a tag of one positive, which many resamples lack
    y_true[:, 1] = 0  # a tag without any
    a, b = (y_true ^ (rng.random((n, t)) < wrong) for wrong in (0.2, 0.1))
    return y_true, a, b


def scored(y_true, y_pred, left_out=()):
    """Score with scikit-learn; macro leaves tags out that hold no positive any more."""
    found = {}
    by_tag = precision_recall_fscore_support(y_true, y_pred, average=None, zero_division=np.nan)
    for average in ("weighted", "micro"):
        values = precision_recall_fscore_support(
            y_true, y_pred, average=average, zero_division=np.nan
        )
        found |= {(average, metric): values[i] for i, metric in enumerate(METRICS)}
    kept = [tag not in left_out for tag in range(y_true.shape[1])]
    for place, metric in enumerate(METRICS):
        found["macro", metric] = np.nanmean(by_tag[place][kept])
    return found


def gone(y_true, rows):
    """Name the tags that had positives, and have none among these rows."""
    return np.flatnonzero((y_true.sum(0) > 0) & (y_true[rows].sum(0) == 0))


def test_observed_figures_are_scikit_learn_s():
    y_true, a, _ = decisions(0)
    (found,), _ = replicate([Decisions.of(y_true, a)], 5)

    expected = scored(y_true, a)
    assert {figure: found[figure].observed for figure in FIGURES} == pytest.approx(expected)


def test_resamples_leave_tags_out_that_they_hold_no_positive_of():
    y_true, a, _ = decisions(1)
    (found,), _ = replicate([Decisions.of(y_true, a)], 30, seed=4)

    for place, rows in enumerate(draw_projects(30, 30, seed=4)):
        expected = scored(y_true[rows], a[rows], gone(y_true, rows))
        drawn = {figure: found[figure].resampled[place] for figure in FIGURES}
        assert drawn == pytest.approx(expected)


def test_each_project_is_left_out_in_turn():
    y_true, a, _ = decisions(2)
    (found,), _ = replicate([Decisions.of(y_true, a)], 5)

    for place in range(30):
        rows = np.delete(np.arange(30), place)
        expected = scored(y_true[rows], a[rows], gone(y_true, rows))
        without = {figure: found[figure].without[place] for figure in FIGURES}
        assert without == pytest.approx(expected)


def test_parts_and_blocks_find_what_the_whole_finds(monkeypatch):
    y_true, a, b = decisions(3)
    both = [Decisions.of(y_true, a), Decisions.of(y_true, b)]
    (_, whole), sides = replicate(both, 40)
    p = average_p_values(*both)
    monkeypatch.setattr("tagifai.comparison.averages._BLOCK_CELLS", 14)
    monkeypatch.setattr("tagifai.comparison.bootstrap._PART_CELLS", 30 * 7)
    monkeypatch.setattr("tagifai.comparison.swaps._PART_CELLS", 100)
    (_, parts), part_sides = replicate(both, 40)

    for figure in FIGURES:
        np.testing.assert_allclose(whole[figure].resampled, parts[figure].resampled)
    for metric in METRICS:
        assert [side.tolist() for side in sides[metric]] == [
            side.tolist() for side in part_sides[metric]
        ]
    assert average_p_values(*both) == pytest.approx(p)


def test_sides_count_the_resamples_by_tag():
    y_true, a, b = decisions(5)
    _, sides = replicate([Decisions.of(y_true, a), Decisions.of(y_true, b)], 60, seed=2)
    below, above = np.zeros(5, int), np.zeros(5, int)
    for rows in draw_projects(30, 60, seed=2):
        before, after = (
            precision_recall_fscore_support(
                y_true[rows], one[rows], average=None, zero_division=np.nan
            )[2]
            for one in (a, b)
        )
        below += ~(after - before > 1e-12)
        above += ~(after - before < -1e-12)

    assert [side.tolist() for side in sides["f1"]] == [below.tolist(), above.tolist()]


def test_p_values_count_every_swap_of_projects():
    y_true, a, b = decisions(6, n=12)
    a[7:] = b[7:]
    moved = np.flatnonzero((a != b).any(axis=1))
    assert 2 ** len(moved) <= 2_000

    def differences(first, second):
        before, after = scored(y_true, first), scored(y_true, second)
        return {figure: after[figure] - before[figure] for figure in FIGURES}

    observed, reached = differences(a, b), dict.fromkeys(FIGURES, 0)
    for signs in itertools.product((False, True), repeat=len(moved)):
        first, second = a.copy(), b.copy()
        chosen = moved[list(signs)]
        first[chosen], second[chosen] = b[chosen], a[chosen]
        for figure, value in differences(first, second).items():
            reached[figure] += not abs(value) < abs(observed[figure]) - 1e-12
    expected = {figure: count / 2 ** len(moved) for figure, count in reached.items()}

    found = average_p_values(Decisions.of(y_true, a), Decisions.of(y_true, b))
    assert found == pytest.approx(expected)


def test_the_interval_stands_around_the_figure_less_its_bias():
    # The mean of ten numbers: the jackknife's standard error is the usual one.
    values = np.arange(10.0) / 20
    without = (values.sum() - values) / 9
    resampled = np.array([0.25, 0.3])
    error = values.std(ddof=1) / np.sqrt(10)
    low, high = Replicates(0.225, resampled, without, is_difference=True).interval()
    between = np.sqrt((error**2 + 0.025**2) / 2)
    assert (low, high) == pytest.approx((0.175 - 1.959964 * between, 0.175 + 1.959964 * between))

    low, high = wilson(0.225, 0.225 * 0.775 / error**2)
    found = Replicates(0.225, resampled, without).interval()
    assert found == pytest.approx((low - 0.05, high - 0.05))


def test_the_interval_of_a_figure_stays_between_0_and_1():
    without = np.linspace(0.985, 0.995, 50)
    low, high = Replicates(0.99, np.array([0.97]), without).interval()

    assert 0.8 < low < 0.99 < high <= 1
    assert Replicates(1.0, np.ones(3), np.ones(9)).interval() == (1.0, 1.0)


def test_a_difference_is_that_of_the_same_draws():
    one = Replicates(0.5, np.array([0.4, 0.6]), np.array([0.5, 0.5]))
    other = Replicates(0.75, np.array([0.7, 0.8]), np.array([0.5, 1.0]))
    difference = other - one

    assert difference.observed == 0.25
    assert difference.resampled == pytest.approx([0.3, 0.2])
    assert difference.without.tolist() == [0.0, 0.5]
