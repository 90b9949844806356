"""The tab of a tag's figures: its handlers over real services."""

import gradio as gr
import pytest

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.ui.links import Link, Route
from tagifai.ui.tabs.inspection import InspectionTab

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})


@pytest.fixture
def tab(small_data, small_models):
    settings = Settings(data=small_data, models=str(small_models), no_cache=True)
    with gr.Blocks():
        route = Route("inspection", "tags", [])
        tab = InspectionTab(Services(settings), route, gr.Dropdown([]))
        tab.build()
    return tab


def fill(tab):
    controls = [None, None, 0, "false positives", "", "confident", 1, 0.5]
    return tab.fill(Link(None, tab.route.choices, controls), HERE, None, 0)


def controls_of(view):
    names = "version", "tag", "common", "outcome", "query", "order", "page", "threshold"
    return [getattr(view, name) for name in names]


def test_a_choice_that_the_answer_to_opening_the_tab_may_have_overtaken_is_shown_again(tab):
    opened = fill(tab)[tab.view]
    chosen = controls_of(opened)
    chosen[3] = "true positives"
    crossing = tab.show(opened, 0, *chosen)
    assert tab.figures not in crossing  # the outcome alone has changed
    again = tab.show(crossing[tab.view], 0, *chosen)
    assert again[tab.samples.table] == crossing[tab.samples.table]
    assert {tab.figures, tab.tables.tags} <= set(again)
    assert again[tab.view].threshold == opened.threshold
    # Everything has arrived by now.
    assert set(tab.show(again[tab.view], 0, *chosen)) == {"__type__"}


def test_what_was_filled_is_not_shown_again(tab):
    opened = fill(tab)[tab.view]
    confirmed = tab.show(opened, 0, *controls_of(opened))
    assert set(confirmed) == {tab.view}
    chosen = controls_of(opened)
    chosen[3] = "false negatives"
    shown = tab.show(confirmed[tab.view], 0, *chosen)
    assert tab.samples.table in shown
    assert set(tab.show(shown[tab.view], 0, *chosen)) == {"__type__"}


def test_the_versions_own_threshold_comes_back(tab):
    view, part = fill(tab)[tab.view], tab.thresholds
    shown = part.restore(view.version, view.tag)
    assert shown == {part.threshold: view.threshold, part.message: ""}
    assert "unknown version" in part.restore("v9", view.tag)[part.message]
