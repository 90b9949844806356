import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tagifai.comparison.intervals import measure_figures
from tagifai.comparison.proportions import clustered, wilson
from tagifai.predictions import Predictions


def predictions(n: int = 120) -> Predictions:
    rng = np.random.default_rng(5)
    y_true = rng.random((n, 3)) < [0.5, 0.3, 0.05]
    y_prob = np.clip(y_true * 0.5 + rng.random((n, 3)) * 0.6, 0, 1)
    split = ["test" if i % 2 else "train" for i in range(n)]
    return Predictions.of([str(i) for i in range(n)], split, ["a", "b", "c"], y_true, y_prob)


def test_a_tag_has_wilson_s_intervals() -> None:
    made = predictions()
    test = made.select("test")
    found = measure_figures(made, {}, resamples=200)
    true, decided = test.y_true[:, 1] == 1, test.y_prob[:, 1] >= 0.5
    hits, either = (true & decided).sum(), (true | decided).sum()
    assert found["class", "b", "recall"][1:] == pytest.approx(wilson(hits / true.sum(), true.sum()))
    assert found["class", "b", "precision"][1:] == pytest.approx(
        wilson(hits / decided.sum(), decided.sum())
    )
    low, high = wilson(hits / either, either)
    assert found["class", "b", "f1"][1:] == pytest.approx(
        (2 * low / (1 + low), 2 * high / (1 + high))
    )


def test_under_ten_positives_a_tag_has_no_interval() -> None:
    made = predictions()
    assert 0 < made.select("test").y_true[:, 2].sum() < 10
    found = measure_figures(made, {}, resamples=200)
    assert {name for group, name, _ in found if group == "class"} == {"a", "b"}


def test_every_average_has_an_interval_around_it() -> None:
    made = predictions()
    test = made.select("test")
    found = measure_figures(made, {}, resamples=500)
    for average in ("weighted", "macro", "micro", "samples"):
        figures = precision_recall_fscore_support(
            test.y_true, test.decide({}), average=average, zero_division=np.nan
        )
        for metric, figure in zip(("precision", "recall", "f1"), figures, strict=False):
            _, low, high = found["overall", average, metric]
            assert 0 <= low < figure <= high + 1e-12 <= 1 + 1e-9, (average, metric)
            assert 0.05 < high - low < 0.35, (average, metric)


def test_a_version_that_is_always_right_may_still_err_elsewhere() -> None:
    made = predictions()
    right = Predictions.of(made.ids, made.split, made.tags, made.y_true, made.y_true)
    found = measure_figures(right, {}, resamples=200)
    for average in ("weighted", "macro", "micro", "samples"):
        _, low, high = found["overall", average, "f1"]
        assert 0.9 < low < 0.98, average
        assert high == pytest.approx(1), average


def test_slices_have_intervals_clustered_by_project() -> None:
    made = predictions()
    test = made.select("test")
    slices = {"first": set(test.ids[:20]), "nine": set(test.ids[:9]), "train": {"0", "2"}}
    found = measure_figures(made, {}, resamples=200, slices=slices)
    assert {name for group, name, _ in found if group == "slices"} == {"first", "overall"}

    true, decided = test.y_true[:20], test.decide({})[:20]
    ends = clustered((true & decided).sum(1, keepdims=True), true.sum(1, keepdims=True)).interval()
    assert found["slices", "first", "recall"][1:] == pytest.approx((ends[0][0], ends[1][0]))


def test_behavioral_scores_have_intervals_without_any_prediction() -> None:
    tests = [{"texts": [f"text {i}"], "expected": [[f"tag {i}"]]} for i in range(20)]
    behavioral = {"score": 0.5, "results": {"passed": tests[:10], "failed": tests[10:]}}
    found = measure_figures(None, {}, behavioral=behavioral)
    _, low, high = found["behavioral", "all", "score"]
    assert low < 0.5 < high
    assert low == pytest.approx(1 - high)


def test_no_test_split_has_no_interval() -> None:
    made = predictions()
    assert measure_figures(made.select("train"), dict.fromkeys("abc", 0.5)) == {}
