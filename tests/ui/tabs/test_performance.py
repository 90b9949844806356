import json

import gradio as gr
import pytest

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.ui.links import Route
from tagifai.ui.tabs.performance import PerformanceTab


@pytest.fixture
def tab(small_data, small_models):
    settings = Settings(data=small_data, models=str(small_models), no_cache=True)
    with gr.Blocks():
        tab = PerformanceTab(Services(settings), Route("performance", "", []))
        tab.build()
    return tab


def told(values):
    return {component.elem_id: value for component, value in values.items()}


def test_a_comparison_fills_every_part_that_it_says(tab):
    comparison = tab.comparison
    shown = comparison.compare("v0.1.0", "v0.2.0", "f1", True, "")
    assert set(shown) == set(comparison.outputs)
    parts = told(shown)
    assert "Can't tell v0.2.0 from v0.1.0" in parts["verdict"].replace("<b>", "").replace(
        "</b>", ""
    )
    assert "Overall f1: v0.2.0 − v0.1.0" in parts["metric-diff"]
    assert parts["tag-diffs"].count("data-key=") == 4
    assert "Version B: v0.2.0" in parts["version-b-card"]
    assert parts["flips"] == ""


def test_what_cannot_be_compared_leaves_nothing_of_the_last_comparison(tab):
    shown = tab.comparison.compare("v0.1.0", "v0.1.0", "f1", True, "")
    assert set(shown) == set(tab.comparison.outputs)
    verdict = shown.pop(tab.comparison.verdict)
    assert "choose two different versions" in verdict
    assert set(shown.values()) == {""}
    alone = tab.comparison.compare("v0.1.0", None, "f1", True, "")
    assert "There is only one version" in alone[tab.comparison.verdict]


def test_a_link_to_a_tag_opens_its_flips(tab):
    tag = tab.services.comparisons.flips("v0.1.0", "v0.2.0", None)[0].flip.tag
    shown = tab.comparison.compare("v0.1.0", "v0.2.0", "f1", True, "", tag)
    assert shown[tab.comparison.tag] == tag
    assert f"Decisions on {tag} that B fixed" in shown[tab.comparison.flips]


def test_parameters_are_searched_alone(tab):
    found = tab.comparison.search_params("v0.1.0", "v0.2.0", True, "seed")
    assert list(found) == [tab.comparison.params]
    assert "No hyperparameter matches." in found[tab.comparison.params]


def test_metrics_without_a_choice_are_the_key_ones(tab):
    shown = tab.history.draw([])
    assert shown == tab.history.draw(
        [
            "overall f1",
            "overall precision",
            "overall recall",
            "slices f1",
            "slices precision",
            "slices recall",
        ]
    )
    unknown = tab.history.draw(["overall luck"])
    assert "unknown metric" in unknown[tab.history.chart]
    assert unknown[tab.history.table] == ""


@pytest.mark.parametrize(
    ("write", "name", "start"),
    [
        ("write_markdown", "v0.1.0-v0.2.0.md", "# v0"),
        ("write_json", "v0.1.0-v0.2.0.json", '{\n  "a": "v0.1.0"'),
        ("write_report", "v0.1.0-v0.2.0.html", "<!doctype html>"),
    ],
)
def test_a_saved_file_is_named_after_both_versions(tab, write, name, start):
    exports = tab.comparison.exports
    (packed,) = getattr(exports, write)("v0.1.0", "v0.2.0").values()
    saved = json.loads(packed)
    assert saved["name"] == name
    assert saved["text"].startswith(start)
    with pytest.raises(gr.Error, match="choose two different versions"):
        getattr(exports, write)("v0.1.0", "v0.1.0")
