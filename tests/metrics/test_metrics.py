import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_recall_fscore_support,
)

from tagifai.metrics import (
    METRICS,
    RankedTagScores,
    TagScores,
    count_outcomes,
    overall_metrics,
    per_tag_metrics,
    performance,
    precision_recall_f1,
    slice_metrics,
)

TRUE = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=np.uint8)
PRED = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0]], dtype=np.uint8)
PROB = np.array([[0.9, 0.1, 0.0], [0.8, 0.3, 0.1], [0.1, 0.9, 0.6], [0.4, 0.7, 0.2]])


@pytest.fixture(params=[(0, 0.3), (1, 0.05), (2, 0.9)], ids=str)
def arrays(request):
    seed, share = request.param
    rng = np.random.default_rng(seed)
    y_true = (rng.random((300, 20)) < share * rng.random(20)).astype(np.uint8)
    y_true[:, 3] = 0
    y_prob = np.clip(0.4 * y_true + 0.6 * rng.random(y_true.shape), 0, 1).round(2)
    y_pred = (y_prob >= 0.5).astype(np.uint8)
    y_pred[:, 5] = 0
    return y_true, y_pred, y_prob


def test_overall_by_hand():
    result = overall_metrics(TRUE, PRED).to_json()
    # Tags: precision 1, 1/2, 0; recall 2/3, 1/2, 0; F1 4/5, 1/2, 0; support 3, 2, 0.
    assert result["precision"] == pytest.approx((3 * 1 + 2 * 0.5) / 5)
    assert result["recall"] == pytest.approx(3 / 5)
    assert result["f1"] == pytest.approx((3 * 0.8 + 2 * 0.5) / 5)
    assert result["num_samples"] == 4
    # The third tag has no project: its recall is undefined, its precision and F1 are not.
    assert result["num_tags"] == {"precision": 2, "recall": 2, "f1": 2}
    macro = result["macro"]
    assert macro.pop("num_tags") == {"precision": 3, "recall": 2, "f1": 3}
    assert macro == pytest.approx(
        {"precision": 0.5, "recall": 7 / 12, "f1": 1.3 / 3, "num_samples": 4}
    )
    assert result["micro"] == pytest.approx(
        {"precision": 0.6, "recall": 0.6, "f1": 0.6, "num_samples": 4}
    )
    # Projects: precision 1, 1, 1/2, 0; recall 1, 1/2, 1, 0; F1 1, 2/3, 2/3, 0.
    assert result["samples"].pop("num_projects") == {"precision": 4, "recall": 4, "f1": 4}
    assert result["samples"] == pytest.approx(
        {"precision": 0.625, "recall": 0.625, "f1": 7 / 12, "num_samples": 4}
    )
    assert "brier" not in result


def awkward_arrays():
    """Draw many small arrays: tags, projects or all without a positive or a prediction."""
    rng = np.random.default_rng(11)
    for _ in range(300):
        shape = int(rng.integers(1, 8)), int(rng.integers(2, 7))
        y_true, y_pred = (rng.random(shape) < rng.choice([0, 0.1, 0.5, 1], 2)[:, None, None]
                          * np.ones((2, *shape))).astype(np.uint8)  # fmt: skip
        for array in (y_true, y_pred):
            array[:, rng.random(shape[1]) < 0.3] = 0
            array[rng.random(shape[0]) < 0.3] = 0
        yield y_true, y_pred


def test_what_is_undefined_is_so_in_scikit_learn_too():
    undefined = 0
    for y_true, y_pred in awkward_arrays():
        tags = [f"tag-{column}" for column in range(y_true.shape[1])]
        scored = performance(
            y_true, y_pred, tags, y_prob=y_pred * 0.75, slices={"half": np.arange(len(y_true)) % 2}
        )
        json.dumps(scored, allow_nan=False)
        overall, half = scored["overall"], np.arange(len(y_true)) % 2 == 1
        told = {
            "weighted": overall, "macro": overall["macro"], "micro": overall["micro"],
            "samples": overall["samples"], None: scored["class"],
        }  # fmt: skip
        for average, mine in told.items():
            *expected, _ = precision_recall_fscore_support(
                y_true, y_pred, average=average, zero_division=np.nan
            )
            for name, value in zip(("precision", "recall", "f1"), expected, strict=True):
                found = [mine[tag][name] for tag in tags] if average is None else mine[name]
                np.testing.assert_allclose(np.array(found, float), value, atol=1e-12)
                undefined += int(np.isnan(value).sum())
        of_tags = precision_recall_fscore_support(
            y_true, y_pred, average=None, zero_division=np.nan
        )
        of_projects = precision_recall_fscore_support(
            y_true.T, y_pred.T, average=None, zero_division=np.nan
        ) if len(y_true) > 1 else None  # fmt: skip
        for name, by_tag in zip(("precision", "recall", "f1"), of_tags[:3], strict=True):
            defined = ~np.isnan(by_tag)
            assert overall["macro"]["num_tags"][name] == defined.sum()
            carried = defined & y_true.any(axis=0)
            covered = carried if carried.any() else defined
            assert overall["num_tags"][name] == covered.sum()
            if of_projects is not None:
                by_project = of_projects[("precision", "recall", "f1").index(name)]
                covered = (~np.isnan(by_project)).sum()
                assert overall["samples"]["num_projects"][name] == covered
        *expected, _ = precision_recall_fscore_support(
            y_true[half], y_pred[half], average="micro", zero_division=np.nan
        ) if half.any() else (np.nan,) * 4  # fmt: skip
        for name, value in zip(("precision", "recall", "f1"), expected, strict=True):
            for mine in (scored["slices"]["class"]["half"], scored["slices"]["overall"]):
                np.testing.assert_allclose(np.array(mine[name], float), value, atol=1e-12)
    assert undefined > 500


def test_a_tag_that_nobody_has_or_gets_is_left_out():
    y_true = np.array([[1, 0], [0, 0], [1, 0]])
    overall = overall_metrics(y_true, y_true).to_json()
    assert (overall["f1"], overall["macro"]["f1"]) == (1.0, 1.0)
    assert overall["macro"]["num_tags"] == {"precision": 1, "recall": 1, "f1": 1}
    # A project without a tag, and without a prediction, has no F1 of its own either.
    assert overall["samples"]["f1"] == 1.0
    assert overall["samples"]["num_projects"]["f1"] == 2


@pytest.mark.parametrize("average", ["weighted", "macro", "micro", "samples"])
def test_overall_against_scikit_learn(arrays, average):
    y_true, y_pred, _ = arrays
    result = overall_metrics(y_true, y_pred).to_json()
    mine = result if average == "weighted" else result[average]
    expected = precision_recall_fscore_support(
        y_true, y_pred, average=average, zero_division=np.nan
    )
    assert [mine["precision"], mine["recall"], mine["f1"]] == pytest.approx(expected[:3], abs=1e-12)


def test_probabilities_against_scikit_learn(arrays):
    y_true, y_pred, y_prob = arrays
    result = overall_metrics(y_true, y_pred, y_prob).to_json()
    present = y_true.any(axis=0)
    for average, mine in (
        ("weighted", result["average_precision"]),
        ("macro", result["macro"]["average_precision"]),
    ):
        assert mine == pytest.approx(
            average_precision_score(y_true[:, present], y_prob[:, present], average=average)
        )
    assert result["brier"] == pytest.approx(brier_score_loss(y_true.ravel(), y_prob.ravel()))
    assert result["num_pairs"] == 6000
    assert result["num_pairs_above_0_05"] == np.count_nonzero(y_prob > 0.05)


def test_calibration_by_hand():
    y_true, y_prob = np.array([[1, 0, 0]]), np.array([[0.9, 0.02, 0.5]])
    result = overall_metrics(y_true, y_true, y_prob).to_json()
    assert result["ece"] == pytest.approx((0.1 + 0.02 + 0.5) / 3)
    assert result["ece_above_0_05"] == pytest.approx((0.1 + 0.5) / 2)
    assert result["num_pairs_above_0_05"] == 2


def test_per_tag_by_hand():
    result = per_tag_metrics(TRUE, PRED, ["a", "b", "c"], PROB)
    assert list(result) == ["a", "b", "c"]
    assert asdict(result["a"]) == pytest.approx(
        {
            "precision": 1.0,
            "recall": 2 / 3,
            "f1": 0.8,
            "num_samples": 3,
            "num_predicted": 2,
            "average_precision": 1.0,
        }
    )
    assert result["b"].num_samples == 2
    assert result["b"].num_predicted == 2
    assert result["b"].average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert result["c"] == RankedTagScores(
        precision=0.0,
        recall=None,
        f1=0.0,
        num_samples=0,
        num_predicted=1,
        average_precision=None,
    )
    assert per_tag_metrics(TRUE, PRED, ["a", "b", "c"])["c"] == TagScores(0.0, None, 0.0, 0, 1)


def test_per_tag_against_scikit_learn(arrays):
    y_true, y_pred, y_prob = arrays
    tags = [f"tag-{number}" for number in range(20)]
    result = per_tag_metrics(y_true, y_pred, tags, y_prob)
    expected = precision_recall_fscore_support(y_true, y_pred, average=None, zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "num_samples"), expected, strict=True):
        found = np.array([getattr(result[tag], name) for tag in tags], float)
        np.testing.assert_allclose(found, values, atol=1e-12)
    assert result["tag-3"].recall is None
    assert result["tag-5"].precision is None
    for column, tag in enumerate(tags):
        if y_true[:, column].any():
            assert result[tag].average_precision == pytest.approx(
                average_precision_score(y_true[:, column], y_prob[:, column])
            )


def test_slices_by_hand():
    result = slice_metrics(
        TRUE,
        PRED,
        {
            "first": np.array([True, True, False, False]),
            "last": np.array([False, False, False, True]),
            "none": np.zeros(4, dtype=bool),
        },
    ).to_json()
    assert result["class"]["first"] == pytest.approx(
        {"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "num_samples": 2}
    )
    assert result["class"]["last"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "num_samples": 1,
    }
    assert result["class"]["none"] == {
        "precision": None,
        "recall": None,
        "f1": None,
        "num_samples": 0,
    }
    assert result["overall"].pop("num_slices") == {"precision": 2, "recall": 2, "f1": 2}
    assert result["overall"] == pytest.approx(
        {"precision": 2 / 3, "recall": 4 / 9, "f1": 1.6 / 3, "num_samples": 3}
    )


def test_slices_against_scikit_learn(arrays):
    y_true, y_pred, _ = arrays
    rows = np.arange(300) % 7 == 0
    mine = slice_metrics(y_true, y_pred, {"seventh": rows}).by_slice["seventh"]
    expected = precision_recall_fscore_support(
        y_true[rows], y_pred[rows], average="micro", zero_division=0
    )
    assert [mine.precision, mine.recall, mine.f1] == pytest.approx(expected[:3])
    assert mine.num_samples == 43


def test_no_slices():
    assert slice_metrics(TRUE, PRED, {}).to_json() == {
        "overall": {
            **dict.fromkeys(("precision", "recall", "f1")),
            "num_slices": {"precision": 0, "recall": 0, "f1": 0},
            "num_samples": 0,
        },
        "class": {},
    }


def test_performance_is_plain_json():
    result = performance(
        TRUE.astype(bool),
        PRED.astype(np.int64),
        ["a", "b", "c"],
        y_prob=PROB.astype(np.float32),
        slices={"all": np.ones(4, dtype=bool)},
        behavioral={"score": 1.0},
    )
    assert list(result) == ["overall", "class", "slices", "behavioral"]
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["overall"]["f1"] == pytest.approx(0.68)
    assert list(performance(TRUE, PRED, ["a", "b", "c"])) == ["overall", "class", "slices"]


def test_nothing_to_score():
    empty = np.zeros((0, 2))
    result = performance(empty, empty, ["a", "b"], y_prob=empty)
    for average in ({}, *(result["overall"][name] for name in ("macro", "micro", "samples"))):
        assert {average.get(name) for name in ("precision", "recall", "f1")} == {None}
    assert result["overall"]["num_tags"]["f1"] == result["overall"]["macro"]["num_tags"]["f1"] == 0
    assert result["class"]["a"]["f1"] is None
    assert result["overall"]["average_precision"] is None
    assert result["overall"]["ece"] is None
    json.dumps(result, allow_nan=False)


def test_counts_do_not_overflow_small_integers():
    ones = np.ones((1000, 2), dtype=np.uint8)
    counts = count_outcomes(ones, ones, axis=None)
    assert counts.tp == 2000
    assert precision_recall_f1(counts)[2] == 1.0


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"got \(4, 3\), \(4, 2\)"):
        overall_metrics(TRUE, PRED[:, :2])
    with pytest.raises(ValueError, match="2 tags for 3 columns"):
        per_tag_metrics(TRUE, PRED, ["a", "b"])


def test_each_metric_says_how_it_is_averaged():
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == {
        "brier",
        "ece",
        "ece_above_0_05",
    }
    assert set(METRICS) - {"score", "name_matcher"} < set(
        overall_metrics(TRUE, PRED, PROB).to_json()
    )
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.description.endswith(".")
        assert metric.averaging
