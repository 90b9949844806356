import gradio as gr
import pytest
from gradio.state_holder import SessionState, StateHolder
from gradio_client import Client
from gradio_client.exceptions import AppError
from servers import free_port

from tagifai.settings import Settings
from tagifai.ui.gradio_fixes.queues import bound_queue
from tagifai.ui.gradio_fixes.sessions import LightState, LightStates
from tagifai.ui.server.serving import Server, build_server_app


@pytest.fixture
def demo():
    with gr.Blocks() as built:
        text, known = gr.Textbox(label="Text"), gr.Dropdown(["a"], label="Tag", interactive=True)
        count = gr.State(0)
        gr.Button().click(lambda: gr.Dropdown(["a", "b"], value="b"), None, known, api_name="fill")
        gr.Button().click(
            lambda tag, text, n: (f"{tag} {len(text)} {n}", n + 1), [known, text, count],
            [text, count], api_name="choose",
        )  # fmt: skip
    return bound_queue(built)


def test_a_session_keeps_its_lists_and_states_and_no_text(demo):
    port = free_port()
    settings = Settings(port=port)
    with Server(build_server_app(demo, settings, {}), settings).in_background():
        ann, ben = (Client(f"http://127.0.0.1:{port}", verbose=False) for _ in range(2))
        ann.predict(api_name="/fill")
        told = [ann.predict("b", "x" * 500_000, api_name="/choose") for _ in range(2)]
        assert told == ["b 500000 0", "b 500000 1"]
        with pytest.raises(AppError, match="not in the list of choices"):
            ben.predict("b", "", api_name="/choose")
        states = demo.app.state_holder
        assert isinstance(states, LightStates)
        assert {type(state) for state in states.session_data.values()} == {LightState}
        assert list(states[ann.session_hash].components) == []


def test_sessions_have_a_limit(demo):
    states = LightStates()
    demo.state_session_capacity = 3
    states.set_blocks(demo)
    for number in range(10):
        assert "x" not in states[f"visitor {number}"].state_data
    assert list(states.session_data) == ["visitor 7", "visitor 8", "visitor 9"]


def test_calls_take_no_lists_from_open_pages(demo):
    states = LightStates()
    demo.state_session_capacity = 3
    states.set_blocks(demo)
    dropdown = next(key for key, one in demo.blocks.items() if isinstance(one, gr.Dropdown))
    states["page"][dropdown] = gr.Dropdown(["b"], render=False)
    for number in range(10):
        states[f"call {number}"]
    assert list(states.session_data) == ["page", "call 8", "call 9"]
    for number in range(3):
        states[f"page {number}"][dropdown] = gr.Dropdown(["b"], render=False)
    assert list(states.session_data) == ["page 0", "page 1", "page 2"]


def test_gradio_still_keeps_what_was_typed(demo):
    text = next(key for key, one in demo.blocks.items() if isinstance(one, gr.Textbox))
    for kind, values in ((SessionState, ["typed"]), (LightState, [])):
        state = kind(demo)
        state._update_value_in_config(text, "typed")
        shown = [one["props"].get("value") for one in state.components]
        assert [value for value in shown if value == "typed"] == values


def test_gradio_still_forgets_an_open_page_for_a_call(demo):
    states = StateHolder()
    demo.state_session_capacity = 3
    states.set_blocks(demo)
    dropdown = next(key for key, one in demo.blocks.items() if isinstance(one, gr.Dropdown))
    states["page"][dropdown] = gr.Dropdown(["b"], render=False)
    for number in range(3):
        states[f"call {number}"]
    assert "page" not in states
