import gradio as gr
import pytest
from fastapi import FastAPI

from tagifai.ui.gradio_fixes.mcp_answers import answer_in_json


@pytest.fixture
def demo():
    pytest.importorskip("mcp")

    def version(name: str) -> dict[str, None]:
        """Return nothing of a version.

        Args:
            name: a name.
        """
        return {name: None}

    with gr.Blocks() as built:
        gr.api(version)
    gr.mount_gradio_app(FastAPI(), built, "/", mcp_server=True)
    return built


def test_tools_answer_in_json_where_gradio_still_writes_python(demo):
    server = demo.mcp_server_obj
    assert [one.text for one in server.postprocess_output_data([{"a": None}], "")] == [
        "{'a': None}"
    ]
    assert server.local_url is None  # and would come from a request's headers
    answer_in_json(demo, "http://127.0.0.1:7860")
    assert [one.text for one in server.postprocess_output_data([{"a": None}], "")] == ['{"a":null}']
    assert server.local_url == "http://127.0.0.1:7860/"
