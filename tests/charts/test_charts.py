from xml.etree import ElementTree as ET

import pytest

from tagifai.charts import chart_bars, chart_columns, chart_diffs
from tagifai.charts.curves import chart_lines
from tagifai.charts.svg import GOOD, NEUTRAL
from tagifai.charts.tables import show_table
from tagifai.comparison.results import DiffRow

HOSTILE = "</text><script>alert(1)</script>\" onload='x' $\\frac{a$ \x00 ‮ {{x}}"


def texts(markup: str) -> list[str]:
    root = ET.fromstring(f"<div>{markup}</div>")
    return ["".join(node.itertext()) for node in root.iter("text")]


def widths(markup: str) -> list[str]:
    return [rect.attrib["width"] for rect in ET.fromstring(markup).iter("rect")]


def test_bars_are_as_long_as_their_values() -> None:
    markup = chart_bars([("a", 40), ("b", 10)], title="Tags", unit="projects", empty="none")
    assert texts(markup) == ["a", "40", "b", "10"]
    assert widths(markup) == ["48.00%", "12.00%"]
    assert 'aria-label="Tags: 2 bars, from a 40 to b 10 projects"' in markup


def test_a_long_label_stands_whole_and_for_a_phone_on_two_lines() -> None:
    markup = chart_bars([("natural-language-processing", 1)], title="T", unit="p", empty="none")
    wide, narrow, _ = ET.fromstring(markup).iter("text")
    assert (wide.attrib["class"], wide.text) == ("wide", "natural-language-processing")
    assert (narrow.attrib["class"], narrow.text) == ("narrow", "natural-language-")
    (second,) = narrow
    assert second.text == "processing"
    assert second.attrib == {"x": narrow.attrib["x"], "dy": "10"}


def test_columns_keep_the_order_given() -> None:
    markup = chart_columns(
        [(1, 5), (2, 10), (10, 1)], title="Tags", x_label="tags", y_label="projects", empty="none"
    )
    assert texts(markup)[:-1] == ["5", "1", "10", "2", "1", "10"]


def test_diffs_tell_better_from_worse_and_both_from_mere_direction() -> None:
    rows = [
        DiffRow("up", "f1", a=0.5, b=0.75, diff=0.25, low=0.1, high=0.4, verdict="better"),
        DiffRow("down", "f1", a=0.5, b=0.25, diff=-0.25, verdict="worse"),
        DiffRow("maybe up", "f1", a=0.5, b=0.6, diff=0.1, verdict="can't tell"),
        DiffRow("maybe down", "f1", a=0.5, b=0.4, diff=-0.1, verdict="too few"),
        DiffRow("same", "f1", a=0.5, b=0.5, diff=0.0),
        DiffRow("only in B", "f1", a=None, b=0.5, diff=None),
    ]
    markup = chart_diffs(rows, title="F1", name_a="v1", name_b="v2", empty="none")
    assert texts(markup) == [
        "up", "▲ +25.0 (0.500 → 0.750)",
        "down", "▼ -25.0 (0.500 → 0.250)",
        "maybe up", "↗ +10.0 (0.500 → 0.600)",
        "maybe down", "↘ -10.0 (0.500 → 0.400)",
        "same", "= +0.0 (0.500 → 0.500)",
    ]  # fmt: skip
    assert "95 % interval +10.0 to +40.0" in markup
    assert "v2 minus v1, 1 better, 1 worse, 3 without either verdict" in markup
    assert markup.count(f'fill="{GOOD}"') == 1
    assert markup.count('fill="url(#worse-hatch)"') == 1
    assert markup.count(f'fill="{NEUTRAL}"') == 3


def test_nothing_to_draw_says_why() -> None:
    for markup in (
        chart_bars([], title="T", unit="u", empty="No tag reaches <9>."),
        chart_columns([], title="T", x_label="x", y_label="y", empty="No tag reaches <9>."),
        chart_lines({"f1": [None]}, ["v1"], title="T", y_label="y", empty="No tag reaches <9>."),
        chart_diffs([], title="T", name_a="a", name_b="b", empty="No tag reaches <9>."),
    ):
        assert ET.fromstring(markup).findtext("p") == "No tag reaches <9>."


@pytest.mark.parametrize("name", [HOSTILE, "x" * 100_000, "", "🙂"])
def test_a_strangers_name_stays_text(name: str) -> None:
    row = DiffRow(name, "f1", a=0.1, b=0.2, diff=0.1)
    for markup in (
        chart_bars([(name, 1)], title="T", unit="u", empty=""),
        chart_columns([(name, 1)], title="T", x_label="x", y_label="y", empty=""),
        chart_lines({name: [0.1, 0.2]}, [name, name], title="T", y_label="y", empty=""),
        chart_diffs([row], title="T", name_a=name, name_b=name, empty=""),
    ):
        root = ET.fromstring(f"<div>{markup}</div>")
        assert root.find(".//script") is None
        assert not any(key.startswith("on") for node in root.iter() for key in node.attrib)
        assert len(markup) < 6_000


def test_a_dash_stands_below_the_numbers_of_its_column() -> None:
    rows = [{"tag": "cv", "f1": 0.5, "note": "a"}, {"tag": "rare", "f1": None, "note": None}]
    shown = show_table(rows, {"tag": "tag", "f1": "F1", "note": "note"}, empty="")
    assert '<td>cv</td><td class="number">0.500</td><td>a</td>' in shown
    assert '<td>rare</td><td class="number">–</td><td>–</td>' in shown
