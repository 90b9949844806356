import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from comparison.made import GOOD, HALF, found, predictions, repeated, version

from tagifai.comparison import compare
from tagifai.comparison.results import BehavioralFlips, DiffRow, LeftOut, Reason
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.store.versions import FolderSource, load_version


def corpus(seed, n=217, t=34):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < np.geomspace(6, 60, t) / n).astype(np.uint8)
    return rng, y_true


def trained(rng, y_true):
    noise = rng.normal(scale=0.3, size=y_true.shape)
    y_prob = np.clip(0.2 + 0.5 * y_true + noise, 0, 1)
    n, t = y_true.shape
    return Predictions.of(range(n), ["test"] * n, [f"tag-{i}" for i in range(t)], y_true, y_prob)


FEW = (
    "Test projects that both have: only 4. Under 100, only large differences can be told from "
    "chance."
)


def test_both_are_scored_again_on_shared_projects():
    diff = compare(version("v1"), version("v2"), HALF, GOOD)

    assert (diff.a, diff.b, diff.basis, diff.shared) == ("v1", "v2", "paired", 4)
    cv = found(diff, "tags", "cv", "f1")
    assert (cv.a, cv.b, cv.diff, cv.support) == (0.5, 1.0, 0.5, 2)
    overall = found(diff, "overall", "weighted", "f1")
    assert (overall.a, overall.b, overall.support) == (0.75, 1.0, 4)
    assert found(diff, "overall", "micro", "recall").a == 0.75
    assert (diff.flips.fixed, diff.flips.negative_flip_rate) == (2, 0.0)


def test_each_verdict_says_what_it_may():
    # As in HALF and GOOD: of each four projects, cv goes from half right to all right.
    few = compare(version("v1"), version("v2"), HALF, GOOD)
    many = compare(version("v1"), version("v2"), repeated(HALF, 20), repeated(GOOD, 20))

    assert found(few, "tags", "cv", "f1").verdict == "too few"
    assert found(few, "overall", "weighted", "f1").verdict == "too few"
    assert found(few, "tags", "nlp", "f1").verdict == "unchanged"
    better = found(many, "tags", "cv", "f1")
    assert (better.verdict, better.support, better.diff) == ("better", 40, 0.5)
    assert 0 < better.low < 0.5 < better.high
    # 40 decisions changed, all for the better.
    assert better.p_value == pytest.approx(2.0**-39)
    unchanged = found(many, "tags", "nlp", "recall")
    assert (unchanged.verdict, unchanged.diff) == ("unchanged", 0.0)
    assert (unchanged.low, unchanged.high, unchanged.p_value) == (None, None, None)
    back = compare(version("v1"), version("v2"), repeated(GOOD, 20), repeated(HALF, 20))
    assert found(back, "tags", "cv", "f1").verdict == "worse"
    assert found(back, "overall", "macro", "f1").verdict == "worse"


def test_identical_decisions_are_unchanged_everywhere():
    p = repeated(HALF, 20)
    diff = compare(version("v1"), version("v2"), p, p, slices={"s": set(p.ids[:30])})

    rows = [row for group in ("overall", "tags", "slices") for row in diff.rows(group)]
    assert {row.verdict for row in rows} == {"unchanged"}
    assert {row.diff for row in rows} == {0.0}


@pytest.mark.parametrize(("flips", "verdict"), [(5, "can't tell"), (6, "better"), (8, "better")])
def test_so_few_flips_are_no_evidence_even_if_all_are_for_the_better(flips, verdict):
    truth = [[1]] * 40
    a = predictions(
        [[0.1]] * flips + [[0.9]] * (40 - flips), range(40), ["test"] * 40, ["x"], truth
    )
    b = predictions([[0.9]] * 40, range(40), ["test"] * 40, ["x"], truth)
    row = found(compare(version("v1"), version("v2"), a, b), "tags", "x", "recall")

    assert row.p_value == pytest.approx(2.0 ** (1 - flips), rel=1e-6)
    assert row.verdict == verdict


@pytest.mark.parametrize(("positives", "verdict"), [(9, "too few"), (10, "better")])
def test_ten_positives_are_enough(positives, verdict):
    truth = [[1]] * positives + [[0]] * 60
    ids, split = range(len(truth)), ["test"] * len(truth)
    a, b = (
        predictions([[hit]] * positives + [[0.1]] * 60, ids, split, ["x"], truth)
        for hit in (0.1, 0.9)
    )
    row = found(compare(version("v1"), version("v2"), a, b), "tags", "x", "recall")

    assert (row.verdict, row.low is None) == (verdict, positives < 10)


def test_it_is_plain_data_and_the_same_again():
    diffs = [compare(version("v1"), version("v2"), HALF, GOOD, slices={"s": {"1"}}) for _ in "12"]

    assert json.loads(json.dumps(diffs[0].to_dict(), allow_nan=False)) == diffs[1].to_dict()


def test_thresholds_are_those_of_each_version():
    diff = compare(version("v1"), version("v2", thresholds={"cv": 0.95}), GOOD, GOOD)

    assert found(diff, "tags", "cv", "recall").b == 0.0
    assert found(diff, "tags", "nlp", "recall").b == 1.0


def test_projects_that_either_trained_on_are_counted_named_and_left_out():
    a = predictions(GOOD.y_prob, split=["test", "train", "test", "test"])
    b = predictions(HALF.y_prob, ids=["1", "2", "3", "9"], split=["test", "test", "val", "test"])
    diff = compare(version("v1"), version("v2"), a, b)

    assert diff.shared == 1
    assert diff.left_out == LeftOut(
        count=4,
        ids=("3", "4", "2", "9"),
        reason="1: v2 was trained on it; 1: v2 does not have it; "
        "1: v1 was trained on it; 1: v1 does not have it",
        by_reason=(
            Reason("v2 was trained on it", 1, ("3",)),
            Reason("v2 does not have it", 1, ("4",)),
            Reason("v1 was trained on it", 1, ("2",)),
            Reason("v1 does not have it", 1, ("9",)),
        ),
    )


def test_without_a_shared_project_there_is_no_verdict():
    stored = {"overall": {"f1": 0.5, "num_samples": 4}}
    better = {"overall": {"f1": 0.75, "num_samples": 5}}
    b = predictions(GOOD.y_prob, ids=["5", "6", "7", "8"])
    diff = compare(version("v1", performance=stored), version("v2", performance=better), HALF, b)

    assert diff.basis == "stored"
    assert diff.note == (
        "v1 and v2 share no test project: their figures come from different tests, "
        "and no verdict is given."
    )
    assert diff.overall == (DiffRow("weighted", "f1", 5, 0.5, 0.75, 0.25),)
    assert diff.left_out.count == 8
    assert diff.flips is None


def test_a_version_without_predictions_compares_in_what_it_has():
    diff = compare(version("v1"), version("v2"), None, GOOD)

    assert diff.note == "v1 kept no predictions: stored figures, without a verdict."
    assert (diff.shared, diff.tags) == (0, ())


def test_tags_that_one_side_lacks_are_added_or_removed():
    a = predictions(GOOD.y_prob, tags=["cv", "old"])
    diff = compare(version("v1"), version("v2"), a, GOOD)

    added, removed = found(diff, "tags", "nlp", "f1"), found(diff, "tags", "old", "f1")
    assert (added.a, added.b, added.diff, added.verdict) == (None, 1.0, None, "added")
    assert (removed.a, removed.b, removed.verdict) == (1.0, None, "removed")
    assert diff.note == f"{FEW} Overall figures are over what both know: 1 tag."


def test_a_tag_without_positives_has_no_recall():
    truth = [[1, 0], [1, 0], [0, 0], [0, 0]]
    a, b = predictions(HALF.y_prob, y_true=truth), predictions(GOOD.y_prob, y_true=truth)
    diff = compare(version("v1"), version("v2"), a, b)

    recall = found(diff, "tags", "nlp", "recall")
    assert (recall.a, recall.b, recall.diff, recall.support) == (None, None, None, 0)
    # As in scikit-learn, a tag that is wrongly predicted has an F1 of 0.
    f1 = found(diff, "tags", "nlp", "f1")
    assert (f1.a, f1.b, f1.support) == (0.0, 0.0, 0)


@pytest.mark.parametrize(("n", "said"), [(99, True), (100, False)])
def test_fewer_than_a_hundred_shared_projects_are_said(n, said):
    ids, split, truth = range(n), ["test"] * n, [[1]] * n
    p = predictions([[0.9]] * n, ids, split, ["x"], truth)
    diff = compare(version("v1"), version("v2"), p, p)

    assert (diff.note or "").startswith(f"Test projects that both have: only {n}.") is said


def test_changed_labels_are_said():
    relabelled = predictions(HALF.y_prob, y_true=[[1, 0], [1, 1], [1, 1], [0, 0]])
    diff = compare(version("v1"), version("v2"), relabelled, GOOD)

    assert diff.note == (
        f"{FEW} The data of v1 and v2 differ in 1 label of these projects; "
        "both are scored against the labels of v2."
    )


def test_slices_pool_their_pairs():
    slices = {"first": {"1", "2"}, "third": {"3"}, "empty": {"99"}}
    diff = compare(version("v1"), version("v2"), HALF, GOOD, slices=slices)

    first = found(diff, "slices", "first", "recall")
    assert (first.a, first.b, first.support) == (pytest.approx(2 / 3), 1.0, 2)
    third = found(diff, "slices", "third", "precision")
    assert (third.a, third.b, third.support) == (0.5, 1.0, 1)
    overall = found(diff, "slices", "overall", "recall")
    assert (overall.a, overall.support) == (pytest.approx((2 * 2 / 3 + 1) / 3), 3)
    empty = found(diff, "slices", "empty", "f1")
    assert (empty.a, empty.support, empty.verdict) == (None, 0, "unchanged")


def behavior(passed, failed, score):
    results = {"passed": [{"texts": [t]} for t in passed], "failed": [{"texts": failed}]}
    return {"behavioral": {"score": score, "num_samples": 3, "results": results}}


def test_behavior_is_lined_up_by_the_tests_that_both_ran():
    a = version("v1", performance=behavior(["x", "y"], ["z", "w"], 0.5))
    b = version("v2", performance=behavior(["x"], ["y"], 0.25))
    diff = compare(a, b, HALF, GOOD)

    (row,) = diff.behavioral
    # Both ran x and y: the other scores rest on other tests.
    assert (row.name, row.a, row.b, row.support) == ("all", 1.0, 0.5, 2)
    assert row.verdict == "too few"
    assert diff.behavioral_flips == BehavioralFlips(broke=("y",))


def test_stored_behavior_stays_where_no_test_is_shared():
    a = version("v1", performance=behavior(["x"], ["z"], 0.5))
    b = version("v2", performance=behavior(["y"], ["w"], 0.25))
    (row,) = compare(a, b, HALF, GOOD).behavioral

    assert (row.name, row.a, row.b, row.verdict) == ("all", 0.5, 0.25, None)


def test_the_same_version_twice_is_refused():
    with pytest.raises(TagifaiError, match="choose two different versions, got 'v1' twice"):
        compare(version("v1"), version("v1"), GOOD, GOOD)


def test_an_unknown_primary_figure_is_refused():
    with pytest.raises(TagifaiError, match=r"unknown primary figure 'f1': .*allowed: weighted f1"):
        compare(version("v1"), version("v2"), HALF, GOOD, primary="f1")


def test_a_planted_change_is_found_and_stands_first():
    rng, y_true = corpus(1)
    a = trained(rng, y_true)
    y_prob = np.array(a.y_prob)
    degraded = rng.random(217) < 0.7
    y_prob[degraded, 28] = 1 - y_prob[degraded, 28]
    b = Predictions.of(a.ids, a.split, a.tags, y_true, y_prob)
    diff = compare(version("v1"), version("v2"), a, b)

    called = {row.name for row in diff.tags if row.verdict in ("better", "worse")}
    assert called == {"tag-28"}
    assert (diff.tags[0].name, diff.tags[0].verdict) == ("tag-28", "worse")
    assert diff.flips.by_tag[0].tag == "tag-28"
    # All other tags decide the same.
    assert {row.verdict for row in diff.tags if row.name != "tag-28"} == {"unchanged"}


def releases():
    folder = Path(__file__).parents[3] / "shared" / "releases"
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(
    ("a", "b"), list(itertools.permutations(releases(), 2)), ids=lambda folder: folder.name
)
def test_real_releases_compare(a, b):
    source = FolderSource(a.parent)
    left, right = load_version(source, a.name), load_version(source, b.name)
    diff = compare(left, right, left.load_predictions(), right.load_predictions())

    expected = right.performance["overall"]["f1"] - left.performance["overall"]["f1"]
    assert found(diff, "overall", "weighted", "f1").diff == pytest.approx(expected)
    assert {row.verdict for row in diff.tags} <= {None, "added", "removed"}
