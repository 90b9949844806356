"""The tab of suspected label errors: its handlers over real services."""

import json
import shutil

import gradio as gr
import pytest
from gradio.components import Component

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.ui.events import Chosen
from tagifai.ui.links import Link, Route
from tagifai.ui.tabs.label_errors import LabelErrorsTab

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})
ELSEWHERE = gr.Request(headers={"host": "10.0.0.1:7860"}, client={"host": "10.0.0.9"})
FOREIGN = gr.Request(
    headers={"host": "127.0.0.1:7860", "origin": "http://evil.example"},
    client={"host": "127.0.0.1"},
)
ANYWHERE = ["v0.2.0", "missing labels", "all tags", "all", "all evidence", "undecided"]


class Shown(dict):
    """What a handler changed, by the names of the tab's components."""

    def __init__(self, tab, updates):
        parts = {**vars(tab), **vars(tab.filters), **vars(tab.buttons), **tab.buttons.by_decision}
        named = {one: name for name, one in parts.items() if isinstance(one, Component)}
        super().__init__({named[component]: value for component, value in updates.items()})

    @property
    def ready(self):
        """Name the buttons that can be pressed."""
        return [
            name for name, one in self.items() if isinstance(one, gr.Button) and one.interactive
        ]


@pytest.fixture
def tab(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    settings = Settings(
        data=tmp_path / "data", models=str(small_models), no_cache=True, no_token=True
    )
    with gr.Blocks():
        version = gr.Dropdown([])
        tab = LabelErrorsTab(Services(settings), Route("inspection", "label-errors", []), version)
        tab.build(version.input(None, None, None))
    return tab


def open_queue(tab, *choice, request=HERE):
    return Shown(tab, tab.open_queue(request, "", *(choice or ANYWHERE)))


def decide(tab, decision, seen, note="", request=HERE, choice=ANYWHERE):
    return Shown(tab, tab.decide(decision, request, seen, note, *choice))


def follow(tab, query, shown, request=HERE, choice=ANYWHERE):
    """Open the tab with a link's query, or none, where `shown` is on the screen."""
    link = Link(query, tab.route.choices, [*choice, 1, shown.get("seen", "")])
    return Shown(tab, tab.open_tab(link, request, shown.get("read_from")))


def test_every_handler_changes_only_what_its_event_says(tab):
    events = {event.name: event for event in tab.reviewer.parent.fns.values()}
    seen = open_queue(tab)["seen"]
    row = Chosen(None, {"key": json.dumps(json.loads(seen)[:2])})
    given = {
        "open_queue": (HERE, "", *ANYWHERE),
        "turn_page": (HERE, *ANYWHERE, 2),
        "choose_pair": (HERE, row, *ANYWHERE, 1),
        "add_tag": (HERE, seen, "", *ANYWHERE),
        "undo": (HERE, *ANYWHERE),
        "confirm_label": (HERE, seen, "", *ANYWHERE),
        "skip_pair": (HERE, seen, "", *ANYWHERE),
        "remove_tag": (HERE, seen, "", *ANYWHERE),
        "follow_version": (HERE, "", 3, "v0.1.0", "gone"),
        "show_effect": (HERE, "", "v0.2.0"),
        "export": (),
    }
    others = {"open_tab", "search_names", "offer_first", None}
    assert set(given) | others == {event.fn and name for name, event in events.items()}
    for name, values in given.items():
        changed = getattr(tab, name)(*values)
        assert changed
        assert set(changed) <= set(events[name].outputs)
    opened = tab.open_tab(Link(None, tab.route.choices, [*ANYWHERE, 1, ""]), HERE, None)
    assert set(opened) <= set(events["open_tab"].outputs)
    decisions = [event.decision for event in tab.reviews.events()]
    assert decisions == ["add", "undo", "right", "skip"]  # there is nothing to remove


def test_no_pair_is_scored_for_a_visitor_who_never_opened_the_tab(tab):
    assert tab.follow_version(HERE, None, 0, "v0.1.0", "all tags") == {tab.moves: 0}
    assert tab.open_queue(HERE, None, *ANYWHERE) == gr.skip()


def test_the_first_pair_of_a_queue_is_shown_with_the_decisions_that_make_sense(tab):
    missing = open_queue(tab)
    assert "Should it carry" in missing["card"]
    assert missing.ready == ["add", "right", "skip", "undo"]
    project, tag, version, digest = json.loads(missing["seen"])
    assert f"Project {project}" in missing["card"]
    assert f'<b class="asked">{tag}</b>' in missing["card"]
    assert (version, len(digest)) == ("v0.2.0", 64)
    wrong = open_queue(tab, "v0.2.0", "wrong labels", *ANYWHERE[2:])
    assert "belong here" in wrong["card"]
    assert wrong.ready == ["remove", "right", "skip", "undo"]
    assert "Most are right all the same" in wrong["help"]


def test_a_decision_is_saved_and_the_next_pair_comes_up(tab):
    first = open_queue(tab)
    second = decide(tab, "add", first["seen"], "seen in the title")
    project, tag, *_ = json.loads(first["seen"])
    assert second["note"] == ""
    assert f"✔ Kept: add, {tag}, project {project}." in second["card"]
    assert second["seen"] != first["seen"]
    (event,) = tab.reviews.events()
    assert (event.reviewer, event.project, event.tag) == ("local", project, tag)
    assert (event.decision, event.note) == ("add", "seen in the title")
    back = Shown(tab, tab.undo(HERE, *ANYWHERE))
    assert back["seen"] == first["seen"]
    assert "✔ Taken back" in back["card"]


def test_a_decision_is_about_what_was_on_the_screen(tab):
    first = open_queue(tab)
    # The filters were moved meanwhile; the pair that was read is the one decided on.
    decide(tab, "right", first["seen"], choice=["v0.1.0", "wrong labels", *ANYWHERE[2:]])
    (event,) = tab.reviews.events()
    assert [event.project, event.tag, event.version] == json.loads(first["seen"])[:3]
    assert event.decision == "right"


@pytest.mark.parametrize(
    ("request_", "message"),
    [(ELSEWHERE, "read-only: this page was reached from elsewhere"), (FOREIGN, "another site")],
)
def test_who_may_not_write_sees_why(tab, request_, message):
    first = open_queue(tab)
    refused = decide(tab, "add", first["seen"], "my note", request_)
    assert message in refused["help"]
    # Pair and note stay as they are.
    assert set(refused) == {"help", "read_from"}
    assert message in Shown(tab, tab.undo(request_, *ANYWHERE))["help"]
    assert tab.reviews.events() == ()


def test_a_reader_finds_the_buttons_off_and_the_reason_on_the_page(tab):
    assert open_queue(tab, request=ELSEWHERE).ready == []
    opened = follow(tab, None, {}, ELSEWHERE)
    assert 'class="notice warning" role="status">read-only: ' in opened["reviewer"]
    assert opened["tag"].choices[0][0] == "all tags"
    assert "Should it carry" in opened["card"]
    assert "under the name <b>local</b>" in follow(tab, None, {})["reviewer"]


def test_who_comes_back_keeps_what_is_on_the_screen(tab):
    shown = open_queue(tab)
    assert follow(tab, None, shown) == {}
    # One's own decision is on the screen by then; what was there before is out of date.
    decided = decide(tab, "add", shown["seen"])
    assert follow(tab, None, decided) == {}
    assert "card" in follow(tab, None, shown)
    assert follow(tab, {"split": ["test"]}, decided)["split"] == "test"


def test_a_link_opens_its_pair_and_says_what_it_asks_in_vain(tab):
    pair = json.loads(open_queue(tab)["seen"])[:2]
    opened = follow(tab, {"pair": [json.dumps(pair)], "tag": ["gone"]}, {})
    assert json.loads(opened["seen"])[:2] == pair
    assert "unknown tag &#39;gone&#39;" in opened["reviewer"].replace("&#x27;", "&#39;")
    assert opened["tag"].value == "all tags"


def test_another_version_brings_its_tags_and_leaves_what_is_chosen(tab):
    def to(name, tag, read_from="", moves=4):
        return tab.follow_version(HERE, read_from, moves, name, tag)

    followed = Shown(tab, to("v0.1.0", "transformers"))
    assert "under the name <b>local</b>" in followed["reviewer"]
    assert "value" not in followed["tag"].constructor_args
    assert followed["moves"] == 5
    assert Shown(tab, to("v0.1.0", "gone"))["tag"].value == "all tags"
    assert Shown(tab, to("v9", "gone")) == {"reviewer": "", "moves": 5}
    # Nothing is scored for a visitor who never opened the tab.
    assert to("v0.1.0", "transformers", read_from=None) == {tab.moves: 4}
    assert tab.show_effect(HERE, None, "v0.1.0") == {tab.effect: ""}


@pytest.mark.parametrize("seen", ["", "[]", "[1, 2, 3, 4]", "{"])
def test_without_a_pair_nothing_is_decided(tab, seen):
    assert "no pair is chosen" in decide(tab, "add", seen)["help"]
    assert tab.reviews.events() == ()


def test_an_empty_queue_says_so(tab):
    empty = open_queue(tab, *ANYWHERE[:5], "conflicts")
    assert "nothing left to review here" in empty["queue"]
    assert empty.ready == ["undo"]
    assert empty["seen"] == "[]"


def test_the_page_turns_and_a_row_is_chosen(tab):
    first = open_queue(tab)
    third = Shown(tab, tab.turn_page(HERE, *ANYWHERE, 3))
    assert third["number"] == 3
    assert third["seen"] != first["seen"]
    event = Chosen(None, {"key": json.dumps(json.loads(third["seen"])[:2])})
    chosen = Shown(tab, tab.choose_pair(HERE, event, *ANYWHERE, 3))
    assert chosen["seen"] == third["seen"]
    assert chosen["queue"].count('class="chosen"') == 1
    assert Shown(tab, tab.turn_page(HERE, *ANYWHERE, 10_000))["number"] < 10_000


def test_a_version_without_predictions_is_explained(tab):
    assert "unknown version" in open_queue(tab, "v9", *ANYWHERE[1:])["help"]


def test_reviews_change_the_figures_shown(tab):
    def effect(request=HERE):
        return Shown(tab, tab.show_effect(request, "", "v0.2.0"))["effect"]

    assert "No review yet." in effect()
    first = open_queue(tab, *ANYWHERE[:3], "test", *ANYWHERE[4:])
    decide(tab, "add", first["seen"])
    assert "1 pair reviewed: 1 × add the tag." in effect()
    assert "1 label of the test split would change." in effect()
    assert "python -m tagifai reviews apply --data" in effect()
    # Where the data lies is nothing for strangers.
    assert "python -m" not in effect(ELSEWHERE)


def test_all_reviews_are_saved_as_one_file(tab):
    assert json.loads(tab.export()[tab.file.content]) == {"name": "reviews.jsonl", "text": ""}
    decide(tab, "skip", open_queue(tab)["seen"], "later")
    saved = json.loads(tab.export()[tab.file.content])["text"]
    assert json.loads(saved)["note"] == "later"
