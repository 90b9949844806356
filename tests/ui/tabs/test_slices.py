"""The tab of slices: its handlers over a real workbench, and its markup."""

import json
import shutil

import gradio as gr
import pytest

from tagifai.slices import Conditions
from tagifai.ui.tabs.slices import (
    conditions_of,
    fields_of,
    show_found,
    show_gap,
    show_measured,
)

HOSTILE = "<img src=x onerror='alert(1)'>"
HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})
ELSEWHERE = gr.Request(headers={"host": "10.0.0.1:7860"}, client={"host": "10.0.0.9"})
NOTHING = [[], [], [], "", "", 0, 0, 0, []]


@pytest.fixture
def folder(small_data, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def handlers(open_bench, folder, small_models):
    _, demo = open_bench(data=folder, models=str(small_models))
    return {
        event.fn.__name__: event.fn
        for event in demo.fns.values()
        if event.fn is not None and event.fn.__module__ == "tagifai.ui.tabs.slices"
    }


def built(**changes):
    return fields_of(changes)


OPENED = ["v0.2.0", [], [], [], "", "", 0, 0, 0, [], "all"]


def test_the_tab_is_filled_with_names_tags_and_cells(handlers):
    saved, all_of, *_, cells, split, _, told = handlers["fill"](HERE, None, *OPENED)
    assert saved.choices == []
    assert [name for name, _ in all_of.choices] == [
        "computer-vision", "natural-language-processing", "segmentation", "transformers",
    ]  # fmt: skip
    assert (cells.choices, split, told) == ([], "all", "")
    assert "read-only" in handlers["fill"](ELSEWHERE, None, *OPENED)[-1]


def test_a_link_fills_the_builder_and_says_what_it_asks_in_vain(handlers):
    asked = {"all_of": ["segmentation", "graphs"], "min_words": ["4"], "split": ["test"]}
    _, all_of, *_, min_words, _, _, _, split, _, told = handlers["fill"](HERE, asked, *OPENED)
    assert (all_of.value, min_words, split) == (None, 4, "test")
    assert "unknown all_of &#39;graphs&#39;" in told


def test_a_slice_is_measured_as_it_is_built(handlers):
    assert "Choose at least one condition" in handlers["measure"]("v0.2.0", *NOTHING)
    shown = handlers["measure"]("v0.2.0", *built(all_of=["segmentation"]))
    assert "projects of the data are in the slice" in shown
    assert shown.count("<tr") == 4
    wrong = handlers["measure"]("v0.2.0", *built(min_words=9, max_words=3))
    assert "min_words 9 is above max_words 3: no text fits" in wrong
    assert "unknown version" in handlers["measure"]("v9", *built(max_words=3))


def test_a_slice_is_saved_by_name_and_taken_up_again(handlers, folder):
    told, saved = handlers["save"](HERE, "few words", "Of 9 at most", *built(max_words=9))
    assert 'class="notice good"' in told
    assert [name for name, _ in saved.choices][-1] == "few words"
    assert json.loads((folder / "slices.json").read_text()) == [
        {"name": "few words", "description": "Of 9 at most", "max_words": 9}
    ]
    assert handlers["take_saved"]("few words") == built(max_words=9)
    assert handlers["take_saved"](None) == [gr.skip()] * 9


def test_what_cannot_be_saved_is_said(handlers, folder):
    assert "read-only" in handlers["save"](ELSEWHERE, "x", "", *built(max_words=9))[0]
    assert "no condition" in handlers["save"](HERE, "x", "", *NOTHING)[0]
    assert "choose a name" in handlers["save"](HERE, "", "", *built(max_words=9))[0]
    assert not (folder / "slices.json").exists()


def test_a_proposal_fills_the_builder(handlers):
    shown = handlers["propose"]("v0.1.0", "all")
    assert " kept back)" in shown
    given = {"all_of": ["nlp"], "all_words": ["masks"], "min_unseen": 0.25,
             "columns": {"year": ["2020"]}}  # fmt: skip
    fields = handlers["take_found"](gr.EventData(None, {"key": json.dumps(given)}))
    assert fields == [["nlp"], [], [], "masks", "", 0, 0, 25, ["year = 2020"]]
    assert conditions_of(*fields) == Conditions.of(given)


def test_nothing_of_a_stranger_is_markup():
    record = {
        "conditions": [f"tag {HOSTILE}"], "given": {"all_of": [HOSTILE]}, "num_samples": 60,
        "metric": "precision", "value": 0.25, "elsewhere": 0.5, "gap": 0.25, "low": 0.125,
        "high": 0.375, "q_value": 0.01,
    }  # fmt: skip
    found = {"slices": [record], "num_tested": 1234, "num_searched": 800, "num_kept_back": 90,
             "in_sample": ""}  # fmt: skip
    shown = show_found(found)
    assert "<img" not in shown
    assert '<b>0.250</b> <span class="minor">0.125 to 0.375</span>' in shown
    assert "(1,234 tests on 800 projects; 90 kept back)" in shown
    assert "No slice is surely worse" in show_found({**found, "slices": []})
    assert "Left out: they may come" in show_found({**found, "in_sample": "they may come"})


def test_what_cannot_be_measured_says_so():
    assert "too few projects to measure" in show_gap({"gap": None, "low": None, "high": None})


def test_a_part_without_an_interval_shows_its_figure_alone():
    figure = {"value": 0.5, "low": None, "high": None}
    part = {"f1": figure, "precision": figure, "recall": {"value": 1.0, "low": 0.5, "high": 1.0},
            "num_samples": 3, "num_positives": 4}  # fmt: skip
    found = {
        "num_projects": 1200,
        "num_scored": 900,
        "note": "9 <b>left</b> out.",
        "in_sample": "",
        "test": part,
        "learnt": part,
        "elsewhere": part,
    }
    shown = show_measured(found)
    assert "<b>0.500</b></td>" in shown
    assert '<b>1.000</b> <span class="minor">0.500 to 1.000</span>' in shown
    assert 'data-count="1200">1,200 projects of the data are in the slice, 900 of them' in shown
    assert "9 &lt;b&gt;left&lt;/b&gt; out." in shown


def test_a_slice_with_nothing_to_count_shows_dashes():
    nothing = {"value": None, "low": None, "high": None}
    empty = {"f1": nothing, "precision": nothing, "recall": nothing, "num_samples": 0,
             "num_positives": 0}  # fmt: skip
    shown = show_measured(
        {
            "num_projects": 0,
            "num_scored": 0,
            "note": "",
            "in_sample": "",
            "test": empty,
            "learnt": empty,
            "elsewhere": empty,
        }
    )
    assert shown.count("<b>–</b>") == 9
