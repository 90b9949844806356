from xml.etree import ElementTree as ET

from tagifai.charts.curves import chart_lines, chart_precision_recall, chart_reliability
from tagifai.charts.svg import NEUTRAL
from tagifai.inspection import CurvePoint, TagFigures
from tagifai.metrics.calibration import ReliabilityBin


def titles(markup: str) -> list[str | None]:
    return [node.text for node in ET.fromstring(f"<div>{markup}</div>").iter("title")]


def test_lines_leave_a_gap_where_a_version_lacks_the_metric() -> None:
    markup = chart_lines(
        {"f1": [0.5, None, 0.7, 0.8]}, ["v1", "v2", "v3", "v4"], title="F1", y_label="share",
        empty="none",
    )  # fmt: skip
    plot = ET.fromstring(f"<div>{markup}</div>").find(".//svg[@role='img']")
    assert plot is not None
    assert len([line for line in plot.iter("line") if "stroke-width" in line.attrib]) == 1
    assert [t.text for t in plot.iter("title")] == [
        "f1, v1: 0.500",
        "f1, v3: 0.700",
        "f1, v4: 0.800",
    ]


def test_a_long_name_at_the_edge_has_a_line_of_its_own_on_a_phone() -> None:
    def names(steps: list[str]) -> list[tuple[str, str | None]]:
        markup = chart_lines({"f1": [0.5, 0.7]}, steps, title="F1", y_label="share", empty="none")
        texts = ET.fromstring(f"<div>{markup}</div>").iter("text")
        return [(one.attrib.get("class", ""), one.text) for one in texts if "v" in str(one.text)]

    assert names(["v1", "v2-of-2026"]) == [
        ("", "v1"), ("wide", "v2-of-2026"), ("narrow", "v2-of-2026"),
    ]  # fmt: skip
    assert names(["v1-of-2026", "v2"]) == [("", "v1-of-2026"), ("", "v2")]


def test_lines_carry_their_intervals() -> None:
    markup = chart_lines(
        {"f1": [0.5, 0.7]}, ["v1", "v2"], title="F1", y_label="share", empty="none",
        intervals={"f1": [None, (0.6, 0.8)]},
    )  # fmt: skip
    assert "f1, v2: 95 % interval 0.600 to 0.800" in titles(markup)
    assert not any("v1: 95 %" in (title or "") for title in titles(markup))


def test_what_rests_on_too_little_is_grey_and_says_on_how_much() -> None:
    markup = chart_lines(
        {"slices f1": [0.5, 0.7], "overall f1": [0.4, 0.5]},
        ["v1", "v2"],
        title="F1",
        y_label="share",
        empty="none",
        few={"slices f1": 7},
    )
    assert "slices f1 (n = 7: too few to tell)" in markup
    assert "overall f1 (" not in markup
    # A line and two points, and in the legend a line and a point.
    assert markup.count(NEUTRAL) == 5


def test_precision_recall_marks_the_threshold_in_force() -> None:
    points = [
        CurvePoint(threshold=0.9, precision=1.0, recall=0.5, f1=0.66),
        CurvePoint(threshold=0.2, precision=0.5, recall=1.0, f1=0.66),
    ]
    markup = chart_precision_recall(points, points[1], title="T", empty="No project.")
    (circle,) = ET.fromstring(markup).iter("circle")
    assert circle.attrib["cx"] == "96.00%"
    assert titles(markup) == ["threshold 0.200: precision 0.500, recall 1.000"]
    assert "No project." in chart_precision_recall([], points[1], title="T", empty="No project.")


def test_reliability_leaves_out_empty_bins() -> None:
    bins = [
        ReliabilityBin(0.0, 0.5, num_samples=0, mean_prob=None, frequency=None),
        ReliabilityBin(0.5, 1.0, 4, 0.75, 0.5, low_frequency=0.15, high_frequency=0.85),
    ]
    markup = chart_reliability(bins, title="T", empty="No pair.")
    assert titles(markup) == ["probability 0.750: true in 0.500 (0.150 to 0.850) of 4 pairs"]
    assert "No pair." in chart_reliability(bins[:1], title="T", empty="No pair.")


def test_what_is_undefined_has_neither_a_point_nor_an_interval() -> None:
    markup = chart_lines(
        {"f1": [0.5, None], "rare": [None, None]}, ["v1", "v2"], title="F1", y_label="share",
        empty="none", intervals={"f1": [(0.4, 0.6), (0.0, 0.0)], "rare": [None, (0.0, 1.0)]},
    )  # fmt: skip
    assert titles(markup) == ["f1, v1: 95 % interval 0.400 to 0.600", "f1, v1: 0.500"]
    # The axis spans what is drawn alone.
    ticks = [node.text for node in ET.fromstring(f"<div>{markup}</div>").iter("text")]
    assert "0.00" not in ticks


def test_a_threshold_that_nothing_reaches_has_no_point() -> None:
    points = [CurvePoint(threshold=0.4, precision=1.0, recall=1.0, f1=1.0)]
    chosen = TagFigures(
        "t", None, 0.0, 0.0, num_samples=1, tp=0, fp=0, fn=1, tn=0, average_precision=None,
        threshold=0.9,
    )  # fmt: skip
    markup = chart_precision_recall(points, chosen, title="T", empty="No project.")
    assert list(ET.fromstring(markup).iter("circle")) == []
    assert "threshold 0.900: precision –, recall 0.000" in markup
