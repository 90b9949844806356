import threading

import gradio as gr
import pytest

from tagifai.errors import TagifaiError
from tagifai.services.patience import PredictionCancelled
from tagifai.ui.working import Moved, Run, Runs, attempt, follow


def request(session):
    made = gr.Request()
    made.session_hash = session
    return made


def test_parts_and_progress_come_in_their_order():
    def work(ask):
        yield "first"
        ask.progress(1, 4, "texts")
        ask.progress(2, 4, "texts")  # too soon after the other to be worth a report
        yield "second"

    assert list(follow(work, Run())) == ["first", Moved(1, 4, "texts"), "second"]


def test_what_fails_in_work_fails_where_it_is_followed():
    def work(ask):
        yield "first"
        raise TagifaiError("no predictor")

    followed = follow(work, Run())
    assert next(followed) == "first"
    with pytest.raises(TagifaiError, match="no predictor"):
        next(followed)


def test_a_session_has_one_run_and_the_newest_wins():
    runs = Runs()
    first, other = runs.start(request("a")), runs.start(request("b"))
    second = runs.start(request("a"))
    assert (first.is_stopped(), second.is_stopped(), other.is_stopped()) == (True, False, False)
    assert not first.by_person
    runs.stop(request("a"), by_person=True)
    assert (second.is_stopped(), second.by_person) == (True, True)
    # The end of an old run leaves the new one alone.
    third = runs.start(request("a"))
    runs.finish(request("a"), second)
    runs.stop(request("a"))
    assert third.is_stopped()
    runs.finish(request("a"), third)
    runs.finish(request("b"), other)
    assert not runs._runs


def test_a_stopped_run_does_not_wait():
    run = Run()
    assert run.pause(0) is False
    run.stop()
    assert run.pause(3600) is True


def test_work_is_told_that_it_is_stopped():
    run = Run()

    def work(ask):
        run.stop()
        if ask.cancelled():
            raise PredictionCancelled("stopped")
        yield "never"

    with pytest.raises(PredictionCancelled):
        list(follow(work, run))


def test_work_that_hangs_is_left_behind_once_it_is_stopped():
    run, released = Run(), threading.Event()

    def work(ask):
        yield "first"
        released.wait(60)

    followed = follow(work, run)
    assert next(followed) == "first"
    run.stop(by_person=True)
    with pytest.raises(PredictionCancelled):
        next(followed)
    released.set()


def test_nothing_of_a_run_is_shown_once_something_else_was_asked_for():
    run = Run()

    def work(ask):
        yield "first"
        yield "late"

    followed = follow(work, run)
    assert next(followed) == "first"
    run.stop()
    assert run.is_superseded
    with pytest.raises(PredictionCancelled):
        next(followed)
    # What was found by the time that a person stopped it is shown.
    stopped = Run()
    stopped.stop(by_person=True)
    assert not stopped.is_superseded
    assert list(follow(work, stopped)) == ["first", "late"]


def test_the_last_report_comes_again_while_nothing_moves(monkeypatch):
    monkeypatch.setattr("tagifai.ui.working.ALIVE", 0.0)
    released = threading.Event()

    def work(ask):
        ask.progress(1, 4, "texts")
        released.wait(60)
        yield "done"

    followed = follow(work, Run())
    assert [next(followed), next(followed)] == [Moved(1, 4, "texts")] * 2
    released.set()
    assert list(followed)[-1] == "done"


def test_an_error_stands_where_the_answer_would():
    with gr.Blocks():
        place = gr.HTML()

    def fail():
        raise TagifaiError("no <b>model</b>")

    assert "no &lt;b&gt;model" in attempt(fail, place)[place]
    assert attempt(lambda: {place: "fine"}, place) == {place: "fine"}
