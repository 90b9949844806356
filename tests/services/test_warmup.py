import doctest
import threading

import pytest

from tagifai.errors import TagifaiError
from tagifai.services import warmup
from tagifai.services.app import Services
from tagifai.services.warmup import Step, WarmUp
from tagifai.settings import Settings


def test_steps_are_taken_once_in_their_order_and_told_meanwhile():
    taken, told = [], []
    warm_up = WarmUp(
        [
            Step("one", lambda: (taken.append(1), told.append(warm_up.progress()))),
            Step("two", lambda: told.append(warm_up.progress()), lambda: f"({len(taken)} of it)"),
        ]
    )
    assert warm_up.progress() is None
    warm_up.start()
    warm_up.start()
    warm_up.wait(10)
    assert taken == [1]
    assert told == ["Loading one …", "Loading two (1 of it) …"]
    assert warm_up.progress() is None


def test_to_start_waits_for_nothing():
    gate = threading.Event()
    warm_up = WarmUp([Step("the gate", lambda: gate.wait(30))])
    warm_up.start()
    assert warm_up.progress() == "Loading the gate …"
    gate.set()
    warm_up.wait(10)
    assert warm_up.progress() is None


def test_what_cannot_be_loaded_keeps_nothing_else_from_it():
    def fail():
        raise TagifaiError("no such folder")

    taken = []
    warm_up = WarmUp([Step("one", fail), Step("two", lambda: taken.append(2))])
    warm_up.start()
    warm_up.wait(10)
    assert taken == [2]
    assert warm_up.progress() is None


@pytest.mark.parametrize("broken", [False, True])
def test_what_the_first_visitors_ask_for_is_loaded(small_data, small_models, tmp_path, broken):
    data = tmp_path / "no data" if broken else small_data
    services = Services(Settings(data=data, models=str(small_models), no_cache=True))
    services.warm_up.start()
    services.warm_up.wait(60)
    assert services.warm_up.progress() is None
    assert services.data.num_read == (0 if broken else 80)
    newest = services.versions.load("v0.2.0")
    assert services.versions.load("v0.2.0") is newest
    assert services.inference.predict("v0.2.0", "camera pixels").tags


def test_examples_hold():
    assert doctest.testmod(warmup) == (0, 1)
