import asyncio

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue

from tagifai.ui.gradio_fixes.queues import UNREAD_SESSIONS, bound_queue


def build():
    with gr.Blocks() as built:
        button = gr.Button()
        button.click(lambda: None, None, None, api_name="first")
        button.click(lambda: None, None, None, api_name="second")
    return built


@pytest.fixture(scope="module")
def demo():
    return bound_queue(build(), max_waiting=3)


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


def test_gradio_still_lets_one_function_fill_the_queue_of_all():
    plain = build().queue(max_size=3)

    async def flood():
        first = [(await push(plain, 0, f"s{i}"))[2] for i in range(4)]
        return first, (await push(plain, 1, "other"))[2]

    assert asyncio.run(flood()) == (["success"] * 3 + ["queue_full"], "queue_full")


def test_gradio_still_sums_up_its_events_after_each_one():
    plain = build().queue()._queue
    assert plain.ANAYLTICS_CACHE_FREQUENCY == 1
    records = [{"function": "first", "status": "success", "process_time": 1.0}]
    plain.events_recorded = 1
    assert "first" in Queue.compute_analytics_summary(plain, records)["functions"]
