from dataclasses import replace

import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.predictions import Predictions
from tagifai.training.in_sample import SplitGap, measure_train_gap, measure_val_gap
from tagifai.training.train import train


def predictions(num_train: int, num_test: int, *, errors_on_test: float) -> Predictions:
    """Make predictions that are right on train, and wrong on a share of the test pairs."""
    rng = np.random.default_rng(0)
    n = num_train + num_test
    y_true = (rng.random((n, 4)) < 0.4).astype(int)
    y_prob = np.where(y_true, 0.9, 0.1)
    wrong = rng.random((n, 4)) < errors_on_test
    wrong[:num_train] = False
    y_prob = np.where(wrong, 1 - y_prob, y_prob)
    split = ["train"] * num_train + ["test"] * num_test
    return Predictions.of(range(n), split, ["a", "b", "c", "d"], y_true, y_prob)


THRESHOLDS = dict.fromkeys("abcd", 0.5)


def test_a_wide_gap_is_measured_with_its_interval() -> None:
    given = predictions(300, 300, errors_on_test=0.3)
    gap = measure_train_gap(given, THRESHOLDS)
    assert gap is not None
    assert gap.other == 1.0
    test = given.select("test")
    decided, weights = test.decide(THRESHOLDS), test.y_true.sum(axis=0, dtype=float)
    f1 = [2 * (d & t).sum() / (d.sum() + t.sum(dtype=int)) for d, t in
          zip(decided.T.astype(int), test.y_true.T.astype(int), strict=True)]  # fmt: skip
    assert gap.test == pytest.approx(np.average(f1, weights=weights))
    assert gap.low < 1 - gap.test < gap.high
    assert gap.high - gap.low < 0.15
    assert gap.is_far
    told = gap.describe("unknown")
    assert f"1.000 on train and {gap.test:.3f} on test" in told
    assert "a model that saw these projects" in told
    assert "though they are said to be" in gap.describe("yes")


def test_no_gap_is_no_warning() -> None:
    for given in (
        predictions(300, 300, errors_on_test=0.0),
        predictions(300, 300, errors_on_test=0.02),
        predictions(30, 4, errors_on_test=0.1),  # too few to be certain
    ):
        gap = measure_train_gap(given, THRESHOLDS)
        assert gap is not None
        assert not gap.is_far
        assert gap.describe("unknown") == gap.describe("yes") == ""


def test_without_train_or_test_there_is_no_gap() -> None:
    given = predictions(10, 10, errors_on_test=0.3)
    assert measure_train_gap(given.select("test"), THRESHOLDS) is None
    assert measure_train_gap(given.select("train"), THRESHOLDS) is None
    nothing = given.y_true * (given.split == "test")[:, None]
    assert measure_train_gap(replace(given, y_true=nothing), THRESHOLDS) is None


def test_resamples_without_a_positive_are_left_out() -> None:
    given = predictions(100, 60, errors_on_test=0.0)
    test = np.flatnonzero(given.split == "test")
    for number, measured in ((1, True), (0, False)):
        y_true = given.y_true.copy()
        y_true[test] = 0
        y_true[test[:number], 0] = 1
        gap = measure_train_gap(replace(given, y_true=y_true), THRESHOLDS)
        assert (gap is not None) is measured
        assert gap is None or np.isfinite([gap.low, gap.high, gap.test]).all()


def test_of_many_projects_a_sample_tells_the_same() -> None:
    gap = measure_train_gap(predictions(5_000, 3_000, errors_on_test=0.3), THRESHOLDS)
    assert gap is not None
    assert gap.other == 1.0
    assert gap.is_far


def test_a_gap_is_far_where_it_is_certainly_wider_than_5_points() -> None:
    assert SplitGap(0.9, 0.8, 0.051, 0.15).is_far
    assert not SplitGap(0.9, 0.8, 0.05, 0.15).is_far


def test_what_training_makes_is_out_of_fold_and_shows_no_gap() -> None:
    trained = train(small_dataset(160), SMALL_PARAMS)
    assert trained.predictions.out_of_fold == "yes"
    assert trained.predictions.held_out.all()
    gap = measure_train_gap(trained.predictions, trained.thresholds)
    assert gap is not None
    assert not gap.is_far


def test_rows_of_train_are_held_out_where_they_are_out_of_fold_alone() -> None:
    given = predictions(2, 1, errors_on_test=0)
    assert given.held_out.tolist() == [True, True, True]
    for said in ("no", "unknown"):
        assert replace(given, out_of_fold=said).held_out.tolist() == [False, False, True]


def on_val(given: Predictions) -> Predictions:
    return replace(given, split=np.where(given.split == "train", "val", given.split))


def test_a_val_split_that_the_model_saw_is_noticed() -> None:
    gap = measure_val_gap(on_val(predictions(300, 300, errors_on_test=0.3)))
    assert gap is not None
    assert gap.other == 1.0
    assert gap.is_far
    told = gap.describe("unknown")
    assert f"1.000 on val and {gap.test:.3f} on test" in told
    assert "thresholds and calibration, is then worthless" in told
    assert measure_val_gap(predictions(300, 300, errors_on_test=0.3)) is None


def test_thresholds_tuned_on_val_are_no_gap() -> None:
    # Noise alone: the best thresholds of val are luck, which test does not have.
    rng = np.random.default_rng(1)
    y_true, y_prob = rng.random((240, 40)) < 0.05, rng.random((240, 40))
    split = ["val"] * 60 + ["test"] * 180
    given = Predictions.of(range(240), split, range(40), y_true, y_prob)
    gap = measure_val_gap(given)
    assert gap is not None
    assert not gap.is_far


def test_decisions_are_compared_as_they_are() -> None:
    given = on_val(predictions(300, 300, errors_on_test=0.3))
    decided = replace(given, y_prob=np.float32(given.y_prob > 0.5), decisions_only=True)
    gap = measure_val_gap(decided)
    assert gap is not None
    assert gap.is_far
