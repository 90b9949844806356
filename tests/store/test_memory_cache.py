import threading
import time

import pytest

from tagifai.store.memory_cache import MemoryCache


def test_a_new_stamp_makes_again_and_the_least_used_goes() -> None:
    cache, made = MemoryCache(max_items=2), []

    def make(name: str) -> str:
        made.append(name)
        return name

    for key, stamp in (
        ("a", 1),
        ("a", 1),
        ("b", 1),
        ("a", 1),
        ("c", 1),
        ("a", 1),
        ("b", 1),
        ("a", 2),
    ):
        assert cache.get(key, stamp, lambda key=key: make(key)) == key
    assert made == ["a", "b", "c", "b", "a"]


def test_none_is_a_value_and_an_error_keeps_nothing() -> None:
    cache, calls = MemoryCache(max_items=1), []
    for _ in range(2):
        assert cache.get("none", 1, lambda: calls.append(1)) is None
    assert len(calls) == 1

    def fail() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        cache.get("x", 1, fail)
    assert cache.get("x", 1, lambda: 5) == 5


def test_ten_who_ask_at_once_wait_for_one() -> None:
    cache, made = MemoryCache(max_items=3), []

    def slow() -> int:
        time.sleep(0.05)
        made.append(1)
        return 7

    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(cache.get("k", 0, slow))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [7] * 10
    assert made == [1]


def test_what_was_asked_for_in_vain_leaves_nothing_behind():
    cache = MemoryCache(2)

    def fail():
        raise ValueError("no such thing")

    for number in range(100):
        with pytest.raises(ValueError, match="no such thing"):
            cache.get(("made up", number), 0, fail)
    assert len(cache._making) == 0
