import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tagifai.comparison.counts import METRICS, Counts
from tagifai.comparison.verdicts import known
from tagifai.metrics import overall_metrics


def decisions(seed, n=40, t=6, rate=0.1):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < rate).astype(int)
    y_pred = y_true ^ (rng.random((n, t)) < 0.15)
    y_true[:, 0] = 0  # a tag without a positive
    y_pred[:, 1] = 0  # one that is never predicted
    y_true[:, 2] = y_pred[:, 2] = 0  # one without either
    return y_true, y_pred


def counted(y_true, y_pred):
    return Counts(y_true.sum(0), y_pred.sum(0), (y_true & y_pred).sum(0))


@pytest.mark.parametrize("seed", range(10))
def test_figures_and_averages_are_scikit_learn_s_with_undefined_ones_left_out(seed):
    y_true, y_pred = decisions(seed)
    counts = counted(y_true, y_pred)
    by_tag = precision_recall_fscore_support(y_true, y_pred, average=None, zero_division=np.nan)
    for place, metric in enumerate(METRICS):
        np.testing.assert_allclose(counts.figures()[metric], by_tag[place])
    for average in ("weighted", "macro", "micro"):
        expected = precision_recall_fscore_support(
            y_true, y_pred, average=average, zero_division=np.nan
        )
        for place, metric in enumerate(METRICS):
            assert counts.averages()[average][metric] == pytest.approx(expected[place])


@pytest.mark.parametrize("seed", range(10))
def test_they_are_those_that_a_version_is_scored_by(seed):
    y_true, y_pred = decisions(seed, rate=0.02 * seed)
    scored = overall_metrics(y_true, y_pred).to_json()
    for average, figures in counted(y_true, y_pred).averages().items():
        expected = scored if average == "weighted" else scored[average]
        for metric, value in figures.items():
            assert known(value) == pytest.approx(expected[metric])


def test_where_no_defined_tag_has_a_positive_all_count_alike():
    # Predicted, never rightly, of tags that nobody carries; the third is never predicted.
    counts = Counts(np.array([0.0, 0, 3]), np.array([2.0, 1, 0]), np.zeros(3))

    assert counts.averages()["weighted"]["precision"] == 0.0
    assert counts.averages()["weighted"]["recall"] == 0.0


def test_macro_averages_the_tags_that_are_kept():
    counts = Counts(np.array([2.0, 4.0]), np.array([2.0, 4.0]), np.array([1.0, 4.0]))
    averages = counts.averages(np.array([True, False]))

    assert averages["macro"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert averages["weighted"]["f1"] == pytest.approx((2 * 0.5 + 4) / 6)


def test_sums_of_blocks_add_up():
    y_true, y_pred = decisions(0)
    whole = counted(y_true, y_pred).sums()
    parts = [counted(y_true[:, part], y_pred[:, part]).sums() for part in (slice(2), slice(2, 6))]
    for figure, pair in whole.items():
        for place in (0, 1):
            assert pair[place] == pytest.approx(parts[0][figure][place] + parts[1][figure][place])


def test_nothing_to_count_is_undefined():
    counts = Counts(*(np.zeros(1) for _ in range(3)))

    assert np.isnan([values for one in counts.averages().values() for values in one.values()]).all()
