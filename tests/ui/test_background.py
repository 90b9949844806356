import threading

import pytest

from tagifai.ui.background import Background, Done, Step


def test_steps_come_before_what_was_found():
    def work(progress, cancelled):
        progress(1, 2, "texts")
        progress(2, 2, "texts")
        return "found"

    assert list(Background().run("a", work)) == [
        Step(1, 2, "texts"),
        Step(2, 2, "texts"),
        Done("found"),
    ]


def test_what_work_raises_is_raised():
    def work(progress, cancelled):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(Background().run("a", work))


def waiting(progress, cancelled):
    progress(0, 1, "texts")
    while not cancelled():
        threading.Event().wait(0.01)
    raise RuntimeError("cancelled")


def test_cancelled_work_ends_without_an_answer():
    background = Background()
    steps = background.run("a", waiting)
    assert next(steps) == Step(0, 1, "texts")
    background.cancel("b")
    background.cancel("a")
    assert list(steps) == []


def test_new_work_of_a_session_ends_the_old():
    background = Background()
    old = background.run("a", waiting)
    next(old)
    assert list(background.run("a", lambda progress, cancelled: 1)) == [Done(1)]
    assert list(old) == []


def test_work_that_hangs_is_left_behind_once_it_is_cancelled(monkeypatch):
    monkeypatch.setattr("tagifai.ui.background._GRACE", 0.1)
    monkeypatch.setattr("tagifai.ui.background._ALIVE", 0.0)
    background, released = Background(), threading.Event()
    steps = background.run("a", lambda progress, cancelled: released.wait(60))
    # Nothing has moved: the page can offer to cancel all the same.
    assert next(steps) == Step(0, 0, "")
    background.cancel("a")
    assert list(steps) == []
    released.set()
