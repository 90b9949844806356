import asyncio
import math

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from tagifai.ui.gradio_fixes.inputs import MAX_FIELD, CheckedInputs


@pytest.fixture(scope="module")
def demo():
    with CheckedInputs() as built:
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
        gr.Button().click(lambda *given: None, fields, None)
    return built


GOOD = ["text", "free", 1, 0.5, True, "a", ["a"], "a", None]


def prepare(demo, inputs, state=None):
    return asyncio.run(demo.preprocess_data(demo.fns[0], inputs, state))


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
        (4, "yes", "Lower: yes or no is needed"),
        (5, ["a"], "Tag: one of its choices is needed"),
        (5, "c", "not in the list of choices"),
        (5, {"a": 1}, "Tag: one of its choices is needed"),
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


def test_too_few_inputs_are_refused(demo):
    with pytest.raises(gr.Error, match="another kind of input") as caught:
        prepare(demo, [])
    assert not caught.value.print_exception


def test_gradio_still_leaves_what_a_program_sends_to_the_functions():
    with gr.Blocks() as plain:
        fields = [gr.Textbox(max_length=5), gr.Number()]
        gr.Button().click(lambda *given: None, fields, None)
    assert prepare(plain, ["sixsix", math.inf]) == ["sixsix", math.inf]


def test_numbers_on_their_way_are_no_errors(demo):
    given = [*GOOD]
    for value, nearest in ((2, 1), (-0.5, 0), (0.25, 0.25)):
        given[3] = value
        assert prepare(demo, given)[3] == nearest


def test_a_choice_that_is_gone_reaches_whoever_knows_what_there_is():
    with CheckedInputs() as built:
        fields = [gr.Dropdown([]), gr.Dropdown([], multiselect=True), gr.Dropdown(["a", "b"])]
        gr.Button().click(lambda *given: None, fields, None)
    state = SessionState(built)
    assert prepare(built, ["v1", ["cv"], "a"], state) == ["v1", ["cv"], "a"]
    state[fields[0]._id] = gr.Dropdown(["v2", "v3"], render=False)
    state[fields[2]._id] = gr.Dropdown(["c", "d"], render=False)
    assert prepare(built, ["v1", [], "a"], state) == ["v1", [], "a"]
    assert prepare(built, ["v2", None, "c"], state) == ["v2", None, "c"]
