import asyncio

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.data_classes import PredictBodyInternal

from tagifai.ui.gradio_fixes.calls import NoSuchFunctionError, find_called, waits_in_vain
from tagifai.ui.gradio_fixes.queues import bound_queue


@pytest.fixture(scope="module")
def page():
    with gr.Blocks() as built:
        button = gr.Button()
        button.click(lambda: None, api_name="first", queue=False)
        button.click(lambda: None, api_name="hidden", api_visibility="private")
    return bound_queue(built)


@pytest.mark.parametrize("index", [1, "1", "01", "0001", 1.0, True])
def test_a_number_is_read_as_the_router_reads_it(page, index):
    for path, direct in (("run/x", True), ("api/x/", True), ("queue/join", False)):
        found, past_the_queue = find_called(page, f"/gradio_api/{path}", {"fn_index": index})
        assert (found.api_name, past_the_queue) == ("hidden", direct)


@pytest.mark.parametrize("path", ["run/first", "api/first", "call/first", "call/v2/first/"])
def test_a_name_is_read_as_the_router_reads_it(page, path):
    found, direct = find_called(page, f"/gradio_api/{path}", {})
    assert (found.api_name, direct) == ("first", path.startswith(("run", "api")))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("run/nothing", {}),
        ("call/nothing", {}),
        ("call/v2/nothing", {}),
        ("call/v2/hidden", {}),
        ("run/first", {"fn_index": 99}),
        ("run/first", {"fn_index": "-1"}),
        ("queue/join", {"fn_index": 99}),
    ],
)
def test_what_is_not_there_is_not_called(page, path, body):
    with pytest.raises(NoSuchFunctionError):
        find_called(page, f"/gradio_api/{path}", body)


@pytest.mark.parametrize(
    ("path", "body"), [("run/first", {"fn_index": "x"}), ("queue/join", {}), ("reset", {})]
)
def test_the_rest_is_the_routers(page, path, body):
    assert find_called(page, f"/gradio_api/{path}", body)[0] is None


def test_answers_come_to_those_who_asked(page):
    async def ask():
        body = PredictBodyInternal(data=[], fn_index=1, session_hash="mine")
        return (await page._queue.push(body, None, None))[1]

    event = asyncio.run(ask())
    assert not waits_in_vain(page, "/gradio_api/queue/data", "session_hash=mine")
    assert not waits_in_vain(page, f"/gradio_api/call/hidden/{event}", "")
    assert not waits_in_vain(page, "/gradio_api/info", "")
    for path, query in (
        ("queue/data", "session_hash=other"),
        ("queue/data/", ""),
        ("call/hidden/x", ""),
        ("call/v2/hidden/x", ""),
    ):
        assert waits_in_vain(page, f"/gradio_api/{path}", query)


def test_gradio_still_fails_where_nothing_is_called(page):
    app = gr.mount_gradio_app(FastAPI(), page, "/")
    with TestClient(app, raise_server_exceptions=False) as client:
        call = {"data": [], "fn_index": 99}
        assert client.post("/gradio_api/run/predict", json=call).status_code == 500
        assert client.post("/gradio_api/run/predict", json={"data": []}).status_code == 500
