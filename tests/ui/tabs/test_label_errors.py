"""The tab of suspected label errors: its handlers over a real workbench, and its markup."""

import json
import re
import shutil

import gradio as gr
import numpy as np
import pytest

from tagifai.metrics import overall_metrics
from tagifai.selection import Paged
from tagifai.ui.views.label_errors import (
    show_commands,
    show_counts_of,
    show_marked,
    show_pair,
    show_preview,
    show_queue,
)

HOSTILE = "<img src=x onerror='alert(1)'>"
ESCAPED = "&lt;img src=x onerror=&#39;alert(1)&#39;&gt;"
HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})
ELSEWHERE = gr.Request(headers={"host": "10.0.0.1:7860"}, client={"host": "10.0.0.9"})
FOREIGN = gr.Request(
    headers={"host": "127.0.0.1:7860", "origin": "http://evil.example"},
    client={"host": "127.0.0.1"},
)
ANYWHERE = ["v0.2.0", "missing labels", "all tags", "all", "all evidence", "undecided"]
NAMES = ["help", "pair", "queue", "number", "seen", "add", "remove", "right", "skip", "undo",
         "read from"]  # fmt: skip


@pytest.fixture
def opened(open_bench, small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    return open_bench(data=tmp_path / "data", models=str(small_models))


@pytest.fixture
def bench(opened):
    return opened[0]


@pytest.fixture
def handlers(opened):
    """Find the handlers of the tab by name, in the order in which they were laid out."""
    found = {}
    for event in opened[1].fns.values():
        if event.fn is not None and event.fn.__module__ == "tagifai.ui.tabs.label_errors":
            found.setdefault(event.fn.__name__, []).append(event.fn)
    return found


def named(values):
    assert len(values) == len(NAMES)
    told = dict(zip(NAMES, values, strict=True))
    buttons = {n: told[n].interactive for n in NAMES[5:] if isinstance(told[n], gr.Button)}
    return {**told, "ready": [name for name, ready in buttons.items() if ready]}


def open_queue(handlers, *choice, request=HERE):
    return named(handlers["open_queue"][0](request, *(choice or ANYWHERE)))


def decide(handlers, place, seen, note="", request=HERE, choice=ANYWHERE):
    note, *rest = handlers["decide_so"][place](request, seen, note, *choice)
    return note, named(rest)


def test_the_first_pair_of_a_queue_is_shown_with_the_decisions_that_make_sense(handlers):
    missing = open_queue(handlers)
    assert "Should it carry" in missing["pair"]
    assert missing["ready"] == ["add", "right", "skip", "undo"]
    project, tag, version, digest = json.loads(missing["seen"])
    assert f"Project {project}" in missing["pair"]
    assert f'<b class="asked">{tag}</b>' in missing["pair"]
    assert (version, len(digest)) == ("v0.2.0", 64)
    wrong = open_queue(handlers, "v0.2.0", "wrong labels", *ANYWHERE[2:])
    assert "belong here" in wrong["pair"]
    assert wrong["ready"] == ["remove", "right", "skip", "undo"]
    assert "Most are right all the same" in wrong["help"]


def test_a_decision_is_kept_and_the_next_pair_comes_up(handlers, bench):
    first = open_queue(handlers)
    note, second = decide(handlers, 0, first["seen"], "seen in the title")
    project, tag, *_ = json.loads(first["seen"])
    assert note == ""
    assert f"✔ Kept: add, {tag}, project {project}." in second["pair"]
    assert second["seen"] != first["seen"]
    (event,) = bench.reviews.events()
    assert (event.reviewer, event.project, event.tag, event.decision, event.note) == (
        "local", project, tag, "add", "seen in the title",
    )  # fmt: skip
    back = named(handlers["take_back"][0](HERE, *ANYWHERE))
    assert back["seen"] == first["seen"]
    assert "✔ Taken back" in back["pair"]


def test_a_decision_is_about_what_was_on_the_screen(handlers, bench):
    first = open_queue(handlers)
    # The filters were moved meanwhile; the pair that was read is the one decided on.
    decide(handlers, 2, first["seen"], choice=["v0.1.0", "wrong labels", *ANYWHERE[2:]])
    (event,) = bench.reviews.events()
    assert [event.project, event.tag, event.version] == json.loads(first["seen"])[:3]
    assert event.decision == "right"


@pytest.mark.parametrize(
    ("request_", "message"),
    [(ELSEWHERE, "read-only: this page was reached from elsewhere"), (FOREIGN, "another site")],
)
def test_who_may_not_write_is_told(handlers, bench, request_, message):
    first = open_queue(handlers)
    note, told = decide(handlers, 0, first["seen"], "my note", request_)
    assert message in told["help"]
    assert told["pair"] == note == gr.skip()
    assert message in named(handlers["take_back"][0](request_, *ANYWHERE))["help"]
    assert bench.reviews.events() == ()


def test_a_reader_finds_the_buttons_off_and_the_reason_on_the_page(handlers):
    assert open_queue(handlers, request=ELSEWHERE)["ready"] == []
    _, who, tags, *rest = handlers["open_tab"][0](ELSEWHERE, None, *ANYWHERE, 1, "", "")
    assert 'class="notice warning" role="status">read-only: ' in who
    assert tags.choices[0][0] == "all tags"
    assert "Should it carry" in named(rest[5:])["pair"]
    _, who, *_ = handlers["open_tab"][0](HERE, None, *ANYWHERE, 1, "", "")
    assert "under the name <b>local</b>" in who


def test_who_comes_back_keeps_what_is_on_the_screen(handlers):
    shown = open_queue(handlers)
    again = [HERE, None, *ANYWHERE, 1, shown["seen"], shown["read from"]]
    assert all(value == gr.skip() for value in handlers["open_tab"][0](*again))
    # One's own decision is on the screen by then; what was there before is out of date.
    _, decided = decide(handlers, 0, shown["seen"])
    now = [HERE, None, *ANYWHERE, 1, decided["seen"], decided["read from"]]
    assert all(value == gr.skip() for value in handlers["open_tab"][0](*now))
    assert handlers["open_tab"][0](*again)[0] is True
    linked = [HERE, {"split": ["test"]}, *now[2:]]
    assert handlers["open_tab"][0](*linked)[0] is True


def test_another_version_brings_its_tags_and_leaves_what_is_chosen(handlers):
    follow = handlers["follow_version"][0]
    told, tags, moved = follow(HERE, True, "v0.1.0", "transformers")
    assert "under the name <b>local</b>" in told
    assert "value" not in tags.constructor_args
    assert follow(HERE, True, "v0.1.0", "gone")[1].value == "all tags"
    assert follow(HERE, True, "v0.1.0", "gone")[2] != moved
    assert follow(HERE, False, "v0.1.0", "transformers") == [gr.skip()] * 3
    assert handlers["show_effect"][0](HERE, False, "v0.1.0") == gr.skip()


@pytest.mark.parametrize("seen", ["", "[]"])
def test_without_a_pair_nothing_is_decided(handlers, bench, seen):
    assert "no pair is chosen" in decide(handlers, 0, seen)[1]["help"]
    assert bench.reviews.events() == ()


def test_an_empty_queue_says_so(handlers):
    empty = open_queue(handlers, *ANYWHERE[:5], "conflicts")
    assert "nothing left to review here" in empty["queue"]
    assert empty["ready"] == ["undo"]
    assert empty["seen"] == "[]"


def test_the_page_turns_and_a_row_is_chosen(handlers):
    first = open_queue(handlers)
    third = named(handlers["turn_page"][0](HERE, *ANYWHERE, 3))
    assert third["number"] == 3
    assert third["seen"] != first["seen"]
    project, tag, *_ = json.loads(third["seen"])
    event = gr.EventData(None, {"key": json.dumps([project, tag])})
    chosen = named(handlers["choose_pair"][0](HERE, event, *ANYWHERE, 3))
    assert chosen["seen"] == third["seen"]
    assert chosen["queue"].count('class="chosen"') == 1
    assert named(handlers["turn_page"][0](HERE, *ANYWHERE, 10_000))["number"] < 10_000


def test_a_version_without_predictions_is_explained(handlers):
    assert "unknown version" in open_queue(handlers, "v9", *ANYWHERE[1:])["help"]


def test_reviews_change_the_figures_shown(handlers, bench):
    assert "No review yet." in handlers["show_effect"][0](HERE, True, "v0.2.0")
    first = open_queue(handlers, *ANYWHERE[:3], "test", *ANYWHERE[4:])
    decide(handlers, 0, first["seen"])
    told = handlers["show_effect"][0](HERE, True, "v0.2.0")
    assert "1 pair reviewed: 1 × add the tag." in told
    assert "1 label of the test split would change." in told
    assert "python -m tagifai reviews apply --data" in told
    # Where the data lies is nothing for strangers.
    assert "python -m" not in handlers["show_effect"][0](ELSEWHERE, True, "v0.2.0")


PAIR = {
    "id": HOSTILE, "tag": f"{HOSTILE}2", "kind": "missing", "split": "test", "probability": 0.5,
    "held_out": True,
    "score": 0.75, "named": HOSTILE, "along": [{"tag": HOSTILE, "count": 4, "share": 0.5}],
    "neighbour_share": 0.25, "neighbours": [{"id": HOSTILE, "tags": [HOSTILE], "likeness": 0.5}],
    "title": HOSTILE, "text": f"{HOSTILE} {HOSTILE}", "marks": [(0, 4)], "tags": [HOSTILE],
    "status": "conflict", "data_digest": "d",
    "reviews": [
        {"reviewer": HOSTILE, "decision": "add", "note": HOSTILE, "at": "2026-01-31T12:00:00.0Z"},
        {"reviewer": "ben", "decision": "right", "note": "", "at": "2026-01-31T12:01:00.0Z"},
    ],
}  # fmt: skip


def test_nothing_of_a_stranger_is_markup():
    item = {**PAIR, "named": True}
    shown = show_pair(PAIR) + show_queue(Paged([item], 1, 1, 1), None) + show_commands([HOSTILE])
    assert "<img" not in shown
    assert ESCAPED in shown


def test_a_conflict_is_shown_with_who_said_what():
    shown = show_pair(PAIR)
    assert "Reviewers disagree: nothing is changed here" in shown
    assert "2 of 4 others with" in shown
    assert "label is right" in shown
    assert "2026-01-31 12:01" in shown


@pytest.mark.parametrize(
    ("pair", "markup"),
    [
        ({"text": "A CNN for cats", "title": "A", "marks": [(2, 5)]},
         "<b>A</b> <mark>CNN</mark> for cats"),
        ({"text": "A\nCNN <", "title": "", "marks": [(2, 5), (2, 5)]}, "A <mark>CNN</mark> &lt;"),
        ({"text": "", "title": "", "marks": []}, ""),
        ({"text": "x" * 5000, "title": "", "marks": []}, "x" * 4000 + "…"),
    ],
)  # fmt: skip
def test_names_are_marked_in_the_text(pair, markup):
    assert show_marked(pair) == markup


def test_counts_and_previews_are_put_into_words():
    counts = {"add": 2, "remove": 0, "right": 1, "conflict": 0, "skipped": 0}
    assert show_counts_of(counts) == (
        '<p class="minor">3 pairs reviewed: 2 × add the tag, 1 × label is right.</p>'
    )
    figures = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "macro": {"f1": 0.5},
               "micro": {"f1": 0.5}, "average_precision": None}  # fmt: skip
    preview = {"now": figures, "then": {**figures, "f1": 0.5125}, "num_changed": 2,
               "num_same": 0, "num_elsewhere": 3, "num_unknown": 0}  # fmt: skip
    shown = show_preview(preview, counts)
    assert "+1.25 points" in shown
    assert "2 labels of the test split would change. 3 of other splits" in shown
    assert "No accepted change yet" in show_preview(preview, {**counts, "add": 0})


def test_a_preview_says_how_many_tags_its_averages_are_over():
    counts = {"add": 1, "remove": 0, "right": 0, "conflict": 0, "skipped": 0}
    true, predicted = np.array([[1, 0], [1, 0]]), np.array([[1, 0], [1, 0]])
    preview = {
        "now": overall_metrics(true, predicted, predicted * 0.9).to_json(),
        "then": overall_metrics(np.array([[1, 0], [1, 1]]), predicted, predicted * 0.9).to_json(),
        "num_changed": 1, "num_same": 0, "num_elsewhere": 0, "num_unknown": 0,
    }  # fmt: skip
    shown = re.sub(r"<[^>]+>", " ", show_preview(preview, counts))
    assert re.search(r"F1, tags alike \(macro\) +1\.000 +0\.500 +-50\.00 points +1 → 2", shown)
    # Precision of the second tag stays undefined: it is never predicted.
    assert re.search(r"precision, weighted +1\.000 +1\.000 +\+0\.00 points +1 ", shown)
