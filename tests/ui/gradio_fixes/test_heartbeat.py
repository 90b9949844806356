import gradio as gr
import pytest

from tagifai.ui.gradio_fixes.heartbeat import NoHeartbeat


@pytest.mark.parametrize(("kind", "asked_for"), [(NoHeartbeat, False), (gr.Blocks, True)])
def test_a_page_with_states_asks_for_a_stream_only_where_gradio_decides(kind, asked_for):
    with kind() as page:
        gr.State(1)
    assert page.config["connect_heartbeat"] is asked_for
    assert page.get_config_file()["connect_heartbeat"] is asked_for
