import asyncio
import math

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal

from tagifai.settings import Settings
from tagifai.ui.server.guarded import (
    MAX_FIELD,
    UNREAD_SESSIONS,
    GuardedBlocks,
    read_event,
)
from tagifai.ui.server.serving import with_queue


@pytest.fixture(scope="module")
def demo():
    with GuardedBlocks() as built:
        fields = [
            gr.Textbox(label="Text", max_length=5),
            gr.Textbox(label="Free"),
            gr.Number(label="Page", precision=0),
            gr.Slider(0, 1, label="Threshold"),
            gr.Checkbox(label="Lower"),
            gr.Dropdown(["a", "b"], label="Tag"),
            gr.Dropdown(["a", "b"], multiselect=True, label="Tags"),
            gr.Radio(["a", "b"], label="Kind"),
            gr.File(label="File"),
        ]
        button = gr.Button()
        button.click(lambda *given: None, fields, None, api_name="first")
        button.click(lambda: None, None, None, api_name="second")
    return with_queue(built, Settings(max_waiting=3))


GOOD = ["text", "free", 1, 0.5, True, "a", ["a"], "a", None]


def test_a_page_keeps_no_connection_open_for_itself():
    with GuardedBlocks() as page:
        gr.State(1)  # for which Gradio would
    assert page.config["connect_heartbeat"] is False
    assert page.get_config_file()["connect_heartbeat"] is False


def prepare(demo, inputs):
    return asyncio.run(demo.preprocess_data(demo.fns[0], inputs, None))


def test_what_a_page_sends_is_passed_on(demo):
    assert prepare(demo, GOOD) == GOOD
    assert prepare(demo, [None] * 9) == ["", "", None, 0, False, None, None, None, None]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, "sixsix", "Text: 6 characters; at most 5 are allowed"),
        (0, ["text"], "Text: a text is needed"),
        (0, 7, "Text: a text is needed"),
        (1, "x" * (MAX_FIELD + 1), "Free: 1,000,001 characters"),
        (2, math.nan, "Page: a number is needed"),
        (2, math.inf, "Page: a number is needed"),
        (2, 10**400, "Page: a number is needed"),
        (2, "1", "Page: a number is needed"),
        (2, True, "Page: a number is needed"),
        (3, math.nan, "Threshold: a number is needed"),
        (3, 2, "greater than maximum"),
        (4, "yes", "Lower: yes or no is needed"),
        (5, ["a"], "Tag: one of its choices is needed"),
        (5, {"a": 1}, "Tag: one of its choices is needed"),
        (5, "c", "not in the list of choices"),
        (6, "a", "Tags: a list of at most 1,000 names is needed"),
        (6, ["a"] * 1_001, "Tags: a list of at most 1,000 names is needed"),
        (6, [["a"]], "Tags: a list of at most 1,000 names is needed"),
        (7, 1, "Kind: one of its choices is needed"),
        (8, "/etc/passwd", "File: an uploaded file is needed"),
        (8, {"no": "path"}, "another kind"),
    ],
)
def test_what_no_page_sends_is_refused_in_a_line(demo, place, value, message):
    given = [*GOOD]
    given[place] = value
    with pytest.raises(gr.Error, match=message) as caught:
        prepare(demo, given)
    assert not caught.value.print_exception


def test_an_event_brings_texts_or_none(demo):
    assert read_event({"key": "nlp", "more": "x"}) == {"key": "nlp", "tab": "", "part": ""}
    for odd in (None, [], "key", 3, {"key": ["a"]}, {"key": None}, {"key": "x" * (MAX_FIELD + 1)}):
        assert read_event(odd) == {"key": "", "tab": "", "part": ""}


def test_too_few_inputs_are_refused(demo):
    with pytest.raises(gr.Error, match="another kind of input") as caught:
        prepare(demo, [])
    assert not caught.value.print_exception


def push(demo, function, session):
    body = PredictBodyInternal(data=[], fn_index=function, session_hash=session)
    return demo._queue.push(body, None, None)


def test_each_function_has_a_line_of_its_own(demo):
    async def flood():
        first = [(await push(demo, 0, f"s{i}"))[2] for i in range(5)]
        return first, (await push(demo, 1, "other"))[2], (await push(demo, 99, "other"))[2]

    first, second, unknown = asyncio.run(flood())
    assert first == ["success"] * 3 + ["queue_full"] * 2
    assert (second, unknown) == ("success", "error")


def test_answers_that_nobody_fetches_are_not_kept_for_ever(demo):
    async def abandon():
        for number in range(3 * UNREAD_SESSIONS):
            for line in demo._queue.event_queue_per_concurrency_id.values():
                line.queue.clear()
            await push(demo, 0, f"abandoned {number}")

    asyncio.run(abandon())
    assert len(demo._queue.pending_messages_per_session) == UNREAD_SESSIONS
    assert len(demo._queue.pending_event_ids_session) <= 2 * UNREAD_SESSIONS + 1


def test_a_function_that_is_queued_is_not_called_past_its_queue(demo):
    assert demo.api_open is False
