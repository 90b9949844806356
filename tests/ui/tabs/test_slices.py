"""The tab of slices: its handlers over real services."""

import json
import shutil

import gradio as gr
import pytest

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.slices import Conditions
from tagifai.ui.events import Chosen
from tagifai.ui.links import Link, Route
from tagifai.ui.tabs.slices import UNCHANGED, SlicesTab, conditions_of, fields_of

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})
ELSEWHERE = gr.Request(headers={"host": "10.0.0.1:7860"}, client={"host": "10.0.0.9"})
NOTHING = fields_of(Conditions())
OPENED = ["v0.2.0", *NOTHING, "all"]


@pytest.fixture
def folder(small_data, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def tab(folder, small_models):
    settings = Settings(data=folder, models=str(small_models), no_cache=True, no_token=True)
    with gr.Blocks():
        version = gr.Dropdown([])
        tab = SlicesTab(Services(settings), Route("inspection", "slices", []), version)
        tab.build(version.input(None, None, None))
    return tab


def built(**conditions):
    return fields_of(Conditions(**conditions))


def open_tab(tab, query=None, request=HERE):
    return tab.open_tab(Link(query, tab.route.choices, OPENED), request)


def measure(tab, name, values):
    updates = tab.measure(name, *values)
    assert list(updates) == [tab.measured]
    return updates[tab.measured]


def test_every_handler_changes_only_what_its_event_says(tab):
    events = {event.name: event for event in tab.measured.parent.fns.values()}
    row = Chosen(None, {"key": '{"max_words":9}'})
    tab.save(HERE, "short", "", *built(max_words=9))
    given = {
        "measure": ("v0.2.0", *NOTHING),
        "follow_version": ("v0.1.0", *NOTHING),
        "find": ("v0.2.0", "all"),
        "load_found": (row,),
        "load_saved": ("short",),
        "save": (HERE, "shorter", "", *built(max_words=3)),
    }
    others = {"open_tab", "search_names", "offer_first", None}
    assert set(given) | others == {event.fn and name for name, event in events.items()}
    for name, values in given.items():
        changed = getattr(tab, name)(*values)
        assert changed
        assert set(changed) <= set(events[name].outputs)
    assert set(open_tab(tab)) <= set(events["open_tab"].outputs)


def test_the_tab_is_filled_with_names_tags_and_cells(tab):
    shown = open_tab(tab)
    assert shown[tab.saved].choices == []
    assert [name for name, _ in shown[tab.fields.all_of].choices] == [
        "computer-vision",
        "natural-language-processing",
        "segmentation",
        "transformers",
    ]
    assert shown[tab.fields.cells].choices == []
    assert (shown[tab.split], shown[tab.message]) == ("all", "")
    assert "read-only" in open_tab(tab, request=ELSEWHERE)[tab.message]


def test_a_link_fills_the_builder_and_says_what_it_asks_in_vain(tab):
    asked = {"all_of": ["segmentation", "graphs"], "min_words": ["4"], "split": ["test"]}
    shown = open_tab(tab, asked)
    assert shown[tab.fields.all_of].value is None
    assert (shown[tab.fields.min_words], shown[tab.split]) == (4, "test")
    assert "unknown all_of &#39;graphs&#39;" in shown[tab.message].replace("&#x27;", "&#39;")


def test_data_that_cannot_be_read_gives_a_notice(tab, folder):
    (folder / "slices.json").write_text("[")
    assert "slices.json" in open_tab(tab)[tab.message]
    assert tab.load_saved("any") == UNCHANGED


def test_a_slice_is_measured_as_it_is_built(tab):
    assert "Choose at least one condition" in measure(tab, "v0.2.0", NOTHING)
    shown = measure(tab, "v0.2.0", built(all_of=("segmentation",)))
    assert "projects of the data are in the slice" in shown
    assert shown.count("<tr") == 4
    wrong = measure(tab, "v0.2.0", built(min_words=9, max_words=3))
    assert "min_words 9 is above max_words 3: no text fits" in wrong
    assert "unknown version" in measure(tab, "v9", built(max_words=3))
    followed = tab.follow_version("v0.2.0", *built(all_of=("segmentation",)))
    assert followed == {tab.measured: shown, tab.found: ""}


def test_a_slice_is_saved_by_name_and_loaded_again(tab, folder):
    shown = tab.save(HERE, "few words", "Of 9 at most", *built(max_words=9))
    assert 'class="notice good"' in shown[tab.message]
    assert [name for name, _ in shown[tab.saved].choices][-1] == "few words"
    assert json.loads((folder / "slices.json").read_text()) == [
        {"name": "few words", "description": "Of 9 at most", "max_words": 9}
    ]
    loaded = tab.load_saved("few words")
    assert [loaded[control] for control in tab.fields.controls] == built(max_words=9)
    assert tab.load_saved(None) == UNCHANGED


def test_what_cannot_be_saved_is_said(tab, folder):
    def refused(request, name, values):
        updates = tab.save(request, name, "", *values)
        assert list(updates) == [tab.message]
        return updates[tab.message]

    assert "read-only" in refused(ELSEWHERE, "x", built(max_words=9))
    assert "no condition" in refused(HERE, "x", NOTHING)
    assert "choose a name" in refused(HERE, "", built(max_words=9))
    assert not (folder / "slices.json").exists()


def test_a_proposal_fills_the_builder(tab):
    assert " kept back)" in tab.find("v0.1.0", "all")[tab.found]
    assert "unknown split" in tab.find("v0.1.0", "nowhere")[tab.found]
    given = {
        "all_of": ["nlp"],
        "all_words": ["masks"],
        "min_unseen": 0.25,
        "columns": {"year": ["2020"]},
    }
    loaded = tab.load_found(Chosen(None, {"key": json.dumps(given)}))
    values = [loaded[control] for control in tab.fields.controls]
    assert values == [["nlp"], [], [], "masks", "", 0, 0, 25, ["year = 2020"]]
    assert conditions_of(*values) == Conditions.of(given)


@pytest.mark.parametrize("key", ["", "[", "[]", '{"color": 1}', '{"max_words": "x"}'])
def test_a_row_that_the_page_did_not_write_changes_nothing(tab, key):
    assert tab.load_found(Chosen(None, {"key": key})) == UNCHANGED
