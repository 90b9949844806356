import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tagifai.metrics.figures import (
    FIGURES,
    Counts,
    Figures,
    as_pair,
    count_outcomes,
    defined,
    figure_parts,
    precision_recall_f1,
    ratio,
)


def test_the_three_figures_by_hand():
    # 6 predictions, 4 of them right, of 8 positives.
    parts = figure_parts(4, 6, 8)
    assert parts == {"precision": (4, 6), "recall": (4, 8), "f1": (8, 14)}
    assert Figures.of(4, 6, 8) == Figures(precision=4 / 6, recall=0.5, f1=8 / 14)
    counts = Counts(np.array([4]), np.array([2]), np.array([4]))
    assert {name: (int(a[0]), int(b[0])) for name, (a, b) in counts.parts().items()} == parts
    assert [values.tolist() for values in precision_recall_f1(counts)] == [[4 / 6], [0.5], [8 / 14]]


@pytest.mark.parametrize("predicted", [0, 3])
@pytest.mark.parametrize("true", [0, 2])
def test_what_is_undefined_is_so_for_one_tag_as_for_many(predicted, true):
    y_true, y_pred = np.zeros((9, 2), int), np.zeros((9, 2), int)
    y_true[:true], y_pred[:predicted] = 1, 1
    hits = min(true, predicted)
    figures = Figures.of(hits, predicted, true)
    assert (figures.precision is None) is (predicted == 0)
    assert (figures.recall is None) is (true == 0)
    assert (figures.f1 is None) is (true + predicted == 0)
    many = precision_recall_f1(count_outcomes(y_true, y_pred))
    assert defined(values[0] for values in many) == (figures.precision, figures.recall, figures.f1)
    expected = precision_recall_fscore_support(y_true, y_pred, average=None, zero_division=np.nan)
    for name, values in zip(FIGURES, expected[:3], strict=True):
        np.testing.assert_array_equal(np.array([getattr(figures, name)] * 2, float), values)


def test_a_ratio_without_a_denominator_is_not_a_number():
    assert ratio(np.array([1, 2]), 4).tolist() == [0.25, 0.5]
    assert np.isnan(ratio([0.0, 1.0], [0.0, 0.0])).all()


def test_arrays_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"got \(2, 1\), \(1, 2\)"):
        as_pair(np.zeros((2, 1)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"got \(2,\), \(2,\)"):
        count_outcomes(np.zeros(2), np.zeros(2))
