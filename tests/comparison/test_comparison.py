import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest

from tagifai.comparison import compare
from tagifai.comparison.export import export_comparison
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.versions import FolderSource, Version, load_version

TAGS = ["cv", "nlp"]
TRUTH = [[1, 0], [1, 1], [0, 1], [0, 0]]
IDS = ["1", "2", "3", "4"]
TEST = ["test"] * 4


def version(name, params=None, thresholds=None, performance=None):
    empty = {"overall": {}, "class": {}, "slices": {"class": {}, "overall": {}}, "behavioral": {}}
    return Version(
        name=name,
        params=params or {},
        performance={**empty, **(performance or {})},
        info={},
        thresholds=thresholds or {},
        fingerprint=name,
        source=FolderSource("model"),
    )


def predictions(y_prob, ids=IDS, split=TEST, tags=TAGS, y_true=TRUTH):
    return Predictions.of(ids, split, tags, y_true, y_prob)


GOOD = predictions([[0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]])
HALF = predictions([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9], [0.1, 0.1]])


def found(diff, group, name, metric):
    (record,) = [r for r in diff[group] if r["name"] == name and r["metric"] == metric]
    return record


def corpus(seed, n=217, t=34):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < np.geomspace(6, 60, t) / n).astype(np.uint8)
    return rng, y_true


def trained(rng, y_true):
    noise = rng.normal(scale=0.3, size=y_true.shape)
    y_prob = np.clip(0.2 + 0.5 * y_true + noise, 0, 1)
    n, t = y_true.shape
    return Predictions.of(range(n), ["test"] * n, [f"tag-{i}" for i in range(t)], y_true, y_prob)


def test_both_are_scored_again_on_shared_projects():
    diff = compare(version("v1"), version("v2"), HALF, GOOD)

    assert (diff["a"], diff["b"], diff["basis"], diff["shared"]) == ("v1", "v2", "paired", 4)
    assert diff["note"] is None
    record = found(diff, "tags", "cv", "f1")
    assert (record["a"], record["b"], record["diff"], record["support"]) == (0.5, 1.0, 0.5, 2)
    assert record["low"] <= 0.5 <= record["high"]
    assert record["verdict"] == "can't tell"
    assert found(diff, "tags", "nlp", "f1") == {
        "name": "nlp", "metric": "f1", "support": 2, "a": 1.0, "b": 1.0, "diff": 0.0,
        "low": 0.0, "high": 0.0, "p_value": 1.0, "verdict": "can't tell",
    }  # fmt: skip
    overall = found(diff, "overall", "weighted", "f1")
    assert (overall["a"], overall["b"], overall["support"]) == (0.75, 1.0, 4)
    assert found(diff, "overall", "micro", "recall")["a"] == 0.75
    assert diff["flips"]["fixed"] == 2
    assert diff["flips"]["negative_flip_rate"] == 0.0


def test_it_is_plain_data_and_the_same_again():
    diffs = [compare(version("v1"), version("v2"), HALF, GOOD, slices={"s": {"1"}}) for _ in "12"]

    assert json.loads(json.dumps(diffs[0], allow_nan=False)) == diffs[1]


def test_thresholds_are_those_of_each_version():
    diff = compare(version("v1"), version("v2", thresholds={"cv": 0.95}), GOOD, GOOD)

    assert found(diff, "tags", "cv", "recall")["b"] == 0.0
    assert found(diff, "tags", "nlp", "recall")["b"] == 1.0


def test_projects_that_either_trained_on_are_counted_named_and_left_out():
    a = predictions(GOOD.y_prob, split=["test", "train", "test", "test"])
    b = predictions(HALF.y_prob, ids=["1", "2", "3", "9"], split=["test", "test", "val", "test"])
    diff = compare(version("v1"), version("v2"), a, b)

    assert diff["shared"] == 1
    assert diff["left_out"] == {
        "count": 4,
        "ids": ["3", "4", "2", "9"],
        "reason": "1: v2 was trained on it; 1: v2 does not have it; "
        "1: v1 was trained on it; 1: v1 does not have it",
        "by_reason": [
            {"reason": "v2 was trained on it", "count": 1, "ids": ["3"]},
            {"reason": "v2 does not have it", "count": 1, "ids": ["4"]},
            {"reason": "v1 was trained on it", "count": 1, "ids": ["2"]},
            {"reason": "v1 does not have it", "count": 1, "ids": ["9"]},
        ],
    }


def test_without_a_shared_project_there_is_no_verdict():
    stored = {"overall": {"f1": 0.5, "num_samples": 4}}
    better = {"overall": {"f1": 0.75, "num_samples": 5}}
    b = predictions(GOOD.y_prob, ids=["5", "6", "7", "8"])
    diff = compare(version("v1", performance=stored), version("v2", performance=better), HALF, b)

    assert diff["basis"] == "stored"
    assert diff["note"] == (
        "v1 and v2 share no test project: their figures come from different tests, "
        "and no verdict is given."
    )
    assert diff["overall"] == [
        {"name": "weighted", "metric": "f1", "a": 0.5, "b": 0.75, "diff": 0.25, "support": 5,
         "low": None, "high": None, "p_value": None, "verdict": None}
    ]  # fmt: skip
    assert diff["left_out"]["count"] == 8
    assert diff["flips"] is None


def test_a_version_without_predictions_compares_in_what_it_has():
    diff = compare(version("v1"), version("v2"), None, GOOD)

    assert diff["note"] == "v1 kept no predictions: stored figures, without a verdict."
    assert (diff["shared"], diff["tags"]) == (0, [])


def test_tags_that_one_side_lacks_are_added_or_removed():
    a = predictions(GOOD.y_prob, tags=["cv", "old"])
    diff = compare(version("v1"), version("v2"), a, GOOD)

    added, removed = found(diff, "tags", "nlp", "f1"), found(diff, "tags", "old", "f1")
    assert (added["a"], added["b"], added["diff"], added["verdict"]) == (None, 1.0, None, "added")
    assert (removed["a"], removed["b"], removed["verdict"]) == (1.0, None, "removed")
    assert diff["note"] == "Overall figures are over what both know: 1 tag."


def test_a_tag_without_positives_has_no_figure():
    truth = [[1, 0], [1, 0], [0, 0], [0, 0]]
    a, b = predictions(HALF.y_prob, y_true=truth), predictions(GOOD.y_prob, y_true=truth)
    record = found(compare(version("v1"), version("v2"), a, b), "tags", "nlp", "f1")

    assert (record["a"], record["b"], record["diff"], record["support"]) == (None, None, None, 0)
    assert record["verdict"] == "can't tell"


def test_changed_labels_are_said():
    relabelled = predictions(HALF.y_prob, y_true=[[1, 0], [1, 1], [1, 1], [0, 0]])
    diff = compare(version("v1"), version("v2"), relabelled, GOOD)

    assert diff["note"] == (
        "The data of v1 and v2 differ in 1 label of these projects; "
        "both are scored against the labels of v2."
    )


def test_slices_pool_their_pairs():
    slices = {"first": {"1", "2"}, "third": {"3"}, "empty": {"99"}}
    diff = compare(version("v1"), version("v2"), HALF, GOOD, slices=slices)

    first = found(diff, "slices", "first", "recall")
    assert (first["a"], first["b"], first["support"]) == (pytest.approx(2 / 3), 1.0, 2)
    third = found(diff, "slices", "third", "precision")
    assert (third["a"], third["b"], third["support"]) == (0.5, 1.0, 1)
    overall = found(diff, "slices", "overall", "recall")
    assert (overall["a"], overall["support"]) == (pytest.approx((2 * 2 / 3 + 1) / 3), 3)
    empty = found(diff, "slices", "empty", "f1")
    assert (empty["a"], empty["support"], empty["verdict"]) == (None, 0, "can't tell")


def test_behavior_is_lined_up_by_score_and_by_test():
    def behavior(passed, failed, score):
        results = {"passed": [{"texts": [t]} for t in passed], "failed": [{"texts": failed}]}
        return {"behavioral": {"score": score, "num_samples": 3, "results": results}}

    a = version("v1", performance=behavior(["x", "y"], ["z", "w"], 0.5))
    b = version("v2", performance=behavior(["x"], ["y"], 0.25))
    diff = compare(a, b, HALF, GOOD)

    (record,) = diff["behavioral"]
    assert (record["name"], record["diff"], record["support"]) == ("all", -0.25, 3)
    assert diff["behavioral_flips"] == {"broke": ["y"], "fixed": []}


def test_the_same_version_twice_is_refused():
    with pytest.raises(TagifaiError, match="choose two different versions, got 'v1' twice"):
        compare(version("v1"), version("v1"), GOOD, GOOD)


def test_two_trainings_that_differ_by_chance_are_told_apart_on_few_tags():
    called = 0
    for seed in range(20):
        rng, y_true = corpus(seed)
        diff = compare(version("v1"), version("v2"), trained(rng, y_true), trained(rng, y_true))
        called += sum(r["verdict"] in ("better", "worse") for r in diff["tags"])

    assert called <= 0.05 * 20 * 34 * 3


def test_a_planted_change_is_found_and_stands_first():
    rng, y_true = corpus(1)
    a = trained(rng, y_true)
    y_prob = np.array(a.y_prob)
    degraded = rng.random(217) < 0.7
    y_prob[degraded, 28] = 1 - y_prob[degraded, 28]
    b = Predictions.of(a.ids, a.split, a.tags, y_true, y_prob)
    diff = compare(version("v1"), version("v2"), a, b)

    called = {r["name"] for r in diff["tags"] if r["verdict"] in ("better", "worse")}
    assert called == {"tag-28"}
    assert (diff["tags"][0]["name"], diff["tags"][0]["verdict"]) == ("tag-28", "worse")
    assert diff["flips"]["by_tag"][0]["tag"] == "tag-28"


def test_too_few_resamples_for_so_many_tags_are_said():
    rng, y_true = corpus(0, n=50, t=60)
    diff = compare(version("v1"), version("v2"), trained(rng, y_true), trained(rng, y_true))

    assert diff["note"] == (
        "With 60 tags, 2,000 resamples are too few to tell a change in one tag alone; "
        "2,400 would do."
    )


def test_a_whole_comparison_takes_under_half_a_second():
    rng, y_true = corpus(0)
    a, b = trained(rng, y_true), trained(rng, y_true)
    slices = {"s": {str(i) for i in range(20)}, "t": {str(i) for i in range(7)}}
    started = time.process_time()
    compare(version("v1"), version("v2"), a, b, slices=slices)

    assert time.process_time() - started < 0.5


def test_it_is_exported_as_markdown():
    a = version("v1", params={"stem": False, "C": 1})
    b = version("v2", params={"stem": True, "C": 1})
    tags = ["cv", "a|b <img src=x> ![p](http://x)"]
    old = predictions(HALF.y_prob, tags=tags, split=["test"] * 3 + ["train"])
    text = export_comparison(compare(a, b, old, predictions(GOOD.y_prob, tags=tags)))

    assert text.startswith("# v2 compared with v1\n\nA is v1, B is v2; differences are B − A.\n")
    assert "Both are scored on the 3 projects in both test splits" in text
    assert "Left out: 1 project (1: v1 was trained on it): 4." in text
    assert "| cv | recall | 0.500 | 1.000 | +0.500 | +0.000 to +1.000 |" in text
    assert r"| a\|b \<img src=x\> \!\[p\](http://x) | f1 |" in text
    assert "B fixed 2, broke 0 (negative-flip rate 0.0000) and left 0 wrong." in text
    assert "| stem | False | True | changed |" in text
    assert "| C |" not in text


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
    assert found(diff, "overall", "weighted", "f1")["diff"] == pytest.approx(expected)
    assert {r["verdict"] for r in diff["tags"]} <= {None, "added", "removed"}
    assert export_comparison(diff).startswith(f"# {b.name} compared with {a.name}")
