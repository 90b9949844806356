import pytest

from tagifai.ui.server.incoming import RefusedError
from tagifai.ui.server.shares import AtOnce, Pace, Quota


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def is_refused(check, *given):
    try:
        check(*given)
    except RefusedError as error:
        return error.status == 503
    return False


def test_each_house_has_a_quota_that_comes_back_with_time():
    clock = Clock()
    quota = Quota(10, 100, 60.0, clock)
    quota.count("a", 9)
    assert not is_refused(quota.check, "a")
    clock.now = 30
    quota.count("a", 1)
    assert is_refused(quota.check, "a")
    assert not is_refused(quota.check, "b")
    clock.now = 61
    assert not is_refused(quota.check, "a")
    clock.now = 91
    quota.check("a")
    assert not quota._sums
    assert not quota._sent


def test_past_the_limit_of_all_those_are_refused_who_sent_more_than_their_part():
    quota = Quota(100, 100, 60.0, Clock())
    quota.count("greedy", 90)
    quota.count("modest", 10)
    assert is_refused(quota.check, "greedy")
    assert not is_refused(quota.check, "modest")
    assert not is_refused(quota.check, "new")
    quota.count("many", 95)
    quota.count("more", 10)
    assert is_refused(quota.check, "new")


def test_large_bodies_of_one_house_wait_for_one_another():
    clock = Clock()
    pace = Pace(100.0, 10, clock)
    assert [pace.seconds_to_wait("a", 50) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert (pace.seconds_to_wait("b", 50), pace.seconds_to_wait("a", 10)) == (0.0, 0.0)
    clock.now = 2.0
    assert pace.seconds_to_wait("a", 50) == 0.0
    assert list(pace._next) == ["a"]


def test_so_many_are_open_at_once_for_each_house():
    at_once = AtOnce(1)
    with at_once.one("a"):
        with pytest.raises(RefusedError), at_once.one("a"):
            pass
        with at_once.one("b"):
            pass
    with at_once.one("a"):
        pass
    assert not at_once._open
