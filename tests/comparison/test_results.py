import json

import pytest
from comparison.made import GOOD, HALF, version

from tagifai.comparison import compare
from tagifai.comparison.results import Comparison, DiffRow


def test_a_comparison_comes_back_from_json():
    diff = compare(version("v1", {"C": 1}), version("v2", {"C": [2]}), HALF, GOOD)
    plain = diff.to_dict()

    assert Comparison.from_dict(json.loads(json.dumps(plain, allow_nan=False))) == diff
    assert plain["tags"][0].keys() == {
        "name", "metric", "support", "a", "b", "diff", "low", "high", "p_value", "verdict",
    }  # fmt: skip
    assert plain["params"] == [{"name": "C", "a": 1, "b": [2], "status": "changed"}]


def test_rows_are_chosen_by_group_and_metric():
    diff = compare(version("v1"), version("v2"), HALF, GOOD)

    assert {row.name for row in diff.rows("tags", "f1")} == {"cv", "nlp"}
    assert len(diff.rows("overall")) == 9
    assert (diff.primary_row.name, diff.primary_row.metric) == ("weighted", "f1")


def test_it_is_a_table_too():
    frame = compare(version("v1"), version("v2"), HALF, GOOD).to_frame()

    assert list(frame.columns) == [
        "group", "name", "metric", "support", "a", "b", "diff", "low", "high", "p_value",
        "verdict",
    ]  # fmt: skip
    assert frame["group"].value_counts().to_dict() == {"overall": 9, "tags": 6}
    cv = frame[(frame["name"] == "cv") & (frame["metric"] == "f1")]
    assert cv[["a", "b", "diff"]].values.tolist() == [[0.5, 1.0, 0.5]]


@pytest.mark.parametrize(
    ("diff", "low", "high", "near"),
    [
        (0.2, 0.1, 0.3, 0.1),
        (-0.2, -0.3, -0.1, 0.1),
        (0.4, -0.1, 0.9, -0.1),
        (-0.4, -0.9, 0.1, -0.1),
        (0.4, None, None, float("-inf")),
        (None, None, None, float("-inf")),
    ],
)
def test_the_near_end_says_how_far_a_difference_is_at_least(diff, low, high, near):
    assert DiffRow("x", "f1", diff=diff, low=low, high=high).near_end == near
