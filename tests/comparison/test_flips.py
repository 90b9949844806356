import numpy as np
import pytest

from tagifai.comparison.flips import count_flips, select_flips, share
from tagifai.comparison.results import Flip, Flips, TagFlips
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


def plain(matrix):
    return matrix.toarray().tolist()


def test_versions_are_lined_up_by_project_and_tag():
    shared = share(A, {}, B, {"cv": 0.8})

    assert shared.ids == ("3", "2", "1")
    assert shared.tags == ("nlp", "cv")
    assert plain(shared.y_true) == [[1, 0], [0, 1], [0, 1]]
    assert plain(shared.pred_a) == [[1, 0], [0, 0], [0, 1]]
    assert plain(shared.pred_b) == [[0, 0], [0, 0], [0, 1]]
    assert shared.relabelled == 0
    assert shared.support.tolist() == [1, 2]


def test_blocks_of_tags_decide_as_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, (9, 7))
    p = Predictions.of(range(9), ["test"] * 9, "abcdefg", y_true, rng.random((9, 7)))
    whole = share(p, {}, p, {"c": 0.9})
    monkeypatch.setattr("tagifai.comparison.flips._BLOCK_CELLS", 20)
    parts = share(p, {}, p, {"c": 0.9})

    assert plain(whole.pred_b) == plain(parts.pred_b) == p.decide({"c": 0.9}).tolist()
    assert plain(whole.y_true) == plain(parts.y_true) == y_true.tolist()


def test_each_wrong_pair_is_listed_by_kind():
    assert select_flips(A, {}, B, {}) == [
        Flip("3", "nlp", "broke", 1, pytest.approx(0.9), 0.25),
        Flip("3", "cv", "broke", 0, pytest.approx(0.1), 0.75),
        Flip("2", "cv", "both wrong", 1, pytest.approx(0.3), pytest.approx(0.45)),
    ]
    kinds = [flip.kind for flip in select_flips(A, {}, B, {"cv": 0.4}, tag="cv")]
    assert kinds == ["broke", "fixed"]


def test_a_tag_that_one_side_lacks_is_refused():
    with pytest.raises(TagifaiError, match=r"unknown tag 'new': .*allowed: nlp, cv"):
        select_flips(A, {}, B, {}, tag="new")


def test_flips_are_counted_overall_and_by_tag():
    assert count_flips(share(A, {}, B, {"cv": 0.4})) == Flips(
        broke=2,
        fixed=1,
        both_wrong=0,
        pairs=6,
        negative_flip_rate=2 / 6,
        by_tag=(
            TagFlips("cv", 1, 1, 0, 3, 1 / 3, 2),
            TagFlips("nlp", 1, 0, 0, 3, 1 / 3, 1),
        ),
    )


def test_the_newer_truth_is_used_and_what_changed_is_counted():
    relabelled = Predictions.of(A.ids, A.split, A.tags, 1 - A.y_true, A.y_prob)
    shared = share(relabelled, {}, B, {})

    assert shared.relabelled == 6
    assert plain(shared.y_true) == [[1, 0], [0, 1], [0, 1]]


def test_nothing_in_common_has_no_rate():
    other = Predictions.of(["9"], ["test"], ["cv"], [[1]], [[0.5]])

    assert select_flips(A, {}, other, {}) == []
    assert count_flips(share(A, {}, other, {})).negative_flip_rate is None
