import pytest

from tagifai.comparison.flips import count_flips, select_flips, share
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions

SPLIT = ["test", "test", "test", "train", "test"]
TRUTH = [[1, 0], [1, 0], [0, 1], [1, 1], [0, 0]]
A = Predictions.of(
    ["1", "2", "3", "4", "5"],
    SPLIT,
    ["cv", "nlp"],
    TRUTH,
    [[0.9, 0.1], [0.3, 0.1], [0.1, 0.9], [0.9, 0.9], [0.1, 0.1]],
)
B = Predictions.of(
    ["3", "2", "1", "4", "6"],
    SPLIT,
    ["nlp", "cv", "new"],
    [[1, 0, 1], [0, 1, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]],
    [[0.25, 0.75, 0.5], [0.1, 0.45, 0.5], [0.1, 0.9, 0.5], [0.9, 0.9, 0.5], [0.9, 0.9, 0.9]],
)


def test_versions_are_lined_up_by_project_and_tag():
    shared = share(A, {}, B, {"cv": 0.8})

    assert shared.ids == ("3", "2", "1")
    assert shared.tags == ("nlp", "cv")
    assert shared.y_true.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert shared.pred_a.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert shared.pred_b.tolist() == [[0, 0], [0, 0], [0, 1]]
    assert shared.relabelled == 0


def test_each_wrong_pair_is_listed_by_kind():
    assert select_flips(A, {}, B, {}) == [
        {"id": "3", "tag": "nlp", "kind": "broke", "y_true": 1, "prob_a": pytest.approx(0.9),
         "prob_b": 0.25},
        {"id": "3", "tag": "cv", "kind": "broke", "y_true": 0, "prob_a": pytest.approx(0.1),
         "prob_b": 0.75},
        {"id": "2", "tag": "cv", "kind": "both wrong", "y_true": 1, "prob_a": pytest.approx(0.3),
         "prob_b": pytest.approx(0.45)},
    ]  # fmt: skip
    assert [r["kind"] for r in select_flips(A, {}, B, {"cv": 0.4}, tag="cv")] == ["broke", "fixed"]


def test_a_tag_that_one_side_lacks_is_refused():
    with pytest.raises(TagifaiError, match=r"unknown tag 'new': .*allowed: nlp, cv"):
        select_flips(A, {}, B, {}, tag="new")


def test_flips_are_counted_overall_and_by_tag():
    assert count_flips(share(A, {}, B, {"cv": 0.4})) == {
        "broke": 2,
        "fixed": 1,
        "both_wrong": 0,
        "pairs": 6,
        "negative_flip_rate": 2 / 6,
        "by_tag": [
            {"tag": "cv", "broke": 1, "fixed": 1, "both_wrong": 0, "pairs": 3,
             "negative_flip_rate": 1 / 3, "support": 2},
            {"tag": "nlp", "broke": 1, "fixed": 0, "both_wrong": 0, "pairs": 3,
             "negative_flip_rate": 1 / 3, "support": 1},
        ],
    }  # fmt: skip


def test_the_newer_truth_is_used_and_what_changed_is_counted():
    relabelled = Predictions.of(A.ids, A.split, A.tags, 1 - A.y_true, A.y_prob)
    shared = share(relabelled, {}, B, {})

    assert shared.relabelled == 6
    assert shared.y_true.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_nothing_in_common_has_no_rate():
    other = Predictions.of(["9"], ["test"], ["cv"], [[1]], [[0.5]])

    assert select_flips(A, {}, other, {}) == []
    assert count_flips(share(A, {}, other, {}))["negative_flip_rate"] is None
