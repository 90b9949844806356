import asyncio

import gradio as gr
import orjson
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue
from gradio.server_messages import ProcessCompletedMessage
from starlette.requests import Request

from tagifai.services.turns import BUSY
from tagifai.ui.gradio_fixes import queues
from tagifai.ui.gradio_fixes.queues import OF_PAGE, PackedMessage, bound_queue
from tagifai.ui.server.senders import Sender, with_sender


def build():
    with gr.Blocks() as built:
        button = gr.Button()
        button.click(lambda: None, None, None, api_name="first")
        button.click(lambda: None, None, None, api_name="second")
    return built


@pytest.fixture(scope="module")
def demo():
    return bound_queue(build(), max_waiting=3)


def push(demo, function, session, **sender):
    body = PredictBodyInternal(data=[], fn_index=function, session_hash=session)
    scope = with_sender({"type": "http", "headers": []}, Sender(**sender))
    return demo._queue.push(body, Request(scope), None)


def take(demo):
    """Take the next event out, and leave it running; return who sent it."""
    found = demo._queue.get_events()
    if found is None:
        return None
    (event,), _, _ = found
    demo._queue.active_jobs.append([event])
    return event.session_hash


def done(demo, session):
    jobs = demo._queue.active_jobs
    jobs.remove(next(job for job in jobs if job[0].session_hash == session))


def test_each_function_has_a_line_of_its_own(demo):
    async def flood():
        first = [(await push(demo, 0, f"s{i}"))[2] for i in range(5)]
        return first, (await push(demo, 1, "other"))[2], (await push(demo, 99, "other"))[2]

    first, second, unknown = asyncio.run(flood())
    assert first == ["success"] * 3 + ["queue_full"] * 2
    assert (second, unknown) == ("success", "error")


def test_whoever_asks_often_makes_room_for_others_of_their_address():
    async def flood():
        demo = bound_queue(build(), max_waiting=3)
        told = [(await push(demo, 0, "greedy"))[2] for _ in range(4)]
        told += [(await push(demo, 0, name))[2] for name in ("other", "third", "fourth")]
        told.append((await push(demo, 0, "away", address="10.0.0.2"))[2])
        line = next(iter(demo._queue.event_queue_per_concurrency_id.values()))
        box = demo._queue.pending_messages_per_session["greedy"]
        refused = [one for one in box._queue if getattr(one, "success", None) is False]
        return told, [event.session_hash for event in line.queue], refused

    told, waiting, refused = asyncio.run(flood())
    assert told == ["success"] * 3 + ["queue_full", "success", "success", "queue_full", "success"]
    assert waiting == ["greedy", "other", "third", "away"]
    assert [one.output["error"] for one in refused] == [BUSY] * 2


def test_each_has_their_turn():
    async def flood():
        demo = bound_queue(build(), max_waiting=20)
        for _ in range(6):
            await push(demo, 0, "greedy", address="10.0.0.1")
        await push(demo, 0, "neighbour", address="10.0.0.1")
        await push(demo, 0, "other", address="10.0.0.2")
        first = [take(demo) for _ in range(4)]
        assert take(demo) is None  # so many run already
        return first

    assert asyncio.run(flood()) == ["greedy", "other", "neighbour", "greedy"]


def test_one_page_has_so_many_running_of_one_function_and_of_all():
    async def flood():
        demo = bound_queue(build())
        for function in (0, 1):
            for _ in range(4):
                await push(demo, function, "greedy")
        running = [take(demo) for _ in range(4)]
        done(demo, "greedy")
        return running, [take(demo) for _ in range(2)]

    running, after = asyncio.run(flood())
    assert running == ["greedy"] * OF_PAGE + [None]
    assert after == ["greedy", None]


def test_what_waits_has_a_weight(monkeypatch):
    monkeypatch.setattr(queues, "WAITING_OF_HOUSE", 100)
    monkeypatch.setattr(queues, "WAITING", 200)

    async def flood():
        demo = bound_queue(build())
        told = []
        for address in ("a", "a", "b", "b", "c"):
            told.append((await push(demo, 0, None, address=address, size=50))[2])
        told.append((await push(demo, 0, None, address="a", size=1))[2])
        line = next(iter(demo._queue.event_queue_per_concurrency_id.values()))
        return told, [queues._sender(event).address for event in line.queue]

    told, waiting = asyncio.run(flood())
    assert told == ["success"] * 6
    # Whoever has most waiting makes room for the others.
    assert waiting == ["a", "b", "c", "a"]


def answer(demo, session, size):
    (event,), _, _ = demo._queue.get_events()
    assert event.session_hash == session
    output = {"data": [{"text": "x" * size}]}
    demo._queue.send_message(event, ProcessCompletedMessage(output=output, success=True))
    demo._queue.event_ids_to_events.pop(event._id)


def test_answers_that_nobody_fetches_have_a_weight(monkeypatch):
    monkeypatch.setattr(queues, "UNREAD_OF_HOUSE", 250_000)
    monkeypatch.setattr(queues, "UNREAD", 500_000)

    async def abandon():
        demo = bound_queue(build())
        for session in ("a1", "b1", "a2", "a3", "b2", "c1"):
            await push(demo, 0, session, address=session[0])
            answer(demo, session, 100_000)
        return [*demo._queue.pending_messages_per_session]

    # First the oldest of who had three, then of who had most when all had too many.
    assert asyncio.run(abandon()) == ["a2", "a3", "b2", "c1"]


def test_an_answer_is_fetched_as_it_was():
    output = {"data": [{"text": "x" * 100_000, "number": 0.25, "none": None}], "duration": 1.5}
    packed = PackedMessage.of(
        ProcessCompletedMessage(output=output, success=True, event_id="e"), orjson.dumps(output)
    )
    assert isinstance(packed, ProcessCompletedMessage)
    assert packed.output == {}
    whole = ProcessCompletedMessage(output=output, success=True, event_id="e").model_dump()
    assert packed.model_dump() == whole
    assert packed.size == len(orjson.dumps(output))


def test_an_answer_has_a_limit(monkeypatch):
    monkeypatch.setattr(queues, "MAX_ANSWER", 100_000)

    async def ask():
        demo = bound_queue(build())
        await push(demo, 0, "a")
        answer(demo, "a", 100_000)
        box = demo._queue.pending_messages_per_session["a"]
        return [one for one in box._queue if isinstance(one, ProcessCompletedMessage)]

    (told,) = asyncio.run(ask())
    assert not told.success
    assert "the answer is larger than" in told.output["error"]


def test_sessions_whose_answers_nobody_fetches_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(queues, "UNREAD_SESSIONS_OF_HOUSE", 10)

    async def abandon():
        demo = bound_queue(build())
        await push(demo, 0, "modest", address="b")
        answer(demo, "modest", 1)
        for number in range(50):
            await push(demo, 0, f"abandoned {number}", address="a")
            answer(demo, f"abandoned {number}", 1)
        return demo._queue

    queue = asyncio.run(abandon())
    assert "modest" in queue.pending_messages_per_session
    for names in (queue.pending_messages_per_session, queue.pending_event_ids_session):
        assert len(names) <= 12


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
