import numpy as np
import pytest
from sklearn.metrics import f1_score

from tagifai.comparison.bootstrap import draw_projects
from tagifai.comparison.intervals import figure_intervals
from tagifai.predictions import Predictions


def predictions(n: int = 60) -> Predictions:
    rng = np.random.default_rng(5)
    y_true = rng.integers(0, 2, size=(n, 3))
    y_prob = np.clip(y_true * 0.5 + rng.random((n, 3)) * 0.6, 0, 1)
    split = ["test" if i % 2 else "train" for i in range(n)]
    return Predictions.of([str(i) for i in range(n)], split, ["a", "b", "c"], y_true, y_prob)


def test_intervals_equal_scikit_learn_on_the_same_draws() -> None:
    made = predictions()
    test = made.select("test")
    thresholds = {"a": 0.5, "b": 0.5, "c": 0.5}
    y_pred = test.y_prob >= 0.5
    drawn = draw_projects(len(test.ids), 200, 0)
    weighted = [
        f1_score(test.y_true[d], y_pred[d], average="weighted", zero_division=0) for d in drawn
    ]
    of_b = [f1_score(test.y_true[d, 1], y_pred[d, 1], zero_division=0) for d in drawn]
    found = figure_intervals(made, thresholds, resamples=200)
    assert found["overall", "weighted", "f1"] == pytest.approx(
        np.quantile(weighted, (0.025, 0.975))
    )
    assert found["class", "b", "f1"] == pytest.approx(np.quantile(of_b, (0.025, 0.975)))


def test_no_test_split_has_no_interval() -> None:
    made = predictions()
    assert figure_intervals(made.select("train"), dict.fromkeys("abc", 0.5)) == {}
