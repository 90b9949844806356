import pytest

from tagifai.comparison.diffs import check_different, diff_params, diff_performance, sort_records
from tagifai.errors import TagifaiError


def test_the_same_version_twice_is_refused():
    with pytest.raises(TagifaiError, match=r"^choose two different versions, got 'v1' twice$"):
        check_different("v1", "v1")


@pytest.mark.parametrize(
    ("a", "b", "status"),
    [
        ({"x": "words"}, {"x": "characters"}, "changed"),
        ({"x": True}, {"x": True}, "same"),
        ({"x": True}, {"x": 1}, "changed"),
        ({"x": 1}, {"x": 1.0}, "same"),
        ({"x": None}, {"x": None}, "same"),
        ({"x": None}, {}, "removed"),
        ({}, {"x": None}, "added"),
        ({"x": [1, True]}, {"x": [1, 1]}, "changed"),
        ({"x": {"y": 1}}, {"x": {"y": 1}}, "same"),
    ],
)
def test_parameters_of_every_type_are_lined_up(a, b, status):
    assert diff_params(a, b) == [
        {"name": "x", "a": a.get("x"), "b": b.get("x"), "status": status}
    ]  # fmt: skip


def test_figures_are_lined_up_whatever_either_side_lacks():
    a = {
        "overall": {"f1": 0.5, "ece": 0.25, "num_samples": 10},
        "class": {"cv": {"f1": 0.5, "num_samples": 4}, "old": {"f1": 1, "num_samples": 3}},
    }
    b = {
        "overall": {"f1": 0.5, "ece": 0.5, "num_samples": 11},
        "class": {"cv": {"f1": 0.75, "num_samples": 5}, "new": {"f1": 0, "num_samples": 2}},
    }
    rows = diff_performance(a, b)

    assert [tuple(row.values()) for row in rows] == [
        ("overall", "weighted", "f1", 0.5, 0.5, 0.0, "same", 11),
        ("overall", "weighted", "ece", 0.25, 0.5, 0.25, "regressed", 11),
        ("class", "cv", "f1", 0.5, 0.75, 0.25, "improved", 5),
        ("class", "new", "f1", None, 0.0, None, "added", 2),
        ("class", "old", "f1", 1.0, None, None, "removed", 3),
    ]
    assert list(rows[0]) == ["group", "name", "metric", "a", "b", "diff", "status", "support"]


def test_records_are_ordered_by_verdict_then_by_size():
    records = [
        {"name": name, "metric": "f1", "diff": diff, "verdict": verdict}
        for name, diff, verdict in [
            ("a", None, "added"), ("b", -0.1, "can't tell"), ("c", 0.3, "better"),
            ("d", 0.2, "can't tell"), ("e", -0.3, "worse"), ("f", -0.4, "worse"),
            ("g", None, None), ("h", None, "removed"),
        ]
    ]  # fmt: skip

    assert "".join(r["name"] for r in sort_records(records)) == "fecdbahg"
