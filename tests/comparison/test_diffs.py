import pytest

from tagifai.comparison.diffs import check_different, diff_params, diff_performance, sort_rows
from tagifai.comparison.results import DiffRow, ParamDiff
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
    assert diff_params(a, b) == [ParamDiff("x", a.get("x"), b.get("x"), status)]


def test_figures_are_lined_up_whatever_either_side_lacks():
    a = {
        "overall": {"f1": 0.5, "ece": 0.25, "num_samples": 10},
        "class": {"cv": {"f1": 0.5, "num_samples": 4}, "old": {"f1": 1, "num_samples": 3}},
    }
    b = {
        "overall": {"f1": 0.5, "ece": 0.5, "num_samples": 11},
        "class": {"cv": {"f1": 0.75, "num_samples": 5}, "new": {"f1": 0, "num_samples": 2}},
    }

    assert diff_performance(a, b) == {
        "overall": [
            DiffRow("weighted", "f1", 11, 0.5, 0.5, 0.0),
            DiffRow("weighted", "ece", 11, 0.25, 0.5, 0.25),
        ],
        "class": [
            DiffRow("cv", "f1", 5, 0.5, 0.75, 0.25),
            DiffRow("new", "f1", 2, None, 0.0, verdict="added"),
            DiffRow("old", "f1", 3, 1.0, None, verdict="removed"),
        ],
    }


def test_rows_are_ordered_by_verdict_then_by_the_interval_s_near_end():
    def row(name, verdict, diff=None, low=None, high=None):
        return DiffRow(name, "f1", diff=diff, low=low, high=high, verdict=verdict)

    rows = [
        row("a", "added"),
        row("b", "unchanged", 0.0),
        row("c", "too few", 0.1),
        row("d", "too few", -0.4),
        row("e", "better", 0.8, 0.02, 0.9),
        row("f", "better", 0.3, 0.2, 0.4),
        row("g", "can't tell", -0.9, -0.95, 0.3),
        row("h", "can't tell", -0.1, -0.2, 0.01),
        row("i", "worse", -0.3, -0.5, -0.1),
        row("j", "worse", -0.2, -0.22, -0.18),
        row("k", None, 0.9),
        row("l", "removed"),
    ]

    assert "".join(one.name for one in sort_rows(rows)) == "jifehgdcbalk"


def test_what_one_side_has_nothing_to_count_for_is_neither_added_nor_removed():
    known, undefined = ({"class": {"cv": {"f1": value}}} for value in (0.5, None))
    for a, b in ((known, undefined), (undefined, known), (undefined, undefined)):
        (row,) = diff_performance(a, b)["class"]
        assert (row.diff, row.verdict) == (None, None)
