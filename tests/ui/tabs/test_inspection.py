"""The tab of a tag's figures: its handlers over real services."""

import shutil
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.training.adding import version_of
from tagifai.ui.links import Link, Route
from tagifai.ui.tabs.inspection import InspectionTab

ROOT = Path(__file__).parents[3]
HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})


@pytest.fixture
def tab(small_data, small_models):
    return tab_over(small_data, small_models)


def tab_over(data, models):
    settings = Settings(data=data, models=str(models), no_cache=True, no_token=True)
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


def test_a_choice_reported_twice_does_not_bring_back_the_page_of_before():
    tab = tab_over(ROOT / "data", ROOT / "model")  # whose lists have several pages
    opened = fill(tab)[tab.view]
    chosen = controls_of(opened)
    chosen[1], chosen[3] = "computer-vision", "true positives"
    view = tab.show(tab.show(opened, 0, *chosen)[tab.view], 0, *chosen)[tab.view]
    chosen = controls_of(view)
    chosen[6] = 2
    second = tab.show_page(view, 0, *chosen)
    assert (second[tab.view].page, "; page 2 of " in second[tab.samples.table]) == (2, True)
    # Of any other event the page is not the news.
    assert tab.show(view, 0, *chosen) == {tab.samples.page: 1}
    chosen[5] = "longest"
    first = tab.show(second[tab.view], 0, *chosen)
    assert (first[tab.view].page, first[tab.samples.page]) == (1, 1)
    assert "; page 1 of " in first[tab.samples.table]
    assert tab.show(first[tab.view], 0, *chosen) == {tab.samples.page: 1}


def test_the_answer_to_opening_the_tab_does_not_take_back_a_threshold(tab):
    opened = fill(tab)[tab.view]
    chosen = controls_of(opened)
    chosen[2] = 0.9  # one threshold for all tags
    shown = tab.show(opened, 0, *chosen)
    assert shown[tab.thresholds.threshold] == 0.9
    # The late answer has set the tag's own threshold once more.
    assert chosen[7] == opened.threshold
    again = tab.show(shown[tab.view], 0, *chosen)
    assert again[tab.thresholds.threshold] == 0.9
    assert "0.900" in again[tab.figures]
    # Where somebody moved it, that stands.
    chosen[7] = 0.25
    moved = tab.show(shown[tab.view], 0, *chosen)
    assert moved[tab.view].threshold == 0.25


@pytest.fixture
def decided(small_data, small_models, tmp_path):
    """The tab over a version of decisions, beside those with probabilities."""
    shutil.copytree(small_models, tmp_path / "model")
    tab = tab_over(small_data, tmp_path / "model")
    versions = tab.services.versions
    kept = versions.predictions("v0.1.0")
    only = replace(kept, y_prob=np.float32(kept.y_prob > 0.5), decisions_only=True)
    dataset = versions.data.get().dataset
    versions.source.write("v9.0.0", version_of(only, dataset, name="v9.0.0").to_files())
    return tab


def test_where_there_is_nothing_to_move_a_sentence_says_so_in_place_of_the_thresholds(decided):
    opened = fill(decided)  # the latest version is the one of decisions
    thresholds = decided.thresholds
    assert opened[decided.view].version == "v9.0.0"
    assert (opened[thresholds.movable].visible, opened[thresholds.about].visible) == (False, False)
    assert "v9.0.0 cannot be moved: this version has decisions" in opened[thresholds.fixed]
    assert not opened[thresholds.keep].interactive
    assert "threshold" not in opened[decided.figures]
    assert "average precision" not in opened[decided.tables.tags]
    assert "nothing to calibrate" in opened[decided.calibration.note]
    assert "This version keeps no model, so no words are marked" in opened[decided.samples.words]
    # What was moved before, or all tags at once, moves nothing.
    chosen = controls_of(opened[decided.view])
    figures = opened[decided.figures]
    chosen[2], chosen[7] = 0.001, 0.0
    view = decided.show(None, 0, *chosen)[decided.view]
    assert (view.common, view.threshold) == (0.0, 0.5)
    assert decided.show(None, 0, *chosen)[decided.figures] == figures
    # Another version has its thresholds again.
    chosen[0] = "v0.1.0"
    shown = decided.show(view, 0, *chosen)
    assert shown[thresholds.movable].visible
    assert "decision on" not in shown[decided.samples.table]


def test_a_link_that_moves_what_cannot_be_moved_says_so(decided):
    query = {"version": ["v9.0.0"], "threshold": ["0.9"]}
    controls = [None, None, 0, "false positives", "", "confident", 1, 0.5]
    shown = decided.fill(Link(query, decided.route.choices, controls), HERE, None, 0)
    assert "no threshold to move" in shown[decided.notice].partition("</")[0]
    assert shown[decided.view].threshold == 0.5


def test_a_threshold_of_a_release_becomes_the_workspaces_and_is_offered(
    small_data, small_models, tmp_path
):
    shutil.copytree(small_models, tmp_path / "model")
    shutil.rmtree(tmp_path / "model/workspace")
    tab = tab_over(small_data, tmp_path / "model")
    part, opened = tab.thresholds, fill(tab)
    assert "v0.2.0 is a release and never changes" in opened[part.fixed]
    assert opened[part.keep].interactive
    *_, saved = part.save("v0.2.0", "transformers", 0.3, 0, HERE)
    assert "Kept: workspace predicts transformers from 0.300 on" in saved[part.message]
    assert next(name for name, _ in saved[part.version].choices) == "workspace"
    assert saved[part.saved] == 1
    # What was said of one tag is not said of the next.
    chosen = controls_of(opened[tab.view])
    chosen[1] = next(
        row.tag for row in tab.services.inspection.tag_table("v0.2.0") if row.tag != chosen[1]
    )
    assert tab.show(opened[tab.view], 0, *chosen)[part.message] == ""
